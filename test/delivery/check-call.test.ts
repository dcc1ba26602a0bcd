import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createAddressGuard } from '../../src/delivery/address-guard.ts'
import { createCheckCall, type CheckReport } from '../../src/delivery/check-call.ts'
import { createCredentials } from '../../src/delivery/credentials.ts'
import { createTransport } from '../../src/delivery/http.ts'
import type { Integration } from '../../src/sites/configure.ts'
import { startGa4 } from '../platforms/ga4.ts'
import { googleScopes, startGoogleAds, type GoogleAdsOptions } from '../platforms/google-ads.ts'
import { startMeta } from '../platforms/meta.ts'
import { startPinterest } from '../platforms/pinterest.ts'
import { startSnapchat } from '../platforms/snapchat.ts'
import { startTiktok } from '../platforms/tiktok.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { startX, type XKeys } from '../platforms/x.ts'
import { integrationOf } from '../support/admin.ts'
import { simplePlatform } from '../support/destination.ts'
import { someIntegration } from '../support/events.ts'
import { plainSettings } from '../destinations/events.ts'

/** Each platform's own question, asked of its strict stand-in over real HTTP. */

const check = async (integration: Integration): Promise<CheckReport> => {
  const transport = createTransport({
    guard: createAddressGuard({ allow: ['127.0.0.0/8'] }),
    userAgent: 'sluice-test',
  })
  const credentials = createCredentials({ transport, clock: systemClock })
  try {
    return await createCheckCall({ transport, credentials, clock: systemClock })(integration)
  } finally {
    credentials.close()
    await transport.close()
  }
}

const of = (platform: string, endpoint: string, config: Readonly<Record<string, unknown>>): Integration =>
  integrationOf('shop', { id: 'it', platform, endpoint, config: { ...plainSettings[platform], ...config } })

/** The verdict with its words. */
const said = ({ verdict, reason }: CheckReport): string => `${verdict}: ${reason}`

describe('Meta is asked for the token and for the pixel', () => {
  const config = { pixelId: '1234567890', accessToken: 'EAAB-token-of-the-test' }
  const day = 86_400_000

  test('and both are good', async () => {
    await using meta = await startMeta(config)
    const report = await check(of('meta', meta.url, config))
    expect(said(report)).toBe(
      'ok: the access token is valid; does not end by itself; scopes: ads_management; the pixel is there: The shop',
    )
    expect(report.steps.map(({ asks }) => asks)).toEqual(['the access token', 'the pixel or dataset'])
    expect(report.durationMs).toBeGreaterThanOrEqual(0)
    expect(meta.received).toEqual([])
    expect(JSON.stringify(report)).not.toContain(config.accessToken)
    expect(meta.requests.map(({ method }) => method)).toEqual(['GET', 'GET'])
  })

  test('and says when the token will end', async () => {
    const tokenEndsAt = Math.floor(Date.now() / 1000) * 1000 + day
    await using meta = await startMeta({ ...config, tokenEndsAt })
    const { verdict, reason } = await check(of('meta', meta.url, config))
    expect(verdict).toBe('ok')
    expect(reason).toContain(`ends ${new Date(tokenEndsAt).toISOString()}`)
  })

  test.each([
    ['a token that is none', { accessToken: 'another' }, {}, 'credentials_refused', '190'],
    ['an ended token', { tokenEndsAt: 1_700_000_000_000 }, {}, 'credentials_refused', '190'],
    ['an ended version', {}, { apiVersion: 'v20.0' }, 'cannot_tell', '2635'],
    ['another pixel', { pixelId: '99999' }, {}, 'cannot_tell', '100/33'],
    ['a token that may only send', { mayLook: false }, {}, 'cannot_tell', '100/33'],
  ])('with %s', async (_what, standIn, settings, verdict, code) => {
    await using meta = await startMeta({ ...config, ...standIn })
    const report = await check(of('meta', meta.url, { ...config, ...settings }))
    expect(report).toMatchObject({ verdict, code })
    expect(meta.received).toEqual([])
  })
})

describe('GA4 is never called good, because it tells nobody', () => {
  test.each([
    ['the right secret', 'good'],
    ['a wrong secret', 'bad'],
  ])('with %s', async (_what, apiSecret) => {
    await using ga4 = await startGa4({ measurementId: 'G-ABC1234567', apiSecret: 'good' })
    const report = await check(of('ga4', ga4.url, { measurementId: 'G-ABC1234567', apiSecret }))
    expect(report.verdict).toBe('cannot_tell')
    expect(report.reason).toContain('made-up event found valid')
    expect(report.reason).toContain('tells nobody whether')
    expect(ga4.requests.map(({ path }) => path)).toEqual(['/debug/mp/collect'])
    expect([...ga4.received, ...ga4.ignored]).toEqual([])
  })

  test('when the validation server has trouble of its own', async () => {
    await using ga4 = await startGa4()
    ga4.next({ status: 200, body: { validationMessages: [{ validationCode: 'INTERNAL_ERROR' }] } })
    expect(said(await check(of('ga4', ga4.url, {})))).toBe(
      "cannot_tell: no verdict of GA4's validation server",
    )
  })
})

describe('Snapchat validates a page view', () => {
  const config = { snapPixelId: 'pixel-1', accessToken: 'snap-token-of-the-test' }

  test.each([
    ['good credentials', {}, 'ok'],
    ['a wrong token', { accessToken: 'another' }, 'credentials_refused'],
    ['a wrong pixel', { snapPixelId: 'pixel-2' }, 'not_found'],
  ])('with %s', async (_what, standIn, verdict) => {
    await using snapchat = await startSnapchat({ ...config, ...standIn })
    const report = await check(of('snapchat', snapchat.url, config))
    expect(report.verdict).toBe(verdict)
    expect(snapchat.received).toEqual([])
    expect(snapchat.validated).toHaveLength(verdict === 'ok' ? 1 : 0)
    expect(JSON.stringify(report)).not.toContain(config.accessToken)
  })
})

describe('Pinterest examines a visit under test=true', () => {
  const config = { adAccountId: '549755885175', accessToken: 'pina_token-of-the-test' }

  test.each([
    ['good credentials', {}, 'ok', 'checked and not recorded'],
    ['a wrong token', { accessToken: 'another' }, 'credentials_refused', 'Authentication failed.'],
    [
      'the account of somebody else',
      { adAccountId: '1' },
      'credentials_refused',
      'You are not permitted to access that resource.',
    ],
  ])('with %s', async (_what, standIn, verdict, reason) => {
    await using pinterest = await startPinterest({ ...config, ...standIn })
    expect(said(await check(of('pinterest', pinterest.url, config)))).toBe(`${verdict}: ${reason}`)
    expect(pinterest.received).toEqual([])
  })
})

describe('TikTok', () => {
  const config = { pixelCode: 'C0EXAMPLE77U8PIXEL0', accessToken: 'tiktok-token-of-the-test' }

  test.each([
    ['good credentials and a test event code', {}, { testEventCode: 'TEST1' }, 'ok', undefined],
    ['a wrong token', { accessToken: 'another' }, {}, 'credentials_refused', '40105'],
    ['a pixel of somebody else', { pixelCode: 'ANOTHER' }, {}, 'credentials_refused', '40001'],
    [
      'a wrong token and a test event code',
      { accessToken: 'another' },
      { testEventCode: 'TEST1' },
      'credentials_refused',
      '40105',
    ],
    ['good credentials and no code, which proves nothing', {}, {}, 'cannot_tell', '40002'],
  ])('with %s', async (_what, standIn, settings, verdict, code) => {
    await using tiktok = await startTiktok({ ...config, ...standIn })
    const report = await check(of('tiktok', tiktok.url, { ...config, ...settings }))
    expect(report.verdict).toBe(verdict)
    expect(report.code).toBe(code)
    if (code === '40002') expect(report.reason).toContain('speaks for them and proves nothing')
    expect(tiktok.received).toEqual([])
  })

  test('that takes what was broken on purpose is not trusted', async () => {
    await using tiktok = await startTiktok(config)
    tiktok.next({ status: 200, body: { code: 0, message: 'OK' } })
    expect(said(await check(of('tiktok', tiktok.url, config)))).toBe(
      'cannot_tell: TikTok did not object to an event that was broken on purpose',
    )
  })
})

describe('X', () => {
  const oauth: XKeys = {
    consumerKey: 'consumer-key',
    consumerSecret: 'consumer-secret',
    accessToken: 'access-token-of-a-user',
    accessTokenSecret: 'access-token-secret',
  }
  const config = {
    pixelId: 'o8z6j',
    accessToken: 'pixel-token-of-the-test',
    eventIds: { purchase: 'tw-o8z6j-o87ne' },
  }

  test.each<readonly [string, object, object, string, string]>([
    ['good credentials, which proves nothing', {}, {}, 'cannot_tell', 'INVALID_PARAMETER'],
    ['good keys', { oauth }, oauth, 'cannot_tell', 'INVALID_PARAMETER'],
    ['a wrong token', { pixelToken: 'another' }, {}, 'credentials_refused', 'UNAUTHORIZED_ACCESS'],
    [
      'wrong keys',
      { oauth: { ...oauth, consumerSecret: 'no' } },
      oauth,
      'credentials_refused',
      'UNAUTHORIZED_ACCESS',
    ],
    ['a wrong pixel', { pixelId: 'zzzzz' }, {}, 'not_found', 'WEB_EVENT_TAG_NOT_FOUND'],
    ['an event of another account', { eventIds: ['abc'] }, {}, 'not_found', 'NOT_FOUND'],
  ])('with %s', async (_what, standIn, settings, verdict, code) => {
    await using x = await startX({ pixelId: 'o8z6j', pixelToken: config.accessToken, ...standIn })
    const report = await check(of('x', x.url, { ...config, ...settings }))
    expect(report).toMatchObject({ verdict, code })
    if (code === 'INVALID_PARAMETER') expect(report.reason).toContain('proves nothing')
    expect(x.received).toEqual([])
    expect(JSON.stringify(report)).not.toMatch(/pixel-token-of|consumer-secret|access-token-/)
  })
})

describe('Google Ads validates a conversion', () => {
  const client = {
    clientId: '1234567890-abc.apps.googleusercontent.com',
    clientSecret: 'GOCSPX-secretForTests',
    refreshToken: '1//0g-refreshTokenForTests',
  }
  const account = { customerId: '1112223333', actions: { '987654321': 'UPLOAD_CLICKS' as const } }
  const config = { ...client, customerId: '111-222-3333', conversionActionId: '987654321' }

  const cases: readonly (readonly [string, GoogleAdsOptions, object, string])[] = [
    ['everything right', {}, {}, 'ok'],
    ['a wrong refresh token', { refreshToken: 'another' }, {}, 'credentials_refused'],
    ['a wrong client', { clientSecret: 'another' }, {}, 'credentials_refused'],
    ['the account of somebody else', { customerId: '9998887777' }, {}, 'credentials_refused'],
    ['an action that is not there', {}, { conversionActionId: '1' }, 'not_found'],
  ]
  test.each(cases)('of the Data Manager, with %s', async (_what, standIn, settings, verdict) => {
    await using google = await startGoogleAds({ ...client, ...account, ...standIn })
    const report = await check(of('google_ads', google.url, { ...config, ...settings }))
    expect(report.verdict, report.reason).toBe(verdict)
    expect(google.received).toEqual([])
    expect(google.validated).toBe(verdict === 'ok' ? 1 : 0)
    for (const secret of [client.clientSecret, client.refreshToken, ...google.issued])
      expect(JSON.stringify(report)).not.toContain(secret)
  })

  test.each(cases)('of the older upload, with %s', async (_what, standIn, settings, verdict) => {
    await using google = await startGoogleAds({ ...client, ...account, ...standIn })
    const report = await check(
      of('google_ads', google.url, { ...config, transport: 'google_ads_api', ...settings }),
    )
    expect(report.verdict, report.reason).toBe(verdict)
    expect(google.received).toEqual([])
  })

  test('that enhances: an unknown order proves all the rest', async () => {
    await using google = await startGoogleAds({ ...client, ...account, actions: { '987654321': 'WEBPAGE' } })
    const report = await check(
      of('google_ads', google.url, { ...config, transport: 'google_ads_api', enhance: true }),
    )
    expect(report.verdict, report.reason).toBe('ok')
    expect(google.adjusted).toEqual([])
  })

  test('and names the scope that the refresh token lacks', async () => {
    await using google = await startGoogleAds({ ...client, scopes: [googleScopes.adwords] })
    const report = await check(of('google_ads', google.url, config))
    expect(report.verdict).toBe('credentials_refused')
    expect(report.reason).toContain(googleScopes.dataManager)
    expect(google.requests.map(({ path }) => path)).toEqual(['/token'])
    expect(report.steps).toMatchObject([{ request: null, response: null, durationMs: null }])
  })
})

describe('a webhook', () => {
  const token = 'the-token-of-the-crm'
  const hook = (url: string) =>
    integrationOf('shop', {
      id: 'it',
      platform: 'webhook',
      config: { url: `${url}/in`, auth: { type: 'bearer', token } },
    })

  test('is only asked whether anybody is there, without credentials and without an event', async () => {
    await using receiver = await startWebhook()
    const report = await check(hook(receiver.url))
    expect(report.verdict).toBe('cannot_tell')
    expect(report.reason).toContain('can be reached')
    expect(
      receiver.requests.map(({ method, text, headers }) => [method, text, headers.authorization]),
    ).toEqual([['GET', '', undefined]])
  })

  test('that nobody answers for says so', async () => {
    const receiver = await startWebhook()
    await receiver.down()
    const { verdict, reason, steps } = await check(hook(receiver.url))
    expect(verdict).toBe('cannot_tell')
    expect(reason).not.toContain('can be reached')
    expect(steps).toMatchObject([{ response: null }])
  })

  test('inside a network that is closed is not asked', async () => {
    const { verdict, reason } = await check(hook('http://10.0.0.1'))
    expect(verdict).toBe('cannot_tell')
    expect(reason).toContain('not a public one')
  })
})

test('a platform without a question is not asked, and not called good', async () => {
  const report = await check(someIntegration({}, simplePlatform()))
  expect(report).toMatchObject({ verdict: 'cannot_tell', steps: [], durationMs: null })
})
