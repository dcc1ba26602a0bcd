import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { StoreError } from '../../src/store/store.ts'
import { adminKey, integrationOf, startAdminScene, type AdminScene } from '../support/admin.ts'
import { until } from '../support/until.ts'

vi.setConfig({ testTimeout: 20_000 })

/** The door on a site's own host; what it answers as the admin listener does is told in journeys/public-ingest. */

const site = (id: string) => ({
  id,
  integrations: [
    integrationOf(id, {
      id: 'crm',
      platform: 'webhook',
      config: { url: 'http://127.0.0.1:9/' },
      consent: { required: false },
    }),
  ],
})
const order = { platform: 'crm', eventType: 'purchase', customData: { orderId: 'A-1' } }

interface Knock {
  readonly at?: string
  readonly method?: string
  readonly headers?: readonly string[]
  /** `null`: no body at all. */
  readonly body?: object | null
}

const knock = (it: AdminScene, options: Knock = {}) => {
  const { at = 'shop', method = 'POST', headers = [], body = { events: [order] } } = options
  return it.door.answer({
    site: at,
    method,
    rawHeaders: ['Authorization', `Bearer ${adminKey}`, 'Content-Type', 'application/json', ...headers],
    body: body === null ? null : Readable.from([Buffer.from(JSON.stringify(body))]),
  })
}

describe('the door of a site', () => {
  test('counts a key’s requests together with those to the admin listener', async () => {
    let now = Date.now()
    await using it = await startAdminScene([site('shop')], { requestsPerSecond: 2, now: () => now })
    const statuses = [
      (await knock(it)).status,
      (await it.ask('POST', '/tracking/ingest', { body: { events: [order] } })).status,
      (await knock(it)).status,
      (await it.ask('POST', '/tracking/ingest', { body: { events: [order] } })).status,
      (await knock(it)).status,
      (await it.ask('POST', '/tracking/ingest', { body: { events: [order] } })).status,
    ]
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
    now += 500
    expect((await knock(it)).status).toBe(200)
  })

  test('needs no site to be named, whatever the key reaches', async () => {
    await using it = await startAdminScene([site('shop'), site('blog')])
    expect(JSON.parse((await knock(it)).body)).toEqual({ processed: 1, errors: [] })
    expect(await it.engine.store.event('blog', 'x')).toBeNull()
    expect((await it.engine.store.events({ site: 'shop', limit: 10 })).events).toHaveLength(1)
  })

  test('of a site that is gone by now is no door', async () => {
    await using it = await startAdminScene([site('shop')])
    const answer = await knock(it, { at: 'gone/../shop' })
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([404, { code: 'not_found' }])
    expect(answer.body).toContain('gone/../shop')
  })

  test('reads repeated fields as Node does, and none can poison anything', async () => {
    await using it = await startAdminScene([site('shop')])
    const twice = ['Authorization', 'Bearer nonsense', '__proto__', 'x', 'constructor', 'y']
    expect((await knock(it, { headers: twice })).status).toBe(200)
  })

  test.each(['PROPFIND', 'TRACE', 'FOO', 'CONNECT'])(
    'refuses %s as it refuses other methods',
    async (method) => {
      await using it = await startAdminScene([site('shop')])
      const answer = await knock(it, { method, body: null })
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([405, 'method_not_allowed'])
    },
  )

  test('says nothing about the connection but whether it is the last answer', async () => {
    await using it = await startAdminScene([site('shop')])
    const fine = await knock(it)
    expect([fine.last, fine.rawHeaders.join()]).toEqual([
      false,
      expect.not.stringMatching(/connection|date/i),
    ])
    expect((await knock(it, { body: { events: 'x'.repeat(2_000_000) } })).last).toBe(true)
  })

  test('while the store cannot take events answers 503 with a time', async () => {
    const intake = { accept: () => Promise.reject(new StoreError('failed', 'the disk is full')) }
    await using it = await startAdminScene([site('shop')], { intake })
    const answer = await knock(it)
    expect([answer.status, answer.rawHeaders.join()]).toEqual([
      503,
      expect.stringContaining('retry-after,10'),
    ])
  })

  test.each([
    ['at once', false],
    ['while it is read', true],
  ])('takes nothing of a body that breaks off %s, though it reads like a whole one', async (_, opened) => {
    await using it = await startAdminScene([site('shop')])
    if (opened) await knock(it)
    const body = new Readable({ read: () => {} })
    const answered = it.door.answer({
      site: 'shop',
      method: 'POST',
      rawHeaders: ['authorization', `Bearer ${adminKey}`, 'content-type', 'application/json'],
      body,
    })
    body.push(JSON.stringify({ events: [{ ...order, eventId: 'half' }] }))
    if (opened)
      await until(
        () => body.readableLength,
        (left) => left === 0,
      )
    body.destroy(new Error('gone'))
    // Nobody hears the answer, if there is one.
    expect(
      await answered.then(
        ({ status }) => status,
        () => 400,
      ),
    ).toBe(400)
    expect((await knock(it)).status).toBe(200)
    expect(await it.engine.store.event('shop', 'half')).toBeNull()
    expect(it.faults).toEqual([])
  })
})
