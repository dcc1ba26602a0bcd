import { describe, expect, test } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import { noConsentSignal } from '../../src/event/consent.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { integrationOf, startAdminScene } from '../support/admin.ts'
import { captured } from '../support/events.ts'
import { until } from '../support/until.ts'

const hook = (url: string, over: object = {}) =>
  integrationOf('shop', {
    id: 'crm',
    platform: 'webhook',
    config: { url: `${url}/in`, auth: { type: 'bearer', token: 'the-token-of-the-crm' } },
    ...over,
  })
const site = (...integrations: ReturnType<typeof hook>[]) => ({ id: 'shop', integrations })
const at = (id: string, over: object = {}) =>
  captured({ id: id as EventId, occurredAt: Date.now(), ...over }, { email: 'ann@example.com' })
const nowhere = 'http://127.0.0.1:9'
const events = '/api/v1/sites/shop/events'

describe('the event log', () => {
  test('tells the whole story of one event, without a secret and without a person', async () => {
    await using platform = await startWebhook()
    await using it = await startAdminScene([site(hook(platform.url))])
    await it.engine.intake.accept([at('e1')])
    const story = await until(
      () => it.ask('GET', `${events}/e1`),
      ({ json }) => json.deliveries?.[0]?.status === 'sent',
    )
    expect(story.json).toMatchObject({
      eventId: 'e1',
      eventType: 'purchase',
      rule: 'order-placed',
      orderId: 'A-1',
      customData: { value: 129.9, currency: 'EUR' },
      consent: { marketing: 'granted', source: '_sw_consent' },
      holdsPersonalData: false,
    })
    const [attempt] = story.json.deliveries[0].journal
    expect(attempt).toMatchObject({ outcome: 'delivered', httpStatus: 204 })
    expect(attempt.request).toMatchObject({ method: 'POST', url: `${platform.url}/in` })
    for (const hidden of ['the-token-of-the-crm', 'ann@example.com', '8.8.8.8'])
      expect(story.text).not.toContain(hidden)
  })

  test('is filtered by what its reader looks for', async () => {
    await using it = await startAdminScene([site(hook(nowhere))])
    await it.engine.intake.accept([
      at('sale', { custom: { orderId: 'A-7' } }),
      at('view', { type: 'view_content', ruleId: 'seen', custom: {} }),
      at('denied', { consent: noConsentSignal, custom: {} }),
    ])
    const ids = async (query: string): Promise<readonly string[]> =>
      (await it.ask('GET', `${events}?${query}`)).json.events.map(
        ({ eventId }: { eventId: string }) => eventId,
      )
    expect(await ids('orderId=A-7')).toEqual(['sale'])
    expect(await ids('type=view_content')).toEqual(['view'])
    expect(await ids('rule=seen')).toEqual(['view'])
    expect(await ids('status=consent_denied')).toEqual(['denied'])
    expect([...(await ids('platform=webhook'))].sort()).toEqual(['denied', 'sale', 'view'])
    expect(await ids(`from=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([])
  })

  test('is paged by a cursor that new events do not disturb', async () => {
    await using it = await startAdminScene([site(hook(nowhere))])
    await it.engine.intake.accept(Array.from({ length: 7 }, (_, index) => at(`e${index}`)))
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const { json } = await it.ask('GET', `${events}?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)
      seen.push(...json.events.map(({ eventId }: { eventId: string }) => eventId))
      cursor = json.nextCursor
      await it.engine.intake.accept([at(`late-${seen.length}`)])
    }
    expect([...seen].sort()).toEqual(Array.from({ length: 7 }, (_, index) => `e${index}`))
  })

  test.each(['limit=0', 'limit=501', 'status=sold', 'from=yesterday', 'surprise=1'])(
    'refuses the query %s by name',
    async (query) => {
      await using it = await startAdminScene([site(hook(nowhere))])
      const answer = await it.ask('GET', `${events}?${query}`)
      expect(answer.status).toBe(400)
      expect(answer.json.issues[0].path).toBe(query.split('=')[0])
    },
  )

  test('shows one integration’s deliveries, by its id or its platform', async () => {
    await using it = await startAdminScene([site(hook(nowhere))])
    await it.engine.intake.accept([at('e1', { consent: noConsentSignal })])
    for (const provider of ['crm', 'webhook']) {
      const { json } = await it.ask('GET', `/api/v1/sites/shop/integrations/${provider}/logs`)
      expect(json.logs[0]).toMatchObject({ eventId: 'e1', integration: 'crm', status: 'consent_denied' })
    }
    const two = [hook(nowhere), hook(nowhere, { id: 'dwh' })]
    await using other = await startAdminScene([site(...two)])
    const answer = await other.ask('GET', '/api/v1/sites/shop/integrations/webhook/logs')
    expect(answer.status).toBe(409)
    expect(answer.json.error).toContain('crm, dwh')
  })

  test.each([
    '/api/v1/sites/nobody/events',
    '/api/v1/sites/shop/events/unheard-of',
    '/api/v1/sites/shop/integrations/meta/logs',
    '/api/v1/nothing',
  ])('%s is not found, in a sentence', async (path) => {
    await using it = await startAdminScene([site(hook(nowhere))])
    const answer = await it.ask('GET', path)
    expect(answer.status).toBe(404)
    expect(answer.json).toMatchObject({ code: 'not_found' })
  })
})

describe('dead deliveries', () => {
  test('go back into their lane on request, and are counted first with dryRun', async () => {
    await using platform = await startWebhook()
    await using it = await startAdminScene([site(hook(platform.url))])
    platform.next({ status: 400 })
    await it.engine.intake.accept([at('e1')])
    await until(
      () => it.engine.event('e1'),
      (event) => event?.deliveries[0]?.status === 'failed',
    )
    const replay = (body: object) => it.ask('POST', '/api/v1/sites/shop/deliveries/replay', { body })
    expect((await replay({ dryRun: true })).json).toEqual({ replayed: 1, dryRun: true })
    expect((await replay({ integration: 'crm' })).json).toEqual({ replayed: 1, dryRun: false })
    await until(
      () => platform.received,
      (received) => received.length === 1,
    )
  })
})

describe('what was not counted', () => {
  test('is shown by rule and reason, in words, with the time since when', async () => {
    const begun = Date.now()
    await using it = await startAdminScene([site(hook(nowhere)), { id: 'other', integrations: [] }])
    const { status, json } = await it.ask('GET', '/api/v1/sites/shop/skipped')
    expect(status).toBe(200)
    expect(json).toEqual({
      site: 'shop',
      since: expect.any(String),
      total: 5,
      skipped: [
        { rule: 'order-placed', reason: 'bot', meaning: expect.stringContaining('program'), count: 5 },
      ],
    })
    expect(Date.parse(json.since)).toBeGreaterThanOrEqual(begun)
    expect((await it.ask('GET', '/api/v1/sites/other/skipped')).json).toMatchObject({ total: 0, skipped: [] })
    expect((await it.ask('GET', '/api/v1/sites/nobody/skipped')).status).toBe(404)
    expect((await it.ask('GET', '/api/v1/sites/shop/skipped', { key: null })).status).toBe(401)
  })
})

describe('diagnostics', () => {
  test('count per integration and day what was accepted, delivered, withheld and seen again', async () => {
    await using platform = await startWebhook()
    await using it = await startAdminScene([site(hook(platform.url))])
    await it.engine.intake.accept([at('e1'), at('e2', { consent: noConsentSignal })])
    await it.engine.intake.accept([at('e1')])
    const { json } = await until(
      () => it.ask('GET', '/api/v1/sites/shop/diagnostics'),
      (answer) => answer.json.days?.[0]?.delivered === 1,
    )
    expect(json).toMatchObject({ site: 'shop', complete: true })
    expect(json.days).toHaveLength(1)
    expect(json.days[0]).toMatchObject({
      integration: 'crm',
      accepted: 2,
      delivered: 1,
      coverage: 0.5,
      refused: { consent_denied: 1 },
      duplicates: 1,
    })
  })

  test.each(['from=yesterday', 'from=2026-02-01&to=2026-01-01', 'from=2020-01-01&to=2026-01-01'])(
    'refuse the query %s in words',
    async (query) => {
      await using it = await startAdminScene([site()])
      const answer = await it.ask('GET', `/api/v1/sites/shop/diagnostics?${query}`)
      expect([answer.status, answer.json.error]).toEqual([400, expect.stringContaining('from')])
    },
  )
})

describe('health', () => {
  test('readiness needs no key and says what is missing', async () => {
    let reason: string | null = null
    await using it = await startAdminScene([site()], { notReady: () => reason })
    expect((await it.ask('GET', '/livez', { key: null })).status).toBe(200)
    expect((await it.ask('GET', '/readyz', { key: null })).json).toEqual({ status: 'ready' })
    reason = 'stopping'
    const answer = await it.ask('GET', '/readyz', { key: null })
    expect([answer.status, answer.json.reason]).toEqual([503, 'stopping'])
  })

  test('metrics follow the conventions and tell what was counted', async () => {
    await using it = await startAdminScene([site(hook(nowhere))])
    await it.engine.intake.accept([at('e1')])
    const { text, headers } = await it.ask('GET', '/metrics', { key: null })
    expect(headers['content-type']).toContain('text/plain')
    const names = [...text.matchAll(/^# TYPE (sluice_\S+) (\S+)$/gm)].map(
      ([, name, type]) => [name!, type!] as const,
    )
    expect(names.length).toBeGreaterThan(10)
    for (const [name, type] of names) expect(name.endsWith('_total')).toBe(type === 'counter')
    expect(text).toContain('sluice_http_requests_total 7')
    expect(text).toContain('sluice_tls_handshakes_failed_total{code="unknown_name"} 9')
    expect(text).toContain('sluice_websockets 10')
    expect(text).toContain('sluice_requests_skipped_total{site="shop",reason="bot"} 5')
    expect(text).toContain('sluice_identity_answers_total{site="shop",outcome="set"} 3')
    expect(text).toContain('sluice_data_layer_pages_total{site="shop",result="pushed"} 11')
    expect(text).toContain('sluice_deliveries_pending{site="shop",integration="crm",lane="realtime"} 1')
    // Asked twice, a counter kept elsewhere is not counted twice.
    expect((await it.ask('GET', '/metrics', { key: null })).text).toContain('sluice_http_requests_total 7')
  })
})
