import { describe, expect, test } from 'vitest'
import {
  compileBots,
  healthCheckUserAgent,
  qualifyRequest,
  qualifyResponse,
} from '../../src/capture/qualify.ts'
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
const bots = compileBots()

const request = (headers: readonly string[], navigation = true, method = 'GET') =>
  qualifyRequest({ method, rawHeaders: ['User-Agent', firefox, ...headers] }, { navigation, bots })

const page = { page: true, notModified: false }

test('all vectors are here', () => {
  expect(cases).toHaveLength(13)
})

test.each(cases)(
  '$method $h $ua $status: $fire $reason',
  ({ method, h = {}, ua = firefox, status = 200, ...row }) => {
    const rawHeaders = ['User-Agent', ua, ...Object.entries(h).flat()]
    const reason =
      qualifyRequest({ method, rawHeaders }, { navigation: true, bots }) ??
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
    expect(request([], true, method)).toBe(reason)
  })

  test('a rule may ask for requests of scripts and frames, and gets no prefetches, ranges or bots with them', () => {
    expect(request(['Sec-Fetch-Dest', 'empty', 'Sec-Fetch-Mode', 'cors'], false)).toBeNull()
    expect(request(['Sec-Fetch-Dest', 'empty', 'Sec-Purpose', 'prefetch'], false)).toBe('prefetch')
    expect(request(['Range', 'bytes=0-'], false)).toBe('range')
    expect(qualifyRequest({ method: 'GET', rawHeaders: [] }, { navigation: false, bots })).toBe('bot')
  })

  test("the gateway's own health check is named as such", () => {
    const rawHeaders = ['user-agent', healthCheckUserAgent]
    expect(qualifyRequest({ method: 'HEAD', rawHeaders }, { navigation: true, bots })).toBe('health_check')
  })
})

describe('bots', () => {
  test.each([
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', true],
    ['AdsBot-Google (+http://www.google.com/adsbot.html)', true],
    ['facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)', true],
    ['Mozilla/5.0 (compatible; TikTokSpider; ttspider-feedback@tiktok.com)', true],
    ['curl/8.5.0', true],
    ['', true],
    ['   ', true],
    [firefox, false],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 350.0',
      false,
    ],
  ])('%j: %s', (userAgent, expected) => {
    expect(bots(userAgent)).toBe(expected)
    expect(bots(userAgent), 'the same when asked again').toBe(expected)
  })

  test("the site's own texts count before the list, refusals first", () => {
    const own = compileBots({ allow: ['MyMonitor', 'curl'], deny: ['firefox/115', 'curl/7'] })
    expect(own('mymonitor/1.0 bot')).toBe(false)
    expect(own(firefox)).toBe(true)
    expect(own('curl/8.5.0')).toBe(false)
    expect(own('curl/7.0')).toBe(true)
    expect(own('')).toBe(true)
  })

  test('of a user agent 1 024 characters are looked at', () => {
    expect(bots(`${firefox.padEnd(1024)} Googlebot`)).toBe(false)
    expect(bots(`${firefox.padEnd(1000)} Googlebot`)).toBe(true)
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
