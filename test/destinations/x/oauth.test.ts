import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nonceOf, oauthHeader } from '../../../src/destinations/x/oauth.ts'
import { x } from '../../../src/destinations/x/index.ts'
import { context, maximalEvent, minimalEvent, routed, someone } from '../events.ts'

const keys = {
  consumerKey: 'ck_demo_123',
  consumerSecret: 'cs_demo!secret',
  accessToken: '1000-at_demo_456',
  accessTokenSecret: 'ats_demo/secret+1',
}
const request = {
  method: 'POST',
  url: 'https://ads-api.x.com/12/measurement/conversions/o8z6j',
  nonce: 'a1b2c3d4e5f60718293a4b5c6d7e8f90',
  timestamp: 1_795_190_400,
}

test('a request is signed as by hand', () => {
  expect(oauthHeader(keys, request)).toBe(
    'OAuth oauth_consumer_key="ck_demo_123", oauth_nonce="a1b2c3d4e5f60718293a4b5c6d7e8f90", ' +
      'oauth_signature_method="HMAC-SHA1", oauth_timestamp="1795190400", oauth_token="1000-at_demo_456", ' +
      'oauth_version="1.0", oauth_signature="mdh3lGwbaxHgWe84XhBYw2FrYd4%3D"',
  )
})

/** RFC 5849 3.4.1 and 3.4.2: whatever enters the signature changes it. */
test.each([
  ['consumer secret', { ...keys, consumerSecret: 'x' }, request],
  ['token secret', { ...keys, accessTokenSecret: 'x' }, request],
  ['token', { ...keys, accessToken: 'x' }, request],
  ['method', keys, { ...request, method: 'PUT' }],
  ['address', keys, { ...request, url: `${request.url}0` }],
  ['nonce', keys, { ...request, nonce: 'b'.repeat(32) }],
  ['time', keys, { ...request, timestamp: 1 }],
])('another %s is another signature', (_what, otherKeys, otherRequest) => {
  const signature = (header: string) => /oauth_signature="([^"]+)"/.exec(header)?.[1]
  const other = signature(oauthHeader(otherKeys, otherRequest))
  expect(other).toMatch(/^[\w%]{20,}$/)
  expect(other).not.toBe('mdh3lGwbaxHgWe84XhBYw2FrYd4%3D')
})

test('no secret is written into the header, whatever it is made of', () => {
  const secret = fc.stringMatching(/^[!-~]{12,60}$/)
  fc.assert(
    fc.property(secret, secret, (consumerSecret, accessTokenSecret) => {
      const header = oauthHeader({ ...keys, consumerSecret, accessTokenSecret }, request)
      expect(header).toMatch(/^OAuth (?:oauth_\w+="[\w.~%-]+"(?:, |$)){7}$/)
      expect(header).not.toContain(consumerSecret)
      expect(header).not.toContain(accessTokenSecret)
    }),
  )
})

test('nonces of different parts differ, however the parts are cut', () => {
  expect(nonceOf(['a', 'b'])).toMatch(/^[0-9a-f]{32}$/)
  expect(new Set([nonceOf(['a', 'b']), nonceOf(['ab']), nonceOf(['a,b']), nonceOf(['a"', 'b'])]).size).toBe(4)
})

describe('the header of a request', () => {
  const settings = x.settings.parse({ pixelId: 'o8z6j', defaultEventId: 'o87ne', ...keys })
  const [event, other] = [maximalEvent, { ...minimalEvent, id: 'evt-2' as typeof minimalEvent.id }].map(
    (one) => routed(x, settings, one, someone),
  ) as [ReturnType<typeof routed>, ReturnType<typeof routed>]
  const headerOf = (events: readonly (typeof event)[], more = {}) =>
    x.build(events, settings, { ...context, ...more }).headers['authorization'] ?? ''
  const first = headerOf([event])

  test('is the same for the same attempt', () => {
    expect(headerOf([event])).toBe(first)
    expect(first).toContain(`oauth_timestamp="${Math.floor(context.now / 1000)}"`)
  })

  test.each([
    ['another attempt', headerOf([event], { attempt: 2 })],
    ['a later moment', headerOf([event], { now: context.now + 1 })],
    ['another event', headerOf([other])],
    ['more events', headerOf([event, other])],
    ['another integration', headerOf([event], { integration: 'other' })],
  ])('has a nonce of its own for %s', (_what, header) => {
    const nonce = (text: string) => /oauth_nonce="(\w+)"/.exec(text)?.[1]
    expect(nonce(header)).toMatch(/^[0-9a-f]{32}$/)
    expect(nonce(header)).not.toBe(nonce(first))
  })

  test('is signed for X also behind an endpoint, and stands alone', () => {
    expect(headerOf([event], { endpoint: 'http://127.0.0.1:9001/x' })).toBe(first)
    expect(Object.keys(x.build([event], settings, context).headers)).toEqual([
      'content-type',
      'authorization',
    ])
  })
})
