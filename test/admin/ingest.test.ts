import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Keys, Scope } from '../../src/admin/keys.ts'
import type { AdminSite } from '../../src/admin/sites.ts'
import { StoreError } from '../../src/store/store.ts'
import { startGa4 } from '../platforms/ga4.ts'
import { startMeta } from '../platforms/meta.ts'
import { integrationOf, startAdminScene } from '../support/admin.ts'
import { until } from '../support/until.ts'

const meta = (endpoint: string, over: object = {}) =>
  integrationOf('shop', {
    id: 'meta',
    platform: 'meta',
    config: { pixelId: '1234567890', accessToken: 'meta-token' },
    consent: { required: false },
    endpoint,
    ...over,
  })
const ga4 = (endpoint: string) =>
  integrationOf('shop', {
    id: 'ga4',
    platform: 'ga4',
    config: { measurementId: 'G-ABC1234567', apiSecret: 'ga4-secret' },
    consent: { required: false },
    endpoint,
  })
const site = (...integrations: AdminSite['integrations']): AdminSite => ({
  id: 'shop',
  currency: 'EUR',
  integrations,
})
const nowhere = 'http://127.0.0.1:9'

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

const one = (over: object = {}) => ({
  events: [
    {
      platform: 'meta',
      eventType: 'purchase',
      userData: { email: 'a@b.example' },
      customData: { value: 1, currency: 'EUR' },
      ...over,
    },
  ],
})

describe('POST /tracking/ingest', () => {
  test('the documented request works as printed, and both platforms receive the order', async () => {
    await using metaPlatform = await startMeta()
    await using ga4Platform = await startGa4()
    await using it = await startAdminScene([site(meta(metaPlatform.url), ga4(ga4Platform.url))])
    const answer = await it.ask('POST', '/tracking/ingest', { body: documented })
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({ processed: 2, errors: [] })
    const [event] = await until(
      () => metaPlatform.received,
      (events) => events.length === 1,
    )
    expect(event).toMatchObject({
      event_name: 'Purchase',
      custom_data: { value: 99.99, currency: 'USD', order_id: 'ORD-12345' },
    })
    expect(event!.user_data['em']).toEqual([
      createHash('sha256').update('customer@example.com').digest('hex'),
    ])
    const [purchase] = await until(
      () => ga4Platform.received,
      (events) => events.length === 1,
    )
    expect(purchase!.params['transaction_id']).toBe('ORD-12345')
  })

  test('an unknown platform costs its own event and no other', async () => {
    await using metaPlatform = await startMeta()
    await using it = await startAdminScene([site(meta(metaPlatform.url))])
    const body = { events: [documented.events[0], { platform: 'snapchat', eventType: 'purchase' }] }
    const answer = await it.ask('POST', '/tracking/ingest', { body })
    expect(answer.status).toBe(207)
    expect(answer.json).toEqual({
      processed: 1,
      errors: [{ index: 1, message: 'No active integration found for platform: snapchat' }],
    })
    await until(
      () => metaPlatform.received,
      (events) => events.length === 1,
    )
  })

  test('a paused integration is none that is active', async () => {
    await using it = await startAdminScene([site(meta(nowhere, { status: 'paused' }))])
    const answer = await it.ask('POST', '/tracking/ingest', { body: one() })
    expect(answer.json.errors[0].message).toBe('No active integration found for platform: meta')
  })

  test('more than 100 events are refused in the documented words', async () => {
    await using it = await startAdminScene([site(meta(nowhere))])
    const body = { events: Array.from({ length: 101 }, () => documented.events[0]) }
    const answer = await it.ask('POST', '/tracking/ingest', { body })
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({
      error: 'Too many events. Maximum 100 per request.',
      code: 'bad_request',
    })
  })

  test.each([
    ['no object', '[]'],
    ['no events', '{}'],
    ['an empty list', '{"events":[]}'],
    ['events that are none', '{"events":{"length":3}}'],
    ['broken JSON', '{"events":['],
    ['a poisoned prototype', '{"__proto__":{"events":[{}]}}'],
    ['a poisoned constructor', '{"constructor":{"prototype":{"events":[]}}}'],
    ['bad UTF-8', '\u00ff\u00fe'],
  ])('a body with %s is answered with 400 and a sentence', async (_, body) => {
    await using it = await startAdminScene([site(meta(nowhere))])
    const answer = await it.ask('POST', '/tracking/ingest', { body })
    expect(answer.status).toBe(400)
    expect(answer.json.error).toMatch(/\w+/)
    expect(it.faults).toEqual([])
  })

  test.each([
    [{ platform: undefined }, 'platform: '],
    [{ eventType: '' }, 'eventType: '],
    [{ customData: { value: 'ten' } }, 'customData.value: '],
    [{ customData: { value: -1 } }, 'customData.value: '],
    [{ customData: { currency: 'EURO' } }, 'customData.currency: '],
    [{ userData: { mail: 'a@b.example' } }, 'userData.mail: unknown field'],
    [{ userData: { ipAddress: '1.2.3' } }, 'userData.ipAddress: no IP address'],
    [{ eventTime: 'yesterday' }, 'eventTime: expected ISO 8601 or Unix seconds'],
    [{ eventTime: 1_763_632_800_000 }, 'eventTime: this is not Unix seconds; milliseconds?'],
    [{ eventSourceUrl: 'javascript:alert(1)' }, 'eventSourceUrl: '],
    [{ site: 'other' }, 'site: no site "other"'],
    [{ surprise: 1 }, 'surprise: unknown field'],
  ])('the event %j is refused by the name of its field, its neighbour is not', async (over, words) => {
    await using it = await startAdminScene([site(meta(nowhere))])
    const body = { events: [one().events[0], { ...one().events[0], ...over }] }
    const answer = await it.ask('POST', '/tracking/ingest', { body })
    expect(answer.status).toBe(207)
    expect(answer.json.processed).toBe(1)
    expect(answer.json.errors[0].message).toContain(words)
  })

  test('names are understood in any case and spelling', async () => {
    await using it = await startAdminScene([site(meta(nowhere))])
    for (const eventType of ['Purchase', 'PURCHASE', 'transaction.purchase']) {
      const body = one({ eventType, platform: 'META', eventId: `id-${eventType}` })
      expect((await it.ask('POST', '/tracking/ingest', { body })).status).toBe(200)
      expect((await it.engine.event(`id-${eventType}`))!.type).toBe('purchase')
    }
  })

  test('identifiers that came hashed are sent as they are', async () => {
    await using metaPlatform = await startMeta()
    await using it = await startAdminScene([site(meta(metaPlatform.url))])
    const hashed = createHash('sha256').update('customer@example.com').digest('hex')
    await it.ask('POST', '/tracking/ingest', { body: one({ userData: { email: hashed.toUpperCase() } }) })
    const [event] = await until(
      () => metaPlatform.received,
      (events) => events.length === 1,
    )
    expect(event!.user_data['em']).toEqual([hashed])
  })

  test('the time an event happened is kept, and a value without currency takes the site’s', async () => {
    await using it = await startAdminScene([site(meta(nowhere))])
    const at = new Date(Date.now() - 3_600_000).toISOString()
    await it.ask('POST', '/tracking/ingest', {
      body: one({ eventId: 'e1', eventTime: at, customData: { value: 5 } }),
    })
    const event = await it.engine.event('e1')
    expect(event!.occurredAt).toBe(Date.parse(at))
    expect(JSON.parse(event!.facts)).toMatchObject({
      custom: { value: 5, currency: 'EUR' },
      source: 'ingest',
    })
  })

  test.each([
    [{ granted: ['marketing'], raw: 'marketing' }, 'queued'],
    [{ granted: [] }, 'consent_denied'],
    [undefined, 'consent_denied'],
  ])('consent %j makes the delivery %s', async (consent, status) => {
    await using it = await startAdminScene([site(meta(nowhere, { consent: { required: true } }))])
    await it.ask('POST', '/tracking/ingest', { body: one({ eventId: 'e1', consent }) })
    const event = await it.engine.event('e1')
    const seen = event!.deliveries[0]!.status
    expect(status === 'queued' ? ['queued', 'claimed', 'retrying'] : [status]).toContain(seen)
  })

  test('the same Idempotency-Key makes no second event; another one does', async () => {
    await using it = await startAdminScene([site(meta(nowhere))])
    const send = (key: string) =>
      it.ask('POST', '/tracking/ingest', { body: one(), headers: { 'idempotency-key': key } })
    await Promise.all([send('k1'), send('k1')])
    await send('k1')
    await send('k2')
    const { events } = await it.engine.store.events({ site: 'shop', limit: 10 })
    expect(events.map(({ duplicates }) => duplicates).sort((a, b) => a - b)).toEqual([0, 2])
  })

  test('while the store cannot take events the answer is 503 with a time, and nothing was accepted', async () => {
    const intake = { accept: () => Promise.reject(new StoreError('failed', 'the disk is full')) }
    await using it = await startAdminScene([site(meta(nowhere))], { intake })
    const answer = await it.ask('POST', '/tracking/ingest', { body: one() })
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('10')
    expect(answer.json.code).toBe('store_unavailable')
  })

  test('an event that a webhook of ours sent is not taken in again', async () => {
    await using it = await startAdminScene([site(meta(nowhere))])
    const answer = await it.ask('POST', '/tracking/ingest', {
      body: one(),
      headers: { 'x-gateway-hop': '1' },
    })
    expect(answer.status).toBe(400)
  })

  test('no generated body makes a fault of ours', async () => {
    await using it = await startAdminScene([site(meta(nowhere))])
    const junk = fc.object({
      key: fc.constantFrom(
        'platform',
        'eventType',
        'userData',
        'customData',
        'consent',
        'granted',
        'value',
        'email',
        'events',
        '__proto__',
        'eventTime',
      ),
      maxDepth: 4,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(junk, fc.record({ events: fc.array(junk, { maxLength: 5 }) })),
        async (body) => {
          const { status } = await it.ask('POST', '/tracking/ingest', { body: JSON.stringify(body) })
          expect(status).toBeLessThan(500)
        },
      ),
      { numRuns: 150 },
    )
    expect(it.faults).toEqual([])
  })
})

describe('keys at the ingest door', () => {
  const keys = (scopes: readonly Scope[], of: string | null): Keys => ({
    grantOf: async (token) => (token === 'site-key' ? { id: 'k', site: of, scopes: new Set(scopes) } : null),
  })
  const sites = [site(meta(nowhere)), { ...site(), id: 'other' }]

  test.each([
    ['no key', null, 401, 'unauthorized'],
    ['a wrong key', 'nonsense', 401, 'unauthorized'],
  ])('%s is answered with %s', async (_, key, status, code) => {
    await using it = await startAdminScene(sites)
    const answer = await it.ask('POST', '/tracking/ingest', { body: 'not even JSON', key })
    expect(answer.status).toBe(status)
    expect(answer.json.code).toBe(code)
  })

  test('a key without the scope is forbidden', async () => {
    await using it = await startAdminScene(sites, { keys: keys(['read'], 'shop') })
    expect((await it.ask('POST', '/tracking/ingest', { body: one(), key: 'site-key' })).status).toBe(403)
  })

  test('a site’s key needs not name its site, and reaches no other', async () => {
    await using it = await startAdminScene(sites, { keys: keys(['ingest'], 'shop') })
    expect((await it.ask('POST', '/tracking/ingest', { body: one(), key: 'site-key' })).status).toBe(200)
    const answer = await it.ask('POST', '/tracking/ingest', { body: one({ site: 'other' }), key: 'site-key' })
    expect(answer.json.errors[0].message).toContain('no site "other"')
  })

  test('a key of several sites must say which', async () => {
    await using it = await startAdminScene(sites)
    const answer = await it.ask('POST', '/tracking/ingest', { body: one() })
    expect(answer.json.errors[0].message).toBe('site: this key reaches 2 sites; name one')
    expect((await it.ask('POST', '/tracking/ingest', { body: one({ site: 'shop' }) })).status).toBe(200)
  })

  test('a body over a mebibyte is refused, and one that is no JSON by its type', async () => {
    await using it = await startAdminScene(sites)
    const large = await it.ask('POST', '/tracking/ingest', { body: `{"events":"${'x'.repeat(1_100_000)}"}` })
    expect(large.status).toBe(413)
    const text = await it.ask('POST', '/tracking/ingest', {
      body: 'a=b',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(text.status).toBe(415)
  })

  test('a key that asks too often is told to wait, and served again when it has', async () => {
    let now = Date.now()
    await using it = await startAdminScene([site(meta(nowhere))], { requestsPerSecond: 2, now: () => now })
    const ask = (times: number) =>
      Promise.all(
        Array.from(
          { length: times },
          async () => (await it.ask('POST', '/tracking/ingest', { body: one() })).status,
        ),
      )
    const served = (statuses: readonly number[]) => statuses.filter((status) => status === 200).length
    const first = await ask(12)
    expect([served(first), new Set(first)]).toEqual([4, new Set([200, 429])])
    now += 1_000
    expect(served(await ask(5))).toBe(2)
  })
})
