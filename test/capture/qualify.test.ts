import { describe, expect, test } from 'vitest'
import { compileTrust } from '../../src/capture/client-address.ts'
import {
  healthCheckUserAgent,
  qualifyRequest,
  qualifyResponse,
  type RuleWishes,
} from '../../src/capture/qualify.ts'
import { compileScreen } from '../../src/capture/screen.ts'
import type { SkipReason } from '../../src/capture/capture.ts'
import { readCases } from './jsonl.ts'

interface Case {
  readonly method: string
  readonly h?: Readonly<Record<string, string>>
  readonly ua?: string
  readonly status?: number
  readonly fire: boolean
  readonly reason?: SkipReason | 'duplicate'
}
const cases = readCases<Case>(new URL('./vectors/qualify.jsonl', import.meta.url))

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0'
const html = ['Content-Type', 'text/html; charset=utf-8']
const screen = compileScreen({}, compileTrust([]))

const headOf = (method: string, rawHeaders: readonly string[]) => ({
  method,
  rawHeaders,
  target: '/thanks',
  remoteAddress: '8.8.8.8',
})
const request = (headers: readonly string[], wishes: RuleWishes = {}, method = 'GET') =>
  qualifyRequest(headOf(method, ['User-Agent', firefox, ...headers]), wishes, screen)

const page = { page: true, notModified: false }

test('all vectors are here', () => {
  expect(cases).toHaveLength(13)
})

test.each(cases)(
  '$method $h $ua $status: $fire $reason',
  ({ method, h = {}, ua = firefox, status = 200, ...row }) => {
    const rawHeaders = ['User-Agent', ua, ...Object.entries(h).flat()]
    const reason =
      qualifyRequest(headOf(method, rawHeaders), {}, screen) ??
      qualifyResponse({ status, rawHeaders: html }, page)
    // That an order was seen before is known to the intake alone; the reload that brings it again is a page like any other.
    const expected = row.reason === 'duplicate' ? null : (row.reason ?? null)
    expect(reason).toBe(expected)
    expect(row.fire).toBe(row.reason === undefined)
  },
)

describe('requests', () => {
  test.each<[string, readonly string[], SkipReason | null]>([
    ['a prerender', ['Sec-Purpose', 'prefetch;prerender'], 'prefetch'],
    ['a second token', ['Sec-Purpose', 'other, prefetch'], 'prefetch'],
    ['a second header', ['Sec-Purpose', 'other', 'Sec-Purpose', 'prefetch;a=b'], 'prefetch'],
    ['a token that only begins so', ['Sec-Purpose', 'prefetching;x=prefetch'], null],
    ['a preview of old Safari', ['X-Purpose', 'preview'], 'prefetch'],
    ['a prefetch of old Chrome', ['X-Purpose', 'prefetch'], 'prefetch'],
    ['a prefetch of old Firefox', ['X-Moz', 'prefetch'], 'prefetch'],
    ['another use of the header', ['Purpose', 'buy'], null],
    ['a script', ['Sec-Fetch-Dest', 'script'], 'not_document'],
    [
      'a document that no navigation asked for',
      ['Sec-Fetch-Dest', 'document', 'Sec-Fetch-Mode', 'cors'],
      'not_navigation',
    ],
    ['a range', ['Range', 'bytes=0-'], 'range'],
    ['a web socket', ['Connection', 'Upgrade', 'Upgrade', 'websocket'], 'upgrade'],
    ['the wish for https', ['Upgrade-Insecure-Requests', '1'], null],
    [
      'a navigation without a user gesture',
      ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Site', 'cross-site'],
      null,
    ],
  ])('%s', (_name, headers, reason) => {
    expect(request(headers)).toBe(reason)
  })

  test.each<[string, SkipReason | null]>([
    ['GET', null],
    ['POST', null],
    ['HEAD', 'method'],
    ['OPTIONS', 'method'],
    ['PUT', 'method'],
    ['get', 'method'],
  ])('%s', (method, reason) => {
    expect(request([], {}, method)).toBe(reason)
  })

  test('a rule may ask for requests of scripts and frames, and gets no prefetches, ranges or bots with them', () => {
    const all = { navigation: false }
    expect(request(['Sec-Fetch-Dest', 'empty', 'Sec-Fetch-Mode', 'cors'], all)).toBeNull()
    expect(request(['Sec-Fetch-Dest', 'empty', 'Sec-Purpose', 'prefetch'], all)).toBe('prefetch')
    expect(request(['Range', 'bytes=0-'], all)).toBe('range')
    expect(qualifyRequest(headOf('GET', []), all, screen)).toBe('bot')
  })

  test.each<[string, string, RuleWishes, SkipReason | null]>([
    ['iframe', 'navigate', { frames: true }, null],
    ['frame', 'navigate', { frames: true }, null],
    ['document', 'navigate', { frames: true }, null],
    ['empty', 'cors', { frames: true }, 'not_document'],
    ['image', 'no-cors', { frames: true }, 'not_document'],
    ['iframe', 'navigate', { frames: false }, 'not_document'],
    ['iframe', 'cors', { frames: true }, 'not_navigation'],
  ])('a rule may ask for pages in frames: %s by %s with %j is %s', (dest, mode, wishes, reason) => {
    expect(request(['Sec-Fetch-Dest', dest, 'Sec-Fetch-Mode', mode], wishes)).toBe(reason)
  })

  test("the gateway's own health check is named as such", () => {
    const rawHeaders = ['user-agent', healthCheckUserAgent]
    expect(qualifyRequest(headOf('HEAD', rawHeaders), {}, screen)).toBe('health_check')
  })
})

describe('answers', () => {
  const answer = (status: number, rawHeaders: readonly string[] = html) => ({ status, rawHeaders })

  test.each<[number, SkipReason | null]>([
    [200, null],
    [201, null],
    [206, 'status'],
    [301, 'status'],
    [304, 'not_modified'],
    [404, 'status'],
    [500, 'status'],
  ])('status %i', (status, reason) => {
    expect(qualifyResponse(answer(status), page)).toBe(reason)
  })

  test('a rule that names statuses gets those alone', () => {
    const named = { ...page, statuses: [404, 206] }
    expect(qualifyResponse(answer(404), named)).toBeNull()
    expect(qualifyResponse(answer(206), named)).toBeNull()
    expect(qualifyResponse(answer(200), named)).toBe('status')
  })

  test('a redirect that a rule names needs no page', () => {
    expect(qualifyResponse(answer(303, []), { ...page, statuses: [303] })).toBeNull()
  })

  test('a page seen again counts where the event allows it', () => {
    expect(qualifyResponse(answer(304, []), { page: true, notModified: true })).toBeNull()
    expect(qualifyResponse(answer(304, []), { page: true, notModified: true, statuses: [200] })).toBeNull()
    expect(qualifyResponse(answer(304, []), { page: true, notModified: true, statuses: [201] })).toBe(
      'not_modified',
    )
    expect(qualifyResponse(answer(304, []), { page: true, notModified: false, statuses: [304] })).toBeNull()
  })

  test.each<[string, readonly string[], SkipReason | null]>([
    ['HTML in capitals', ['content-type', 'TEXT/HTML'], null],
    ['XHTML', ['Content-Type', 'application/xhtml+xml'], null],
    ['JSON', ['Content-Type', 'application/json'], 'content_type'],
    ['a type that only begins so', ['Content-Type', 'text/html-x'], 'content_type'],
    ['no type at all', [], 'content_type'],
  ])('%s', (_name, headers, reason) => {
    expect(qualifyResponse(answer(200, headers), page)).toBe(reason)
    expect(qualifyResponse(answer(200, headers), { ...page, page: false })).toBeNull()
  })
})
