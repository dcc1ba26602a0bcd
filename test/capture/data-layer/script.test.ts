import { createHash } from 'node:crypto'
import { createContext, runInContext } from 'node:vm'
import { load } from 'cheerio'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { Entry } from '../../../src/capture/data-layer/entry.ts'
import { isNonce, loader, scriptOf, type Way } from '../../../src/capture/data-layer/script.ts'

vi.setConfig({ testTimeout: 30_000 })

/** Runs the script as a page would, with the variables that the page has set before; answers them afterwards. */
const run = (html: string, before: Record<string, unknown> = {}) => {
  const $ = load(html)
  const scripts = $('script').toArray()
  expect(scripts).toHaveLength(1)
  const attributes: Readonly<Record<string, string>> = $(scripts[0]).attr() ?? {}
  let removed = 0
  const page: Record<string, unknown> = { ...before }
  page['window'] = page
  page['document'] = {
    currentScript: {
      getAttribute: (name: string) => attributes[name] ?? null,
      remove: () => {
        removed += 1
      },
    },
  }
  runInContext(attributes['src'] === undefined ? $(scripts[0]).text() : loader.code, createContext(page))
  // What was made in the other realm compares by its text.
  const left: Record<string, unknown> = JSON.parse(
    JSON.stringify({ ...page, window: undefined, document: undefined }),
  )
  return { left, removed, attributes, rest: $('body').text() }
}

const ways: readonly Way[] = [
  { kind: 'inline', nonce: null },
  { kind: 'inline', nonce: 'r4nd0m+/=' },
  { kind: 'external', nonce: null },
  { kind: 'external', nonce: 'r4nd0m' },
]
const host = 'shop.example.com:8443'
const entry: Entry = { event: 'purchase', event_id: 'e1', value: 129.9, currency: 'EUR', content_ids: ['a'] }

describe.each(ways)('a script that is $kind, nonce $nonce', (way) => {
  test('pushes each entry to each variable, and leaves nothing else behind, itself included', () => {
    const html = scriptOf(
      { entries: [entry, { event: 'x', event_id: 'e2' }], variables: ['dataLayer', 'digitalData'], host },
      way,
    )
    const pushed = [entry, { event: 'x', event_id: 'e2' }]
    const { left, removed, attributes } = run(html)
    expect(left).toEqual({ dataLayer: pushed, digitalData: pushed })
    expect(removed).toBe(1)
    expect(attributes['nonce']).toBe(way.nonce ?? undefined)
    expect(attributes['src']).toBe(way.kind === 'external' ? `//${host}${loader.path}` : undefined)
  })

  test('adds to what the page has pushed, and to whatever has a push of its own', () => {
    const html = scriptOf({ entries: [entry], variables: ['dataLayer'], host }, way)
    expect(run(html, { dataLayer: [{ page: 1 }] }).left).toEqual({ dataLayer: [{ page: 1 }, entry] })
    const heard: unknown[] = []
    run(html, { dataLayer: { push: (one: unknown) => heard.push(JSON.stringify(one)) } })
    expect(heard).toEqual([JSON.stringify(entry)])
  })

  test('never assigns to a variable that is there: some of them navigate', () => {
    const html = scriptOf({ entries: [entry], variables: ['location'], host }, way)
    const location = Object.freeze({ href: '/' })
    const before = Object.defineProperty({}, 'location', {
      enumerable: true,
      get: () => location,
      set: () => {
        throw new Error('navigated')
      },
    })
    expect(() => run(html, before)).not.toThrow()
  })

  test('says any text at all, in ASCII, without ending itself', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(
        '</script>',
        '<!--<script',
        ']]>',
        '\u2028\u2029',
        "'",
        '"',
        '&quot;',
        '&#39;',
        '\\u003c',
        '\ud800',
      ),
    )
    fc.assert(
      fc.property(fc.array(nasty, { maxLength: 4 }), nasty, (ids, name) => {
        const entries = [{ event: name, event_id: 'e1', content_ids: ids }]
        const html = scriptOf({ entries, variables: ['dataLayer'], host }, way)
        expect(html).toMatch(/^[\x20-\x7e]+$/)
        const { left, rest } = run(html)
        expect(left).toEqual({ dataLayer: JSON.parse(JSON.stringify(entries)) })
        expect(rest).toBe('')
      }),
      { numRuns: 60 },
    )
  })
})

test('the file’s address and hash are of its content', () => {
  const digest = createHash('sha256').update(loader.code)
  expect(loader.integrity).toBe(`sha256-${digest.copy().digest('base64')}`)
  expect(loader.path).toContain(digest.copy().digest('hex').slice(0, 16))
})

test.each([
  ['abc123', true],
  ['a+b/c==', true],
  ['a-b_c', true],
  ['', false],
  ['"onload=x', false],
  ['a b', false],
  ['a===', false],
])('%j is a nonce: %s', (text, is) => {
  expect(isNonce(text)).toBe(is)
})
