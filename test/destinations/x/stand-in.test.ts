import { describe, expect, test } from 'vitest'
import type { HttpResponse } from '../../../src/destinations/destination.ts'
import { x } from '../../../src/destinations/x/index.ts'
import { startX, type XConversion } from '../../platforms/x.ts'
import { maximalEvent, routed, someone } from '../events.ts'
import { goldenCasesOf, prepare } from '../golden.ts'

/** The stand-in and the destination were written apart, from the same papers. Here they meet. */

const post = async (
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = { 'x-pixel-token': 'good' },
): Promise<HttpResponse> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

const oauth = {
  consumerKey: 'ck_demo_123',
  consumerSecret: 'cs_demo!secret',
  accessToken: '1000-at_demo_456',
  accessTokenSecret: 'ats_demo/secret+1',
}

const sendable = goldenCasesOf('x')
  .filter(({ golden }) => golden.request !== undefined)
  .map(({ name, golden }) => [name, golden] as const)

test.each(sendable)('what we build is taken: %s', async (_name, golden) => {
  const { now, settings, deliverables, context } = prepare(x, golden)
  await using platform = await startX({
    now: () => now,
    pixelId: 'o8z6j',
    pixelToken: 'pixelTokenForTests',
    oauth,
    eventIds: ['o87ne', 'o87ng', 'o87nz'],
  })
  const { url, body, headers } = x.build(deliverables, settings, { ...context, endpoint: platform.url })
  const response = await post(url, body, headers)
  expect(response.body).toContain('conversions_processed')
  expect(x.read(response, deliverables, settings)).toEqual(
    deliverables.map(() => ({
      kind: 'delivered',
      reason: 'processed',
      trace: '00000000-0000-4000-8000-000000000000',
    })),
  )
  expect(platform.received).toEqual((JSON.parse(body) as { conversions: unknown }).conversions)
  for (const secret of [...Object.values(oauth).slice(1), 'pixelTokenForTests'])
    expect(url + body).not.toContain(secret)
})

const now = Date.parse('2026-11-20T16:00:00.000Z')
const good: XConversion = {
  conversion_time: '2026-11-20T15:59:50.000Z',
  event_id: 'tw-o8z6j-o87ne',
  conversion_id: 'order-1',
  identifiers: [{ hashed_email: 'ab'.repeat(32) }],
  value: 1,
  price_currency: 'EUR',
}
const options = { now: () => now, pixelId: 'o8z6j', pixelToken: 'good', eventIds: ['o87ne'] }
const path = '/12/measurement/conversions/o8z6j'
const known = (...identifiers: readonly object[]): object => ({ ...good, identifiers })

describe('the stand-in refuses the whole request', () => {
  test.each<readonly [string, object, number]>([
    ['an unknown field', { ...good, email: 'x' }, 400],
    ['an unknown identifier', known({ twpid: 'tw.1.2' }), 400],
    ['nobody', known(), 400],
    ['an empty identifier', known({ twclid: '' }), 400],
    ['an unhashed e-mail', known({ hashed_email: 'jane@example.com' }), 400],
    ['an address alone', known({ ip_address: '203.0.113.7' }), 400],
    ['a browser beside a click', known({ twclid: '2abc' }, { user_agent: 'x' }), 400],
    ['a private address', known({ twclid: '2abc', ip_address: '10.0.0.1' }), 400],
    ['an address of the newer kind', known({ twclid: '2abc', ip_address: '2001:db8::7' }), 400],
    ['two persons in one', known({ twclid: '2abc', hashed_email: 'ab'.repeat(32) }), 400],
    ['a value that is a text', { ...good, value: '1.00' }, 400],
    ['a value without a currency', { ...good, price_currency: undefined }, 400],
    ['no items', { ...good, number_items: 0 }, 400],
    ['a null', { ...good, description: null }, 400],
    ['an unknown field of a product', { ...good, contents: [{ id: 'a' }] }, 400],
    ['a time without a zone', { ...good, conversion_time: '2026-11-20T15:59:50.000' }, 400],
    ['a time without milliseconds', { ...good, conversion_time: '2026-11-20T15:59:50Z' }, 400],
    ['seconds', { ...good, conversion_time: 1_795_190_400 }, 400],
    ['an event too old', { ...good, conversion_time: '2026-08-20T15:59:50.000Z' }, 400],
    ['an event to come', { ...good, conversion_time: '2026-11-20T17:00:00.000Z' }, 400],
    ['no id', { ...good, event_id: undefined }, 400],
    ['a name in the place of an id', { ...good, event_id: 'Purchase' }, 400],
    ['an id of another pixel', { ...good, event_id: 'tw-zzzzz-o87ne' }, 404],
    ['an id that was never made', { ...good, event_id: 'o8888' }, 404],
  ])('for %s', async (_what, bad, status) => {
    await using platform = await startX(options)
    const response = await post(`${platform.url}${path}`, { conversions: [good, bad] })
    expect(response.status).toBe(status)
    expect(JSON.parse(response.body)).toMatchObject({ errors: [{ code: expect.any(String) }] })
    expect(platform.received).toEqual([])
  })

  test.each([
    ['a wrong token', path, { 'x-pixel-token': 'bad' }, 401],
    ['no token', path, {}, 401],
    ['a bearer token', path, { authorization: 'Bearer good' }, 401],
    ['both schemes', path, { 'x-pixel-token': 'good', authorization: 'OAuth x="y"' }, 401],
    ['another pixel', '/12/measurement/conversions/zzzzz', { 'x-pixel-token': 'good' }, 404],
    ['another version', '/11/measurement/conversions/o8z6j', { 'x-pixel-token': 'good' }, 404],
    ['another content type', path, { 'x-pixel-token': 'good', 'content-type': 'text/plain' }, 400],
  ])('for %s', async (_what, where, headers: Record<string, string>, status) => {
    await using platform = await startX(options)
    expect((await post(`${platform.url}${where}`, { conversions: [good] }, headers)).status).toBe(status)
    expect(platform.received).toEqual([])
  })

  test('for more than 500 events, or none', async () => {
    await using platform = await startX(options)
    const conversions = Array.from({ length: 501 }, (_, index) => ({ ...good, conversion_id: `${index}` }))
    const url = `${platform.url}${path}`
    const response = await post(url, { conversions })
    expect(response.status).toBe(400)
    expect(response.body).toContain('Conversion count limit is 500')
    expect((await post(url, { conversions: [] })).status).toBe(400)
    expect((await post(url, { conversions: conversions.slice(1) })).status).toBe(200)
    expect(platform.received).toHaveLength(500)
  })
})

test('repeats are processed and counted once within 48 hours', async () => {
  let clock = now
  await using platform = await startX({ ...options, now: () => clock, eventIds: ['o87ne', 'o87nf'] })
  const send = async (conversion: object) =>
    expect((await post(`${platform.url}${path}`, { conversions: [conversion] })).status).toBe(200)
  await send(good)
  await send({ ...good, event_id: 'o87ne' })
  await send({ ...good, event_id: 'o87nf' })
  clock += 49 * 3_600_000
  await send(good)
  expect(platform.received.map(({ event_id }) => event_id)).toEqual([
    'tw-o8z6j-o87ne',
    'o87nf',
    'tw-o8z6j-o87ne',
  ])
  expect(platform.deduplicated).toBe(1)
})

describe('a signature', () => {
  const settings = x.settings.parse({ pixelId: 'o8z6j', defaultEventId: 'o87ne', ...oauth })
  const deliverable = routed(x, settings, { ...maximalEvent, occurredAt: now }, someone)
  const requestTo = (endpoint: string, more: object = {}, by = settings) =>
    x.build([deliverable], by, { site: 'shop', integration: 'it', now, attempt: 1, endpoint, ...more })

  test('is taken once, and the next attempt has its own', async () => {
    await using platform = await startX({ ...options, oauth })
    const first = requestTo(platform.url)
    const second = requestTo(platform.url, { attempt: 2, now: now + 1000 })
    const statuses: number[] = []
    for (const { url, body, headers } of [first, first, second])
      statuses.push((await post(url, body, headers)).status)
    expect(statuses).toEqual([200, 401, 200])
    expect(platform.deduplicated).toBe(1)
  })

  test.each([
    ['another consumer secret', { ...oauth, consumerSecret: 'other' }],
    ['another token secret', { ...oauth, accessTokenSecret: 'other' }],
    ['another token', { ...oauth, accessToken: 'other' }],
    ['another consumer', { ...oauth, consumerKey: 'other' }],
  ])('by %s is refused, and parks the lane', async (_what, keys) => {
    await using platform = await startX({ ...options, oauth })
    const by = x.settings.parse({ pixelId: 'o8z6j', defaultEventId: 'o87ne', ...keys })
    const { url, body, headers } = requestTo(platform.url, {}, by)
    const outcomes = x.read(await post(url, body, headers), [deliverable], by)
    expect(outcomes.map(({ kind }) => kind)).toEqual(['unauthorized'])
    expect(platform.received).toEqual([])
  })

  test('by a clock that is wrong is refused', async () => {
    await using platform = await startX({ ...options, oauth })
    const { url, body, headers } = requestTo(platform.url, { now: now - 600_000 })
    expect((await post(url, body, headers)).status).toBe(401)
  })

  test('survives secrets made of every mark', async () => {
    const keys = {
      consumerKey: "a!'()*b",
      consumerSecret: '&=%+/?#[]@',
      accessToken: '1-"<>\\^`{|}~',
      accessTokenSecret: "!$',;:",
    }
    await using platform = await startX({ ...options, oauth: keys })
    const by = x.settings.parse({ pixelId: 'o8z6j', defaultEventId: 'o87ne', ...keys })
    const { url, body, headers } = requestTo(platform.url, {}, by)
    expect((await post(url, body, headers)).status).toBe(200)
  })
})
