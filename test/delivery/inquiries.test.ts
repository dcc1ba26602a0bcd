import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import type { StoredEvent } from '../../src/store/store.ts'
import { plainSettings } from '../destinations/events.ts'
import { startGoogleAds, type GoogleAdsPlatform } from '../platforms/google-ads.ts'
import { integrationOf } from '../support/admin.ts'
import { manualClock, type ManualClock } from '../support/clock.ts'
import { startEngine, type Engine } from '../support/engine.ts'
import { captured } from '../support/events.ts'
import { until } from '../support/until.ts'

/** What the Data Manager accepts, and what it says of it half an hour later. */

const minute = 60_000

const googleOf = (platform: { readonly url: string }, lane: 'auto' | 'batch' = 'auto') =>
  integrationOf('shop', {
    id: 'google',
    platform: 'google_ads',
    lane,
    endpoint: platform.url,
    config: plainSettings['google_ads'] ?? {},
  })

const purchase = (clock: ManualClock, id: string) =>
  captured(
    {
      id: id as EventId,
      occurredAt: clock.now(),
      custom: { value: 10, currency: 'EUR', orderId: `order-${id}` },
    },
    { email: 'ann@example.com' },
  )

const deliveryOf = (event: StoredEvent | null) => event?.deliveries[0]
const outcomes = (event: StoredEvent | null) => deliveryOf(event)?.journal.map(({ outcome }) => outcome) ?? []

/** Minutes go by until something has become of the event. */
const later = (
  engine: Engine,
  clock: ManualClock,
  id: string,
  holds: (event: StoredEvent | null) => boolean,
) =>
  until(async () => {
    await clock.advance(5 * minute)
    return engine.event(id)
  }, holds)

const sendOff = async (engine: Engine, clock: ManualClock, ids: readonly string[]): Promise<void> => {
  await engine.intake.accept(ids.map((id) => purchase(clock, id)))
  for (const id of ids)
    await until(
      async () => {
        // The limits of the lane are waited for by the same clock.
        await clock.advance(1_000)
        return engine.event(id)
      },
      (event) => deliveryOf(event)?.status === 'sent',
    )
}

const asked = (platform: GoogleAdsPlatform) =>
  platform.requests.filter(({ path }) => path === '/v1/requestStatus:retrieve')

describe('an accepted request is asked about', () => {
  test('when half an hour has passed, and the journal says that it was processed', async () => {
    const clock = manualClock(Date.now())
    await using platform = await startGoogleAds({ now: clock.now })
    await using engine = await startEngine([googleOf(platform)], { clock })
    await sendOff(engine, clock, ['a'])
    expect(deliveryOf(await engine.event('a'))?.reason).toBe('accepted for processing')
    for (let turn = 0; turn < 28; turn += 1) await clock.advance(minute)
    expect(asked(platform)).toEqual([])
    const event = await later(engine, clock, 'a', (seen) => outcomes(seen).length > 1)
    expect(deliveryOf(event)).toMatchObject({ status: 'sent', reason: 'processed' })
    expect(outcomes(event)).toEqual(['delivered', 'processed'])
    const line = deliveryOf(event)?.journal[1]
    expect(line).toMatchObject({ trace: 'Rq-7f3a', httpStatus: 200, batchSize: 1 })
    expect(line?.request).toContain('/v1/requestStatus:retrieve?requestId=Rq-7f3a')
    for (const secret of [...platform.issued, 'ann@example.com']) expect(line?.request).not.toContain(secret)
    expect(asked(platform)).toHaveLength(1)
    for (let turn = 0; turn < 120; turn += 1) await clock.advance(minute)
    expect(asked(platform)).toHaveLength(1)
  })

  test('and what was refused there is failed, in Google’s words, and counted', async () => {
    const clock = manualClock(Date.now())
    await using platform = await startGoogleAds({ now: clock.now, judge: () => 'INVALID_GCLID' })
    await using engine = await startEngine([googleOf(platform)], { clock })
    await sendOff(engine, clock, ['a'])
    const event = await later(engine, clock, 'a', (seen) => outcomes(seen).length > 1)
    expect(deliveryOf(event)).toMatchObject({
      status: 'failed',
      reason: 'accepted, and refused when processed: INVALID_GCLID',
      journal: [{ outcome: 'delivered' }, { outcome: 'refused_later', code: 'INVALID_GCLID' }],
    })
    expect(engine.news).toContainEqual(
      expect.objectContaining({ outcome: 'refused_later', code: 'INVALID_GCLID', events: 1 }),
    )
    // What was personal went when Google accepted it, so there is nothing to send again.
    expect(event?.holdsPersonalData).toBe(false)
    expect(await engine.store.replay({ dryRun: true, now: clock.now() })).toBe(0)
  })

  test('and of a batch it is said how many were refused, for nobody knows which', async () => {
    const clock = manualClock(Date.now())
    await using platform = await startGoogleAds({
      now: clock.now,
      judge: ({ transactionId }) => (transactionId === 'order-b' ? 'EVENT_TOO_OLD' : null),
    })
    await using engine = await startEngine([googleOf(platform, 'batch')], { clock })
    await sendOff(engine, clock, ['a', 'b', 'c'])
    expect(platform.requests.filter(({ path }) => path === '/v1/events:ingest')).toHaveLength(1)
    const event = await later(engine, clock, 'b', (seen) => outcomes(seen).length > 1)
    expect(deliveryOf(event)).toMatchObject({
      status: 'sent',
      reason:
        'Google refused 1 of the 3 events of this request when it processed them, and does not say which: EVENT_TOO_OLD (1)',
    })
    expect(outcomes(await engine.event('a'))).toEqual(['delivered', 'refused_later'])
    expect(engine.news).toContainEqual(expect.objectContaining({ outcome: 'refused_later', events: 1 }))
  })

  test('again, less and less often, until Google is done', async () => {
    const clock = manualClock(Date.now())
    await using platform = await startGoogleAds({ now: clock.now, undecidedAnswers: 3 })
    await using engine = await startEngine([googleOf(platform)], { clock })
    const begun = clock.now()
    await sendOff(engine, clock, ['a'])
    await later(engine, clock, 'a', (seen) => outcomes(seen).length > 1)
    const minutes = asked(platform).map(({ at }) => (at - begun) / minute)
    expect(minutes).toHaveLength(4)
    for (const [index, least] of [30, 60, 120, 240].entries())
      expect(minutes[index]).toBeGreaterThanOrEqual(least)
  })

  test('in vain for two days, and then it says that it does not know', async () => {
    const clock = manualClock(Date.now())
    await using platform = await startGoogleAds({ now: clock.now, undecidedAnswers: 1_000 })
    await using engine = await startEngine([googleOf(platform)], { clock })
    await sendOff(engine, clock, ['a'])
    const event = await until(
      async () => {
        for (let turn = 0; turn < 10; turn += 1) await clock.advance(10 * minute)
        return engine.event('a')
      },
      (seen) => outcomes(seen).length > 1,
    )
    expect(deliveryOf(event)).toMatchObject({
      status: 'sent',
      reason: 'accepted; Google Ads has not said what became of it: Google is not done yet',
    })
    // The clock of the test may run past a question that is still on its way; it never asks more often.
    expect(asked(platform).length).toBeGreaterThan(2)
    expect(asked(platform).length).toBeLessThanOrEqual(8)
  })

  test('with a new token where the old one was revoked', async () => {
    const clock = manualClock(Date.now())
    await using platform = await startGoogleAds({ now: clock.now })
    await using engine = await startEngine([googleOf(platform)], { clock })
    await sendOff(engine, clock, ['a'])
    platform.revoke()
    const event = await later(engine, clock, 'a', (seen) => outcomes(seen).length > 1)
    expect(deliveryOf(event)?.reason).toBe('processed')
  })

  test('also by the process that comes after a restart', async () => {
    const clock = manualClock(Date.now())
    await using platform = await startGoogleAds({ now: clock.now, judge: () => 'INVALID_GCLID' })
    const folder = await mkdtemp(join(tmpdir(), 'sluice-inquiries-'))
    try {
      {
        await using engine = await startEngine([googleOf(platform)], { clock, folder })
        await sendOff(engine, clock, ['a'])
      }
      expect(asked(platform)).toEqual([])
      await clock.advance(3 * 60 * minute)
      await using engine = await startEngine([googleOf(platform)], { clock, folder })
      const event = await later(engine, clock, 'a', (seen) => outcomes(seen).length > 1)
      expect(deliveryOf(event)?.status).toBe('failed')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
