import * as fc from 'fast-check'
import { createServer, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { RequestHead } from '../../src/capture/capture.ts'
import { compileTrust } from '../../src/capture/client-address.ts'
import { readVisit } from '../../src/capture/visit.ts'

const now = 1_763_632_800_000
const trust = compileTrust(['10.0.0.0/8'], { allowDocumentationRanges: true })

const head = (given: Partial<RequestHead>): RequestHead => ({
  method: 'GET',
  target: '/',
  rawHeaders: [],
  remoteAddress: '203.0.113.9',
  secure: true,
  receivedAt: now,
  ...given,
})
const read = (given: Partial<RequestHead>) => readVisit(head(given), {}, trust)

describe('a visit', () => {
  const visit = read({
    target: '/thanks/?order=7&email=ann%40example.com&fbclid=AbC#top',
    rawHeaders: [
      ['Host', 'Shop.Example:8443'],
      ['User-Agent', 'Mozilla/5.0 Test'],
      ['Referer', 'https://pay.example/return?token=secret&x=1#y'],
      ['Cookie', '_sw_consent=analytics.marketing; _fbp=fb.1.1763632800000.12'],
    ].flat(),
  })

  test('knows the page', () => {
    expect(visit).toMatchObject({ at: now, scheme: 'https', host: 'shop.example', path: '/thanks/' })
    expect(visit.query.get('email')).toBe('ann@example.com')
  })

  test('gives addresses to keep without fragment, person or secret, and with click ids', () => {
    expect(visit.pageUrl).toBe('https://shop.example:8443/thanks/?order=7&fbclid=AbC')
    expect(visit.referrer).toBe('https://pay.example/return?x=1')
  })

  test('knows the visitor', () => {
    expect(visit.consent).toMatchObject({
      marketing: 'granted',
      personalization: 'denied',
      source: '_sw_consent',
    })
    expect(visit.visitor).toEqual({
      ip: '203.0.113.9',
      userAgent: 'Mozilla/5.0 Test',
      clickIds: { fbclid: { value: 'AbC', seenAt: now } },
      browserIds: { fbp: 'fb.1.1763632800000.12', fbc: `fb.1.${now}.AbC` },
    })
  })

  test('knows the country where a trusted proxy says it, and not otherwise', () => {
    const rawHeaders = ['CF-IPCountry', 'DE', 'X-Forwarded-For', '203.0.113.7']
    const from = (remoteAddress: string, countryHeader?: string) =>
      readVisit(
        head({ remoteAddress, rawHeaders }),
        countryHeader === undefined ? {} : { countryHeader },
        trust,
      ).visitor
    expect(from('10.0.0.1', 'CF-IPCountry')).toMatchObject({ ip: '203.0.113.7', country: 'DE' })
    expect(from('10.0.0.1')).not.toHaveProperty('country')
    expect(from('203.0.113.9', 'CF-IPCountry')).not.toHaveProperty('country')
  })

  test('is read once and cannot be changed', () => {
    expect(visit.consent).toBe(visit.consent)
    expect(visit.visitor.clickIds).toBe(visit.clickIds)
    expect(() => Object.assign(visit, { host: 'other' })).toThrow(TypeError)
    expect(() => Object.assign(visit, { consent: null })).toThrow(TypeError)
  })
})

test('the settings of the site decide how it is read', () => {
  const visit = readVisit(
    head({
      remoteAddress: '10.0.0.1',
      rawHeaders: ['Cookie', '_sw_consent=all', 'X-Real-IP', '203.0.113.7', 'X-Forwarded-For', '1.1.1.1'],
    }),
    { consent: { sources: ['cookiebot'] }, clientIpHeader: 'X-Real-IP' },
    trust,
  )
  expect(visit.consent.source).toBe('none')
  expect(visit.ip).toBe('203.0.113.7')
})

test('a trusted proxy tells the scheme', () => {
  const rawHeaders = ['Host', 'a.example', 'X-Forwarded-Proto', 'https']
  expect(read({ secure: false, rawHeaders, remoteAddress: '10.0.0.1' }).pageUrl).toBe('https://a.example/')
  expect(read({ secure: false, rawHeaders }).pageUrl).toBe('http://a.example/')
})

test.each([
  ['a.example', 'a.example', 'https://a.example/x'],
  ['A.Example.', 'a.example', 'https://a.example/x'],
  ['[2001:db8::1]:8080', '[2001:db8::1]', 'https://[2001:db8::1]:8080/x'],
  ['user@a.example', '', null],
  ['a.example/evil', '', null],
  ['a.example:99999', 'a.example', null],
  ['', '', null],
])('host %j', (sent, host, pageUrl) => {
  const visit = read({ target: '/x', rawHeaders: ['Host', sent] })
  expect(visit.host).toBe(host)
  expect(visit.pageUrl).toBe(pageUrl)
})

test('a path of two slashes names no other host', () => {
  const visit = read({ target: '//evil.example/x', rawHeaders: ['Host', 'a.example'] })
  expect(visit.pageUrl).toBe('https://a.example//evil.example/x')
})

test('what was not sent is absent from the event', () => {
  expect(read({ remoteAddress: '127.0.0.1' }).visitor).toEqual({ clickIds: {}, browserIds: {} })
})

test('of a user agent 1 024 characters are kept', () => {
  expect(read({ rawHeaders: ['User-Agent', 'x'.repeat(5000)] }).userAgent).toHaveLength(1024)
})

test('no header or address makes a reading throw', () => {
  const names = fc.constantFrom(
    'Host',
    'Cookie',
    'Referer',
    'User-Agent',
    'Sec-GPC',
    'X-Forwarded-For',
    'Forwarded',
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(names, fc.string({ unit: 'binary' }))),
      fc.string(),
      fc.constantFrom('10.0.0.1', '203.0.113.9', ''),
      (headers, target, remoteAddress) => {
        const visit = read({ target, rawHeaders: headers.flat(), remoteAddress })
        expect(Object.values(visit)).not.toContain(undefined)
      },
    ),
  )
})

test('a request over a real socket reads as one made by hand', async () => {
  const heads: RequestHead[] = []
  await using server = createServer((message, response) => {
    heads.push(
      head({
        target: message.url ?? '',
        rawHeaders: message.rawHeaders,
        remoteAddress: message.socket.remoteAddress ?? '',
      }),
    )
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sent = request({
    port,
    host: '127.0.0.1',
    path: '/a?gclid=TEST',
    agent: false,
    headers: { cookie: ['_sw_consent=all', 'b=2'], 'sec-gpc': '1', 'x-forwarded-for': '203.0.113.7' },
  })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')

  const visit = readVisit(
    heads[0]!,
    {},
    compileTrust(['127.0.0.0/8', '::1'], { allowDocumentationRanges: true }),
  )
  expect(visit).toMatchObject({ path: '/a', ip: '203.0.113.7', userAgent: null })
  expect(visit.clickIds.gclid?.value).toBe('TEST')
  expect(visit.cookies.get('b')).toBe('2')
  expect(visit.consent).toMatchObject({ analytics: 'granted', marketing: 'denied', gpc: true })
})
