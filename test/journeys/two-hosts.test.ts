import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../support/until.ts'
import { hosts, type Host } from './hosts.ts'
import { browser, productView, purchase, thanksPage, type RuleFile } from './scene.ts'

vi.setConfig({ testTimeout: 30_000 })

/** One suite for both hosts of capture: what counts before one counts before the other, and nothing else does. */

const cookie = '_sw_consent=all'
const page = (orderId: string): string => thanksPage(orderId, { email: 'ann@example.com', phone: '' })

const encoders: Readonly<Record<string, (text: string) => Buffer>> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
}

/** Answers as the order's name asks: `gzip-1`, `chunked-2`, `404-3`, … */
const shop: RequestListener = (req, res) => {
  const orderId = req.url?.split('/').at(-1)?.split('?')[0] ?? ''
  const [wish = ''] = orderId.split('-')
  const text = page(orderId)
  const html = { 'content-type': 'text/html; charset=utf-8' }
  const encoder = encoders[wish]
  if (encoder !== undefined) {
    res.writeHead(200, { ...html, 'content-encoding': wish }).end(encoder(text))
  } else if (wish === '404') res.writeHead(404, html).end(text)
  else if (wish === '304') res.writeHead(304, { etag: '"1"' }).end()
  else if (wish === 'json') res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  else if (req.headers.range !== undefined) res.writeHead(206, html).end(text.slice(0, 10))
  else if (wish === 'close') {
    res.shouldKeepAlive = false
    res.useChunkedEncodingByDefault = false
    res.writeHead(200, html)
    res.write(text.slice(0, 50), () => res.end(text.slice(50)))
  } else if (wish === 'chunked') {
    res.writeHead(200, html)
    for (let at = 0; at < text.length; at += 7) res.write(text.slice(at, at + 7))
    res.end()
  } else if (wish === 'breaks') {
    res.writeHead(200, { ...html, 'content-length': text.length })
    res.write(text.slice(0, 40), () => res.destroy())
  } else if (wish === 'half') {
    res.writeHead(200, { ...html, 'content-length': text.length })
    res.write(text.slice(0, 40))
  } else res.writeHead(200, { ...html, 'content-length': Buffer.byteLength(text) }).end(text)
}

interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly agent?: Agent
  readonly body?: string
}

const ask = async (host: Host, path: string, { method = 'GET', headers = {}, agent, body }: Ask = {}) => {
  const fields = Object.fromEntries(
    Object.entries({ ...browser, cookie, ...headers }).filter(([, value]) => value !== undefined),
  )
  const outgoing = httpRequest(`${host.url}${path}`, {
    method,
    headers: fields,
    ...(agent === undefined ? {} : { agent }),
  })
  outgoing.end(body)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return { status: answer.statusCode, body: Buffer.concat(chunks), reused: outgoing.reusedSocket }
}

/** The order ids that arrived, once there are so many. */
const orders = async ({ hook }: Host, count: number): Promise<readonly string[]> => {
  const received = await until(
    () => hook.received,
    (seen) => seen.length >= count,
  )
  return received
    .map(({ json }) => (json as { customData: { orderId?: string } }).customData.orderId ?? '')
    .sort((a, b) => (a < b ? -1 : 1))
}

/** The same with one more behind them: what fired before it is there before it or with it, and nothing else has fired. */
const allOrders = async (host: Host, count: number): Promise<readonly string[]> => {
  await ask(host, '/order-received/~last')
  return orders(host, count + 1)
}

/** Opens a page and leaves once some of it is there. */
const openAndLeave = async (host: Host, path: string): Promise<void> => {
  const socket = connect(host.port, '127.0.0.1')
  const fields = Object.entries({ ...browser, cookie }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`)
  await once(socket, 'data')
  socket.destroy()
}

describe.each(Object.entries(hosts))('%s', (_name, start) => {
  test('reports the order of a page a person opened, with what stood on it', async () => {
    await using host = await start({ origin: shop })
    const answer = await ask(host, '/order-received/A-1?utm_source=x')
    expect(answer.body.toString()).toBe(page('A-1'))
    expect(await orders(host, 1)).toEqual(['A-1'])
    expect(host.hook.received[0]!.json).toMatchObject({
      eventType: 'purchase',
      site: 'shop',
      ruleId: 'order-placed',
      page: { url: 'http://shop.example.com/order-received/A-1?utm_source=x' },
      customData: { orderId: 'A-1', value: 129.9, currency: 'EUR' },
      userData: { email: expect.stringMatching(/^[0-9a-f]{64}$/) },
      consent: { marketing: 'granted' },
    })
    expect(host.logText()).not.toContain('ann@example.com')
  })

  test('reads every coding and every framing', async () => {
    await using host = await start({ origin: shop })
    const ids = ['gzip-1', 'deflate-1', 'br-1', 'zstd-1', 'chunked-1', 'close-1', 'sized-1']
    for (const id of ids) await ask(host, `/order-received/${id}`)
    expect(await orders(host, ids.length)).toEqual([...ids].sort())
    for (const { json } of host.hook.received)
      expect(json).toMatchObject({ customData: { value: 129.9, currency: 'EUR' } })
  })

  test('counts a page once however often it is opened', async () => {
    await using host = await start({ origin: shop })
    for (let turn = 0; turn < 3; turn += 1) await ask(host, '/order-received/A-1')
    expect(await allOrders(host, 1)).toEqual(['A-1', '~last'])
  })

  test('leaves out what no person opened and what is no whole page', async () => {
    await using host = await start({ origin: shop })
    const rows: readonly (readonly [path: string, options: Ask, reason: string])[] = [
      ['a', { headers: { 'sec-purpose': 'prefetch' } }, 'prefetch'],
      ['b', { headers: { range: 'bytes=0-9' } }, 'range'],
      ['c', { headers: { 'user-agent': 'Googlebot/2.1 (+http://www.google.com/bot.html)' } }, 'bot'],
      ['d', { headers: { 'user-agent': undefined } }, 'bot'],
      ['e', { headers: { 'sec-fetch-dest': 'image' } }, 'not_document'],
      ['404-f', {}, 'status'],
      ['json-g', {}, 'content_type'],
      ['304-h', {}, 'not_modified'],
    ]
    const expected: Record<string, number> = {}
    for (const [path, options, reason] of rows) {
      await ask(host, `/order-received/${path}`, options)
      expected[`shop/${reason}`] = (expected[`shop/${reason}`] ?? 0) + 1
    }
    expect((await ask(host, '/order-received/i', { method: 'HEAD' })).body).toHaveLength(0)
    expected['shop/method'] = (expected['shop/method'] ?? 0) + 1
    expect(await allOrders(host, 0)).toEqual(['~last'])
    expect(host.skipped()).toEqual(expected)
  })

  test.each([
    ['a visitor who leaves in the middle', 'half-1'],
    ['an origin that breaks off', 'breaks-1'],
  ])('fires nothing for %s', async (_row, id) => {
    await using host = await start({ origin: shop })
    await openAndLeave(host, `/order-received/${id}`)
    await until(
      () => host.skipped(),
      (skipped) => skipped['shop/aborted'] === 1,
    )
    expect(await allOrders(host, 0)).toEqual(['~last'])
  })

  test('fires nothing for an origin that is not there', async () => {
    await using host = await start({ origin: (req) => req.socket.resetAndDestroy() })
    await ask(host, '/order-received/A-1').catch(() => null)
    await until(
      () => host.skipped(),
      (skipped) => skipped['shop/aborted'] === 1,
    )
    expect(host.hook.requests).toEqual([])
  })

  test('tells the requests of one connection apart', async () => {
    await using host = await start({ origin: shop })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const paths = ['A-1', 'json-1', 'A-2', '404-1', 'gzip-3', 'A-1']
    const answers = []
    for (const path of paths) answers.push(await ask(host, `/order-received/${path}`, { agent }))
    expect(answers.slice(1).map(({ reused }) => reused)).toEqual([true, true, true, true, true])
    expect(gunzipSync(answers[4]!.body).toString()).toBe(page('gzip-3'))
    expect(await allOrders(host, 3)).toEqual(['A-1', 'A-2', 'gzip-3', '~last'])
    agent.destroy()
  })

  test('asks only for what its rules name: a lead by POST that expects to be told to go on', async () => {
    const lead: RuleFile = {
      id: 'lead',
      navigation: false,
      match: { path: '/api/lead', method: 'POST' },
      actions: [{ type: 'fire_conversion_event', eventType: 'lead', enrich: 'off' }],
    }
    await using host = await start({
      rules: [lead, productView],
      origin: (req, res) => void req.resume().on('end', () => res.writeHead(201).end('thanks')),
    })
    const answer = await ask(host, '/api/lead', {
      method: 'POST',
      headers: { expect: '100-continue', 'content-length': '5', 'sec-fetch-dest': 'empty' },
      body: 'a=1&b',
    })
    expect([answer.status, answer.body.toString()]).toEqual([201, 'thanks'])
    await until(
      () => host.hook.received,
      (received) => received.length === 1,
    )
    expect(host.hook.received[0]!.json).toMatchObject({ eventType: 'lead' })
  })

  test('sees a view in a 304 with the facts of the page the browser keeps', async () => {
    const product = `<script type="application/ld+json">${JSON.stringify({
      '@type': 'Product',
      sku: 'lamp',
      name: 'Lamp',
      offers: { price: '64.95', priceCurrency: 'EUR' },
    })}</script>`
    await using host = await start({
      rules: [purchase, productView],
      origin: (req, res) => {
        if (req.headers['if-none-match'] === '"v1"') res.writeHead(304, { etag: '"v1"' }).end()
        else res.writeHead(200, { 'content-type': 'text/html', etag: '"v1"' }).end(product)
      },
    })
    await ask(host, '/products/lamp')
    await until(
      () => host.hook.received,
      (received) => received.length === 1,
    )
    expect((await ask(host, '/products/lamp', { headers: { 'if-none-match': '"v1"' } })).status).toBe(304)
    await until(
      () => host.hook.received,
      (received) => received.length === 2,
    )
    for (const { json } of host.hook.received)
      expect(json).toMatchObject({
        eventType: 'view_content',
        customData: { value: 64.95, contentIds: ['lamp'] },
      })
  })
})
