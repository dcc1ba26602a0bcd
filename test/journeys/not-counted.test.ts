import { once } from 'node:events'
import { connect } from 'node:net'
import { request } from 'undici'
import { expect, test, vi } from 'vitest'
import { until } from '../support/until.ts'
import {
  browser,
  productView,
  purchase,
  startScene,
  thanksPage,
  type AskOptions,
  type SceneOptions,
} from './scene.ts'

vi.setConfig({ testTimeout: 30_000 })

/** Only what a person opened counts. What does not passes all the same, and the log says why it did not count. */

const adminKey = 'an-admin-key-of-32-characters-000'
const cookie = '_sw_consent=all; _ga=GA1.1.1234567890.1763632800'
const page = thanksPage('A-1', { email: 'ann@example.com', phone: '' })

/** An origin that answers as its path asks: `/order-received/404`, `/order-received/json`, … */
const origin: SceneOptions['origin'] = (incoming, response) => {
  const wish = incoming.url?.split('/').at(-1) ?? ''
  const [status, type] = /^\d{3}$/.test(wish)
    ? [Number(wish), 'text/html']
    : [incoming.headers.range === undefined ? 200 : 206, wish === 'json' ? 'application/json' : 'text/html']
  if (wish === 'broken') {
    response.writeHead(200, { 'content-type': type, 'content-length': page.length })
    response.write(page.slice(0, 40), () => response.destroy())
    return
  }
  response.writeHead(status, { 'content-type': type, ...(status === 304 ? { etag: '"1"' } : {}) })
  response.end(status === 304 || incoming.method === 'HEAD' ? undefined : page)
}

interface Row extends AskOptions {
  readonly name: string
  readonly path?: string
  readonly reason: string
}

const rows: readonly Row[] = [
  { name: 'a prefetch', headers: { 'sec-purpose': 'prefetch' }, reason: 'prefetch' },
  { name: 'a prerender', headers: { 'sec-purpose': 'prefetch;prerender' }, reason: 'prefetch' },
  { name: 'an old prefetch', headers: { purpose: 'prefetch' }, reason: 'prefetch' },
  {
    name: 'a crawler',
    headers: { 'user-agent': 'Googlebot/2.1 (+http://www.google.com/bot.html)' },
    reason: 'bot',
  },
  { name: 'a request without a user agent', headers: { 'user-agent': undefined }, reason: 'bot' },
  { name: 'a frame', headers: { 'sec-fetch-dest': 'iframe' }, reason: 'not_document' },
  {
    name: 'a script',
    headers: { 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors' },
    reason: 'not_document',
  },
  { name: 'a document fetched by a script', headers: { 'sec-fetch-mode': 'cors' }, reason: 'not_navigation' },
  { name: 'a range', headers: { range: 'bytes=0-9' }, reason: 'range' },
  { name: 'our own health check', headers: { 'user-agent': 'sluice-health-check' }, reason: 'health_check' },
  { name: 'our monitoring', headers: { 'x-monitoring': 'checkout' }, reason: 'monitoring' },
  {
    name: 'our monitoring, by where it asks from',
    headers: { 'x-forwarded-for': '192.168.7.9' },
    reason: 'monitoring',
  },
  { name: 'an editor', path: 'A-1?preview=true', reason: 'preview' },
  { name: 'a page not found', path: '404', reason: 'status' },
  { name: 'an error of the origin', path: '500', reason: 'status' },
  { name: 'an answer that is no page', path: 'json', reason: 'content_type' },
  { name: 'an order page the browser has already', path: '304', reason: 'not_modified' },
]

test('what no person opened, and what is no page, passes and fires nothing; the log names the reason', async () => {
  await using it = await startScene({
    origin,
    rules: [purchase],
    site: { monitoring: { headers: { 'X-Monitoring': '*' }, addresses: ['192.168.7.0/24'] } },
    config: { admin: { listen: { host: '127.0.0.1', port: 0 }, key: adminKey } },
  })
  const skips = () =>
    it
      .log()
      .filter(({ msg }) => msg === 'not counted')
      .map(({ reason }) => reason)
  for (const { name, path = 'A-1', reason, headers, ...options } of rows) {
    const before = skips().length
    const answer = await it.ask(`/order-received/${path}`, { ...options, headers: { cookie, ...headers } })
    expect({ name, reasons: skips().slice(before) }).toEqual({ name, reasons: [reason] })
    expect(answer.status).toBe(/^\d+$/.test(path) ? Number(path) : reason === 'range' ? 206 : 200)
    if (path !== '304') expect(answer.body.toString()).toBe(page)
  }
  expect((await it.ask('/order-received/A-1', { method: 'HEAD', headers: { cookie } })).status).toBe(200)
  expect(skips().slice(rows.length)).toEqual(['method'])
  const all = [...rows.map(({ reason }) => reason), 'method']
  const counted = Map.groupBy(all, (reason) => `shop/${reason}`)
  expect(it.gateway.counts().skipped).toEqual(
    Object.fromEntries([...counted].map(([reason, { length }]) => [reason, length])),
  )
  const answer = await request(`${it.gateway.adminUrl}/api/v1/sites/shop/skipped`, {
    headers: { authorization: `Bearer ${adminKey}` },
  })
  const { total, skipped } = (await answer.body.json()) as {
    readonly total: number
    readonly skipped: readonly { readonly rule: string; readonly reason: string; readonly count: number }[]
  }
  expect(total).toBe(all.length)
  expect(Object.fromEntries(skipped.map(({ rule, reason, count }) => [`${rule} ${reason}`, count]))).toEqual(
    Object.fromEntries(
      [...Map.groupBy(all, (reason) => reason)].map(([reason, { length }]) => [
        `order-placed ${reason}`,
        length,
      ]),
    ),
  )

  // One that counts, behind all the others: had one of them fired, it would be here before it.
  await it.ask('/order-received/A-1', { headers: { cookie } })
  const events = await it.settled(1)
  expect(events).toHaveLength(1)
  expect(events[0]).toMatchObject({ orderId: 'A-1', duplicates: 0 })
  expect(it.hook.requests).toHaveLength(1)
})

test('a rule that wants its page opened has those who load it ahead turned away, and them alone', async () => {
  let asked = 0
  await using it = await startScene({
    origin: (_incoming, response) => {
      asked += 1
      response.writeHead(200, { 'content-type': 'text/html' }).end(page)
    },
    rules: [{ ...purchase, prefetch: false }, productView],
  })
  for (const headers of [
    { 'sec-purpose': 'prefetch' },
    { 'sec-purpose': 'prefetch;prerender' },
    { purpose: 'prefetch' },
  ]) {
    const answer = await it.ask('/order-received/A-1', { headers: { cookie, ...headers } })
    // Neither browser nor cache may show it to the one who then opens the page.
    expect([answer.status, answer.headers['cache-control']]).toEqual([503, 'no-store'])
  }
  expect(asked).toBe(0)
  expect((await it.ask('/products/lamp', { headers: { cookie, 'sec-purpose': 'prefetch' } })).status).toBe(
    200,
  )
  expect((await it.ask('/elsewhere', { headers: { cookie, 'sec-purpose': 'prefetch' } })).status).toBe(200)
  expect((await it.ask('/order-received/A-1', { headers: { cookie } })).status).toBe(200)
  expect(asked).toBe(3)
  expect((await it.settled(1)).map(({ orderId, duplicates }) => [orderId, duplicates])).toEqual([['A-1', 0]])
  expect(it.gateway.counts().skipped).toEqual({ 'shop/prefetch': 4 })
})

test('a page that the origin breaks off fires nothing', async () => {
  await using it = await startScene({ origin, rules: [purchase] })
  await expect(it.ask('/order-received/broken', { headers: { cookie } })).rejects.toThrow(
    /terminated|closed|aborted/,
  )
  await until(it.log, (lines) =>
    lines.some(({ msg, reason }) => msg === 'not counted' && reason === 'aborted'),
  )
  expect(await it.events()).toEqual([])
})

test('a page whose visitor leaves in the middle fires nothing', async () => {
  const end = Promise.withResolvers<void>()
  await using it = await startScene({
    origin: (_incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'content-length': page.length })
      response.write(page.slice(0, 40))
      void end.promise.then(() => response.end(page.slice(40)))
    },
    rules: [purchase],
  })
  const socket = connect(Number(new URL(it.gateway.url).port), '127.0.0.1')
  const fields = Object.entries({ ...browser, cookie }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET /order-received/A-1 HTTP/1.1\r\n${fields.join('')}\r\n`)
  await once(socket, 'data')
  socket.destroy()
  await until(it.log, (lines) =>
    lines.some(({ msg, reason }) => msg === 'not counted' && reason === 'aborted'),
  )
  end.resolve()
  await it.stop()
  expect(it.hook.requests).toEqual([])
})

test('what the gateway answers itself fires nothing: an unknown host, a dead origin', async () => {
  await using it = await startScene({
    origin,
    rules: [purchase],
    site: { hosts: ['shop.example.com'], origin: 'http://127.0.0.1:1' },
  })
  expect((await it.ask('/order-received/A-1', { headers: { cookie, host: 'other.example' } })).status).toBe(
    421,
  )
  expect((await it.ask('/order-received/A-1', { headers: { cookie } })).status).toBe(502)
  await until(it.log, (lines) => lines.some(({ reason }) => reason === 'aborted'))
  expect(await it.events()).toEqual([])
})

test('rules may ask for what is not counted otherwise: requests of scripts, frames, a POST, a redirect, an error page', async () => {
  await using it = await startScene({
    origin: (incoming, response) => {
      const wish = incoming.url?.split('/').at(-1)
      if (wish === 'redirect') response.writeHead(303, { location: '/elsewhere' }).end()
      else if (wish === 'framed')
        response.writeHead(200, { 'content-type': 'text/html' }).end('<title>booked</title>')
      else if (wish === 'gone')
        response.writeHead(410, { 'content-type': 'text/html' }).end('<title>gone</title>')
      else response.writeHead(201, { 'content-type': 'application/json' }).end('{"ok":true}')
    },
    rules: [
      {
        id: 'by-script',
        navigation: false,
        match: { path: '/api/lead', method: 'POST' },
        actions: [{ type: 'fire_conversion_event', eventType: 'lead' }],
      },
      {
        id: 'in-a-frame',
        frames: true,
        match: { path: '/framed' },
        actions: [{ type: 'fire_conversion_event', eventType: 'schedule' }],
      },
      {
        id: 'on-redirect',
        match: { path: '/redirect', status: 303 },
        actions: [{ type: 'fire_conversion_event', eventType: 'contact' }],
      },
      {
        id: 'on-gone',
        match: { path: '/gone', status: [404, 410] },
        actions: [{ type: 'fire_conversion_event', eventType: 'Coupon expired' }],
      },
    ],
    integrations: { meta: null, ga4: null },
  })
  const script = { cookie, 'sec-fetch-dest': 'empty', 'sec-fetch-mode': 'cors', accept: '*/*' }
  const body = 'email=ann%40example.com'
  expect((await it.ask('/api/lead', { method: 'POST', headers: script, body })).body.toString()).toBe(
    '{"ok":true}',
  )
  await it.ask('/redirect', { headers: { cookie } })
  await it.ask('/gone', { headers: { cookie } })
  await it.ask('/framed', { headers: { cookie, 'sec-fetch-dest': 'iframe' } })
  // A script that fetches the page opens no frame.
  await it.ask('/framed', { headers: script })
  // A rule for POST fires for no GET.
  await it.ask('/api/lead', { headers: script })
  const events = await it.settled(4)
  expect(events.map(({ ruleId, type }) => `${ruleId} ${type}`).sort()).toEqual([
    'by-script lead',
    'in-a-frame schedule',
    'on-gone Coupon expired',
    'on-redirect contact',
  ])
})

test('a product page the browser has already counts as a view, with the facts of the time it was read', async () => {
  let asked = 0
  await using it = await startScene({
    origin: (incoming, response) => {
      asked += 1
      if (incoming.headers['if-none-match'] === '"v1"') {
        response.writeHead(304, { etag: '"v1"' }).end()
        return
      }
      response.writeHead(200, { 'content-type': 'text/html', etag: '"v1"' })
      response.end(
        `<script type="application/ld+json">${JSON.stringify({
          '@type': 'Product',
          sku: 'lamp',
          name: 'Lamp',
          offers: { price: '64.95', priceCurrency: 'EUR' },
        })}</script>`,
      )
    },
    rules: [productView],
    integrations: { meta: null, ga4: null },
  })
  await it.ask('/products/lamp?utm_source=a', { headers: { cookie } })
  await it.settled(1)
  const again = await it.ask('/products/lamp', { headers: { cookie, 'if-none-match': '"v1"' } })
  expect(again.status).toBe(304)
  const [second, first] = await it.settled(2)
  expect(asked).toBe(2)
  const facts = [first, second].map(
    (event) => JSON.parse(event?.facts ?? '{}') as { custom: object; warnings: string[] },
  )
  expect(facts[1]?.custom).toEqual(facts[0]?.custom)
  expect(facts[1]?.custom).toMatchObject({ value: 64.95, currency: 'EUR', contentIds: ['lamp'] })
  expect(facts[0]?.warnings).toEqual([])
  expect(facts[1]?.warnings).toEqual([expect.stringMatching(/^product_from_cache:\d+s$/)])
})
