import { describe, expect, test } from 'vitest'
import { startGa4 } from '../platforms/ga4.ts'
import { startMeta } from '../platforms/meta.ts'
import { startSnapchat } from '../platforms/snapchat.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { integrationOf } from '../support/admin.ts'
import { startServer } from '../support/server.ts'
import { startSettingsScene, type SettingsScene } from './settings-scene.ts'

const base = '/api/v1/sites/shop/integrations'
const secret = 'the-token-of-the-crm'
const hook = (url: string, over: object = {}) => ({
  platform: 'webhook',
  config: { url, auth: { type: 'bearer', token: secret } },
  ...over,
})
const granted = { granted: ['marketing', 'analytics'] }

const storyOf = async (it: SettingsScene, eventId: string) =>
  (await it.ask('GET', `/api/v1/sites/shop/events/${eventId}`)).json

describe('a test call', () => {
  test('sends a sample, and answers with the masked request, the answer, its meaning and the time', async () => {
    await using it = await startSettingsScene()
    await using platform = await startWebhook()
    await it.ask('PUT', `${base}/crm`, { body: hook(`${platform.url}/in`) })
    const { json, text, status } = await it.ask('POST', `${base}/crm/test`)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      delivered: true,
      outcome: 'delivered',
      meaning: 'The platform took the event.',
      integration: 'crm',
      platform: 'webhook',
      eventName: 'purchase',
      request: { method: 'POST', url: `${platform.url}/in`, headers: { authorization: '***' } },
      response: { status: 204 },
    })
    expect(json.durationMs).toBeGreaterThanOrEqual(0)
    expect(json.notes).toEqual([expect.stringContaining('sent for real')])
    expect(json.request.body).toMatchObject({
      eventType: 'purchase',
      customData: { value: 1, currency: 'EUR' },
    })
    expect(platform.requests[0]?.headers['authorization']).toBe(`Bearer ${secret}`)
    expect(text).not.toContain(secret)
    expect(text).not.toContain('203.0.113.7')
  })

  test('leaves a line in the event log, marked as a test, with no person kept', async () => {
    await using it = await startSettingsScene()
    await using platform = await startWebhook()
    const key = await it.key(['read', 'write'])
    await it.ask('PUT', `${base}/crm`, { body: hook(`${platform.url}/in`) })
    const { eventId } = (await it.ask('POST', `${base}/crm/test`, { key, body: {} })).json
    expect(eventId).toMatch(/^test-/)
    const story = await storyOf(it, eventId)
    expect(story).toMatchObject({
      holdsPersonalData: false,
      facts: expect.arrayContaining([
        { field: 'event', from: `a test call with the key ${key.split('_')[1]}` },
      ]),
      deliveries: [
        { integration: 'crm', status: 'test', reason: expect.stringContaining('test call: delivered') },
      ],
    })
    expect(story.deliveries[0].journal).toMatchObject([{ outcome: 'delivered', httpStatus: 204 }])
    expect((await it.ask('GET', `${base}/crm/logs?status=test`)).json.logs).toHaveLength(1)
    expect((await it.bytes()).includes('test@example.com')).toBe(false)
  })

  test('with dryRun builds the same request and sends nothing', async () => {
    await using it = await startSettingsScene()
    await using platform = await startWebhook()
    await it.ask('PUT', `${base}/crm`, { body: hook(`${platform.url}/in`) })
    const dry = await it.ask('POST', `${base}/crm/test`, { body: { dryRun: true } })
    expect(dry.json).toMatchObject({
      delivered: false,
      outcome: 'built',
      meaning: 'Built, and not sent.',
      response: null,
      durationMs: null,
      request: { method: 'POST', url: `${platform.url}/in`, headers: { authorization: '***' } },
    })
    expect(platform.requests).toEqual([])
    const [delivery] = (await storyOf(it, dry.json.eventId)).deliveries
    expect(delivery).toMatchObject({ status: 'test', journal: [{ outcome: 'not_attempted' }] })
  })

  test('takes an event of its sender’s own through mapping, filter and identification', async () => {
    await using it = await startSettingsScene()
    await using platform = await startMeta()
    const body = {
      endpoint: platform.url,
      config: { pixelId: '1234567890', accessToken: 'a-token-of-the-test' },
      eventMapping: { purchase: 'Bought' },
      eventFilters: { purchase: { conditions: [{ field: 'value', operator: 'gte', value: 100 }] } },
    }
    await it.ask('PUT', `${base}/meta`, { body })
    const event = {
      eventType: 'Purchase',
      userData: { email: ' Ann@Example.com ', phone: 'not a phone' },
      customData: { value: 129.9, currency: 'USD', orderId: 'A-9' },
      consent: granted,
    }
    const call = (over: object) =>
      it.ask('POST', `${base}/meta/test`, { body: { event: { ...event, ...over } } })
    const sent = await call({})
    expect(sent.json).toMatchObject({ delivered: true, eventName: 'Bought' })
    expect(sent.json.leftOut).toMatchObject([{ field: 'phone' }])
    expect(platform.requests).toHaveLength(1)
    expect(platform.requests[0]?.text).not.toContain('nn@')
    expect(sent.text).not.toContain('a-token-of-the-test')
    const small = await call({ customData: { value: 5 } })
    expect(small.json).toMatchObject({ delivered: false, outcome: 'filtered', request: null })
    expect(platform.requests).toHaveLength(1)
  })

  test('withholds what carries no consent, and says so', async () => {
    await using it = await startSettingsScene()
    await using platform = await startWebhook()
    await it.ask('PUT', `${base}/crm`, { body: hook(`${platform.url}/in`) })
    const { json } = await it.ask('POST', `${base}/crm/test`, { body: { event: { eventType: 'lead' } } })
    expect(json).toMatchObject({
      delivered: false,
      outcome: 'consent_denied',
      meaning: expect.stringContaining('Not sent'),
      reason: 'no consent signal was found for marketing',
      request: null,
    })
    expect(platform.requests).toEqual([])
    const [delivery] = (await storyOf(it, json.eventId)).deliveries
    expect(delivery).toMatchObject({ status: 'test', journal: [{ outcome: 'consent_denied' }] })
  })

  test.each([
    [401, 'unauthorized', 'did not accept the credentials'],
    [400, 'rejected', 'refused'],
    [429, 'throttled', 'slow down'],
    [500, 'unavailable', 'would be sent again'],
  ])('answered with %i is no success', async (status, outcome, words) => {
    await using it = await startSettingsScene()
    await using server = await startServer((_, response) =>
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: `we were sent ${secret} of test@example.com` })),
    )
    await it.ask('PUT', `${base}/crm`, { body: hook(`${server.url}/in`) })
    const { json, text } = await it.ask('POST', `${base}/crm/test`)
    expect(json).toMatchObject({ delivered: false, response: { status } })
    expect(json.outcome).toBe(outcome)
    expect(json.meaning).toContain(words)
    expect(text).not.toContain(secret)
    const [delivery] = (await storyOf(it, json.eventId)).deliveries
    expect(delivery.journal).toMatchObject([{ outcome, httpStatus: status }])
    expect(JSON.stringify(delivery)).not.toContain(secret)
  })

  test('that nobody answers, or that may not even be sent, is no success', async () => {
    await using it = await startSettingsScene()
    const server = await startServer(() => {})
    await server[Symbol.asyncDispose]()
    await it.ask('PUT', `${base}/crm`, { body: hook(`${server.url}/in`) })
    const unheard = await it.ask('POST', `${base}/crm/test`)
    expect(unheard.json).toMatchObject({ delivered: false, outcome: 'unavailable', response: null })
    expect(unheard.json.request).not.toBeNull()
    await it.ask('PUT', `${base}/inside`, { body: hook('http://10.0.0.1/in') })
    const inside = await it.ask('POST', `${base}/inside/test`)
    expect(inside.json).toMatchObject({ delivered: false, response: null })
    expect(inside.json.meaning).toContain('as the integration is configured')
    expect(inside.json.reason).toContain('not a public one')
  })

  test('never stands in the way of the real order of the same id', async () => {
    await using it = await startSettingsScene()
    await using platform = await startWebhook()
    await it.ask('PUT', `${base}/crm`, { body: hook(`${platform.url}/in`) })
    const event = { eventType: 'purchase', customData: { orderId: 'A-1' }, consent: granted }
    const ids = new Set<string>()
    for (let n = 0; n < 2; n += 1)
      ids.add((await it.ask('POST', `${base}/crm/test`, { body: { event } })).json.eventId)
    expect(ids.size).toBe(2)
    expect(platform.requests).toHaveLength(2)
    const { events } = (await it.ask('GET', '/api/v1/sites/shop/events?orderId=A-1')).json
    expect(events).toHaveLength(2)
  })

  test('of a paused integration is sent, and of one in test mode is not; both are said', async () => {
    await using it = await startSettingsScene()
    await using platform = await startWebhook()
    await it.ask('PUT', `${base}/crm`, { body: hook(`${platform.url}/in`, { enabled: false }) })
    const paused = await it.ask('POST', `${base}/crm/test`)
    expect(paused.json).toMatchObject({ delivered: true })
    expect(paused.json.notes).toContainEqual(expect.stringContaining('is paused'))
    await it.ask('PUT', `${base}/crm`, { body: { enabled: true, testMode: true } })
    const testing = await it.ask('POST', `${base}/crm/test`)
    expect(testing.json).toMatchObject({ delivered: false, outcome: 'built', request: { method: 'POST' } })
    expect(testing.json.notes).toContainEqual(expect.stringContaining('test mode'))
    expect(platform.requests).toHaveLength(1)
  })

  test('works for an integration of the rules file, too', async () => {
    await using platform = await startWebhook()
    const declared = integrationOf('shop', { id: 'crm', ...hook(`${platform.url}/in`) })
    await using it = await startSettingsScene({ declared: [declared] })
    expect((await it.ask('POST', `${base}/webhook/test`)).json).toMatchObject({ delivered: true })
  })

  test('of one integration is made one at a time, so that it is no way around a limit', async () => {
    await using it = await startSettingsScene()
    const answers: (() => void)[] = []
    await using server = await startServer((_, response) => {
      answers.push(() => response.writeHead(204).end())
      if (answers.length === 1) void second()
    })
    await it.ask('PUT', `${base}/crm`, { body: hook(`${server.url}/in`) })
    const refused = Promise.withResolvers<number>()
    const second = async (): Promise<void> => {
      const answer = await it.ask('POST', `${base}/crm/test`)
      refused.resolve(answer.status)
      for (const go of answers) go()
    }
    expect((await it.ask('POST', `${base}/crm/test`)).json).toMatchObject({ delivered: true })
    expect(await refused.promise).toBe(429)
    expect(answers).toHaveLength(1)
  })

  test('that the store cannot keep is answered all the same, and says that it is not in the log', async () => {
    await using it = await startSettingsScene()
    await using server = await startServer((_, response) => {
      void it.store.close().then(() => response.writeHead(204).end())
    })
    await it.ask('PUT', `${base}/crm`, { body: hook(`${server.url}/in`) })
    const { json } = await it.ask('POST', `${base}/crm/test`)
    expect(json).toMatchObject({ delivered: true })
    expect(json.notes).toContainEqual(expect.stringContaining('not in the event log'))
  })

  test('of a platform that can examine an event sends none that counts, unless that is asked for', async () => {
    await using it = await startSettingsScene()
    await using platform = await startSnapchat({ accessToken: 'a-token-of-the-test' })
    const config = { snapPixelId: 'pixel-1', accessToken: 'a-token-of-the-test' }
    await it.ask('PUT', `${base}/snapchat`, { body: { endpoint: platform.url, config } })
    const examined = await it.ask('POST', `${base}/snapchat/test`)
    expect(examined.json).toMatchObject({
      mode: 'validate',
      delivered: false,
      outcome: 'valid',
      meaning: expect.stringContaining('Nothing was counted'),
      response: { status: 200, body: { status: 'VALID', test_event: true } },
    })
    expect([platform.received, platform.validated].map(({ length }) => length)).toEqual([0, 1])
    const [line] = (await storyOf(it, examined.json.eventId)).deliveries[0].journal
    expect(line).toMatchObject({ outcome: 'valid', httpStatus: 200 })
    const sent = await it.ask('POST', `${base}/snapchat/test`, { body: { mode: 'send' } })
    expect(sent.json).toMatchObject({ mode: 'send', delivered: true, outcome: 'delivered' })
    expect(sent.json.notes).toContainEqual(expect.stringContaining('Examined before'))
    expect([platform.received, platform.validated].map(({ length }) => length)).toEqual([1, 2])
    expect(examined.text + sent.text).not.toContain('a-token-of-the-test')
  })

  test('of GA4, which says 2xx to everything, shows what its validation server says', async () => {
    await using it = await startSettingsScene()
    await using platform = await startGa4({ apiSecret: 'a-secret-of-the-test' })
    const config = { measurementId: 'G-ABC1234567', apiSecret: 'a-secret-of-the-test' }
    await it.ask('PUT', `${base}/ga4`, { body: { endpoint: platform.url, config } })
    const good = await it.ask('POST', `${base}/ga4/test`)
    expect(good.json).toMatchObject({ mode: 'validate', delivered: false, outcome: 'valid' })
    expect(good.json.notes).toContainEqual(expect.stringContaining('tells nobody whether'))
    platform.next({
      status: 200,
      body: {
        validationMessages: [
          { fieldPath: 'events', description: 'the name is reserved', validationCode: 'NAME_RESERVED' },
          { fieldPath: 'events.params', description: 'too many', validationCode: 'EXCEEDED_MAX_ENTITIES' },
        ],
      },
    })
    const bad = await it.ask('POST', `${base}/ga4/test`, { body: { mode: 'send' } })
    expect(bad.json).toMatchObject({
      mode: 'validate',
      delivered: false,
      outcome: 'rejected',
      code: 'NAME_RESERVED',
      reason: 'events: the name is reserved (NAME_RESERVED); events.params: too many (EXCEEDED_MAX_ENTITIES)',
      meaning: expect.stringContaining('would refuse it'),
    })
    expect(platform.received).toEqual([])
    const sent = await it.ask('POST', `${base}/ga4/test`, { body: { mode: 'send' } })
    expect(sent.json).toMatchObject({ mode: 'send', delivered: true })
    expect(sent.json.notes).toContainEqual(expect.stringContaining('tells nobody whether'))
    expect(platform.received).toHaveLength(1)
    expect(good.text + bad.text + sent.text).not.toContain('a-secret-of-the-test')
  })

  test('cannot validate where the platform cannot, and says so', async () => {
    await using it = await startSettingsScene()
    await using platform = await startWebhook()
    await it.ask('PUT', `${base}/crm`, { body: hook(`${platform.url}/in`) })
    const { json } = await it.ask('POST', `${base}/crm/test`, { body: { mode: 'validate' } })
    expect(json).toMatchObject({ delivered: false, outcome: 'not_attempted', meaning: 'Not examined.' })
    expect(json.reason).toContain('cannot examine an event')
    expect(platform.requests).toEqual([])
  })

  test('in the mode check asks with the stored credentials, sends no event and leaves none in the log', async () => {
    await using it = await startSettingsScene()
    await using platform = await startMeta({ pixelId: '1234567890', accessToken: 'a-token-of-the-test' })
    const config = { pixelId: '1234567890', accessToken: 'a-token-of-the-test' }
    await it.ask('PUT', `${base}/meta`, { body: { endpoint: platform.url, config, enabled: false } })
    const good = await it.ask('POST', `${base}/meta/test`, { body: { mode: 'check' } })
    expect(good.json).toMatchObject({
      mode: 'check',
      delivered: false,
      outcome: 'ok',
      meaning: 'The platform knows the credentials and what they are for.',
      integration: 'meta',
      platform: 'meta',
      steps: [
        { asks: 'the access token', outcome: 'ok', request: { method: 'GET' }, response: { status: 200 } },
        { asks: 'the pixel or dataset', outcome: 'ok', response: { body: { id: '1234567890' } } },
      ],
      notes: [expect.stringContaining('paused')],
    })
    expect(good.json.durationMs).toBeGreaterThanOrEqual(0)
    expect(platform.received).toEqual([])
    await it.ask('PUT', `${base}/meta`, { body: { config: { ...config, accessToken: 'an-older-token' } } })
    const refused = await it.ask('POST', `${base}/meta/test`, { body: { mode: 'check' } })
    expect(refused.json).toMatchObject({
      outcome: 'credentials_refused',
      meaning: 'The platform does not accept the credentials.',
      code: '190',
    })
    expect(good.text + refused.text).not.toMatch(/a-token-of-the-test|an-older-token/)
    expect((await it.ask('GET', '/api/v1/sites/shop/events')).json.events).toEqual([])
  })

  test.each([
    ['an unknown field', { surprise: 1 }, 'surprise'],
    ['a wrong type', { dryRun: 'yes' }, 'dryRun'],
    ['an event without a type', { event: {} }, 'event.eventType'],
    ['an event that names a site', { event: { eventType: 'lead', site: 'blog' } }, 'event.site'],
    ['an event with an id', { event: { eventType: 'lead', eventId: 'x' } }, 'event.eventId'],
    [
      'a negative value',
      { event: { eventType: 'lead', customData: { value: -1 } } },
      'event.customData.value',
    ],
    ['a list', [], ''],
  ])('with %s is refused by the field’s name', async (_, body, field) => {
    await using it = await startSettingsScene()
    await it.ask('PUT', `${base}/crm`, { body: hook('http://127.0.0.1:9/in') })
    const answer = await it.ask('POST', `${base}/crm/test`, { body })
    expect(answer.status).toBe(400)
    expect(answer.json.issues.map(({ path }: { path: string }) => path)).toContain(field)
    expect(it.faults).toEqual([])
  })

  test.each([
    ['a type and an event', '{"eventType":"lead","event":{"eventType":"lead"}}'],
    ['a check and an event', '{"mode":"check","event":{"eventType":"lead"}}'],
    ['a mode and dryRun', '{"mode":"send","dryRun":true}'],
    ['a mode that is none', '{"mode":"guess"}'],
    ['a poisoned object', '{"event":{"eventType":"lead","customData":{"__proto__":{"value":1}}}}'],
    ['deep nesting', `{"event":${'{"consent":'.repeat(20_000)}1${'}'.repeat(20_000)}}`],
  ])('with %s is refused', async (_, body) => {
    await using it = await startSettingsScene()
    await it.ask('PUT', `${base}/crm`, { body: hook('http://127.0.0.1:9/in') })
    expect((await it.ask('POST', `${base}/crm/test`, { body })).status).toBe(400)
    expect(it.faults).toEqual([])
  })
})
