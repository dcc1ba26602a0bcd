import { expect, test, vi } from 'vitest'
import { until } from '../support/until.ts'
import { productView, purchase, startScene, statusesOf, thanksPage } from './scene.ts'

vi.setConfig({ testTimeout: 30_000 })

/** One order is one event, however often its page is seen. */

const consented = {
  _sw_consent: 'all',
  _fbp: 'fb.1.1763632800000.1234567890',
  _ga: 'GA1.1.1234567890.1763632800',
}
const cookie = Object.entries(consented)
  .map((pair) => pair.join('='))
  .join('; ')

test('an order page that is reloaded three times and opened in another browser is one event at each platform', async () => {
  await using it = await startScene()
  const visitor = it.visitor()
  for (const [name, value] of Object.entries(consented)) visitor.setCookie(name, value)
  await visitor.post('/cart', { sku: 'lamp' })
  await visitor.post('/cart', { sku: 'chair' })
  const thanks = await visitor.post('/checkout', { email: 'ann@example.com' })
  expect(thanks).toMatchObject({ status: 200, url: expect.stringMatching(/^\/order-received\/D-/) })
  for (let reload = 0; reload < 3; reload += 1) await visitor.open(thanks.url)
  const another = it.visitor({
    'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Safari/605.1',
  })
  another.setCookie('_sw_consent', 'all')
  another.setCookie('_ga', 'GA1.1.987654321.1763632800')
  await another.open(thanks.url)

  const [event] = await until(it.events, ([one]) => one?.duplicates === 4)
  expect(await it.settled(1)).toHaveLength(1)
  expect(event?.orderId).toBe(thanks.url.split('/').at(-1))
  const money = { value: 253.95, currency: 'EUR' }
  expect(it.meta.received).toMatchObject([
    {
      event_name: 'Purchase',
      event_id: event?.eventId,
      custom_data: {
        ...money,
        order_id: event?.orderId,
        num_items: 2,
        content_ids: ['lamp', 'chair'],
      },
    },
  ])
  expect(it.ga4.received).toMatchObject([
    {
      name: 'purchase',
      clientId: '1234567890.1763632800',
      params: { ...money, transaction_id: event?.orderId },
    },
  ])
  expect(it.hook.received).toMatchObject([{ json: { eventId: event?.eventId, customData: money } }])
  // The reloads never left the gateway: nobody had to drop anything.
  expect(
    [it.meta, it.ga4, it.hook].map(({ requests, deduplicated }) => [requests.length, deduplicated]),
  ).toEqual([
    [1, 0],
    [1, 0],
    [1, 0],
  ])
})

test('ten visitors at once on one order page are one event', async () => {
  await using it = await startScene({
    origin: (_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end(thanksPage('A-1', { email: 'ann@example.com', phone: '' }))
    },
  })
  await Promise.all(Array.from({ length: 10 }, () => it.ask('/order-received/A-1', { headers: { cookie } })))
  await until(it.events, ([one]) => one?.duplicates === 9)
  expect((await it.settled(1)).map(statusesOf)).toEqual([{ meta: 'sent', ga4: 'sent', hook: 'sent' }])
  expect(it.meta.received).toHaveLength(1)
  expect(it.hook.requests).toHaveLength(1)
})

test('the same order number at another event type or of another order is another event', async () => {
  await using it = await startScene({
    origin: (_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Thanks</title>')
    },
    rules: [
      purchase,
      {
        id: 'subscribed',
        match: { path: '/subscribed/:orderId' },
        actions: [
          {
            type: 'fire_conversion_event',
            eventType: 'subscribe',
            extract: { orderId: { param: 'orderId' } },
          },
        ],
      },
    ],
    integrations: { meta: null, ga4: null },
  })
  for (const path of ['/order-received/A-1', '/order-received/A-2', '/subscribed/A-1', '/order-received/A-1'])
    await it.ask(path, { headers: { cookie } })
  await until(it.events, (events) => events.some(({ duplicates }) => duplicates === 1))
  const events = await it.settled(3)
  expect(events.map(({ type, orderId, duplicates }) => `${type} ${orderId} ${duplicates}`).sort()).toEqual([
    'purchase A-1 1',
    'purchase A-2 0',
    'subscribe A-1 0',
  ])
  expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(3)
  expect(it.hook.received).toHaveLength(3)
})

test('without an order number a reload is told by browser, address and worth', async () => {
  await using it = await startScene({
    origin: (incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      const total = incoming.headers['x-total'] ?? '12,50'
      response.end(`<title>Thank you</title><p class="total">EUR ${String(total)}</p>`)
    },
    rules: [
      {
        id: 'thanks',
        match: { path: '/thanks' },
        // The longest: the clock must not turn over between two views.
        repeatMinutes: 1440,
        actions: [
          {
            type: 'fire_conversion_event',
            eventType: 'purchase',
            extract: { value: { selector: '.total' } },
          },
        ],
      },
    ],
  })
  for (let view = 0; view < 3; view += 1) await it.ask('/thanks', { headers: { cookie } })
  await it.ask('/thanks', { headers: { cookie, 'x-total': '99,00' } })
  const stranger = cookie.replaceAll(/\b12\d{8}\b/g, '2222222222')
  expect(stranger).not.toBe(cookie)
  await it.ask('/thanks', { headers: { cookie: stranger } })
  // Whose browser tells nobody apart: each of them counts.
  for (let view = 0; view < 2; view += 1) await it.ask('/thanks', { headers: { cookie: '_sw_consent=all' } })
  await until(it.events, (events) => events.some(({ duplicates }) => duplicates === 2))
  const events = await it.settled(5)
  expect(events.map(({ orderId, duplicates }) => `${orderId} ${duplicates}`).sort()).toEqual([
    'null 0',
    'null 0',
    'null 0',
    'null 0',
    'null 2',
  ])
  // Google cannot be told of the last two: it has no client id of theirs.
  expect(new Set(it.meta.received.map(({ event_id }) => event_id)).size).toBe(5)
  expect(
    it.hook.received
      .map(({ json }) => (json as { customData: { value: number } }).customData.value)
      .sort((a, b) => a - b),
  ).toEqual([12.5, 12.5, 12.5, 12.5, 99])
})

test('a product seen twice is two views, and its price is read from its page', async () => {
  await using it = await startScene({ rules: [productView] })
  for (let view = 0; view < 2; view += 1) await it.ask('/products/kettle', { headers: { cookie } })
  const events = await it.settled(2)
  expect(events.map(({ type, ruleId }) => [type, ruleId])).toEqual([
    ['view_content', 'product-viewed'],
    ['view_content', 'product-viewed'],
  ])
  expect(it.meta.received.map(({ event_name, custom_data }) => [event_name, custom_data])).toEqual(
    Array.from({ length: 2 }, () => [
      'ViewContent',
      expect.objectContaining({ value: 79.5, currency: 'EUR', content_ids: ['kettle'] }),
    ]),
  )
})
