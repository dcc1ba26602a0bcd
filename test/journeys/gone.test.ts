import { readFile } from 'node:fs/promises'
import { request } from 'undici'
import { expect, test } from 'vitest'
import type { RulesFile } from '../../src/rules-file/schema.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { until } from '../support/until.ts'
import { startScene, type Scene } from './scene.ts'

/** An integration goes while events wait for it, and comes back. */

const key = 'an-admin-key-of-32-characters-000'
const nowhere = 'http://127.0.0.1:9'
const crm = '/api/v1/sites/shop/integrations/crm'

const start = (): Promise<Scene> =>
  startScene({
    integrations: { meta: null, ga4: null, hook: null },
    config: {
      admin: { listen: { host: '127.0.0.1', port: 0 }, key },
      secretKeys: [Buffer.alloc(32, 7).toString('base64')],
    },
  })

const ask = async (it: Scene, method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) => {
  const answer = await request(`${it.gateway.adminUrl ?? ''}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await answer.body.text()
  return { status: answer.statusCode, json: (text === '' ? null : JSON.parse(text)) as unknown }
}

const hookAt = (url: string) => ({
  platform: 'webhook',
  config: { url: `${url}/in` },
  consent: { required: false },
})
const order = { platform: 'crm', eventType: 'purchase', eventId: 'order-1', customData: { value: 10 } }

const deliveryOf = async (it: Scene) => (await it.events())[0]?.deliveries[0]

test('what waits for an integration that is deleted ends as failed, is seen in its log, and is sent when it is made again', async () => {
  await using it = await start()
  await ask(it, 'PUT', crm, hookAt(nowhere))
  expect((await ask(it, 'POST', '/tracking/ingest', { events: [order] })).status).toBe(200)
  await until(
    () => deliveryOf(it),
    (delivery) => delivery?.status === 'retrying',
  )
  expect((await ask(it, 'DELETE', crm)).status).toBe(204)
  const given = await until(
    () => deliveryOf(it),
    (delivery) => delivery?.status === 'failed',
  )
  expect(given?.reason).toBe('the integration was deleted')
  expect(await ask(it, 'GET', `${crm}/logs`)).toMatchObject({
    status: 200,
    json: { deleted: true, logs: [{ eventId: 'order-1', status: 'failed', reason: given?.reason }] },
  })
  expect(it.log().some(({ msg }) => msg === 'deliveries of an integration that is gone are given up')).toBe(
    true,
  )

  await using hook = await startWebhook()
  await ask(it, 'PUT', crm, hookAt(hook.url))
  const replay = { integration: 'crm', reason: 'the integration was deleted' }
  expect((await ask(it, 'POST', '/api/v1/sites/shop/deliveries/replay', replay)).json).toMatchObject({
    replayed: 1,
  })
  await until(
    () => hook.received.length,
    (count) => count === 1,
  )
})

test('what waits for an integration of the rules file waits on while it is not there, and is sent when it is back', async () => {
  await using it = await start()
  const rules = JSON.parse(await readFile(it.rulesPath, 'utf8')) as RulesFile
  const withHook = (...hooks: object[]): string =>
    JSON.stringify({ sites: rules.sites.map((site) => ({ ...site, integrations: hooks })) })
  const inForce = (integrations: number) =>
    until(
      () => it.gateway.summary.integrations,
      (count) => count === integrations,
    )
  await using hook = await startWebhook()
  // So slow that the second order is still waiting when the integration goes.
  const crm = { id: 'crm', ...hookAt(hook.url), rateLimit: { eventsPerSecond: 0.02 } }
  await it.writeRules(withHook(crm))
  await inForce(1)
  const events = [order, { ...order, eventId: 'order-2' }]
  expect((await ask(it, 'POST', '/tracking/ingest', { events })).status).toBe(200)
  const received = (count: number) =>
    until(
      () => hook.received.length,
      (seen) => seen === count,
    )
  await received(1)
  await it.writeRules(withHook())
  await inForce(0)
  expect(await ask(it, 'GET', '/api/v1/sites/shop/integrations/health')).toMatchObject({
    json: { integrations: [{ id: 'crm', state: 'gone', pending: 1 }] },
  })
  await it.writeRules(withHook(crm))
  await received(2)
})
