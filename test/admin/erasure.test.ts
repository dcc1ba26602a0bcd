import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { startMeta } from '../platforms/meta.ts'
import { integrationOf, startAdminScene, type AdminScene } from '../support/admin.ts'
import { captured } from '../support/events.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

vi.setConfig({ testTimeout: 30_000 })

const path = '/api/v1/sites/shop/erasure'
const email = 'ann@example.com'
const visitor = {
  ip: '203.0.113.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
  clickIds: {},
  browserIds: { fbp: 'fb.1.1795132700123.1234567890' },
}
const sale = (id: string, userData: object = { email }, over: object = {}) =>
  captured({ id: id as EventId, occurredAt: Date.now(), visitor, ...over }, userData)
const hook = (url: string, over: object = {}) =>
  integrationOf('shop', { id: 'crm', platform: 'webhook', config: { url }, ...over })
const waiting = { lane: 'batch', batchWindow: 3600 } as const
const meta = (endpoint: string, over: object = {}) =>
  integrationOf('shop', {
    id: 'meta',
    platform: 'meta',
    config: { pixelId: '1234567890', accessToken: 'EAAB-a-token' },
    endpoint,
    ...over,
  })
const site = (...integrations: ReturnType<typeof hook>[]) => ({ id: 'shop', integrations })
const nowhere = 'http://127.0.0.1:9'

const statusesOf = async (it: AdminScene, id: string): Promise<Record<string, string>> => {
  const { json } = await it.ask('GET', `/api/v1/sites/shop/events/${id}`)
  return Object.fromEntries(
    json.deliveries.map((one: { integration: string; status: string }) => [one.integration, one.status]),
  )
}

const bytesOf = async ({ engine: { folder } }: AdminScene): Promise<Buffer> =>
  Buffer.concat(await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name)))))

describe('erasing a person', () => {
  test.each([
    ['e-mail', { email: ' Ann@Example.COM ' }],
    ['phone', { phone: '(415) 555-0134', country: 'US' }],
    ['external id', { externalId: 'User-42' }],
  ])('by %s ends what waits for them, and nothing else', async (_what, body) => {
    await using it = await startAdminScene([site(meta(nowhere, waiting))])
    const hers = { email, phone: '+1 415 555 0134', externalId: 'User-42' }
    await it.engine.intake.accept([
      sale('e1', hers),
      sale('e2', { email: 'bob@example.com' }),
      sale('e3', hers),
    ])

    const answer = await it.ask('POST', path, { body })
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({
      events: 2,
      integrations: { meta: { stopped: 2, sent: 0, underWay: 0, failed: 0, requests: 0 } },
    })
    expect(await statusesOf(it, 'e1')).toEqual({ meta: 'consent_denied' })
    expect(await statusesOf(it, 'e2')).toEqual({ meta: 'queued' })
    const { json } = await it.ask('GET', '/api/v1/sites/shop/events/e1')
    expect(json).toMatchObject({
      holdsPersonalData: false,
      // That it was given at the time stays evidence.
      consent: { marketing: 'granted', source: '_sw_consent' },
      deliveries: [{ reason: 'the data of this person was erased on request' }],
    })
    expect((await it.ask('POST', path, { body })).json).toEqual({ events: 0, integrations: {} })
  })

  test('takes what failed and what was sent out of the store, to the last byte', async () => {
    await using platform = await startMeta()
    await using it = await startAdminScene([
      site(meta(platform.url, { batchWindow: 0 }), hook(`${nowhere}/in`)),
    ])
    await it.engine.intake.accept([
      sale('e1', { email }, { custom: { value: 1, currency: 'EUR', properties: { contact: email } } }),
    ])
    const sent = await until(
      () => statusesOf(it, 'e1'),
      (seen) => seen['meta'] === 'sent' && seen['crm'] === 'retrying',
    )
    expect(sent).toEqual({ meta: 'sent', crm: 'retrying' })
    const before = await bytesOf(it)
    // What a sender writes of a person into properties never gets that far.
    expect(before.includes(email)).toBe(false)
    expect(before.includes('203.0.113.7')).toBe(true)

    const { json } = await it.ask('POST', path, { body: { email } })
    expect(json).toMatchObject({
      events: 1,
      integrations: { meta: { stopped: 0, sent: 0, requests: 1 }, crm: { stopped: 1, underWay: 0 } },
    })
    const story = await it.ask('GET', '/api/v1/sites/shop/events/e1')
    expect(story.json.customData).not.toHaveProperty('properties')
    const [first] = story.json.deliveries.find(
      (one: { integration: string }) => one.integration === 'meta',
    ).journal
    expect(first).toMatchObject({ outcome: 'delivered', httpStatus: 200 })
    expect(first).not.toHaveProperty('request')
    await until(
      () => bytesOf(it),
      (bytes) => !bytes.includes(email) && !bytes.includes('203.0.113.7'),
    )
  })

  test('of a request that is on the wire, what came of it is told, and it is not sent again', async () => {
    const { promise: asked, resolve: arrived } = Promise.withResolvers<void>()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    let requests = 0
    await using slow = await startServer((_request, response) => {
      requests += 1
      arrived()
      void released.then(() => response.writeHead(requests === 1 ? 500 : 200).end())
    })
    await using it = await startAdminScene([site(hook(slow.url))])
    await it.engine.intake.accept([sale('e1')])
    await asked
    const answered = it.ask('POST', path, { body: { email } })
    await until(
      async () => (await it.engine.event('e1'))?.holdsPersonalData,
      (holds) => holds === false,
    )
    release()
    expect((await answered).json.integrations).toEqual({
      crm: { stopped: 1, sent: 0, underWay: 0, failed: 0, requests: 0 },
    })
    const { json } = await it.ask('GET', '/api/v1/sites/shop/events/e1')
    expect(json.deliveries[0]).toMatchObject({ status: 'consent_denied', attempts: 1 })
    expect(json.deliveries[0].journal.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'unavailable',
      'erased',
    ])
    expect(requests).toBe(1)
  })

  test('what is claimed and waits for its turn never leaves', async () => {
    const { promise: asked, resolve: arrived } = Promise.withResolvers<void>()
    const bodies: string[] = []
    await using platform = await startServer((_request, response, body) => {
      bodies.push(body)
      response.writeHead(204).end()
      arrived()
    })
    // One at a time and one a second: the lane claims more than it may send at once.
    const limited = hook(platform.url, { rateLimit: { eventsPerSecond: 1 } })
    await using it = await startAdminScene([site(limited)])
    await it.engine.intake.accept([
      sale('first', { email: 'bob@example.com' }),
      ...Array.from({ length: 4 }, (_, n) => sale(`hers${n}`)),
      sale('last', { email: 'bob@example.com' }),
    ])
    await asked
    await until(
      async () => await statusesOf(it, 'first'),
      ({ crm }) => crm === 'sent',
    )
    const { json } = await it.ask('POST', path, { body: { email } })
    const { stopped, sent, underWay } = json.integrations.crm
    expect(stopped + sent + underWay).toBe(4)
    await until(
      async () => await statusesOf(it, 'last'),
      ({ crm }) => crm === 'sent',
    )
    const fates = await Promise.all([0, 1, 2, 3].map((n) => statusesOf(it, `hers${n}`)))
    const left = bodies.filter((body) => body.includes('hers')).length
    expect(fates.filter(({ crm }) => crm === 'sent')).toHaveLength(left)
    // At most the one whose turn it was at that moment.
    expect(left).toBeLessThanOrEqual(1)
    expect(fates.filter(({ crm }) => crm === 'consent_denied')).toHaveLength(4 - left)
  })

  test('remembers nobody: the next event of the same person is like any other', async () => {
    await using platform = await startWebhook()
    await using it = await startAdminScene([site(hook(platform.url))])
    await it.ask('POST', path, { body: { email } })
    await it.engine.intake.accept([sale('later')])
    await until(
      async () => await statusesOf(it, 'later'),
      ({ crm }) => crm === 'sent',
    )
    expect(platform.received).toHaveLength(1)
  })

  test('leaves its line in the audit log, without who it was', async () => {
    await using it = await startAdminScene([site(meta(nowhere, waiting))])
    await it.engine.intake.accept([sale('e1')])
    await it.ask('POST', path, { body: { email, externalId: 'User-42' } })
    const audit = await it.ask('GET', '/api/v1/sites/shop/audit')
    expect(audit.json.changes).toMatchObject([
      {
        who: 'admin',
        action: 'erasure.done',
        target: 'person',
        detail: { by: ['email', 'externalId'], events: 1, integrations: { meta: { stopped: 1 } } },
      },
      { who: 'admin', action: 'erasure.requested', detail: { by: ['email', 'externalId'] } },
    ])
    expect(audit.text).not.toMatch(/ann@example|User-42|[0-9a-f]{64}/)
    expect((await bytesOf(it)).includes(email)).toBe(false)
  })

  test.each([
    [{}, 'body: say who: email, phone, externalId or hash'],
    [{ country: 'DE' }, 'body: say who: email, phone, externalId or hash'],
    [{ email: 'secret at example' }, 'body: email: it is no e-mail address'],
    [{ phone: '0151 23456789' }, 'body: phone: it is no phone number; a national one needs its country'],
    [{ hash: 'secret' }, 'body: hash: a SHA-256 in 64 hex digits'],
    [{ mail: email }, 'body: mail: unknown field'],
  ])('refuses %j in words that do not repeat it', async (body, error) => {
    await using it = await startAdminScene([site(hook(nowhere))])
    const answer = await it.ask('POST', path, { body })
    expect(answer).toMatchObject({ status: 400, json: { error, code: 'bad_request' } })
    expect(answer.text).not.toMatch(/secret|23456789/)
    expect((await it.ask('GET', '/api/v1/sites/shop/audit')).json.changes).toEqual([])
  })

  test('is for whoever may write on this site, and reaches no other', async () => {
    const blog = integrationOf('blog', {
      id: 'meta',
      platform: 'meta',
      config: { pixelId: '1234567890', accessToken: 'EAAB-a-token' },
      endpoint: nowhere,
      ...waiting,
    })
    await using it = await startAdminScene([
      site(meta(nowhere, waiting)),
      { id: 'blog', integrations: [blog] },
    ])
    await it.engine.intake.accept([sale('e1'), sale('e1', { email }, { site: 'blog' })])
    const keyOf = async (of: string, scopes: readonly string[]): Promise<string> =>
      (await it.ask('POST', `/api/v1/sites/${of}/keys`, { body: { name: 'k', scopes } })).json.key
    const body = { email }
    expect((await it.ask('POST', path, { body, key: null })).status).toBe(401)
    expect((await it.ask('POST', path, { body, key: await keyOf('shop', ['read', 'ingest']) })).status).toBe(
      403,
    )
    expect((await it.ask('POST', path, { body, key: await keyOf('blog', ['write']) })).status).toBe(404)
    expect((await it.ask('POST', '/api/v1/sites/none/erasure', { body })).status).toBe(404)
    expect((await it.ask('POST', path, { body, key: await keyOf('shop', ['write']) })).json.events).toBe(1)
    const { json } = await it.ask('GET', '/api/v1/sites/blog/events/e1')
    expect(json).toMatchObject({ holdsPersonalData: true, deliveries: [{ status: 'queued' }] })
  })
})
