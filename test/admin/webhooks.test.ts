import { describe, expect, test } from 'vitest'
import { startWebhook } from '../platforms/webhook.ts'
import { startSettingsScene } from './settings-scene.ts'

const base = '/api/v1/sites/shop/integrations'
const webhooks = `${base}/webhooks`
const secret = 'the-token-of-the-crm'
const config = (url: string) => ({ url, auth: { type: 'bearer', token: secret } })
const nowhere = 'https://crm.example.com/in'
const meta = { config: { pixelId: '1234567890', accessToken: 'x' } }

describe('a webhook', () => {
  test('is made under a name of its own or a given one, and listed apart from other integrations', async () => {
    await using it = await startSettingsScene()
    await it.ask('PUT', `${base}/meta`, { body: meta })
    const nameless = await it.ask('POST', webhooks, { body: { config: config(nowhere) } })
    expect(nameless.status).toBe(201)
    expect(nameless.json.id).toMatch(/^webhook-[0-9a-f]{8}$/)
    expect(nameless.headers['location']).toBe(`${base}/${nameless.json.id}`)
    const named = await it.ask('POST', webhooks, {
      body: { id: 'crm', name: 'CRM', config: config(nowhere) },
    })
    expect(named.json).toMatchObject({ id: 'crm', name: 'CRM', platform: 'webhook', enabled: true })

    const listed = await it.ask('GET', webhooks)
    expect(new Set(listed.json.webhooks.map(({ id }: { id: string }) => id))).toEqual(
      new Set(['crm', nameless.json.id]),
    )
    expect((await it.ask('GET', base)).json.integrations).toHaveLength(3)
    for (const { text } of [nameless, named, listed]) expect(text).not.toContain(secret)
  })

  test('is the same thing as the integration of its name', async () => {
    await using it = await startSettingsScene()
    const made = await it.ask('POST', webhooks, { body: { id: 'crm', config: config(nowhere) } })
    const as = async (path: string) => (await it.ask('GET', path)).json
    expect(await as(`${webhooks}/crm`)).toEqual(await as(`${base}/crm`))
    const match = { 'if-match': String(made.headers['etag']) }
    const paused = await it.ask('PUT', `${webhooks}/crm`, { body: { enabled: false }, headers: match })
    expect(paused.json).toMatchObject({ id: 'crm', enabled: false })
    expect((await it.ask('DELETE', `${webhooks}/crm`, { headers: match })).status).toBe(412)
    expect((await it.ask('DELETE', `${webhooks}/crm`)).status).toBe(204)
    expect(await as(webhooks)).toEqual({ webhooks: [] })
  })

  test('is tested, and its log read, under its own address', async () => {
    await using it = await startSettingsScene()
    await using platform = await startWebhook()
    await it.ask('POST', webhooks, { body: { id: 'crm', config: config(`${platform.url}/in`) } })
    const tested = await it.ask('POST', `${webhooks}/crm/test`)
    expect(tested.json).toMatchObject({ delivered: true, integration: 'crm' })
    expect(platform.requests).toHaveLength(1)
    const { logs } = (await it.ask('GET', `${webhooks}/crm/logs?status=test`)).json
    expect(logs).toMatchObject([{ eventId: tested.json.eventId, status: 'test' }])
  })

  test('is found by its id alone: neither another platform’s integration nor the platform’s name is one', async () => {
    await using it = await startSettingsScene()
    await it.ask('PUT', `${base}/meta`, { body: meta })
    await it.ask('POST', webhooks, { body: { id: 'crm', config: config(nowhere) } })
    for (const id of ['meta', 'webhook', 'nobody', '..%2Fmeta'])
      for (const [method, end] of [
        ['GET', ''],
        ['PUT', ''],
        ['DELETE', ''],
        ['POST', '/test'],
        ['GET', '/logs'],
      ] as const) {
        const body = method === 'PUT' || method === 'POST' ? {} : undefined
        const answer = await it.ask(method, `${webhooks}/${id}${end}`, { body })
        expect([method, id, end, answer.status]).toEqual([method, id, end, 404])
      }
    expect((await it.ask('GET', base)).json.integrations).toHaveLength(2)
  })

  test.each([
    ['without a config', {}, 400, 'config'],
    ['with an address that is none', { config: { url: 'javascript:alert(1)' } }, 400, 'config.url'],
    ['of another platform', { platform: 'meta', ...meta }, 400, 'platform'],
    ['under a platform’s name', { id: 'meta', config: config(nowhere) }, 400, 'platform itself'],
    ['under a name of the routes', { id: 'data-layer', config: config(nowhere) }, 400, 'a route of its own'],
    ['with an unknown field', { url: nowhere, config: config(nowhere) }, 400, 'url'],
    ['that is a list', [], 400, 'body'],
    ['that is a text', '"webhook"', 400, 'body'],
    ['that is nothing', undefined, 400, 'body'],
    ['that is broken', '{"config":', 400, 'JSON'],
    ['that poisons', `{"config":{"url":"${nowhere}"},"__proto__":{"platform":"webhook"}}`, 400, 'JSON'],
    ['that is deep', `{"config":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 400, 'nested'],
  ])('%s is refused in a sentence', async (_, body, status, words) => {
    await using it = await startSettingsScene()
    const answer = await it.ask('POST', webhooks, { body })
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(words)])
    expect(it.faults).toEqual([])
    expect((await it.ask('GET', webhooks)).json.webhooks).toEqual([])
  })

  test('is not made twice under one name', async () => {
    await using it = await startSettingsScene()
    const body = { id: 'crm', config: config(nowhere) }
    expect((await it.ask('POST', webhooks, { body })).status).toBe(201)
    const again = await it.ask('POST', webhooks, { body: { ...body, name: 'other' } })
    expect([again.status, again.json.code]).toEqual([409, 'conflict'])
    expect((await it.ask('GET', `${webhooks}/crm`)).json.name).toBeUndefined()
  })
})
