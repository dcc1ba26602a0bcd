import { describe, expect, test, vi } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import { startMeta } from '../platforms/meta.ts'
import { captured, everythingGranted } from '../support/events.ts'
import { until } from '../support/until.ts'
import { startSettingsScene } from './settings-scene.ts'

vi.setConfig({ testTimeout: 30_000 })

const base = '/api/v1/sites/shop/integrations'
const consent = { category: 'marketing', whenDenied: 'flag' }
const meta = { config: { pixelId: '1234567890', accessToken: 'EAAB-a-token' }, consent }

describe('"whenDenied": "flag" through the API', () => {
  test('is taken where the platform has a form for it, and read back', async () => {
    await using it = await startSettingsScene()
    expect((await it.ask('PUT', `${base}/meta`, { body: meta })).status).toBe(201)
    expect((await it.ask('GET', `${base}/meta`)).json.consent).toEqual(consent)
  })

  test.each([
    ['x', { pixelId: 'o8z6j', accessToken: 'a-token', defaultEventId: 'tw-o8z6j-o87ne' }],
    ['pinterest', { accessToken: 'pina', adAccountId: '549755885175' }],
    ['webhook', { url: 'https://crm.example.com/in' }],
  ])('is refused for %s, in words, and nothing is stored', async (platform, config) => {
    await using it = await startSettingsScene()
    const answer = await it.ask('PUT', `${base}/one`, { body: { platform, config, consent } })
    expect(answer.status).toBe(400)
    expect(answer.json.issues).toEqual([
      {
        path: 'consent.whenDenied',
        message: `${platform} has no form for visitors who refused, as there is for meta, tiktok, google_ads, ga4, snapchat; here only "drop" is possible`,
      },
    ])
    expect((await it.ask('GET', base)).json.integrations).toEqual([])
  })

  test('is refused for a webhook made as such, too', async () => {
    await using it = await startSettingsScene()
    const body = { config: { url: 'https://crm.example.com/in' }, consent }
    const answer = await it.ask('POST', `${base}/webhooks`, { body })
    expect(answer.status).toBe(400)
    expect(answer.json.issues?.[0]?.path).toBe('consent.whenDenied')
  })

  test('is told with the event: the consent of that moment, and the form it went in', async () => {
    await using platform = await startMeta()
    await using it = await startSettingsScene()
    await it.ask('PUT', `${base}/meta`, { body: { ...meta, endpoint: platform.url } })
    const state = {
      ...everythingGranted,
      marketing: 'denied' as const,
      source: 'onetrust',
      raw: 'groups=C0001:1,C0004:0',
    }
    await it.intake.accept([captured({ id: 'e1' as EventId, occurredAt: Date.now(), consent: state })])
    const story = await until(
      () => it.ask('GET', '/api/v1/sites/shop/events/e1'),
      ({ json }) => json.deliveries?.[0]?.status === 'sent',
    )
    expect(story.json.consent).toEqual(state)
    expect(story.json.deliveries[0].flagged).toBe(
      'marketing was refused (onetrust); sent as Limited Data Use',
    )
    expect(story.json.deliveries[0].journal[0].request.body).toContain('"data_processing_options":["LDU"]')
  })
})
