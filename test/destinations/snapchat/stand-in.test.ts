import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HttpRequest, HttpResponse } from '../../../src/destinations/destination.ts'
import { snapchat } from '../../../src/destinations/snapchat/index.ts'
import { startSnapchat, type SnapchatEvent } from '../../platforms/snapchat.ts'
import { anyEvent, anyone } from '../arbitrary.ts'
import { context, maximalEvent, now, plainSettings, routed, someone } from '../events.ts'
import { goldenCasesOf, prepare } from '../golden.ts'

/** The stand-in and the destination were written apart, from the same papers. Here they meet. */

const send = async ({ url, method, headers, body }: HttpRequest): Promise<HttpResponse> => {
  const response = await fetch(url, { method, headers, body })
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

const sendable = goldenCasesOf('snapchat').flatMap(({ name, golden }) =>
  golden.request === undefined ? [] : [[name, golden] as const],
)

test.each(sendable)('%s is taken by the strict stand-in', async (_file, golden) => {
  const prepared = prepare(snapchat, golden)
  const { settings, deliverables } = prepared
  await using platform = await startSnapchat({
    now: () => prepared.now,
    accessToken: 'eyJ.snapTokenForTests',
    snapPixelId: '01234567-89ab-cdef-0123-456789abcdef',
  })
  const response = await send(
    snapchat.build(deliverables, settings, { ...prepared.context, endpoint: platform.url }),
  )
  expect(snapchat.read(response, deliverables, settings).map(({ kind }) => kind)).toEqual(
    deliverables.map(() => 'delivered'),
  )
  const isChecked = golden.settings['validateOnly'] === true
  const ids = deliverables.map(({ event }) => event.id)
  expect(platform.received.map(({ event_id }) => event_id)).toEqual(isChecked ? [] : ids)
  expect(platform.validated.map(({ event_id }) => event_id)).toEqual(isChecked ? ids : [])
})

test('whatever is not refused here is not refused there', async () => {
  const settings = snapchat.settings.parse(plainSettings['snapchat'])
  await using platform = await startSnapchat({ now: () => now })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(anyEvent, anyone), { minLength: 1, maxLength: 20 }),
      async (written) => {
        const deliverables = written
          .map(([event, userData]) => routed(snapchat, settings, event, userData))
          .filter((deliverable) => snapchat.refuse(deliverable, settings, now) === null)
        if (deliverables.length === 0) return
        const response = await send(
          snapchat.build(deliverables, settings, { ...context, endpoint: platform.url }),
        )
        expect(JSON.parse(response.body)).toEqual({
          status: 'VALID',
          reason: 'Events have been processed successfully.',
        })
      },
    ),
    { numRuns: 40 },
  )
  expect(platform.requests.length).toBeGreaterThan(0)
})

const nowSeconds = 1_795_132_800
const good: SnapchatEvent = {
  event_name: 'PURCHASE',
  event_time: nowSeconds - 10,
  event_id: 'order-1',
  action_source: 'WEB',
  event_source_url: 'https://shop.example/thanks',
  user_data: { em: ['ab'.repeat(32)] },
  custom_data: { value: 1, currency: 'EUR' },
}
const options = { now: () => nowSeconds * 1000, accessToken: 'good', snapPixelId: 'PIXEL' }
const json = { 'content-type': 'application/json' }
const path = '/v3/PIXEL/events?access_token=good'

const post = (url: string, body: unknown, headers: Readonly<Record<string, string>> = json) =>
  send({ method: 'POST', url, headers, body: JSON.stringify(body) })
const verdict = ({ body }: HttpResponse) => JSON.parse(body) as Readonly<Record<string, unknown>>

describe("Snapchat's stand-in is strict", () => {
  const without = (key: string): object =>
    Object.fromEntries(Object.entries(good).filter(([name]) => name !== key))
  const { user_data: userData, custom_data: customData } = good

  test.each<readonly [string, object, string]>([
    ['an unknown field', { ...good, evnt_id: 'x' }, 'evnt_id is unknown'],
    [
      'an unknown identifier',
      { ...good, user_data: { ...userData, email: ['x'] } },
      'user_data.email is unknown',
    ],
    ['an unhashed e-mail', { ...good, user_data: { em: 'jane@example.com' } }, 'unhashed PII'],
    ['an empty list', { ...good, user_data: { ...userData, ph: [] } }, 'user_data.ph'],
    [
      'a hashed address',
      { ...good, user_data: { ...userData, client_ip_address: 'ab'.repeat(32) } },
      'client_ip_address',
    ],
    [
      'insufficient PII',
      { ...good, user_data: { sc_click_id: 'x', client_user_agent: 'y' } },
      'insufficient PII',
    ],
    ['no user data', without('user_data'), 'user_data is required'],
    ['no action source', without('action_source'), 'action_source is required'],
    ['no page', without('event_source_url'), 'event_source_url is required'],
    ['an app event', { ...good, action_source: 'MOBILE_APP' }, 'action_source'],
    ['a name of others', { ...good, event_name: 'ADD_TO_CART' }, 'unrecognized event type'],
    ['a sixth slot', { ...good, event_name: 'CUSTOM_EVENT_6' }, 'unrecognized event type'],
    ['an old event', { ...good, event_time: nowSeconds - 8 * 86_400 }, 'event_time is out of range'],
    ['an event to come', { ...good, event_time: nowSeconds + 3600 }, 'event_time is out of range'],
    ['a time that is a text', { ...good, event_time: '2026-11-20' }, 'event_time is unknown or malformed'],
    ['a purchase without a value', { ...good, custom_data: { currency: 'EUR' } }, 'PURCHASE needs value'],
    [
      'a purchase without a currency',
      { ...good, custom_data: { value: 1 } },
      'PURCHASE needs value and currency',
    ],
    [
      'a value that is a text',
      { ...good, custom_data: { value: '1', currency: 'EUR' } },
      'custom_data.value',
    ],
    ['a null', { ...good, custom_data: { ...customData, order_id: null } }, 'custom_data.order_id'],
    [
      'a quantity that is a number',
      { ...good, custom_data: { ...customData, contents: [{ id: 'a', quantity: 1 }] } },
      'custom_data.contents',
    ],
    ['options that are a text', { ...good, data_processing_options: "['lmu']" }, 'data_processing_options'],
  ])('about %s, and takes nothing of its batch', async (_what, bad, message) => {
    await using platform = await startSnapchat(options)
    const response = await post(`${platform.url}${path}`, { data: [good, bad] })
    expect(response.status).toBe(400)
    expect(verdict(response)).toMatchObject({ status: 'INVALID', event: 2 })
    expect(response.body).toContain(message)
    expect(platform.received).toEqual([])
  })

  test.each([
    ['no token', '/v3/PIXEL/events', { data: [good] }, json, 401],
    ['a wrong token', '/v3/PIXEL/events?access_token=bad', { data: [good] }, json, 401],
    ['a wrong pixel', '/v3/OTHER/events?access_token=good', { data: [good] }, json, 404],
    ['the path of v2', '/v2/conversion?access_token=good', { data: [good] }, json, 404],
    ['another content type', path, { data: [good] }, { 'content-type': 'text/plain' }, 400],
    ['a field beside the events', path, { data: [good], test_event_code: 'x' }, json, 400],
    ['no events', path, { data: [] }, json, 400],
    ['a body too large', path, { data: [{ ...good, padding: 'x'.repeat(2_000_000) }] }, json, 413],
  ])('about %s', async (_what, place, body, headers, status) => {
    await using platform = await startSnapchat(options)
    expect((await post(`${platform.url}${place}`, body, headers)).status).toBe(status)
    expect(platform.received).toEqual([])
  })

  test('about more than 2000 events', async () => {
    await using platform = await startSnapchat(options)
    const data = Array.from({ length: 2001 }, (_, index) => ({ ...good, event_id: `${index}` }))
    expect((await post(`${platform.url}${path}`, { data })).status).toBe(400)
    expect((await post(`${platform.url}${path}`, { data: data.slice(1) })).status).toBe(200)
    expect(platform.received).toHaveLength(2000)
  })

  test('about nothing else: repeats are taken and merged, by id for 48 hours and by order for 30 days', async () => {
    let at = nowSeconds * 1000
    await using platform = await startSnapchat({ ...options, now: () => at })
    const url = `${platform.url}${path}`
    const ordered = { ...good, custom_data: { ...customData, order_id: '10042' } }
    await post(url, { data: [ordered] })
    await post(url, {
      data: [ordered, { ...ordered, event_id: 'another' }, { ...good, event_name: 'SIGN_UP' }],
    })
    expect(platform.received.map(({ event_name }) => event_name)).toEqual(['PURCHASE', 'SIGN_UP'])
    expect(platform.deduplicated).toBe(2)
    at += 49 * 3_600_000
    const later = { event_time: good.event_time + 49 * 3600 }
    await post(url, {
      data: [
        { ...ordered, ...later },
        { ...good, ...later, event_name: 'SIGN_UP' },
      ],
    })
    expect(platform.received.map(({ event_name }) => event_name)).toEqual(['PURCHASE', 'SIGN_UP', 'SIGN_UP'])
  })
})

describe('the validation', () => {
  const settings = snapchat.settings.parse({ snapPixelId: 'PIXEL', accessToken: 'good', validateOnly: true })

  test.each([0, 1] as const)(
    'counting from %i says of each event what is wrong, and counts none',
    async (countsFrom) => {
      await using platform = await startSnapchat({ ...options, countsFrom, invalidStatus: 200 })
      const bad = { ...good, event_time: 1 }
      const response = await post(`${platform.url}/v3/PIXEL/events/validate?access_token=good`, {
        data: [good, bad, good],
      })
      const sent = Array.from({ length: 3 }, () => routed(snapchat, settings, maximalEvent, someone))
      expect(snapchat.read(response, sent, settings).map(({ kind }) => kind)).toEqual([
        'delivered',
        'rejected',
        'delivered',
      ])
      expect(platform.received).toEqual([])
      expect(platform.validated).toHaveLength(2)
    },
  )

  test('keeps logs and counts to look at', async () => {
    await using platform = await startSnapchat(options)
    await post(`${platform.url}/v3/PIXEL/events/validate?access_token=good`, { data: [good] })
    const look = async (kind: string) =>
      (await fetch(`${platform.url}/v3/PIXEL/events/validate/${kind}?access_token=good`)).json()
    expect(await look('logs')).toMatchObject({ logs: [{ event_name: 'PURCHASE', status: 'VALID' }] })
    expect(await look('stats')).toMatchObject({ test: { count: 1 }, live: { count: 0 } })
  })
})
