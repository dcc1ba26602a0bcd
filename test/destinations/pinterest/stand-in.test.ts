import { describe, expect, test } from 'vitest'
import type { HttpResponse } from '../../../src/destinations/destination.ts'
import { pinterest } from '../../../src/destinations/pinterest/index.ts'
import { startPinterest, type PinterestEvent } from '../../platforms/pinterest.ts'
import { maximalEvent, routed, someone } from '../events.ts'
import { goldenCasesOf, prepare } from '../golden.ts'

/** The stand-in and the destination were written apart, from the same papers. Here they meet. */

const post = async (
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = { authorization: 'Bearer good' },
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

const sendable = goldenCasesOf('pinterest')
  .filter(({ golden }) => golden.request !== undefined)
  .map(({ name, golden }) => [name, golden] as const)

test.each(sendable)('what we build is taken: %s', async (_name, golden) => {
  const { now, settings, deliverables, context } = prepare(pinterest, golden)
  await using platform = await startPinterest({
    now: () => now,
    adAccountId: '549755885175',
    accessToken: 'pinaTokenForTests',
    definedEvents: ['quiz_finished'],
  })
  const { url, body, headers } = pinterest.build(deliverables, settings, {
    ...context,
    endpoint: platform.url,
  })
  const outcomes = pinterest.read(await post(url, body, headers), deliverables, settings)
  expect(platform.failures).toEqual([])
  expect(outcomes.map(({ kind }) => kind)).toEqual(deliverables.map(() => 'delivered'))
  const [kept, other] =
    golden.settings['validateOnly'] === true
      ? [platform.checked, platform.received]
      : [platform.received, platform.checked]
  expect(kept.map(({ event_id }) => event_id)).toEqual(deliverables.map(({ event }) => event.id))
  expect(other).toEqual([])
  expect(url + body).not.toContain('pinaTokenForTests')
})

const nowSeconds = 1_795_190_400
const good: PinterestEvent = {
  event_name: 'checkout',
  action_source: 'web',
  event_time: nowSeconds - 10,
  event_id: 'order-1',
  user_data: { em: ['ab'.repeat(32)] },
  custom_data: { value: '1', currency: 'EUR' },
}
const options = { now: () => nowSeconds * 1000, accessToken: 'good', adAccountId: '123' }
const path = '/v5/ad_accounts/123/events'
const person = (userData: object): object => ({ ...good, user_data: userData })

describe('the stand-in refuses the whole request', () => {
  test.each<readonly [string, object]>([
    ['an unknown field', { ...good, evnt_id: 'x' }],
    ['an unknown field of the person', person({ em: ['ab'.repeat(32)], email: 'x' })],
    ['an unknown field of the order', { ...good, custom_data: { coupon: 'x' } }],
    ['an unknown field of a product', { ...good, custom_data: { contents: [{ id: 'a', price: '1' }] } }],
    ['a value that is a number', { ...good, custom_data: { value: 1, currency: 'EUR' } }],
    ['a value with an exponent', { ...good, custom_data: { value: '1e21', currency: 'EUR' } }],
    ['an identifier that is no list', person({ em: 'ab'.repeat(32) })],
    ['an empty list', person({ em: [] })],
    ['a null', { ...good, custom_data: { value: '1', currency: 'EUR', order_id: null } }],
    ['milliseconds', { ...good, event_time: nowSeconds * 1000 }],
    ['a fraction of a second', { ...good, event_time: nowSeconds - 0.5 }],
    ['another source', { ...good, action_source: 'website' }],
    ['no id', { ...good, event_id: '' }],
    ['nobody at all', { ...good, user_data: undefined }],
  ])('for %s', async (_what, bad) => {
    await using platform = await startPinterest(options)
    const response = await post(`${platform.url}${path}`, { data: [good, bad] })
    expect(response.status).toBe(400)
    expect(JSON.parse(response.body)).toMatchObject({ code: 4196 })
    expect(platform.received).toEqual([])
  })

  test.each([
    ['a wrong token', path, { authorization: 'Bearer bad' }, 401],
    ['no token', path, {}, 401],
    ['another account', '/v5/ad_accounts/999/events', { authorization: 'Bearer good' }, 403],
    ['another path', '/v4/ad_accounts/123/events', { authorization: 'Bearer good' }, 404],
    ['an unknown parameter', `${path}?access_token=good`, { authorization: 'Bearer good' }, 400],
    ['another content type', path, { authorization: 'Bearer good', 'content-type': 'text/plain' }, 400],
  ])('for %s', async (_what, where, headers: Record<string, string>, status) => {
    await using platform = await startPinterest(options)
    expect((await post(`${platform.url}${where}`, { data: [good] }, headers)).status).toBe(status)
    expect(platform.received).toEqual([])
  })

  test('for more than 1000 events, or none', async () => {
    await using platform = await startPinterest(options)
    const data = Array.from({ length: 1001 }, (_, index) => ({ ...good, event_id: `${index}` }))
    expect((await post(`${platform.url}${path}`, { data })).status).toBe(400)
    expect((await post(`${platform.url}${path}`, { data: [] })).status).toBe(400)
    expect((await post(`${platform.url}${path}`, { data: data.slice(1) })).status).toBe(200)
    expect(platform.received).toHaveLength(1000)
  })
})

describe('the stand-in fails one event among others', () => {
  test.each<readonly [string, object]>([
    ['an unhashed e-mail', person({ em: ['jane@example.com'] })],
    ['a phone alone', person({ ph: ['ab'.repeat(32)] })],
    ['an address alone', person({ client_ip_address: '203.0.113.7' })],
    ['a private address', person({ client_ip_address: '10.0.0.1', client_user_agent: 'x' })],
    ['an address with a port', person({ client_ip_address: '203.0.113.7:80', client_user_agent: 'x' })],
    ['an unknown name', { ...good, event_name: 'Purchase' }],
    ['an event too old', { ...good, event_time: nowSeconds - 8 * 86_400 }],
    ['an event to come', { ...good, event_time: nowSeconds + 3600 }],
    ['a value without a currency', { ...good, custom_data: { value: '1' } }],
    ['limits without a state', { ...good, custom_data: { opt_out_type: 'LDP' } }],
  ])('for %s', async (_what, bad) => {
    await using platform = await startPinterest(options)
    const response = await post(`${platform.url}${path}`, { data: [bad, good] })
    expect(JSON.parse(response.body)).toMatchObject({
      num_events_received: 2,
      num_events_processed: 1,
      events: [{ status: 'failed' }, { status: 'processed' }],
    })
    expect(platform.received).toHaveLength(1)
    expect(platform.failures).toHaveLength(1)
  })
})

test.each([[200], [422]] as const)('a failed event does not cost its neighbours under %i', async (status) => {
  await using platform = await startPinterest({ ...options, partialStatus: status })
  const settings = pinterest.settings.parse({ accessToken: 'good', adAccountId: '123' })
  const event = { ...maximalEvent, occurredAt: nowSeconds * 1000 }
  const named = [event, { ...event, id: 'evt-2' as typeof event.id }].map((one, index) => ({
    ...routed(pinterest, settings, one, someone),
    name: ['checkout', 'no_such_event'][index] ?? '',
  }))
  const { url, body, headers } = pinterest.build(named, settings, {
    site: 'shop',
    integration: 'it',
    now: nowSeconds * 1000,
    attempt: 1,
    endpoint: platform.url,
  })
  const response = await post(url, body, headers)
  expect(response.status).toBe(status)
  expect(pinterest.read(response, named, settings)).toEqual([
    { kind: 'delivered', reason: 'processed' },
    { kind: 'rejected', reason: 'event_name no_such_event is unknown' },
  ])
})

test('repeats are processed and counted once, except offline', async () => {
  await using platform = await startPinterest(options)
  const offline = { ...good, action_source: 'offline', event_id: 'sale-1' }
  for (const data of [[good], [good, { ...good, event_name: 'lead' }], [offline, offline]])
    expect((await post(`${platform.url}${path}`, { data })).status).toBe(200)
  expect(platform.received.map(({ event_name, event_id }) => `${event_name} ${event_id}`)).toEqual([
    'checkout order-1',
    'lead order-1',
    'checkout sale-1',
    'checkout sale-1',
  ])
  expect(platform.deduplicated).toBe(1)
})
