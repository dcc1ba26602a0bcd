import { describe, expect, test } from 'vitest'
import { googleAds } from '../../src/destinations/google-ads/index.ts'
import { googleAdsSettings } from '../../src/destinations/google-ads/settings.ts'
import type { EventId } from '../../src/event/brand.ts'
import { configureIntegration, type Integration } from '../../src/sites/configure.ts'
import type { StoredEvent } from '../../src/store/store.ts'
import { plainSettings } from '../destinations/events.ts'
import { startGoogleAds, type GoogleAdsPlatform } from '../platforms/google-ads.ts'
import { startEngine } from '../support/engine.ts'
import { captured } from '../support/events.ts'
import { until } from '../support/until.ts'

/** An attempt that needs an access token, from the intake to the platform and back into the journal. */

const integrationFor = (
  platform: GoogleAdsPlatform,
  change: Readonly<Record<string, unknown>> = {},
): Integration => {
  const settings = googleAdsSettings.parse({ ...plainSettings['google_ads'], ...change })
  return configureIntegration(
    { id: 'shop' },
    { id: 'google', platform: 'google_ads', config: {}, endpoint: platform.url },
    googleAds,
    settings,
    [settings.refreshToken, settings.clientSecret],
  )
}

const purchase = (id: string) =>
  captured(
    {
      id: id as EventId,
      occurredAt: Date.now(),
      custom: { value: 10, currency: 'EUR', orderId: `order-${id}` },
    },
    { email: 'ann@example.com' },
  )

const statusOf = (event: StoredEvent | null) => event?.deliveries[0]?.status
const sent = (event: StoredEvent | null): boolean => statusOf(event) === 'sent'
const calls = (platform: GoogleAdsPlatform, path: string) =>
  platform.requests.filter((request) => request.path === path)

test('a conversion is opened with a token, and the journal shows neither the token nor a secret', async () => {
  await using platform = await startGoogleAds()
  await using engine = await startEngine([integrationFor(platform)])
  await engine.intake.accept(['a', 'b'].map(purchase))
  const event = await until(() => engine.event('a'), sent)
  await until(() => engine.event('b'), sent)
  expect(platform.received.map(({ transactionId }) => transactionId).sort()).toEqual(['order-a', 'order-b'])
  const line = event!.deliveries[0]!.journal[0]!
  expect(line).toMatchObject({ outcome: 'delivered', trace: 'Rq-7f3a', httpStatus: 200 })
  expect(line.request).toContain('/v1/events:ingest')
  const told = JSON.stringify([event, await engine.event('b'), engine.news])
  for (const secret of [
    ...platform.issued,
    '1//0g-refreshTokenForTests',
    'GOCSPX-secretForTests',
    'ann@example.com',
  ])
    expect(told).not.toContain(secret)
})

test('a token that the platform no longer takes is renewed, and the conversion goes in the same attempt', async () => {
  await using platform = await startGoogleAds()
  await using engine = await startEngine([integrationFor(platform)])
  await engine.intake.accept([purchase('a')])
  await until(() => engine.event('a'), sent)
  platform.revoke()
  await engine.intake.accept([purchase('b')])
  const event = await until(() => engine.event('b'), sent)
  expect(platform.issued).toHaveLength(2)
  expect(calls(platform, '/v1/events:ingest').map(({ status }) => status)).toEqual([200, 401, 200])
  expect(event!.deliveries[0]).toMatchObject({ attempts: 1 })
  expect(event!.deliveries[0]!.journal.map(({ outcome }) => outcome)).toEqual(['delivered'])
  expect(engine.lanes.parked()).toEqual([])
})

test('who is refused with a fresh token, too, is parked after one renewal', async () => {
  await using platform = await startGoogleAds()
  const refusal = { status: 401, body: { error: { code: 401, status: 'UNAUTHENTICATED', message: 'No.' } } }
  platform.next({}, refusal, {}, refusal)
  await using engine = await startEngine([integrationFor(platform)])
  await engine.intake.accept([purchase('a')])
  const parked = await until(
    () => engine.lanes.parked(),
    (lanes) => lanes.length === 1,
  )
  expect(parked[0]).toMatchObject({ integration: 'shop/google', reason: 'No.' })
  expect(platform.requests.map(({ path }) => path)).toEqual([
    '/token',
    '/v1/events:ingest',
    '/token',
    '/v1/events:ingest',
  ])
  expect(statusOf(await engine.event('a'))).toBe('retrying')
})

test('a refusal that no other token would mend is not asked again', async () => {
  await using platform = await startGoogleAds({ customerId: '9999999999' })
  await using engine = await startEngine([integrationFor(platform)])
  await engine.intake.accept([purchase('a')])
  await until(
    () => engine.lanes.parked(),
    (lanes) => lanes.length === 1,
  )
  expect(platform.issued).toHaveLength(1)
  expect(calls(platform, '/v1/events:ingest')).toHaveLength(1)
})

test('a refresh token that is not taken parks the lane in words; a mended one opens it', async () => {
  await using platform = await startGoogleAds({ refreshToken: '1//0g-mended' })
  await using engine = await startEngine([integrationFor(platform)])
  await engine.intake.accept([purchase('a')])
  const parked = await until(
    () => engine.lanes.parked(),
    (lanes) => lanes.length === 1,
  )
  expect(parked[0]!.reason).toMatch(/the refresh token is not taken any more.*consent flow again/)
  const event = await engine.event('a')
  expect(event!.deliveries[0]).toMatchObject({ status: 'retrying', attempts: 0 })
  expect(event!.deliveries[0]!.journal[0]).toMatchObject({
    outcome: 'unauthorized',
    code: 'invalid_grant',
    request: null,
  })
  expect(calls(platform, '/v1/events:ingest')).toEqual([])
  expect(calls(platform, '/token')).toHaveLength(1)
  engine.configure([integrationFor(platform, { refreshToken: '1//0g-mended' })])
  await engine.intake.accept([purchase('b')])
  await until(() => engine.event('b'), sent)
  expect(engine.lanes.parked()).toEqual([])
  // It was told to wait before anybody mended anything, and comes at its time.
  expect(statusOf(await engine.event('a'))).toBe('retrying')
})

test('a token endpoint that is down delays the conversion and costs nothing else', async () => {
  await using platform = await startGoogleAds()
  platform.next({ status: 503 })
  await using engine = await startEngine([integrationFor(platform)])
  await engine.intake.accept([purchase('a')])
  await until(
    () => engine.event('a'),
    (event) => statusOf(event) === 'retrying',
  )
  expect((await engine.event('a'))!.deliveries[0]!.journal[0]).toMatchObject({
    outcome: 'unavailable',
    reason: 'the token endpoint answered HTTP 503',
  })
  await until(() => engine.event('a'), sent)
  expect(platform.received).toHaveLength(1)
}, 20_000)

describe('in a batch that is refused whole', () => {
  const refusal = (...rows: readonly number[]) => ({
    status: 400,
    body: {
      error: {
        code: 400,
        status: 'INVALID_ARGUMENT',
        message: 'There was a problem with the request.',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: rows.map((row) => ({
              field: `events[${row}].user_data`,
              description: 'no such person',
              reason: 'INVALID_FORMAT',
            })),
          },
        ],
      },
    },
  })
  const idsIn = (platform: GoogleAdsPlatform) =>
    calls(platform, '/v1/events:ingest').map(({ json }) =>
      (json as { readonly events: readonly { readonly transactionId: string }[] }).events.map(
        ({ transactionId }) => transactionId,
      ),
    )

  test('the events that are named are rejected, and the others go at once, together, uncounted', async () => {
    await using platform = await startGoogleAds()
    platform.next({}, refusal(1, 3))
    await using engine = await startEngine([integrationFor(platform)])
    await engine.intake.accept(['a', 'b', 'c', 'd', 'e'].map(purchase))
    const events = await until(
      () => Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => engine.event(id))),
      (all) => all.every((event) => ['sent', 'failed'].includes(statusOf(event) ?? '')),
    )
    expect(events.map(statusOf)).toEqual(['sent', 'failed', 'sent', 'failed', 'sent'])
    expect(events[1]!.deliveries[0]!.journal[0]).toMatchObject({
      reason: 'no such person',
      code: 'INVALID_FORMAT',
      batchSize: 5,
    })
    expect(events[1]!.deliveries[0]!.journal[0]!.request).not.toContain('order-a')
    expect(events[0]!.deliveries[0]).toMatchObject({ attempts: 1 })
    expect(events[0]!.deliveries[0]!.journal).toHaveLength(1)
    expect(idsIn(platform)).toEqual([
      ['order-a', 'order-b', 'order-c', 'order-d', 'order-e'],
      ['order-a', 'order-c', 'order-e'],
    ])
  })

  test('without a name the guilty one is sought', async () => {
    await using platform = await startGoogleAds()
    platform.next({}, refusal())
    await using engine = await startEngine([integrationFor(platform)])
    await engine.intake.accept(['a', 'b'].map(purchase))
    for (const id of ['a', 'b']) await until(() => engine.event(id), sent)
    expect(platform.received.map(({ transactionId }) => transactionId).sort()).toEqual(['order-a', 'order-b'])
  })
})

test('over the older upload a row that is refused in an answer of 200 is not called delivered', async () => {
  await using platform = await startGoogleAds({ actions: { '555000111': 'UPLOAD_CLICKS' } })
  await using engine = await startEngine([integrationFor(platform, { transport: 'google_ads_api' })])
  await engine.intake.accept([purchase('a')])
  const parked = await until(
    () => engine.lanes.parked(),
    (lanes) => lanes.length === 1,
  )
  expect(parked[0]!.reason).toContain('NO_CONVERSION_ACTION_FOUND')
  expect(platform.received).toEqual([])
  engine.configure([
    integrationFor(platform, { transport: 'google_ads_api', conversionActionId: '555000111' }),
  ])
  await engine.intake.accept([purchase('b')])
  await until(() => engine.event('b'), sent)
  expect(platform.received).toMatchObject([{ via: 'google_ads_api', transactionId: 'order-b' }])
})

test('a stop does not wait for a token endpoint that says nothing, and the conversion stays', async () => {
  await using platform = await startGoogleAds()
  platform.next({ hang: true })
  await using engine = await startEngine([integrationFor(platform)])
  await engine.intake.accept([purchase('a')])
  await until(
    () => platform.requests.length,
    (count) => count === 1,
  )
  await engine.lanes.stop(AbortSignal.timeout(50))
  const event = await engine.event('a')
  expect(event!.deliveries[0]).toMatchObject({ status: 'queued', attempts: 0, journal: [] })
})
