import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { startWebhook } from '../platforms/webhook.ts'
import { runSluice, startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts'
import { until } from '../support/until.ts'

/** A back end's view of the gateway, as its operator runs it. */

const key = 'an-admin-key-of-32-characters-000'
const env = { SLUICE_ADMIN_KEY: key, SLUICE_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') }

const scene = async (integrations: readonly object[]) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-admin-'))
  const rules = join(folder, 'rules.json')
  const site = { id: 'shop', hosts: ['*'], origin: 'http://127.0.0.1:9', rules: [], integrations }
  await writeFile(rules, JSON.stringify({ sites: [site] }))
  return {
    start: () => startGatewayProcess({ rules, database: join(folder, 'sluice.db'), env }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

const adminOf = (gateway: GatewayProcess): string => /"admin":"([^"]+)"/.exec(gateway.output())?.[1] ?? ''

const ask = async (gateway: GatewayProcess, method: 'GET' | 'POST' | 'PUT', path: string, body?: object) => {
  const answer = await request(`${adminOf(gateway)}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  return { status: answer.statusCode, json: JSON.parse(await answer.body.text()) as Record<string, unknown> }
}

const order = (orderId: string) => ({
  platform: 'webhook',
  eventType: 'purchase',
  customData: { value: 10, currency: 'EUR', orderId },
})
const orderIds = (received: readonly { readonly json: unknown }[]): readonly string[] =>
  received.map(({ json }) => (json as { customData: { orderId: string } }).customData.orderId)

describe('the admin API of a running gateway', () => {
  test('what was answered with 200 is delivered, though the process is killed at once', async () => {
    await using hook = await startWebhook()
    await using it = await scene([
      { id: 'hook', platform: 'webhook', config: { url: `${hook.url}/in` }, consent: { required: false } },
    ])
    await hook.down()
    await using first = await it.start()
    const events = Array.from({ length: 20 }, (_, index) => order(`A-${index}`))
    expect(await ask(first, 'POST', '/tracking/ingest', { events })).toEqual({
      status: 200,
      json: { processed: 20, errors: [] },
    })
    await first.end('SIGKILL')
    await hook.up()
    await using second = await it.start()
    await until(
      () => new Set(orderIds(hook.received)),
      (seen) => seen.size === 20,
    )
    expect(await second.end('SIGTERM')).toBe(0)
    expect(orderIds(hook.received)).toHaveLength(20)
  })

  test('an integration made through the API gets the next event, and is there after a restart', async () => {
    await using hook = await startWebhook({ authorization: 'Bearer the-token-of-the-crm' })
    await using it = await scene([])
    await using first = await it.start()
    const made = await ask(first, 'PUT', '/api/v1/sites/shop/integrations/crm', {
      platform: 'webhook',
      config: { url: `${hook.url}/in`, auth: { type: 'bearer', token: 'the-token-of-the-crm' } },
      consent: { required: false },
    })
    expect(made.status).toBeLessThan(300)
    expect(JSON.stringify(made.json)).not.toContain('the-token-of-the-crm')
    await ask(first, 'POST', '/tracking/ingest', { events: [order('B-1')] })
    await until(
      () => orderIds(hook.received),
      (seen) => seen.includes('B-1'),
    )
    expect(await first.end('SIGTERM')).toBe(0)
    await using second = await it.start()
    await ask(second, 'POST', '/tracking/ingest', { events: [order('B-2')] })
    await until(
      () => orderIds(hook.received),
      (seen) => seen.includes('B-2'),
    )
  })

  test('an address that others can reach needs a key, and says so before anything starts', async () => {
    await using it = await scene([])
    void it
    const { code, stderr } = await runSluice(['start', '--admin-listen', '0.0.0.0:0'])
    expect(code).toBe(78)
    expect(stderr).toContain('SLUICE_ADMIN_KEY')
  })
})
