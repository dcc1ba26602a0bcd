import { gzipSync, gunzipSync } from 'node:zlib'
import { request } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../support/until.ts'
import {
  productView,
  purchase,
  rulesText,
  startScene,
  thanksPage,
  type Scene,
  type SceneOptions,
} from './scene.ts'

vi.setConfig({ testTimeout: 60_000 })

/** One event id for the browser's pixel and for the server, through the whole gateway. */

const person = { email: 'jo@example.org', phone: '+4930123456' }
const consenting = { cookie: '_sw_consent=all' }
const product = `<!doctype html><html><head><script type="application/ld+json">${JSON.stringify({
  '@type': 'Product',
  sku: 'lamp',
  name: 'Harbour Lamp',
  offers: { price: '64.95', priceCurrency: 'EUR' },
})}</script></head><body>Harbour Lamp</body></html>`

const pageOf = (path: string): string => {
  const order = /^\/order-received\/([^/?]+)/.exec(path)?.[1]
  return order === undefined ? product : thanksPage(order, person)
}

const shop: SceneOptions['origin'] = (req, res) => {
  const page = pageOf(req.url ?? '')
  const packed = req.headers['accept-encoding'] === 'gzip'
  res.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    etag: '"of-the-origin"',
    ...(packed ? { 'content-encoding': 'gzip' } : {}),
  })
  res.end(packed ? gzipSync(page) : page)
}

const entriesIn = (page: string, html: string): readonly Record<string, unknown>[] => {
  expect(html.slice(0, page.length)).toBe(page)
  const script = html.slice(page.length)
  if (script === '') return []
  const [, entries = ''] =
    /^<script>.*\(window,document,\["dataLayer"\],(\[.*\])\)<\/script>$/.exec(script) ?? []
  return JSON.parse(entries) as Record<string, unknown>[]
}

const adminKey = 'the-key-of-this-test'
const admin = { listen: { host: '127.0.0.1', port: 0 }, key: adminKey }

const put = async (it: Scene, settings: object): Promise<number> => {
  const answer = await request(`${it.gateway.adminUrl}/api/v1/sites/shop/integrations/data-layer`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  })
  await answer.body.dump()
  return answer.statusCode
}

const layered: SceneOptions = { origin: shop, site: { dataLayer: { enabled: true } } }

describe('a site that has opted in', () => {
  test('has each page told the id under which the platforms get its event, and the page is else the origin’s', async () => {
    await using it = await startScene(layered)
    const answers = [
      await it.ask('/order-received/A-1', { headers: consenting }),
      await it.ask('/products/lamp', { headers: consenting }),
    ]
    const told = answers.map(({ body }, index) =>
      entriesIn(pageOf(['/order-received/A-1', '/products/lamp'][index] ?? ''), body.toString()),
    )
    const events = await it.settled(2)
    const idOf = (type: string) => events.find((event) => event.type === type)?.eventId
    expect(told).toEqual([
      [
        {
          event: 'purchase',
          event_id: idOf('purchase'),
          value: 129.9,
          currency: 'EUR',
          order_id: 'A-1',
        },
      ],
      [
        {
          event: 'view_content',
          event_id: idOf('view_content'),
          value: 64.95,
          currency: 'EUR',
          content_ids: ['lamp'],
        },
      ],
    ])
    const received = await until(
      () => it.meta.received.map(({ event_id: id }) => id),
      (ids) => ids.length === 2,
    )
    expect(new Set(received)).toEqual(new Set([idOf('purchase'), idOf('view_content')]))
    for (const { headers, body } of answers) {
      expect(headers['etag']).toBeUndefined()
      expect(headers['cache-control']).toBe('private')
      expect(body.toString().slice(-400)).not.toContain(person.email)
    }
    expect(it.gateway.counts().dataLayer).toEqual({ 'shop/pushed': 2 })
  })

  test('has a reloaded order told the same id, and the platform counts one', async () => {
    await using it = await startScene(layered)
    const told = []
    for (let load = 0; load < 3; load += 1) {
      const { body } = await it.ask('/order-received/A-2', {
        headers: { ...consenting, 'accept-encoding': 'gzip' },
      })
      told.push(entriesIn(pageOf('/order-received/A-2'), gunzipSync(body).toString())[0]?.['event_id'])
    }
    const [event] = await it.settled(1)
    expect(told).toEqual([event?.eventId, event?.eventId, event?.eventId])
    expect(it.meta.received.map(({ event_id: id }) => id)).toEqual([event?.eventId])
  })

  test('has the event of a visitor without consent named as well: what a pixel may do with it is the page’s to know', async () => {
    await using it = await startScene(layered)
    const { body } = await it.ask('/order-received/A-3')
    const [event] = await it.settled(1)
    expect(entriesIn(pageOf('/order-received/A-3'), body.toString())).toMatchObject([
      { event_id: event?.eventId },
    ])
    expect(it.meta.received).toEqual([])
  })

  test('may keep click ids in cookies as well: one answer carries both, and is marked once', async () => {
    await using it = await startScene({
      origin: shop,
      site: { dataLayer: { enabled: true }, identity: { setCookies: true } },
    })
    const { headers, body } = await it.ask('/order-received/A-6?gclid=Cj0KCQ-test', { headers: consenting })
    const [event] = await it.settled(1)
    expect(entriesIn(pageOf('/order-received/A-6'), body.toString())).toMatchObject([
      { event_id: event?.eventId },
    ])
    expect(String(headers['set-cookie'])).toContain('_gcl_aw=')
    expect(headers['cache-control']).toBe('private')
  })

  test('has nothing added for a page that fires nothing, a bot, a part, or a HEAD', async () => {
    await using it = await startScene(layered)
    const untouched = [
      await it.ask('/about'),
      await it.ask('/order-received/A-4', { headers: { 'user-agent': 'Googlebot/2.1' } }),
      await it.ask('/order-received/A-4', { headers: { range: 'bytes=0-99' } }),
      await it.ask('/order-received/A-4', { headers: { 'sec-fetch-dest': 'iframe' } }),
      await it.ask('/order-received/A-4', { method: 'HEAD' }),
    ]
    for (const { headers, body } of untouched) {
      expect(headers['etag']).toBe('"of-the-origin"')
      expect(body.toString()).not.toContain('event_id')
    }
    expect(it.gateway.counts().dataLayer).toEqual({})
  })

  test('offers ids in Server-Timing where it wants no byte changed', async () => {
    await using it = await startScene({
      origin: shop,
      site: { dataLayer: { serverTiming: true } },
    })
    const { headers, body } = await it.ask('/order-received/A-5', { headers: consenting })
    const [event] = await it.settled(1)
    expect(headers['server-timing']).toBe(`sluice-purchase;desc="${event?.eventId}"`)
    expect([headers['etag'], body.toString()]).toEqual(['"of-the-origin"', pageOf('/order-received/A-5')])
  })
})

describe('settings', () => {
  test('made through the API hold from the next page on, through a restart, until they are taken back', async () => {
    await using it = await startScene({ origin: shop, rules: [purchase, productView], config: { admin } })
    const told = async (order: string): Promise<number> => {
      const { body } = await it.ask(`/order-received/${order}`)
      return entriesIn(pageOf(`/order-received/${order}`), body.toString()).length
    }
    expect(await told('B-1')).toBe(0)
    expect(await put(it, { enabled: true })).toBe(200)
    expect(await told('B-2')).toBe(1)
    await it.restart()
    expect(await told('B-3')).toBe(1)
    expect(await put(it, { enabled: false })).toBe(200)
    expect(await told('B-4')).toBe(0)
    expect((await it.ask('/order-received/B-5')).headers['etag']).toBe('"of-the-origin"')
  })

  test('of the rules file follow the file, and the API cannot change them', async () => {
    await using it = await startScene({ ...layered, config: { admin } })
    const etag = async (order: string) => (await it.ask(`/order-received/${order}`)).headers['etag']
    expect(await etag('C-1')).toBeUndefined()
    expect(await put(it, { enabled: false })).toBe(409)
    await it.writeRules(rulesText(it.originUrl, it, { site: { dataLayer: { enabled: false } } }))
    it.gateway.reload()
    let order = 2
    await until(
      () => etag(`C-${order++}`),
      (seen) => seen === '"of-the-origin"',
    )
  })
})
