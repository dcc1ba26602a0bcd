import fc from 'fast-check'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { request } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import type { Config } from '../../src/config.ts'
import { startGateway, type Gateway } from '../../src/gateway/gateway.ts'
import { createLog } from '../../src/log.ts'
import certificates from '../certificates/certificates.json' with { type: 'json' }
import { startHttpOrigin } from '../origins/http-origin.ts'
import { startMeta } from '../platforms/meta.ts'
import { startGa4 } from '../platforms/ga4.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { until } from '../support/until.ts'

vi.setConfig({ testTimeout: 60_000 })

/** A back end that sends its events to the shop's own host, and one that sends them to the admin listener. */

const adminKey = 'an-admin-key-of-32-characters-000'
const path = '/tracking/ingest'

interface Asked {
  readonly method?: string
  readonly key?: string | null
  readonly host?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const startScene = async () => {
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-public-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const forwarded: string[] = []
  const origin = started.use(
    await startHttpOrigin((req, res) => {
      forwarded.push(`${req.headers.host} ${req.method} ${req.url}`)
      req.resume().on('end', () => res.end('the origin'))
    }),
  )
  const meta = started.use(await startMeta({ pixelId: '1234567890', accessToken: 'meta-token' }))
  const ga4 = started.use(await startGa4({ measurementId: 'G-TEST1234', apiSecret: 'ga4-secret' }))
  await writeFile(join(folder, 'shop.crt'), certificates.shop.cert)
  await writeFile(join(folder, 'shop.key'), certificates.shop.key)
  const site = (id: string, over: object) => ({
    id,
    hosts: [`${id}.test`],
    origin: origin.url,
    rules: [],
    integrations: [
      {
        id: 'meta',
        platform: 'meta',
        config: { pixelId: '1234567890', accessToken: { $env: 'META_TOKEN' } },
        consent: { required: false },
        endpoint: meta.url,
      },
      {
        id: 'ga4',
        platform: 'ga4',
        config: { measurementId: 'G-TEST1234', apiSecret: { $env: 'GA4_SECRET' } },
        consent: { required: false },
        endpoint: ga4.url,
      },
    ],
    ...over,
  })
  const sites = [
    site('shop', {
      ingest: { public: true },
      tls: { cert: join(folder, 'shop.crt'), key: join(folder, 'shop.key') },
    }),
    site('blog', { ingest: { public: true } }),
    site('quiet', {}),
  ]
  await writeFile(join(folder, 'rules.json'), JSON.stringify({ sites }))
  const withoutAdmin: Config = {
    rules: join(folder, 'rules.json'),
    listen: { host: '127.0.0.1', port: 0 },
    tlsListen: { host: '127.0.0.1', port: 0 },
    store: { engine: 'sqlite', path: join(folder, 'sluice.db') },
    trustedProxies: [],
    allowPrivateNetworks: ['127.0.0.0/8'],
    logLevel: 'silent',
    secretKeys: [],
    retentionDays: 1,
  }
  const start = (config: Config): Promise<Gateway> =>
    startGateway(config, {
      log: createLog('silent'),
      env: { META_TOKEN: 'meta-token', GA4_SECRET: 'ga4-secret' },
    })
  const admin = { listen: { host: '127.0.0.1', port: 0 }, key: adminKey }
  let gateway = await start({ ...withoutAdmin, admin })
  started.defer(() => gateway.close(2_000))

  const ask = async (url: string, { method = 'POST', key = null, host, body, headers = {} }: Asked) => {
    const answer = await request(`${url}${path}`, {
      method: method as 'POST',
      headers: {
        ...(host === undefined ? {} : { host }),
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    })
    const said = await answer.body.text()
    let json: unknown = said
    try {
      json = JSON.parse(said)
    } catch {
      // Not every answer is JSON: what was forwarded is the origin's.
    }
    return { status: answer.statusCode, headers: answer.headers, json }
  }
  const rest = started.move()
  return {
    meta,
    ga4,
    forwarded,
    get gateway() {
      return gateway
    },
    /** On the host of a site. */
    publicly: (asked: Asked = {}) => ask(gateway.url, { host: 'shop.test', ...asked }),
    /** On the admin listener. */
    privately: (asked: Asked = {}) => ask(gateway.adminUrl ?? '', asked),
    key: async (site: string, scopes: readonly string[] = ['ingest']): Promise<string> => {
      const made = await request(`${gateway.adminUrl ?? ''}/api/v1/sites/${site}/keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'a back end', scopes }),
      })
      return ((await made.body.json()) as { key: string }).key
    },
    events: async (site = 'shop') => (await gateway.store.events({ site, limit: 500 })).events,
    /** Stops it, and starts another on the same store. */
    restartWithoutAdmin: async () => {
      await gateway.close(2_000)
      gateway = await start(withoutAdmin)
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

/** As printed in the product's documents. */
const documented = {
  events: [
    {
      platform: 'meta',
      eventType: 'purchase',
      userData: { email: 'customer@example.com', phone: '+1234567890' },
      customData: { value: 99.99, currency: 'USD', orderId: 'ORD-12345', contentIds: ['SKU-001', 'SKU-002'] },
    },
    {
      platform: 'ga4',
      eventType: 'purchase',
      userData: { externalId: 'user-789' },
      customData: { value: 99.99, currency: 'USD', orderId: 'ORD-12345' },
    },
  ],
}
const lead = (over: object = {}) => ({
  platform: 'meta',
  eventType: 'lead',
  userData: { email: 'a@b.example' },
  ...over,
})

test('the documented request works as printed, and its event has no address but what it says', async () => {
  await using it = await startScene()
  const key = await it.key('shop')
  const answer = await it.publicly({ key, body: documented })
  expect([answer.status, answer.json]).toEqual([200, { processed: 2, errors: [] }])
  expect(answer.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  })
  const received = await until(
    () => it.meta.received,
    (events) => events.length === 1,
  )
  expect(received[0]).toMatchObject({
    event_name: 'Purchase',
    custom_data: { value: 99.99, currency: 'USD', order_id: 'ORD-12345' },
  })
  expect(JSON.stringify(received)).not.toMatch(/127\.0\.0\.1|client_ip_address|client_user_agent/)
  expect(it.forwarded).toEqual([])

  const given = lead({
    userData: { ipAddress: '81.2.69.142', userAgent: 'a browser' },
    eventId: 'with-address',
  })
  await it.publicly({ key, body: { events: [given] }, headers: { 'x-forwarded-for': '203.0.113.9' } })
  await until(
    () => JSON.stringify(it.meta.received),
    (seen) => seen.includes('81.2.69.142') && !seen.includes('203.0.113.9'),
  )
})

describe('both doors', () => {
  test('answer alike, whatever is asked', async () => {
    await using it = await startScene()
    const key = await it.key('shop')
    const reader = await it.key('shop', ['read'])
    const snapchat = { events: [lead({ eventId: 'p1' }), lead({ platform: 'snapchat' })] }
    const asked: readonly Asked[] = [
      { key, body: snapchat },
      { key: null, body: documented },
      { key: 'nonsense', body: 'not even JSON' },
      { key: reader, body: documented },
      { key, body: { events: Array.from({ length: 101 }, () => lead()) } },
      { key, body: { events: [] } },
      { key, body: {} },
      { key, body: '{"events":' },
      { key, body: `{"events":"${'x'.repeat(1_100_000)}"}` },
      { key, body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      { key, body: { events: [lead({ site: 'blog' })] } },
      { key, body: documented, headers: { 'idempotency-key': 'x'.repeat(256) } },
      { key, body: documented, headers: { 'x-gateway-hop': '1' } },
      { key, method: 'GET' },
      { key, method: 'PUT', body: documented },
      { key: null, method: 'OPTIONS' },
    ]
    const seen = []
    for (const one of asked) {
      const [inside, outside] = [await it.privately(one), await it.publicly(one)]
      expect([outside.status, outside.json]).toEqual([inside.status, inside.json])
      for (const name of ['allow', 'www-authenticate', 'retry-after', 'content-type', 'cache-control'])
        expect([name, outside.headers[name]]).toEqual([name, inside.headers[name]])
      expect(Object.keys(outside.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
      seen.push(outside.status)
    }
    expect(seen).toEqual([207, 401, 401, 403, 400, 400, 400, 400, 413, 415, 207, 400, 400, 405, 405, 204])
    expect((await it.publicly({ key, body: snapchat })).json).toEqual({
      processed: 1,
      errors: [{ index: 1, message: 'No active integration found for platform: snapchat' }],
    })
    expect((await it.publicly({ method: 'OPTIONS' })).headers['allow']).toBe('POST, OPTIONS')
    expect(it.forwarded).toEqual([])
  })

  test('know an Idempotency-Key of the other, and each makes no second event', async () => {
    await using it = await startScene()
    const key = await it.key('shop')
    const asked = { key, body: { events: [lead(), lead()] }, headers: { 'idempotency-key': 'a-nightly-run' } }
    for (const send of [it.publicly, it.privately, it.publicly])
      expect((await send(asked)).json).toEqual({ processed: 2, errors: [] })
    expect((await it.events()).map(({ duplicates }) => duplicates)).toEqual([2, 2])
    await it.publicly({ ...asked, headers: { 'idempotency-key': 'another' } })
    expect(await it.events()).toHaveLength(4)
  })
})

test('a key of another site finds nothing, and the admin key reaches this site alone', async () => {
  await using it = await startScene()
  const key = await it.key('blog')
  const answer = await it.publicly({ key, body: documented })
  expect([answer.status, answer.json]).toEqual([
    404,
    { error: 'There is no site "shop".', code: 'not_found' },
  ])
  expect((await it.publicly({ key, host: 'blog.test', body: documented })).status).toBe(200)
  const [mine, other] = [lead({ eventId: 'mine' }), lead({ site: 'blog' })]
  expect(await it.publicly({ key: adminKey, body: { events: [mine, other] } })).toMatchObject({
    status: 207,
    json: { processed: 1, errors: [{ index: 1, message: expect.stringContaining('no site "blog"') }] },
  })
  expect((await it.events()).map(({ eventId }) => eventId)).toEqual(['mine'])
})

test('a site that has not asked for it has it forwarded, key and all, as before', async () => {
  await using it = await startScene()
  const key = await it.key('quiet')
  expect((await it.publicly({ key, host: 'quiet.test', body: documented })).json).toBe('the origin')
  expect(it.forwarded).toEqual([`quiet.test POST ${path}`])
  expect(await it.events('quiet')).toEqual([])
})

test('it works without an admin listener, with the keys there are', async () => {
  await using it = await startScene()
  const key = await it.key('shop')
  await it.restartWithoutAdmin()
  expect(it.gateway.adminUrl).toBeNull()
  expect((await it.publicly({ key, body: documented })).json).toEqual({ processed: 2, errors: [] })
  expect((await it.publicly({ key: adminKey, body: documented })).status).toBe(401)
})

test('it works in several processes, with a key made a moment ago in another', async () => {
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-public-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const hook = started.use(await startWebhook())
  const crm = {
    id: 'crm',
    platform: 'webhook',
    config: { url: `${hook.url}/in` },
    consent: { required: false },
  }
  const shop = { id: 'shop', hosts: ['*'], origin: 'http://127.0.0.1:9', rules: [], integrations: [crm] }
  const rules = join(folder, 'rules.json')
  await writeFile(rules, JSON.stringify({ sites: [{ ...shop, ingest: { public: true } }] }))
  const gateway = started.use(
    await startGatewayProcess({
      rules,
      database: join(folder, 'sluice.db'),
      workers: 2,
      env: { SLUICE_ADMIN_KEY: adminKey },
    }),
  )
  const adminUrl = /"admin":"([^"]+)"/.exec(gateway.output())?.[1] ?? ''
  const post = async (url: string, key: string, body: object) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const answer = await request(url, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: answer.statusCode, json: (await answer.body.json()) as Record<string, unknown> }
  }
  const made = await post(`${adminUrl}/api/v1/sites/shop/keys`, adminKey, { name: 'crm', scopes: ['ingest'] })
  const order = { platform: 'crm', eventType: 'purchase', eventId: 'order-1' }
  await until(
    () => post(`${gateway.url}${path}`, String(made.json['key']), { events: [order] }),
    ({ status }) => status === 200,
  )
  expect((await post(`${adminUrl}${path}`, adminKey, { events: [order] })).status).toBe(200)
  await until(
    () => hook.received.length,
    (count) => count === 1,
  )
})

test('it works over TLS, on HTTP/1.1 and HTTP/2', async () => {
  await using it = await startScene()
  const key = await it.key('shop')
  const port = Number(new URL(it.gateway.tlsUrl ?? '').port)
  const handshake = (protocol: string) =>
    connect({
      port,
      host: '127.0.0.1',
      servername: 'shop.test',
      ca: certificates.authority,
      ALPNProtocols: [protocol],
    })
  const session = connectHttp2('https://shop.test', { createConnection: () => handshake('h2') })
  const post = async (fields: Readonly<Record<string, string>>, body: string) => {
    const stream = session.request({ ':method': 'POST', ':path': path, ...fields })
    const responded = once(stream, 'response')
    stream.end(body)
    const [head] = (await responded) as [Readonly<Record<string, unknown>>]
    return [head[':status'], JSON.parse(await text(stream)) as unknown]
  }
  const fields = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  expect(await post(fields, JSON.stringify(documented))).toEqual([200, { processed: 2, errors: [] }])
  expect(await post({ authorization: `Bearer ${key}` }, '{}')).toMatchObject([
    415,
    { code: 'unsupported_media_type' },
  ])
  expect(await post(fields, `{"events":"${'x'.repeat(2_000_000)}"}`)).toMatchObject([
    413,
    { code: 'payload_too_large' },
  ])
  expect(await post({}, JSON.stringify(documented))).toMatchObject([401, { code: 'unauthorized' }])
  session.destroy()

  const socket = handshake('http/1.1')
  const body = JSON.stringify({ events: [lead({ eventId: 'over-1.1' })] })
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\nAuthorization: Bearer ${key}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK[^]*\{"processed":1,"errors":\[\]\}$/)
  expect((await it.events()).length).toBe(2)
  expect(it.forwarded).toEqual([])
})

test('no body and no header makes a fault of ours', async () => {
  await using it = await startScene()
  // Several, for what one may ask in a second is limited.
  const good = await Promise.all(Array.from({ length: 6 }, () => it.key('shop')))
  const name = fc.constantFrom(
    'platform',
    'eventType',
    'userData',
    'customData',
    'consent',
    'granted',
    'value',
    'email',
    'events',
    'site',
    'eventId',
    'eventTime',
    'clickIds',
    '__proto__',
    'constructor',
  )
  const junk = fc.object({ key: name, maxDepth: 4 })
  const event = fc.record(
    {
      platform: fc.constantFrom('meta', 'ga4', 'x', '__proto__', ''),
      eventType: fc.oneof(fc.constantFrom('purchase', 'Lead', 'constructor'), fc.string({ unit: 'binary' })),
      eventTime: fc.anything(),
      userData: junk,
      customData: fc.oneof(junk, fc.dictionary(fc.string({ unit: 'binary' }), fc.anything())),
      consent: fc.anything(),
    },
    { requiredKeys: ['platform', 'eventType'] },
  )
  const bodies = fc.oneof(
    fc
      .oneof(junk, fc.record({ events: fc.array(fc.oneof(event, junk), { maxLength: 5 }) }))
      .map((one) =>
        JSON.stringify(one, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      ),
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.json({ maxDepth: 6 }),
    fc.integer({ min: 1, max: 20_000 }).map((depth) => `{"events":[{"customData":${'['.repeat(depth)}`),
    fc.integer({ min: 1, max: 3_000 }).map((depth) => `{"events":${'['.repeat(depth)}${']'.repeat(depth)}}`),
  )
  const types = fc.constantFrom(
    'application/json',
    'application/json; charset=utf-16',
    'application/JSON',
    'text/plain',
    ';;',
    'application/json; =',
  )
  const keys = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...good) },
    { weight: 1, arbitrary: fc.string().map((one) => encodeURIComponent(one)) },
  )
  const seen = new Set<number>()
  const idempotency = fc.option(fc.string({ maxLength: 300 }).map((one) => encodeURIComponent(one)))
  await fc.assert(
    fc.asyncProperty(bodies, types, keys, idempotency, async (body, type, key, once) => {
      const answer = await it.publicly({
        key,
        body,
        headers: { 'content-type': type, ...(once === null ? {} : { 'idempotency-key': once }) },
      })
      expect([200, 207, 400, 401, 413, 415]).toContain(answer.status)
      seen.add(answer.status)
    }),
    { numRuns: 300 },
  )
  // It was not the lock alone that was tried.
  for (const status of [207, 400, 401, 415]) expect(seen).toContain(status)
  expect(it.forwarded).toEqual([])
  const afterwards = { key: adminKey, body: { events: [lead({ eventId: 'afterwards' })] } }
  expect((await it.publicly(afterwards)).status).toBe(200)
  expect(await it.gateway.store.event('shop', 'afterwards')).not.toBeNull()
})
