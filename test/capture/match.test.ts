import { describe, expect, test } from 'vitest'
import { compileMatcher, compileRule, statusMatches } from '../../src/capture/match.ts'
import { readMatchRequest } from '../../src/capture/match-request.ts'
import type { MatchRequest } from '../../src/capture/match-request.ts'
import { patternProblem } from '../../src/capture/match-pattern.ts'
import type { Rule, SiteTraffic } from '../../src/capture/rules.ts'

type Match = Rule['match']

const ruleOf = (match: Match, index = 0, more: Partial<Rule> = {}): Rule => ({
  id: `r${index}`,
  match,
  actions: [{ type: 'fire_conversion_event', eventType: 'purchase' }],
  ...more,
})

const siteOf = (rules: Rule[], hosts = ['shop.example'], id = 'shop'): SiteTraffic => ({
  id,
  hosts,
  origin: 'http://127.0.0.1:9',
  rules,
})

const request = (target: string, headers: string[] = [], method = 'GET'): MatchRequest =>
  readMatchRequest({ method, target, rawHeaders: ['Host', 'shop.example', ...headers] })!

const found = (rules: Rule[], asked: MatchRequest) =>
  compileMatcher([siteOf(rules)])
    .site('shop.example')!
    .candidates(asked)

const matches = (match: Match, asked: MatchRequest): boolean => found([ruleOf(match)], asked).length === 1

describe('a path pattern', () => {
  test.each([
    ['/checkout/thank-you', '/checkout/thank-you', true],
    ['/checkout/thank-you', '/checkout/thank-you/', false],
    ['/checkout/thank-you', '/checkout/thank-you?order=1', true],
    ['/checkout/thank-you', '/Checkout/thank-you', false],
    ['/checkout/thank-you', '//checkout/./x/..//thank%2Dyou', true],
    ['/products/*', '/products/shoe', true],
    ['/products/*', '/products/shoe/', true],
    ['/products/*', '/products/', false],
    ['/products/*', '/products/shoe/red', false],
    ['/products/*', '/products/.hidden', true],
    ['/products/**', '/products', true],
    ['/products/**', '/products/a/b/c', true],
    ['/products/**', '/productsale', false],
    ['/**', '/', true],
    ['/**/done', '/a/b/done', true],
    ['/**/done', '/done', false],
    ['**/done', '/done', true],
    ['/a/**/done', '/a/done', true],
    ['/{en,de}/shop', '/de/shop', true],
    ['/{en,de}/shop', '/fr/shop', false],
    ['/p/item-?', '/p/item-7', true],
    ['/p/[0-9]*', '/p/7up', true],
    ['/p/[0-9]*', '/p/up', false],
    ['/p/+([0-9])', '/p/123', true],
    ['/p/+([0-9])', '/p/12a', false],
    ['/caf\u00e9', '/caf%c3%a9', true],
    ['/a b', '/a%20b', true],
    ['/p/\\*', '/p/*', true],
    ['/p/\\*', '/p/x', false],
    ['!/admin/**', '/shop', true],
    ['!/admin/**', '/admin/x', false],
  ])('%s of %s: %s', (path, target, expected) => {
    expect(matches({ path }, request(target))).toBe(expected)
  })

  test('in a list: one must match, and none may exclude, in whatever order they stand', () => {
    const match: Match = { path: ['!/a/x', '/a/*', '/b'] }
    expect(matches(match, request('/a/y'))).toBe(true)
    expect(matches(match, request('/b'))).toBe(true)
    expect(matches(match, request('/a/x'))).toBe(false)
    expect(matches(match, request('/c'))).toBe(false)
  })

  test.each([
    ['/order-received/:orderId', '/order-received/A%20B-7', { orderId: 'A B-7' }],
    ['/order-received/:orderId', '/order-received/77/', { orderId: '77' }],
    ['/:lang/order/:id/done', '/de/order/5/done', { lang: 'de', id: '5' }],
    ['/a/**/:last', '/a/b/c/d', { last: 'd' }],
    ['/{en,de}/:id', '/de/9', { id: '9' }],
    ['/[a-c]/:id', '/b/9', { id: '9' }],
    ['/[a-c]/:id', '/b/9/', { id: '9' }],
    ['/:first/[a-c]', '/x/a', { first: 'x' }],
    ['/bad/:id', '/bad/%25zz', { id: '%zz' }],
    ['/bad/:id', '/bad/%ff', { id: '%FF' }],
  ])('%s captures from %s', (path, target, params) => {
    expect({ ...found([ruleOf({ path })], request(target))[0]!.params }).toEqual(params)
  })

  test('that matches first in the list names the parameters', () => {
    const match: Match = { path: ['/o/:first', '/:second/7'] }
    expect({ ...found([ruleOf(match)], request('/o/7'))[0]!.params }).toEqual({ first: '7' })
  })

  test.each([
    ['/a/:id/:id', /twice/],
    ['/a/[z-a]', /out of order/i],
    ['/a/(b', /closing/i],
    ['/a|/b', /outside of a group/],
    ['**/:id', /begin the pattern/],
    ['/x/+(a|ab|b)c', /several ways/],
    ['/x/(a+)+b', /several ways|wildcards/],
    ['/x/@(a|b)*-*-*-*', /wildcards/],
    ['/{8..12}/x', /digits/],
  ])('%s is refused with a reason', (path, reason) => {
    expect(patternProblem(path)).toMatch(reason)
  })

  test('takes a hostile path without backtracking through it', () => {
    const rules = ['/x/*-*-*-*-*z', '/**/a/**/a/**/a/**/b', '/x/*a*a*a*a*b', '/[xy]/*-*-*z'].map(
      (path, index) => ruleOf({ path }, index),
    )
    for (const target of [`/x/${'-'.repeat(8000)}`, '/a'.repeat(4000), `/x/${'a'.repeat(8000)}`])
      expect(found(rules, request(target))).toEqual([])
  })

  test('matches nothing in a path of more than 8 KiB', () => {
    expect(readMatchRequest({ method: 'GET', target: `/${'a'.repeat(8192)}`, rawHeaders: [] })).toBeNull()
  })
})

describe('the other conditions', () => {
  test.each<[string, Match, string, string[], boolean]>([
    ['a query value', { query: { status: 'paid' } }, '/?status=paid', [], true],
    ['a query value, encoded', { query: { 'st atus': 'p*d' } }, '/?st+atus=p%61id', [], true],
    ['a query value that differs', { query: { status: 'paid' } }, '/?status=open', [], false],
    ['one of two values of a name', { query: { status: 'paid' } }, '/?status=open&status=paid', [], true],
    ['a name that is present, though empty', { query: { coupon: '*' } }, '/?coupon=', [], true],
    ['a name that must be present', { query: { coupon: '*' } }, '/', [], false],
    ['a name that must be absent', { query: { test: null } }, '/?a=1', [], true],
    ['a name that is not absent', { query: { test: null } }, '/?test=', [], false],
    ['a value that must differ', { query: { plan: '!free' } }, '/?plan=pro', [], true],
    ['a cookie', { cookie: { plan: 'p*' } }, '/', ['Cookie', 'a=b; plan=pro'], true],
    [
      'a cookie in a second header',
      { cookie: { plan: 'pro' } },
      '/',
      ['Cookie', 'a=b', 'cookie', 'plan="pro"'],
      true,
    ],
    ['an absent cookie', { cookie: { plan: null } }, '/', ['Cookie', 'a=b'], true],
    ['a header in any case', { header: { 'X-Preview': '1' } }, '/', ['x-preview', '1'], true],
    [
      'a header over slashes',
      { header: { 'user-agent': '*Mobile*' } },
      '/',
      ['User-Agent', 'Mozilla/5.0 (iPhone) Mobile/15E'],
      true,
    ],
    [
      'a referrer',
      { referrer: 'https://*.example.com/*' },
      '/',
      ['Referer', 'https://www.example.com/a/b'],
      true,
    ],
    ['an absent referrer', { referrer: null }, '/', [], true],
    ['a referrer that is there', { referrer: null }, '/', ['Referer', 'https://a.example/'], false],
    ['a host', { host: 'shop.*' }, '/', [], true],
    ['a host that is excluded', { host: ['*', '!shop.*'] }, '/', [], false],
  ])('%s', (_name, match, target, headers, expected) => {
    expect(matches(match, request(target, headers))).toBe(expected)
  })

  test('without a method, only GET matches', () => {
    expect(matches({}, request('/'))).toBe(true)
    expect(matches({}, request('/', [], 'POST'))).toBe(false)
    expect(matches({ method: ['GET', 'POST'] }, request('/', [], 'POST'))).toBe(true)
  })

  test('a status is any 2xx, or one of those named; a 304 stands for the 200 it confirms', () => {
    const any = compileRule(ruleOf({}), 0)
    expect([200, 204, 299, 304].map((status) => statusMatches(any, status))).toEqual([true, true, true, true])
    expect([199, 300, 302, 404, 500].map((status) => statusMatches(any, status))).toEqual(
      Array(5).fill(false),
    )
    const named = compileRule(ruleOf({ status: [200, 302] }), 0)
    expect([200, 304, 302, 201].map((status) => statusMatches(named, status))).toEqual([
      true,
      true,
      true,
      false,
    ])
  })
})

describe('the rules of a site', () => {
  test('fire all, in the order of the file, each once', () => {
    const rules = [
      ruleOf({ path: '/a/*' }, 0),
      ruleOf({ path: ['/**', '/a/b', '/{a,x}/b'] }, 1),
      ruleOf({}, 2),
      ruleOf({ path: '/c' }, 3),
      ruleOf({ path: '/a/[b]' }, 4),
    ]
    expect(found(rules, request('/a/b')).map(({ rule }) => rule.rule.id)).toEqual(['r0', 'r1', 'r2', 'r4'])
  })

  test('that are switched off do not fire', () => {
    expect(
      found([ruleOf({}, 0, { enabled: false }), ruleOf({}, 1)], request('/')).map(({ rule }) => rule.index),
    ).toEqual([1])
  })

  test('are told apart by an exact value where a thousand share a path', () => {
    const rules = Array.from({ length: 1000 }, (_, index) =>
      ruleOf({ path: '/landing', query: { campaign: `c${index}` } }, index),
    )
    expect(
      found(rules, request('/landing?campaign=c7&campaign=c512&campaign=c7')).map(({ rule }) => rule.index),
    ).toEqual([7, 512])
  })

  test('read neither cookies nor query nor headers of a request whose path matches none', () => {
    const refuse = (): never => {
      throw new Error('read')
    }
    const asked: MatchRequest = {
      method: 'GET',
      path: '/about',
      host: 'shop.example',
      query: refuse,
      cookie: refuse,
      header: refuse,
      referrer: refuse,
    }
    const rules = [
      ruleOf({ path: '/a', cookie: { a: '*' } }, 0),
      ruleOf({ path: '/p/*', query: { a: '*' } }, 1),
      ruleOf({ path: '/[x]/*', header: { a: '*' }, referrer: '*' }, 2),
    ]
    expect(found(rules, asked)).toEqual([])
    expect(() => found(rules, { ...asked, path: '/a' })).toThrow('read')
  })

  test('cannot be confused by names of the object prototype', () => {
    const rules = [ruleOf({ path: '/constructor/:__proto__' }, 0), ruleOf({ query: { toString: '*' } }, 1)]
    const hits = found(rules, request('/constructor/x'))
    expect(hits.map(({ rule }) => rule.index)).toEqual([0])
    expect(Object.entries(hits[0]!.params)).toEqual([['__proto__', 'x']])
  })
})

describe('the site of a host', () => {
  const matcher = compileMatcher([
    siteOf([], ['*'], 'any'),
    siteOf([], ['shop.example', '*.shop.example'], 'shop'),
    siteOf([], ['*.eu.shop.example'], 'eu'),
    siteOf([], ['m.eu.shop.example', '[::1]'], 'mobile'),
  ])

  test.each([
    ['shop.example', 'shop'],
    ['SHOP.example:8443', 'shop'],
    ['shop.example.', 'shop'],
    ['a.shop.example', 'shop'],
    ['a.b.shop.example', 'shop'],
    ['eu.shop.example', 'shop'],
    ['x.eu.shop.example', 'eu'],
    ['m.eu.shop.example', 'mobile'],
    ['[::1]:8080', 'mobile'],
    ['evilshop.example', 'any'],
    ['.shop.example', 'any'],
    ['', 'any'],
    ['*', 'any'],
  ])('%s is %s', (host, id) => {
    expect(matcher.site(host)?.site.id).toBe(id)
  })

  test('is none where nobody claims it', () => {
    const lonely = compileMatcher([siteOf([])])
    expect([lonely.site('other.example'), lonely.site(''), lonely.site('*')]).toEqual([null, null, null])
  })

  test('cannot be two sites', () => {
    expect(() => compileMatcher([siteOf([]), siteOf([], ['shop.example'], 'b')])).toThrow(/claimed twice/)
  })
})
