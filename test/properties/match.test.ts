import * as fc from 'fast-check'
import picomatch from 'picomatch'
import { describe, expect, test } from 'vitest'
import { compileMatcher } from '../../src/capture/match.ts'
import { patternProblem } from '../../src/capture/match-pattern.ts'
import { readMatchRequest } from '../../src/capture/match-request.ts'
import { normalPath } from '../../src/capture/request-path.ts'
import type { Rule, SiteTraffic } from '../../src/capture/rules.ts'

/** Few words, so that generated rules and requests meet often. */
const word = fc.constantFrom('a', 'b', 'ab', 'ba', 'a.b', 'x-a', 'b-x', 'a-b-a', '.a')

const segmentGlob = fc.oneof(
  { weight: 6, arbitrary: word },
  { weight: 3, arbitrary: fc.constant('*') },
  { weight: 2, arbitrary: fc.constantFrom(':p', ':q', ':r') },
  { weight: 2, arbitrary: fc.constant('**') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'a*',
      '*a',
      '*-*',
      'a*b',
      '?',
      'a?',
      '?*',
      '*?',
      '**a',
      'a**',
      '.*',
      '*.b',
      '{a,b}',
      '{a,ab}*',
      '*{a,b}',
      '[ab]',
      '[ab]*',
      '[a-b]',
      '[a-b]*',
      '*[a-b.]',
      'a[a-z]?',
      'x-[a-c0-9]',
      '@(a|b)',
      '!(a)',
      '+(a|b)',
      '(a|b)',
      '{a,b*}',
      'a|b',
      '\\*',
      '{a,b-{x,a}}',
    ),
  },
)

const positive = fc
  .tuple(
    fc.constantFrom('/', '/', '/', '/', '', '**/'),
    fc.array(segmentGlob, { maxLength: 4 }),
    fc.constantFrom('', '', '', '/'),
  )
  .map(([start, segments, end]) => {
    // A name may stand only once in a pattern.
    const seen = new Set<string>()
    const once = segments.map((segment) => {
      if (!segment.startsWith(':')) return segment
      if (seen.has(segment)) return '*'
      seen.add(segment)
      return segment
    })
    return `${start}${once.join('/')}${once.length > 0 ? end : ''}`
  })
  // A leading "!" excludes, whatever follows.
  .filter((pattern) => pattern !== '' && !pattern.startsWith('!') && patternProblem(pattern) === null)

const pattern = fc.tuple(fc.constantFrom('', '', '', '!'), positive).map(([mark, glob]) => `${mark}${glob}`)

const valueGlob = fc.constantFrom('*', null, '1', '2', 'a*', '!1', '[12]', '*b*')
const named = fc.dictionary(fc.constantFrom('k', 'l'), valueGlob, { maxKeys: 2, noNullPrototype: true })

const match = fc.record(
  {
    path: fc.oneof(pattern, fc.array(pattern, { minLength: 1, maxLength: 3 })),
    method: fc.constantFrom('GET', 'POST', ['GET', 'POST']),
    query: named,
    cookie: named,
    header: named,
    host: fc.constantFrom('m.shop.example', '*.shop.example', ['!m.*']),
    referrer: fc.constantFrom('*', null, 'https://*.search.example/*'),
  },
  { requiredKeys: [] },
)

const rules = fc.array(match, { minLength: 1, maxLength: 24 }).map((matches) =>
  matches.map((one, index): Rule => ({
    id: `r${index}`,
    match: one,
    actions: [{ type: 'fire_conversion_event', eventType: 'lead' }],
  })),
)

const pathText = fc
  .tuple(fc.array(fc.oneof(word, fc.constantFrom('c', 'aab', '*', 'x')), { maxLength: 5 }), fc.boolean())
  .map(([segments, slash]) => `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`)

const request = fc.record({
  method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'HEAD'),
  path: pathText,
  host: fc.constantFrom('shop.example', 'm.shop.example', 'M.shop.example:8080'),
  query: fc.constantFrom('', 'k=1', 'k=2&k=1', 'l=ab&k=', 'k=a%62c'),
  cookie: fc.constantFrom('', 'k=1', 'l=2; k=abc', 'k="1"'),
  header: fc.constantFrom(null, '1', 'abc'),
  referrer: fc.constantFrom(null, 'https://www.search.example/q/x', 'https://other.example/'),
})
type Request = typeof request extends fc.Arbitrary<infer R> ? R : never

const list = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T]

const globOf = (written: string): string =>
  written
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '*' : segment))
    .join('/')

const pathMatches = (written: string, path: string): boolean =>
  picomatch(globOf(written), { dot: true, nonegate: true })(path)

const valueMatches = (glob: string | null, values: readonly string[]): boolean => {
  if (glob === null) return values.length === 0
  if (glob === '*') return values.length > 0
  const plain = glob.replace(/^!/, '')
  return values.some(
    (value) => picomatch.isMatch(value, plain, { dot: true, bash: true }) === (plain === glob),
  )
}

/** Every condition of one rule, tried in the plainest way. */
const plainly = ({ match }: Rule, asked: Request): boolean => {
  if (!list(match.method ?? 'GET').includes(asked.method)) return false
  const patterns = match.path === undefined ? [] : list(match.path)
  const wanted = patterns.filter((text) => !text.startsWith('!'))
  if (wanted.length > 0 && !wanted.some((text) => pathMatches(text, asked.path))) return false
  if (patterns.some((text) => text.startsWith('!') && pathMatches(text.slice(1), asked.path))) return false
  const query = new URLSearchParams(asked.query)
  const cookies = asked.cookie.split('; ').map((pair) => pair.split('='))
  const cookie = (name: string): string[] =>
    cookies.filter(([key]) => key === name).map(([, value]) => (value ?? '').replaceAll('"', ''))
  const host = asked.host.toLowerCase().replace(/:.*/, '')
  return (
    Object.entries(match.query ?? {}).every(([name, glob]) => valueMatches(glob, query.getAll(name))) &&
    Object.entries(match.cookie ?? {}).every(([name, glob]) => valueMatches(glob, cookie(name))) &&
    Object.entries(match.header ?? {}).every(([name, glob]) =>
      valueMatches(glob, name === 'k' && asked.header !== null ? [asked.header] : []),
    ) &&
    (match.host === undefined || list(match.host).some((glob) => picomatch.isMatch(host, glob))) &&
    (match.referrer === undefined ||
      valueMatches(match.referrer, asked.referrer === null ? [] : [asked.referrer]))
  )
}

const site = (list: Rule[]): SiteTraffic => ({
  id: 's',
  hosts: ['*'],
  origin: 'http://127.0.0.1:1',
  rules: list,
})

const rawHeaders = (asked: Request): string[] => [
  'Host',
  asked.host,
  ...(asked.cookie === '' ? [] : ['Cookie', asked.cookie]),
  ...(asked.header === null ? [] : ['K', asked.header]),
  ...(asked.referrer === null ? [] : ['Referer', asked.referrer]),
]

const candidatesOf = (list: Rule[], asked: Request) => {
  const read = readMatchRequest({
    method: asked.method,
    target: `${asked.path}?${asked.query}`,
    rawHeaders: rawHeaders(asked),
  })!
  return compileMatcher([site(list)])
    .site(asked.host)!
    .candidates(read)
}

describe('the index', () => {
  test('finds the rules that the plain form finds, in the order of the file', () => {
    fc.assert(
      fc.property(rules, fc.array(request, { minLength: 1, maxLength: 6 }), (list, requests) => {
        for (const asked of requests) {
          const expected = list.filter((rule) => plainly(rule, asked)).map(({ id }) => id)
          expect(candidatesOf(list, asked).map(({ rule }) => rule.rule.id)).toEqual(expected)
        }
      }),
      { numRuns: 1500 },
    )
  })

  test('finds each path pattern exactly where picomatch does', () => {
    fc.assert(
      fc.property(positive, fc.array(pathText, { minLength: 1, maxLength: 8 }), (glob, paths) => {
        const list: Rule[] = [
          { id: 'r', match: { path: glob }, actions: [{ type: 'fire_conversion_event', eventType: 'lead' }] },
        ]
        for (const path of paths) {
          const asked: Request = {
            method: 'GET',
            path,
            host: 'shop.example',
            query: '',
            cookie: '',
            header: null,
            referrer: null,
          }
          expect([glob, path, candidatesOf(list, asked).length === 1]).toEqual([
            glob,
            path,
            pathMatches(glob, path),
          ])
        }
      }),
      { numRuns: 4000 },
    )
  })

  test('captures segments of the path under the names of the pattern that matched', () => {
    fc.assert(
      fc.property(positive, pathText, (glob, path) => {
        const list: Rule[] = [
          { id: 'r', match: { path: glob }, actions: [{ type: 'fire_conversion_event', eventType: 'lead' }] },
        ]
        const [found] = candidatesOf(list, {
          method: 'GET',
          path,
          host: 'shop.example',
          query: '',
          cookie: '',
          header: null,
          referrer: null,
        })
        if (found === undefined) return
        const names = [...glob.matchAll(/(?<=^|\/):(\w+)/g)].map(([, name]) => name!)
        expect(Object.keys(found.params).sort()).toEqual(names.sort())
        // Written back in place of its name, every captured segment still matches.
        const filled = glob
          .split('/')
          .map((part) =>
            part.startsWith(':') ? found.params[part.slice(1)]!.replace(/[*[\](){}|+]/g, '\\$&') : part,
          )
          .join('/')
        for (const name of names) expect(path.split('/')).toContain(found.params[name])
        const slash = path.endsWith('/') ? path.slice(0, -1) : path
        expect([path, slash].some((text) => pathMatches(filled, text))).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('the normal form of a path', () => {
  const piece = fc.constantFrom(
    'a',
    '%41',
    '%7e',
    '%2f',
    '%2F',
    '%zz',
    '.',
    '..',
    '%2e',
    '/',
    '//',
    'ü',
    ' ',
    '%C3%BC',
    ';',
    '%',
  )

  test('of a normal form is itself', () => {
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const once = normalPath(`/${pieces.join('')}`)
        expect(once).not.toBeNull()
        expect(normalPath(once!)).toBe(once)
      }),
      { numRuns: 3000 },
    )
  })

  test('holds no empty segment and no dot segment, and starts with a slash', () => {
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const normal = normalPath(`/${pieces.join('')}`)!
        expect(normal).toMatch(/^\/[\x21-\x7e]*$/)
        expect(normal).not.toMatch(/\/\/|\/\.{1,2}(\/|$)/)
      }),
      { numRuns: 3000 },
    )
  })
})
