import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HttpRequest, HttpResponse } from '../../../src/destinations/destination.ts'
import { googleAds } from '../../../src/destinations/google-ads/index.ts'
import { googleAdsSettings } from '../../../src/destinations/google-ads/settings.ts'
import type { ConversionEvent } from '../../../src/event/event.ts'
import { googleScopes, startGoogleAds, type GoogleAdsPlatform } from '../../platforms/google-ads.ts'
import { anyEvent, anyone } from '../arbitrary.ts'
import { context, now, plainSettings, routed } from '../events.ts'
import { goldenCasesOf, prepare } from '../golden.ts'

/** The stand-in and the destination were written apart, from the same papers. Here they meet. */

const send = async ({ url, method, headers, body }: HttpRequest): Promise<HttpResponse> => {
  const response = await fetch(url, { method, headers, body })
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

const client = {
  clientId: '1234567890-abc.apps.googleusercontent.com',
  clientSecret: 'GOCSPX-secretForTests',
  refreshToken: '1//0g-refreshTokenForTests',
}

const tokenForm = (over: Readonly<Record<string, string>> = {}): string =>
  new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: client.refreshToken,
    client_id: client.clientId,
    client_secret: client.clientSecret,
    ...over,
  }).toString()

const askToken = (platform: GoogleAdsPlatform, body = tokenForm()): Promise<HttpResponse> =>
  send({
    method: 'POST',
    url: `${platform.url}/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
  })

const tokenOf = async (platform: GoogleAdsPlatform): Promise<string> => {
  const { access_token } = JSON.parse((await askToken(platform)).body) as { readonly access_token: string }
  return access_token
}

const sendable = goldenCasesOf('google_ads').flatMap(({ name, golden }) =>
  golden.request === undefined ? [] : [[name, golden] as const],
)

test.each(sendable)('%s is taken by the strict stand-in', async (_file, golden) => {
  const prepared = prepare(googleAds, golden)
  const { settings, deliverables } = prepared
  const enhances = golden.settings['enhance'] === true
  await using platform = await startGoogleAds({
    ...client,
    now: () => prepared.now,
    customerId: '1112223333',
    actions: { '987654321': enhances ? 'WEBPAGE' : 'UPLOAD_CLICKS', '555000111': 'UPLOAD_CLICKS' },
    tagged: ['A-1'],
  })
  const response = await send(
    googleAds.build(deliverables, settings, {
      ...prepared.context,
      endpoint: platform.url,
      credential: { accessToken: await tokenOf(platform) },
    }),
  )
  expect(
    googleAds.read(response, deliverables, settings).map(({ kind, reason }) => `${kind}: ${reason}`),
  ).toEqual(
    deliverables.map(() =>
      golden.settings['validateOnly'] === true
        ? 'delivered: checked and not kept: validateOnly is on'
        : golden.settings['transport'] === 'google_ads_api'
          ? 'delivered: uploaded'
          : 'delivered: accepted for processing',
    ),
  )
  const counted = [...platform.received, ...platform.adjusted]
  // What is flagged as denied the Data Manager accepts, and fails in the processing.
  const processed = golden.settings['transport'] !== 'google_ads_api'
  const denied = deliverables.filter(({ flagged }) => flagged === true && processed)
  const checked = golden.settings['validateOnly'] === true ? deliverables.length : 0
  expect(counted).toHaveLength(deliverables.length - denied.length - checked)
  expect(platform.validated).toBe(checked)
  expect(platform.failed.map(({ reason }) => reason)).toEqual(
    denied.map(() => expect.stringContaining('DENIED_CONSENT')),
  )
  expect(platform.requests[1]?.query.size).toBe(0)
})

/** Events that Google could match, so that not all are refused before they are built. */
const clicked: fc.Arbitrary<ConversionEvent> = fc
  .tuple(
    anyEvent,
    fc.record(
      {
        gclid: fc.record({ value: fc.oneof(fc.string(), fc.stringMatching(/^[\w.-]{1,40}$/)) }),
        gbraid: fc.record({ value: fc.string() }),
        wbraid: fc.record({ value: fc.stringMatching(/^[\w.-]{1,40}$/) }),
      },
      { requiredKeys: [] },
    ),
    fc.string({ maxLength: 100 }),
    fc.constantFrom('purchase', 'lead', 'subscribe'),
  )
  .map(([event, clickIds, orderId, type]) => ({
    ...event,
    type,
    custom: { ...event.custom, orderId },
    visitor: { ...event.visitor, clickIds },
  }))

test.each(['data_manager', 'google_ads_api'] as const)(
  'over %s, whatever is not refused here is not refused there',
  async (transport) => {
    const settings = googleAdsSettings.parse({
      ...plainSettings['google_ads'],
      transport,
      sendAddress: true,
      merchantId: '5551234',
    })
    await using platform = await startGoogleAds({ now: () => now })
    const credential = { accessToken: await tokenOf(platform) }
    let sent = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(clicked, anyone), { minLength: 1, maxLength: 20 }),
        async (written) => {
          const deliverables = written
            .map(([event, userData]) => routed(googleAds, settings, event, { ...userData, country: 'US' }))
            .filter((deliverable) => googleAds.refuse(deliverable, settings, now) === null)
          if (deliverables.length === 0) return
          sent += deliverables.length
          const response = await send(
            googleAds.build(deliverables, settings, { ...context, endpoint: platform.url, credential }),
          )
          expect(googleAds.read(response, deliverables, settings).map(({ kind }) => kind)).toEqual(
            deliverables.map(() => 'delivered'),
          )
        },
      ),
      { numRuns: 50 },
    )
    expect(sent).toBeGreaterThan(20)
  },
)

describe('the token endpoint is strict', () => {
  test('and gives a token for the right four fields', async () => {
    await using platform = await startGoogleAds(client)
    const response = await askToken(platform)
    expect(JSON.parse(response.body)).toEqual({
      access_token: platform.issued[0],
      expires_in: 3599,
      token_type: 'Bearer',
      scope: Object.values(googleScopes).join(' '),
    })
  })

  test.each([
    ['a wrong refresh token', { refresh_token: 'x' }, 400, 'invalid_grant'],
    ['a wrong client', { client_id: 'x' }, 401, 'invalid_client'],
    ['a wrong secret', { client_secret: 'x' }, 401, 'invalid_client'],
    ['another grant', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
  ])('about %s', async (_what, over, status, error) => {
    await using platform = await startGoogleAds(client)
    const response = await askToken(platform, tokenForm(over))
    expect([response.status, (JSON.parse(response.body) as { error: string }).error]).toEqual([status, error])
    expect(platform.issued).toEqual([])
  })

  test('about a withdrawn refresh token, and a revoked or ended access token', async () => {
    let time = now
    await using platform = await startGoogleAds({ ...client, now: () => time, expiresIn: 60 })
    const first = await tokenOf(platform)
    const statusWith = async (token: string): Promise<number> =>
      (await ingest(platform, good, { authorization: `Bearer ${token}` })).status
    expect(await statusWith(first)).toBe(200)
    platform.revoke()
    expect(await statusWith(first)).toBe(401)
    const second = await tokenOf(platform)
    expect(await statusWith(second)).toBe(200)
    time += 61_000
    expect(await statusWith(second)).toBe(401)
    platform.withdraw()
    expect((await askToken(platform)).status).toBe(400)
  })
})

type Json = Readonly<Record<string, unknown>>
const hex = 'ab'.repeat(32)
const goodEvent: Json = {
  transactionId: 'T1',
  eventTimestamp: '2026-11-20T15:00:00Z',
  eventSource: 'WEB',
  adIdentifiers: { gclid: 'EAIaIQobChMI' },
}
const destination = {
  operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '1234567890' },
  productDestinationId: '987654321',
}
const good: Json = { destinations: [destination], events: [goodEvent] }

const ingest = (
  platform: GoogleAdsPlatform,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<HttpResponse> =>
  send({
    method: 'POST',
    url: `${platform.url}/v1/events:ingest`,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

const bearer = async (platform: GoogleAdsPlatform) => ({ authorization: `Bearer ${await tokenOf(platform)}` })

describe('the Data Manager API is strict', () => {
  const withEvent = (over: Json): Json => ({
    ...good,
    encoding: 'HEX',
    events: [goodEvent, { ...goodEvent, ...over }],
  })
  const person = (userIdentifier: Json): Json =>
    withEvent({ userData: { userIdentifiers: [userIdentifier] } })

  test.each<readonly [string, Json]>([
    ['an unknown field', withEvent({ eventId: 'x' })],
    ['an unhashed e-mail', person({ emailAddress: 'jane@example.com' })],
    ['a digest in capitals', person({ emailAddress: hex.toUpperCase() })],
    ['two identifiers in one', person({ emailAddress: hex, phoneNumber: hex })],
    ['half an address', person({ address: { givenName: hex, familyName: hex, regionCode: 'US' } })],
    ['no source', withEvent({ eventSource: null })],
    ['no identifiers', withEvent({ adIdentifiers: undefined })],
    ['two click ids', withEvent({ adIdentifiers: { gclid: 'a', wbraid: 'b' } })],
    ['a value without a currency', withEvent({ conversionValue: 1 })],
    ['a value that is a text', withEvent({ conversionValue: '1', currency: 'EUR' })],
    ['seconds for a time', withEvent({ eventTimestamp: 1_795_000_000 })],
    ['a time without a zone', withEvent({ eventTimestamp: '2026-11-20T15:00:00' })],
    ['an old event', withEvent({ eventTimestamp: '2026-08-20T15:00:00Z' })],
    ['an event of tomorrow', withEvent({ eventTimestamp: '2026-11-21T15:00:00Z' })],
    ['an address with a port', withEvent({ eventDeviceInfo: { ipAddress: '203.0.113.7:80' } })],
    ['an address of a private network', withEvent({ eventDeviceInfo: { ipAddress: '10.0.0.7' } })],
    ['a consent of other words', withEvent({ consent: { adUserData: 'GRANTED' } })],
    ['user data without its encoding', { ...person({ emailAddress: hex }), encoding: undefined }],
    ['a dashed account', { ...good, destinations: [{ ...destination, productDestinationId: 'AW-1' }] }],
    ['2001 events', { ...good, events: Array.from({ length: 2001 }, () => goodEvent) }],
    [
      'an action it does not have',
      { ...good, destinations: [{ ...destination, productDestinationId: '1' }] },
    ],
  ])('about %s, and takes nothing of its batch', async (_what, body) => {
    await using platform = await startGoogleAds({ now: () => now, actions: { '987654321': 'UPLOAD_CLICKS' } })
    expect(await ingest(platform, body, await bearer(platform))).toMatchObject({ status: 400 })
    expect(platform.received).toEqual([])
  })

  test('and counts an id once for each action', async () => {
    await using platform = await startGoogleAds({ now: () => now })
    const headers = await bearer(platform)
    const other = { ...good, destinations: [{ ...destination, productDestinationId: '5' }] }
    for (const body of [good, good, other]) expect((await ingest(platform, body, headers)).status).toBe(200)
    expect(platform.received.map(({ action }) => action)).toEqual(['987654321', '5'])
    expect(platform.adjusted).toHaveLength(1)
  })

  test('and fails later what was refused by the visitor', async () => {
    await using platform = await startGoogleAds({ now: () => now })
    const body = withEvent({ transactionId: 'T2', consent: { adUserData: 'CONSENT_DENIED' } })
    expect((await ingest(platform, body, await bearer(platform))).status).toBe(200)
    expect(platform.received).toHaveLength(1)
    expect(platform.failed.map(({ reason }) => reason)).toEqual(['PROCESSING_ERROR_REASON_DENIED_CONSENT'])
  })

  test('about a token without its scope, and about another account', async () => {
    await using unscoped = await startGoogleAds({ now: () => now, scopes: [googleScopes.adwords] })
    expect(await ingest(unscoped, good, await bearer(unscoped))).toMatchObject({
      status: 403,
      body: expect.stringContaining('ACCESS_TOKEN_SCOPE_INSUFFICIENT'),
    })
    await using other = await startGoogleAds({ now: () => now, customerId: '9999999999' })
    expect((await ingest(other, good, await bearer(other))).status).toBe(403)
  })
})

describe('the upload of the Google Ads API is strict', () => {
  const row: Json = {
    gclid: 'EAIaIQobChMI',
    conversionAction: 'customers/1234567890/conversionActions/987654321',
    conversionDateTime: '2026-11-20 15:00:00+00:00',
    orderId: 'T1',
  }
  const upload = async (
    platform: GoogleAdsPlatform,
    rows: readonly Json[],
    { place = 'v26/customers/1234567890:uploadClickConversions', body = {} } = {},
  ): Promise<HttpResponse> =>
    send({
      method: 'POST',
      url: `${platform.url}/${place}`,
      headers: { 'content-type': 'application/json', ...(await bearer(platform)) },
      body: JSON.stringify({ conversions: rows, partialFailure: true, ...body }),
    })

  test.each<readonly [string, Json, string]>([
    ['both of Apple’s click ids', { gclid: undefined, gbraid: 'a', wbraid: 'b' }, 'GBRAID_WBRAID_BOTH_SET'],
    ['a malformed click id', { gclid: 'a b' }, 'UNPARSEABLE_GCLID'],
    ['nobody', { gclid: undefined }, 'REQUIRED'],
    ['the other form of time', { conversionDateTime: '2026-11-20T15:00:00Z' }, 'INVALID_STRING_DATE_TIME'],
    ['an old conversion', { conversionDateTime: '2026-08-20 15:00:00+00:00' }, 'EXPIRED_EVENT'],
    [
      'an unhashed e-mail',
      { userIdentifiers: [{ hashedEmail: 'jane@example.com' }] },
      'INVALID_USER_IDENTIFIER',
    ],
    [
      'an address',
      {
        userIdentifiers: [
          { addressInfo: { hashedFirstName: hex, hashedLastName: hex, countryCode: 'US', postalCode: '1' } },
        ],
      },
      'UNSUPPORTED_USER_IDENTIFIER',
    ],
    [
      'six identifiers',
      { userIdentifiers: Array.from({ length: 6 }, () => ({ hashedEmail: hex })) },
      'TOO_MANY_USER_IDENTIFIERS',
    ],
    [
      'consent to personalization',
      { consent: { adUserData: 'GRANTED', adPersonalization: 'GRANTED' } },
      'VALUE_MUST_BE_UNSET',
    ],
    [
      'an action it does not have',
      { conversionAction: 'customers/1234567890/conversionActions/1' },
      'NO_CONVERSION_ACTION_FOUND',
    ],
    [
      'an action of the page',
      { conversionAction: 'customers/1234567890/conversionActions/2' },
      'INVALID_CONVERSION_ACTION_TYPE',
    ],
    ['a personal order id', { orderId: 'jane@example.com' }, 'ORDER_ID_CONTAINS_PII'],
    ['a repeat', {}, 'ORDER_ID_ALREADY_IN_USE'],
  ])('about %s, in an answer of 200, and takes the row beside it', async (_what, over, code) => {
    await using platform = await startGoogleAds({
      now: () => now,
      actions: { '987654321': 'UPLOAD_CLICKS', '2': 'WEBPAGE' },
    })
    const response = await upload(platform, [row, { ...row, ...over }])
    expect(response.status).toBe(200)
    expect(response.body).toContain(code)
    expect(platform.received.map(({ transactionId }) => transactionId)).toEqual(['T1'])
    expect(JSON.parse(response.body)).toMatchObject({
      results: [{ orderId: 'T1' }, {}],
      partialFailureError: {
        details: [{ errors: [{ location: { fieldPathElements: [{ index: 1 }, {}] } }] }],
      },
    })
  })

  test.each([
    ['an unknown field', [{ ...row, ip: 'x' }], {}, 400, 'Unknown name'],
    [
      'no word on partial failures',
      [row],
      { body: { partialFailure: false } },
      400,
      'PARTIAL_FAILURE_MODE_REQUIRED',
    ],
    [
      'an ended version',
      [row],
      { place: 'v22/customers/1234567890:uploadClickConversions' },
      400,
      'UNSUPPORTED_VERSION',
    ],
    [
      'a dashed account',
      [row],
      { place: 'v26/customers/123-456-7890:uploadClickConversions' },
      404,
      'Not Found',
    ],
    [
      'another account',
      [row],
      { place: 'v26/customers/1111111111:uploadClickConversions' },
      403,
      'USER_PERMISSION_DENIED',
    ],
  ])('about %s, and takes nothing', async (_what, rows, over, status, words) => {
    await using platform = await startGoogleAds({ now: () => now, customerId: '1234567890' })
    const response = await upload(platform, rows, over)
    expect(response.status).toBe(status)
    expect(response.body).toContain(words)
    expect(platform.received).toEqual([])
  })

  test('about newcomers', async () => {
    await using platform = await startGoogleAds({ now: () => now, allowlisted: false })
    expect(await upload(platform, [row])).toMatchObject({
      status: 403,
      body: expect.stringContaining('CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE'),
    })
  })

  test('about an enhancement of what the tag has not reported, or reported and enhanced', async () => {
    await using platform = await startGoogleAds({ now: () => now, tagged: ['T1'] })
    const adjustment = (orderId: string): Json => ({
      conversionAction: row['conversionAction'],
      adjustmentType: 'ENHANCEMENT',
      orderId,
      userIdentifiers: [{ hashedEmail: hex }],
    })
    const { body } = await upload(platform, [], {
      place: 'v26/customers/1234567890:uploadConversionAdjustments',
      body: {
        conversions: undefined,
        conversionAdjustments: [adjustment('T1'), adjustment('T2'), adjustment('T1')],
      },
    })
    expect(platform.adjusted.map(({ transactionId }) => transactionId)).toEqual(['T1'])
    expect(body).toMatch(/CONVERSION_NOT_FOUND.*CONVERSION_ALREADY_ENHANCED/)
  })
})
