import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tiktok } from '../../../src/destinations/tiktok/index.ts'
import type { HttpRequest, HttpResponse } from '../../../src/destinations/destination.ts'
import { startTiktok, type TiktokEvent } from '../../platforms/tiktok.ts'
import { anyEvent, anyone } from '../arbitrary.ts'
import { context, now, plainSettings, routed } from '../events.ts'
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

const sendable = goldenCasesOf('tiktok').flatMap(({ name, golden }) =>
  golden.request === undefined ? [] : [[name, golden] as const],
)

test.each(sendable)('%s is taken by the strict stand-in', async (file, golden) => {
  const prepared = prepare(tiktok, golden)
  const { settings, deliverables } = prepared
  await using platform = await startTiktok({
    now: () => prepared.now,
    accessToken: 'tiktokTokenForTests',
    pixelCode: 'C0EXAMPLE77U8PIXEL0',
    furtherCurrencies: file === 'further-currency' ? ['RSD'] : [],
  })
  const response = await send(
    tiktok.build(deliverables, settings, { ...prepared.context, endpoint: platform.url }),
  )
  expect(tiktok.read(response, deliverables, settings)).toEqual(
    deliverables.map(() => ({ kind: 'delivered', reason: 'received', trace: '20261120194300ABCDEF' })),
  )
  const isTest = 'testEventCode' in golden.settings
  const ids = deliverables.map(({ event }) => event.id)
  expect(platform.received.map(({ event_id }) => event_id)).toEqual(isTest ? [] : ids)
  expect(platform.tested.map(({ event_id }) => event_id)).toEqual(isTest ? ids : [])
  expect(platform.requests[0]?.query.size).toBe(0)
})

test('whatever is not refused here is not refused there', async () => {
  const settings = tiktok.settings.parse({ ...plainSettings['tiktok'], sendLocation: true })
  await using platform = await startTiktok({ now: () => now })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(anyEvent, anyone), { minLength: 1, maxLength: 20 }),
      async (written) => {
        const deliverables = written
          .map(([event, userData]) => routed(tiktok, settings, event, userData))
          .filter((deliverable) => tiktok.refuse(deliverable, settings, now) === null)
        if (deliverables.length === 0) return
        const response = await send(
          tiktok.build(deliverables, settings, { ...context, endpoint: platform.url }),
        )
        expect(JSON.parse(response.body)).toMatchObject({ code: 0, message: 'OK' })
      },
    ),
    { numRuns: 40 },
  )
  expect(platform.requests.length).toBeGreaterThan(0)
})

const nowSeconds = 1_795_132_800
const path = '/open_api/v1.3/event/track/'
const good: TiktokEvent = {
  event: 'Purchase',
  event_time: nowSeconds - 10,
  event_id: 'order-1',
  user: { email: ['ab'.repeat(32)] },
  properties: { value: 1, currency: 'EUR' },
}
const options = { now: () => nowSeconds * 1000, accessToken: 'good', pixelCode: 'PIXEL' }
const json = { 'content-type': 'application/json' }
const token = { ...json, 'access-token': 'good' }

const post = (url: string, body: unknown, headers: Readonly<Record<string, string>> = token) =>
  send({ method: 'POST', url, headers, body: JSON.stringify(body) })
const envelope = (data: readonly unknown[], more: object = {}) => ({
  event_source: 'web',
  event_source_id: 'PIXEL',
  data,
  ...more,
})
const verdict = ({ body }: HttpResponse) =>
  JSON.parse(body) as { readonly code: number; readonly message: string }

describe("TikTok's stand-in is strict", () => {
  const user = good.user
  test.each<readonly [string, object, string]>([
    ['an unknown field', { ...good, evnt_id: 'x' }, 'data.1.evnt_id'],
    ['an unknown identifier', { ...good, user: { ...user, gender: 'f' } }, 'data.1.user.gender'],
    ['an unhashed e-mail', { ...good, user: { email: 'jane@example.com' } }, 'data.1.user.email'],
    ['an unhashed phone', { ...good, user: { ...user, phone: ['+14155550134'] } }, 'data.1.user.phone'],
    ['a hashed city', { ...good, user: { ...user, city: 'San Francisco' } }, 'data.1.user.city'],
    ['an empty list', { ...good, user: { ...user, phone: [] } }, 'data.1.user.phone'],
    ['an address with a port', { ...good, user: { ...user, ip: '203.0.113.7:80' } }, 'data.1.user.ip'],
    ['nobody', { ...good, user: { user_agent: 'x' } }, 'data.1.user: '],
    ['no user', { ...good, user: undefined }, 'data.1.user'],
    ['an old event', { ...good, event_time: nowSeconds - 8 * 86_400 }, 'data.1.event_time'],
    ['milliseconds', { ...good, event_time: nowSeconds * 1000 }, 'data.1.event_time'],
    ['a time that is a text', { ...good, event_time: '2026-11-20T00:00:00Z' }, 'data.1.event_time'],
    ['an id that is a number', { ...good, event_id: 42 }, 'data.1.event_id'],
    [
      'a value that is a text',
      { ...good, properties: { value: '1', currency: 'EUR' } },
      'data.1.properties.value',
    ],
    ['a value without a currency', { ...good, properties: { value: 1 } }, 'data.1.properties.currency'],
    ['a purchase without a value', { ...good, properties: { currency: 'EUR' } }, 'data.1.properties.value'],
    [
      'an unknown currency',
      { ...good, properties: { value: 1, currency: 'XXX' } },
      'data.1.properties.currency',
    ],
    ['a null', { ...good, properties: { ...good.properties, order_id: null } }, 'data.1.properties.order_id'],
    [
      'a content id that is a number',
      { ...good, properties: { ...good.properties, contents: [{ content_id: 7 }] } },
      'data.1.properties.contents.0.content_id',
    ],
    ['limits that are a text', { ...good, limited_data_use: 'true' }, 'data.1.limited_data_use'],
    ['a page without a protocol', { ...good, page: { url: 'shop.example' } }, 'data.1.page.url'],
  ])('about %s, and takes nothing of its batch', async (_what, bad, place) => {
    await using platform = await startTiktok(options)
    const response = await post(`${platform.url}${path}`, envelope([good, bad]))
    expect(response.status).toBe(200)
    expect(verdict(response).code).toBe(40002)
    expect(verdict(response).message).toContain(place)
    expect(platform.received).toEqual([])
  })

  test.each([
    ['no token', envelope([good]), json, 40104],
    ['a wrong token', envelope([good]), { ...json, 'access-token': 'bad' }, 40105],
    ['a wrong pixel', envelope([good], { event_source_id: 'OTHER' }), token, 40001],
    ['no pixel', { event_source: 'web', data: [good] }, token, 40002],
    ['another source', envelope([good], { event_source: 'website' }), token, 40002],
    ['an unknown field', envelope([good], { pixel_code: 'PIXEL' }), token, 40002],
    ['no events', envelope([]), token, 40002],
    ['another content type', envelope([good]), { ...token, 'content-type': 'text/plain' }, 40002],
  ])('about %s', async (_what, body, headers, code) => {
    await using platform = await startTiktok(options)
    expect(verdict(await post(`${platform.url}${path}`, body, headers)).code).toBe(code)
    expect(platform.received).toEqual([])
  })

  test('about more than 1000 events', async () => {
    await using platform = await startTiktok(options)
    const data = Array.from({ length: 1001 }, (_, index) => ({ ...good, event_id: `${index}` }))
    expect(verdict(await post(`${platform.url}${path}`, envelope(data))).code).toBe(40002)
    expect(verdict(await post(`${platform.url}${path}`, envelope(data.slice(1)))).code).toBe(0)
    expect(platform.received).toHaveLength(1000)
  })

  test('about its path, slash included', async () => {
    await using platform = await startTiktok(options)
    expect((await post(`${platform.url}${path.slice(0, -1)}`, envelope([good]))).status).toBe(404)
  })

  test('about nothing else: repeats of 48 hours are taken and counted once, also under a reserved name', async () => {
    let at = nowSeconds * 1000
    await using platform = await startTiktok({ ...options, now: () => at })
    const url = `${platform.url}${path}`
    await post(url, envelope([good]))
    await post(url, envelope([good, { ...good, event: 'CompletePayment' }, { ...good, event: 'Contact' }]))
    expect(platform.received.map(({ event }) => event)).toEqual(['Purchase', 'Contact'])
    expect(platform.deduplicated).toBe(2)
    at += 49 * 3_600_000
    await post(url, envelope([good]))
    expect(platform.received).toHaveLength(3)
  })
})
