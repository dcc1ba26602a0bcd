/** What every engine of the store promises, one sentence a test. An engine's own test hands in how it is opened. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ClaimedDelivery,
  type DeliveryStatus,
  type ErasureQuery,
  erasedReason,
  type NewDelivery,
  type NewEvent,
  type Store,
  StoreError,
} from '../../src/store/store.ts'
import { ga4, journalLine, meta, newEvent, queued, refused, settlement } from './events.ts'

export interface Bench extends AsyncDisposable {
  readonly store: Store
  /** Closes the store and opens the same one again. */
  reopen(): Promise<Store>
}

const claimAll = (store: Store, now = 100_000): Promise<readonly ClaimedDelivery[]> =>
  store.claim({ integration: meta, lane: 'realtime', limit: 1_000, now })

const claimOne = async (store: Store): Promise<ClaimedDelivery> => {
  const [claimed] = await store.claim({ integration: meta, lane: 'realtime', limit: 1, now: 100_000 })
  if (claimed === undefined) throw new Error('nothing was due')
  return claimed
}

const deliveryOf = async (store: Store, eventId: string, integration = meta) => {
  const event = await store.event('shop', eventId)
  const delivery = event?.deliveries.find((one) => one.integration === integration)
  if (delivery === undefined) throw new Error(`no delivery of ${eventId} to ${integration}`)
  return delivery
}

const idsOf = (rows: readonly { readonly eventId: string }[]): string[] => rows.map(({ eventId }) => eventId)

/** An erasure that finds nobody; a test names what is to be found. */
const nobodyErased: ErasureQuery = {
  site: 'shop',
  payload: [],
  facts: [],
  ownFacts: [],
  journal: [],
  now: 7_000,
}

const finalStatuses = [
  'sent',
  'failed',
  'consent_denied',
  'filtered',
  'unmatchable',
  'expired',
  'paused',
  'test',
] as const satisfies readonly DeliveryStatus[]
const refusals = finalStatuses.filter((status) => status !== 'sent' && status !== 'failed')

export const describeStore = (engine: string, open: () => Promise<Bench>): void => {
  describe(`${engine}: append`, () => {
    test('an event is read back as it was written', async () => {
      await using bench = await open()
      const event = newEvent('e1', {
        orderId: 'A-1001',
        ruleId: 'order-placed',
        facts: '{"name":"Käsespätzle 🧀"}',
        deliveries: [queued(), refused('filtered', { integration: ga4, lane: 'batch', dueAt: 1_500 })],
      })
      expect(await bench.store.append([event])).toEqual(['stored'])
      const { deliveries, ...facts } = event
      expect(await bench.store.event('shop', 'e1')).toEqual({
        ...facts,
        duplicates: 0,
        holdsPersonalData: true,
        deliveries: [
          {
            deliveryId: expect.any(Number),
            integration: meta,
            lane: 'realtime',
            status: 'queued',
            reason: null,
            attempts: 0,
            dueAt: 1_000,
            settledAt: null,
            journal: [],
          },
          {
            deliveryId: expect.any(Number),
            integration: ga4,
            lane: 'batch',
            status: 'filtered',
            reason: 'because filtered',
            attempts: 0,
            dueAt: 1_500,
            settledAt: 1_000,
            journal: [],
          },
        ],
      })
      expect(deliveries).toHaveLength(2)
    })

    test('the same event again is a duplicate, and counted', async () => {
      await using bench = await open()
      expect(await bench.store.append([newEvent('e1'), newEvent('e1')])).toEqual(['stored', 'duplicate'])
      expect(await bench.store.append([newEvent('e1', { acceptedAt: 9, facts: '{}' })])).toEqual([
        'duplicate',
      ])
      expect(await bench.store.event('shop', 'e1')).toMatchObject({
        duplicates: 2,
        acceptedAt: 1_000,
        facts: newEvent('e1').facts,
      })
      expect(idsOf(await claimAll(bench.store))).toEqual(['e1'])
    })

    test('the same id on another site is another event', async () => {
      await using bench = await open()
      const elsewhere = newEvent('e1', { site: 'other', deliveries: [queued({ integration: 'other/meta' })] })
      expect(await bench.store.append([newEvent('e1'), elsewhere])).toEqual(['stored', 'stored'])
    })

    test('a duplicate of a settled delivery never sends it again', async () => {
      await using bench = await open()
      for (const status of finalStatuses.filter((one) => one !== 'consent_denied')) {
        await bench.store.append([newEvent(status)])
        const { deliveryId } = await claimOne(bench.store)
        await bench.store.settle([settlement(deliveryId, status)])
        expect(await bench.store.append([newEvent(status)])).toEqual(['duplicate'])
        expect(await claimAll(bench.store)).toEqual([])
      }
    })

    test('an integration that has none of the event gets it, and the first times and facts stay', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1')])
      const again = newEvent('e1', {
        acceptedAt: 7_000,
        occurredAt: 6_000,
        facts: '{"other":true}',
        deliveries: [queued(), queued({ integration: ga4 })],
      })
      expect(await bench.store.append([again])).toEqual(['extended'])
      const event = await bench.store.event('shop', 'e1')
      expect(event).toMatchObject({
        duplicates: 0,
        acceptedAt: 1_000,
        occurredAt: 900,
        facts: newEvent('e1').facts,
      })
      expect(event?.deliveries.map(({ integration }) => integration)).toEqual([meta, ga4])
      expect(await bench.store.append([again])).toEqual(['duplicate'])
    })

    test('what was withheld for want of consent is reopened with the new payload and facts', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1', { deliveries: [refused('consent_denied')] })])
      const granted = newEvent('e1', {
        acceptedAt: 7_000,
        facts: '{"consent":"granted"}',
        deliveries: [queued({ lane: 'batch', dueAt: 8_000, payload: '{"em":"new"}' })],
      })
      expect(await bench.store.append([granted])).toEqual(['extended'])
      expect(await bench.store.event('shop', 'e1')).toMatchObject({
        acceptedAt: 1_000,
        holdsPersonalData: true,
      })
      expect(
        await bench.store.claim({ integration: meta, lane: 'batch', limit: 9, now: 8_000 }),
      ).toMatchObject([
        {
          eventId: 'e1',
          payload: '{"em":"new"}',
          facts: '{"consent":"granted"}',
          acceptedAt: 1_000,
          attempts: 0,
        },
      ])
    })

    test('what is still denied stays a duplicate', async () => {
      await using bench = await open()
      const denied = newEvent('e1', { deliveries: [refused('consent_denied')] })
      await bench.store.append([denied])
      expect(await bench.store.append([{ ...denied, facts: '{}' }])).toEqual(['duplicate'])
      expect(await bench.store.event('shop', 'e1')).toMatchObject({ duplicates: 1, facts: denied.facts })
    })

    test('consent taken back later does not touch what is queued', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1')])
      const denied = newEvent('e1', { deliveries: [refused('consent_denied')] })
      expect(await bench.store.append([denied])).toEqual(['duplicate'])
      expect(idsOf(await claimAll(bench.store))).toEqual(['e1'])
    })

    test.each(refusals)(
      'a refusal (%s) is final as it arrives, and holds no personal data',
      async (status) => {
        await using bench = await open()
        const careless = refused(status, { payload: '{"em":"5f3c"}' })
        await bench.store.append([newEvent('e1', { deliveries: [careless] })])
        expect(await claimAll(bench.store)).toEqual([])
        expect(await bench.store.backlog()).toEqual([])
        expect(await bench.store.event('shop', 'e1')).toMatchObject({
          holdsPersonalData: false,
          deliveries: [{ status, settledAt: 1_000 }],
        })
      },
    )

    test('a call with nothing in it is answered with nothing', async () => {
      await using bench = await open()
      expect(await bench.store.append([])).toEqual([])
      await bench.store.settle([])
      await bench.store.release([])
    })

    test('a bad call is rejected whole and costs its neighbours nothing', async () => {
      await using bench = await open()
      const bad = [newEvent('bad-1'), newEvent('bad-2', { deliveries: [queued({ payload: null })] })]
      const [before, refusedCall, after] = await Promise.allSettled([
        bench.store.append([newEvent('before', { site: 'new' })]),
        bench.store.append(bad),
        bench.store.append([newEvent('after', { site: 'new' })]),
      ])
      expect(before).toMatchObject({ status: 'fulfilled', value: ['stored'] })
      expect(after).toMatchObject({ status: 'fulfilled', value: ['stored'] })
      expect(refusedCall).toMatchObject({ status: 'rejected', reason: { code: 'failed' } })
      expect((refusedCall as PromiseRejectedResult).reason).toBeInstanceOf(StoreError)
      expect(await bench.store.event('shop', 'bad-1')).toBeNull()
      expect(await bench.store.event('new', 'after')).not.toBeNull()
      expect(await bench.store.backlog()).toMatchObject([{ pending: 2 }])
    })

    test('calls take effect in the order in which they were made', async () => {
      await using bench = await open()
      const appended = Array.from({ length: 50 }, (_, index) =>
        bench.store.append([newEvent(`e${index}`), newEvent(`e${index - 1}`)]),
      )
      const claimed = claimAll(bench.store)
      expect((await Promise.all(appended)).slice(1)).toEqual(
        Array.from({ length: 49 }, () => ['stored', 'duplicate']),
      )
      expect(await claimed).toHaveLength(51)
    })
  })

  describe(`${engine}: claim`, () => {
    test('the oldest due come first, of equals the earlier stored', async () => {
      await using bench = await open()
      const due = { c: 3_000, a1: 1_000, b: 2_000, a2: 1_000 }
      await bench.store.append(
        Object.entries(due).map(([id, dueAt]) => newEvent(id, { deliveries: [queued({ dueAt })] })),
      )
      const claim = (limit: number) =>
        bench.store.claim({ integration: meta, lane: 'realtime', limit, now: 2_500 })
      expect(idsOf(await claim(1))).toEqual(['a1'])
      expect(idsOf(await claim(9))).toEqual(['a2', 'b'])
      expect(await claim(9)).toEqual([])
    })

    test('only of the lane that asks', async () => {
      await using bench = await open()
      await bench.store.append([
        newEvent('mine'),
        newEvent('slow', { deliveries: [queued({ lane: 'batch' })] }),
        newEvent('theirs', { deliveries: [queued({ integration: ga4 })] }),
      ])
      expect(idsOf(await claimAll(bench.store))).toEqual(['mine'])
    })

    test('a delivery is claimed by one', async () => {
      await using bench = await open()
      await bench.store.append(Array.from({ length: 100 }, (_, index) => newEvent(`e${index}`)))
      const claims = await Promise.all(
        Array.from({ length: 8 }, () =>
          bench.store.claim({ integration: meta, lane: 'realtime', limit: 20, now: 1_000 }),
        ),
      )
      expect(new Set(idsOf(claims.flat())).size).toBe(100)
      expect(claims.flat()).toHaveLength(100)
    })

    test('it brings all that an attempt needs', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1')])
      expect(await claimAll(bench.store)).toEqual([
        {
          deliveryId: expect.any(Number),
          eventId: 'e1',
          site: 'shop',
          attempts: 0,
          acceptedAt: 1_000,
          occurredAt: 900,
          facts: '{"custom":{"value":10}}',
          payload: '{"em":"5f3c"}',
        },
      ])
      expect(await deliveryOf(bench.store, 'e1')).toMatchObject({ status: 'claimed', attempts: 0 })
    })

    test('a full batch may be taken before it is due, part of one may not', async () => {
      await using bench = await open()
      const early = (limit: number) =>
        bench.store.claim({ integration: meta, lane: 'batch', limit, now: 1_000, full: true })
      const gathered = (id: string, dueAt: number) =>
        newEvent(id, { deliveries: [queued({ lane: 'batch', dueAt })] })
      await bench.store.append([gathered('late', 9_000), gathered('soon', 8_000), gathered('due', 500)])
      expect(await early(4)).toEqual([])
      expect(idsOf(await early(3))).toEqual(['due', 'soon', 'late'])
      expect(await early(1)).toEqual([])
    })

    test('what waits for its next try fills no batch before its time', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([newEvent('tried'), newEvent('e1', { deliveries: [queued({ dueAt: 8_000 })] })])
      const { deliveryId } = await claimOne(store)
      await store.settle([settlement(deliveryId, 'retrying', { dueAt: 7_000 })])
      const full = (now: number) =>
        store.claim({ integration: meta, lane: 'realtime', limit: 2, now, full: true })
      expect(await full(6_999)).toEqual([])
      expect(idsOf(await full(7_000))).toEqual(['tried', 'e1'])
    })

    test('an integration nobody has heard of has nothing due', async () => {
      await using bench = await open()
      expect(await bench.store.claim({ integration: 'no/such', lane: 'batch', limit: 9, now: 1 })).toEqual([])
    })
  })

  describe(`${engine}: settle`, () => {
    test.each(finalStatuses)(
      '%s is final: written with its line, counted, never due again',
      async (status) => {
        await using bench = await open()
        await bench.store.append([newEvent('e1')])
        const { deliveryId } = await claimOne(bench.store)
        await bench.store.settle([settlement(deliveryId, status, { reason: 'so it is' })])
        expect(await deliveryOf(bench.store, 'e1')).toMatchObject({
          status,
          reason: 'so it is',
          attempts: 1,
          settledAt: 5_000,
          journal: [journalLine()],
        })
        expect((await bench.store.event('shop', 'e1'))?.holdsPersonalData).toBe(status === 'failed')
        expect(await claimAll(bench.store, 1e12)).toEqual([])
        expect(await bench.store.backlog()).toEqual([])
      },
    )

    test('retrying is due again when it said, with its payload and one attempt more', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1')])
      const { deliveryId } = await claimOne(bench.store)
      await bench.store.settle([settlement(deliveryId, 'retrying', { reason: 'HTTP 503', dueAt: 9_000 })])
      expect(await deliveryOf(bench.store, 'e1')).toMatchObject({
        status: 'retrying',
        reason: 'HTTP 503',
        dueAt: 9_000,
        settledAt: null,
      })
      expect(await claimAll(bench.store, 8_999)).toEqual([])
      expect(await claimAll(bench.store, 9_000)).toMatchObject([{ attempts: 1, payload: '{"em":"5f3c"}' }])
    })

    test('an attempt that does not count leaves the budget alone and still writes its line', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1')])
      const { deliveryId } = await claimOne(bench.store)
      await bench.store.settle([settlement(deliveryId, 'retrying', { counted: false })])
      expect(await deliveryOf(bench.store, 'e1')).toMatchObject({ attempts: 0, journal: [journalLine()] })
    })

    test('every attempt has its line, in order', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1')])
      for (const at of [1, 2, 3]) {
        const { deliveryId } = await claimOne(bench.store)
        await bench.store.settle([
          settlement(deliveryId, 'retrying', { dueAt: 0, line: journalLine({ at }) }),
        ])
      }
      expect((await deliveryOf(bench.store, 'e1')).journal.map(({ at }) => at)).toEqual([1, 2, 3])
    })

    test('a line may say little, and a settlement may have none', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1'), newEvent('e2')])
      const [first, second] = await claimAll(bench.store)
      const bare = journalLine({
        code: null,
        trace: null,
        httpStatus: null,
        durationMs: null,
        request: null,
        batchSize: null,
      })
      await bench.store.settle([
        settlement(first!.deliveryId, 'filtered', { line: bare }),
        settlement(second!.deliveryId, 'sent', { line: null }),
      ])
      expect((await deliveryOf(bench.store, 'e1')).journal).toEqual([bare])
      expect(await deliveryOf(bench.store, 'e2')).toMatchObject({
        journal: [],
        settledAt: expect.any(Number),
      })
    })

    test('what is not claimed is left as it is', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1'), newEvent('e2', { deliveries: [queued({ dueAt: 2_000 })] })])
      const { deliveryId } = await claimOne(bench.store)
      const waiting = (await deliveryOf(bench.store, 'e2')).deliveryId
      await bench.store.settle([
        settlement(deliveryId, 'sent'),
        settlement(deliveryId, 'failed'),
        settlement(waiting, 'sent'),
        settlement(123_456, 'sent'),
      ])
      expect(await deliveryOf(bench.store, 'e1')).toMatchObject({ status: 'sent', journal: [journalLine()] })
      expect(await deliveryOf(bench.store, 'e2')).toMatchObject({ status: 'queued', journal: [] })
    })

    test('personal data is held as long as one delivery of the event needs it', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1', { deliveries: [queued(), queued({ integration: ga4 })] })])
      const held = async () => (await bench.store.event('shop', 'e1'))?.holdsPersonalData
      await bench.store.settle([settlement((await claimOne(bench.store)).deliveryId, 'sent')])
      expect(await held()).toBe(true)
      const [other] = await bench.store.claim({ integration: ga4, lane: 'realtime', limit: 1, now: 1_000 })
      await bench.store.settle([settlement(other!.deliveryId, 'sent')])
      expect(await held()).toBe(false)
    })
  })

  describe(`${engine}: release and recover`, () => {
    test('a released delivery is as it was before the claim', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('fresh'), newEvent('tried')])
      const [fresh, tried] = await claimAll(bench.store)
      await bench.store.settle([settlement(tried!.deliveryId, 'retrying', { dueAt: 0, counted: false })])
      await bench.store.release([fresh!.deliveryId])
      const before = [await deliveryOf(bench.store, 'fresh'), await deliveryOf(bench.store, 'tried')]
      expect(before.map(({ status }) => status)).toEqual(['queued', 'retrying'])

      const again = await claimAll(bench.store)
      await bench.store.release(again.map(({ deliveryId }) => deliveryId))
      expect([await deliveryOf(bench.store, 'fresh'), await deliveryOf(bench.store, 'tried')]).toEqual(before)
    })

    test('what is not claimed is not released', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1')])
      const { deliveryId } = await claimOne(bench.store)
      await bench.store.settle([settlement(deliveryId, 'sent')])
      await bench.store.release([deliveryId, 99_999])
      expect(await deliveryOf(bench.store, 'e1')).toMatchObject({ status: 'sent' })
    })

    test('claims outlive the process that made them, until they are recovered', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1'), newEvent('e2'), newEvent('e3')])
      await bench.store.claim({ integration: meta, lane: 'realtime', limit: 2, now: 1_000 })
      const store = await bench.reopen()
      expect(idsOf(await claimAll(store))).toEqual(['e3'])
      expect(await store.recover(2_000)).toBe(3)
      expect(idsOf(await claimAll(store))).toEqual(['e1', 'e2', 'e3'])
    })

    test('recovered means due at once, even when the clock has gone back', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1', { deliveries: [queued({ dueAt: 50_000 })] })])
      await bench.store.claim({ integration: meta, lane: 'realtime', limit: 1, now: 50_000 })
      expect(await bench.store.recover(40_000)).toBe(1)
      expect(idsOf(await claimAll(bench.store, 40_000))).toEqual(['e1'])
    })

    test('with nothing claimed there is nothing to recover', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1')])
      expect(await bench.store.recover(1)).toBe(0)
    })
  })

  describe(`${engine}: replay`, () => {
    const withDead = async (bench: Bench): Promise<Store> => {
      const { store } = bench
      await store.append([
        newEvent('m1'),
        newEvent('m2'),
        newEvent('g1', { deliveries: [queued({ integration: ga4 })] }),
        newEvent('sent'),
      ])
      const [m1, m2, sent] = await claimAll(store)
      const [g1] = await store.claim({ integration: ga4, lane: 'realtime', limit: 1, now: 1_000 })
      await store.settle([
        settlement(m1!.deliveryId, 'failed', { reason: 'bad pixel', line: journalLine({ at: 5_000 }) }),
        settlement(m2!.deliveryId, 'failed', { reason: 'gave up', line: journalLine({ at: 6_000 }) }),
        settlement(g1!.deliveryId, 'failed', { reason: 'gave up', line: journalLine({ at: 7_000 }) }),
        settlement(sent!.deliveryId, 'sent'),
      ])
      return store
    }

    test('the dead are queued again, with their payload, a fresh budget and their journal', async () => {
      await using bench = await open()
      const store = await withDead(bench)
      expect(await store.replay({ dryRun: false, now: 20_000 })).toBe(3)
      expect(await deliveryOf(store, 'm1')).toMatchObject({
        status: 'queued',
        reason: null,
        attempts: 0,
        dueAt: 20_000,
        settledAt: null,
        journal: [{ at: 5_000 }],
      })
      expect(await claimAll(store, 19_999)).toEqual([])
      expect(await claimAll(store, 20_000)).toMatchObject([{ eventId: 'm1', payload: '{"em":"5f3c"}' }, {}])
      expect(await store.replay({ dryRun: false, now: 20_000 })).toBe(0)
    })

    test.each([
      ['integration', { integration: ga4 }, 1],
      ['integration nobody knows', { integration: 'no/such' }, 0],
      ['from', { from: 6_000 }, 2],
      ['to', { to: 6_000 }, 1],
      ['reason', { reason: 'gave up' }, 2],
      ['all together', { integration: meta, from: 5_000, to: 6_001, reason: 'gave up' }, 1],
    ])('it can be narrowed by %s, and counted without being done', async (_name, filter, expected) => {
      await using bench = await open()
      const store = await withDead(bench)
      expect(await store.replay({ ...filter, dryRun: true, now: 20_000 })).toBe(expected)
      expect(await store.replay({ ...filter, dryRun: false, now: 20_000 })).toBe(expected)
      expect(await store.replay({ dryRun: true, now: 20_000 })).toBe(3 - expected)
    })

    test('a night of dead letters goes back whole', async () => {
      await using bench = await open()
      await bench.store.append(Array.from({ length: 2_345 }, (_, index) => newEvent(`e${index}`)))
      const claimed = await bench.store.claim({
        integration: meta,
        lane: 'realtime',
        limit: 5_000,
        now: 1_000,
      })
      await bench.store.settle(claimed.map(({ deliveryId }) => settlement(deliveryId, 'failed')))
      expect(await bench.store.replay({ dryRun: false, now: 2_000 })).toBe(2_345)
      expect(await bench.store.backlog()).toMatchObject([{ pending: 2_345, nextDueAt: 2_000 }])
    })
  })

  describe(`${engine}: give up`, () => {
    const all = { integration: meta, dueBy: 1e12, reason: 'the integration was deleted', now: 7_000 }

    test('what is pending for an integration is failed in these words, keeps its payload, and can be replayed', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([
        newEvent('e1', { deliveries: [queued(), queued({ integration: ga4 })] }),
        newEvent('e2', { deliveries: [queued({ lane: 'batch', dueAt: 90_000 })] }),
      ])
      expect(await store.giveUp(all)).toBe(2)
      expect(await deliveryOf(store, 'e1')).toMatchObject({
        status: 'failed',
        reason: 'the integration was deleted',
        settledAt: 7_000,
        journal: [],
      })
      expect(await deliveryOf(store, 'e1', ga4)).toMatchObject({ status: 'queued' })
      expect((await store.event('shop', 'e2'))?.holdsPersonalData).toBe(true)
      expect(await store.backlog()).toMatchObject([{ integration: ga4, pending: 1 }])
      expect(await store.giveUp(all)).toBe(0)
      expect(await store.replay({ integration: meta, dryRun: false, now: 8_000 })).toBe(2)
      expect(idsOf(await claimAll(store))).toEqual(['e1'])
    })

    test('what was due later, is claimed, or is settled stays as it is', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([
        newEvent('claimed'),
        newEvent('sent'),
        newEvent('due', { deliveries: [queued({ dueAt: 2_000 })] }),
        newEvent('later', { deliveries: [queued({ dueAt: 2_001 })] }),
      ])
      const [claimed, sent] = await claimAll(store, 1_000)
      await store.settle([settlement(sent!.deliveryId, 'sent')])
      expect(await store.giveUp({ ...all, dueBy: 2_000 })).toBe(1)
      for (const [id, status] of [
        ['claimed', 'claimed'],
        ['sent', 'sent'],
        ['due', 'failed'],
        ['later', 'queued'],
      ] as const)
        expect([id, (await deliveryOf(store, id)).status]).toEqual([id, status])
      await store.release([claimed!.deliveryId])
      expect(await store.giveUp(all)).toBe(2)
    })

    test('more than a bite goes in one call', async () => {
      await using bench = await open()
      const events = Array.from({ length: 2_300 }, (_, index) =>
        newEvent(`e${index}`, { deliveries: [queued({ lane: index % 2 === 0 ? 'batch' : 'realtime' })] }),
      )
      await bench.store.append(events)
      expect(await bench.store.giveUp(all)).toBe(2_300)
      expect(await bench.store.backlog()).toEqual([])
    })

    test('of an integration that nobody knows there is nothing', async () => {
      await using bench = await open()
      expect(await bench.store.giveUp({ ...all, integration: 'shop/none' })).toBe(0)
    })
  })

  describe(`${engine}: pulse and latest`, () => {
    const minute = 60_000
    const line = (outcome: string, at: number, reason = `because ${outcome}`) =>
      journalLine({ outcome, at, reason })
    /** Attempts one delivery and settles it. */
    const attempt = async (
      store: Store,
      eventId: string,
      status: 'sent' | 'failed' | 'retrying',
      over: Parameters<typeof settlement>[2],
    ): Promise<void> => {
      await store.append([newEvent(eventId)])
      const { deliveryId } = await claimOne(store)
      await store.settle([
        settlement(deliveryId, status, { dueAt: status === 'retrying' ? 1e9 : null, ...over }),
      ])
    }

    test('attempts are counted by integration and end, from a minute on, also after a restart', async () => {
      await using bench = await open()
      const { store } = bench
      await attempt(store, 'e1', 'sent', { line: line('delivered', minute - 1) })
      await attempt(store, 'e2', 'sent', { line: line('delivered', minute) })
      await attempt(store, 'e3', 'sent', { line: line('delivered', minute + 5) })
      await attempt(store, 'e4', 'failed', { line: line('rejected', 2 * minute) })
      await attempt(store, 'e5', 'retrying', { line: line('throttled', 2 * minute) })
      const counted = [
        { integration: meta, status: 'failed', outcome: 'rejected', deliveries: 1 },
        { integration: meta, status: 'retrying', outcome: 'throttled', deliveries: 1 },
        { integration: meta, status: 'sent', outcome: 'delivered', deliveries: 2 },
      ]
      expect(await store.pulse({ site: 'shop', from: minute + 30 })).toEqual(counted)
      expect(await store.pulse({ site: 'shop', from: 0 })).toContainEqual({ ...counted[2], deliveries: 3 })
      const again = await bench.reopen()
      expect(await again.pulse({ site: 'shop', from: minute + 30 })).toEqual(counted)
    })

    test('a fault of ours, which leaves no line, is counted and kept as internal', async () => {
      await using bench = await open()
      await attempt(bench.store, 'e1', 'failed', { line: null, reason: 'internal: a bug' })
      const ours = { integration: meta, outcome: 'internal' }
      expect(await bench.store.pulse({ site: 'shop', from: 0 })).toEqual([
        { ...ours, status: 'failed', deliveries: 1 },
      ])
      expect(await bench.store.latest('shop')).toMatchObject([{ ...ours, reason: 'internal: a bug' }])
    })

    test('a delivery that is tried twice counts twice, one refused when claimed not at all', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([newEvent('e1'), newEvent('e2')])
      const [first, second] = await claimAll(store)
      await store.settle([
        settlement(first!.deliveryId, 'retrying', { line: line('unavailable', 1_000), dueAt: 1_000 }),
        settlement(second!.deliveryId, 'expired', { line: null, counted: false }),
      ])
      const again = await claimOne(store)
      await store.settle([settlement(again.deliveryId, 'sent', { line: line('delivered', 2_000) })])
      expect(await store.pulse({ site: 'shop', from: 0 })).toEqual([
        { integration: meta, status: 'retrying', outcome: 'unavailable', deliveries: 1 },
        { integration: meta, status: 'sent', outcome: 'delivered', deliveries: 1 },
      ])
    })

    test('what is settled by nobody’s claim counts for nothing', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([newEvent('e1')])
      const { deliveryId } = await claimOne(store)
      await store.settle([settlement(deliveryId, 'sent')])
      await store.settle([settlement(deliveryId, 'sent'), settlement(12_345, 'failed')])
      expect(await store.pulse({ site: 'shop', from: 0 })).toMatchObject([{ deliveries: 1 }])
    })

    test('counts of more than a day ago are forgotten', async () => {
      await using bench = await open()
      const { store } = bench
      await attempt(store, 'e1', 'sent', { line: line('delivered', 0) })
      await attempt(store, 'e2', 'sent', { line: line('delivered', 23 * 60 * minute) })
      expect(await store.pulse({ site: 'shop', from: 0 })).toMatchObject([{ deliveries: 2 }])
      await attempt(store, 'e3', 'sent', { line: line('delivered', 25 * 60 * minute) })
      expect(await store.pulse({ site: 'shop', from: 0 })).toMatchObject([{ deliveries: 2 }])
    })

    test('of each outcome the latest is kept in its words, beyond the journal', async () => {
      await using bench = await open()
      const { store } = bench
      await attempt(store, 'e1', 'failed', { line: line('rejected', 1_000, 'no currency') })
      await attempt(store, 'e2', 'failed', { line: line('rejected', 2_000, 'no value') })
      await attempt(store, 'e3', 'sent', { line: line('delivered', 1_500) })
      await store.sweep(1e12)
      expect((await store.events({ site: 'shop', limit: 10 })).events).toEqual([])
      expect(await (await bench.reopen()).latest('shop')).toMatchObject([
        { integration: meta, outcome: 'delivered', at: 1_500 },
        { outcome: 'rejected', at: 2_000, reason: 'no value', trace: 'AbC', httpStatus: 200, code: null },
      ])
    })

    test('a refusal of the credentials keeps its beginning until something is taken or judged', async () => {
      await using bench = await open()
      const { store } = bench
      const refusal = async (eventId: string, at: number, credential: string) => {
        await attempt(store, eventId, 'retrying', { line: line('unauthorized', at), credential, dueAt: 1e9 })
        return (await store.latest('shop')).find(({ outcome }) => outcome === 'unauthorized')
      }
      expect(await refusal('e1', 1_000, 'a')).toMatchObject({ since: 1_000, at: 1_000, credential: 'a' })
      await attempt(store, 'e2', 'retrying', { line: line('unavailable', 1_500), dueAt: 1e9 })
      expect(await refusal('e3', 2_000, 'b')).toMatchObject({ since: 1_000, at: 2_000, credential: 'b' })
      await attempt(store, 'e4', 'sent', { line: line('delivered', 3_000) })
      expect(await refusal('e5', 4_000, 'b')).toMatchObject({ since: 4_000, at: 4_000 })
    })

    test('a site sees its own, whatever others are called', async () => {
      await using bench = await open()
      const { store } = bench
      for (const [site, integration] of [
        ['shop', 'shop/meta'],
        ['shop2', 'shop2/meta'],
        ['s%', 's%/meta'],
      ] as const) {
        await store.append([newEvent('e1', { site, deliveries: [queued({ integration })] })])
        const [claimed] = await store.claim({ integration, lane: 'realtime', limit: 1, now: 100_000 })
        await store.settle([settlement(claimed!.deliveryId, 'sent')])
      }
      for (const site of ['shop', 'shop2', 's%']) {
        expect(await store.pulse({ site, from: 0 })).toMatchObject([{ integration: `${site}/meta` }])
        expect(await store.latest(site)).toMatchObject([{ integration: `${site}/meta` }])
      }
      expect(await store.latest('nobody')).toEqual([])
    })
  })

  describe(`${engine}: backlog`, () => {
    test('it counts what is pending, lane by lane, and knows the oldest and the next', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([
        newEvent('e1', { acceptedAt: 3_000, deliveries: [queued({ dueAt: 4_000 })] }),
        newEvent('e2', {
          acceptedAt: 2_000,
          deliveries: [queued({ dueAt: 5_000 }), queued({ integration: ga4, lane: 'batch', dueAt: 60_000 })],
        }),
        newEvent('e3', { acceptedAt: 1_000, deliveries: [refused('paused')] }),
      ])
      const ofGa4 = {
        integration: ga4,
        lane: 'batch',
        pending: 1,
        oldestAcceptedAt: 2_000,
        nextDueAt: 60_000,
      }
      const ofMeta = { integration: meta, lane: 'realtime', pending: 2, oldestAcceptedAt: 2_000 }
      expect(await store.backlog()).toEqual([ofGa4, { ...ofMeta, nextDueAt: 4_000 }])

      const [e1] = await store.claim({ integration: meta, lane: 'realtime', limit: 1, now: 4_000 })
      expect(await store.backlog()).toEqual([ofGa4, { ...ofMeta, nextDueAt: 5_000 }])
      const [e2] = await claimAll(store)
      expect(await store.backlog()).toEqual([ofGa4, { ...ofMeta, nextDueAt: null }])
      await store.settle([
        settlement(e2!.deliveryId, 'sent'),
        settlement(e1!.deliveryId, 'retrying', { dueAt: 7_000 }),
      ])
      expect(await store.backlog()).toEqual([
        ofGa4,
        { ...ofMeta, pending: 1, oldestAcceptedAt: 3_000, nextDueAt: 7_000 },
      ])
    })

    test('it survives being opened again', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1'), newEvent('e2')])
      const before = await bench.store.backlog()
      expect(await (await bench.reopen()).backlog()).toEqual(before)
    })
  })

  describe(`${engine}: events`, () => {
    test('newest accepted first, page by page, each once, while more arrive', async () => {
      await using bench = await open()
      const { store } = bench
      const accepted = (index: number): number => 1_000 + Math.floor(index / 3)
      await store.append(
        Array.from({ length: 25 }, (_, index) => newEvent(`e${index}`, { acceptedAt: accepted(index) })),
      )
      const seen: string[] = []
      let cursor: string | null = null
      for (let page = 0; page === 0 || cursor !== null; page++) {
        const { events, nextCursor } = await store.events({
          site: 'shop',
          limit: 10,
          ...(cursor === null ? {} : { cursor }),
        })
        seen.push(...idsOf(events))
        cursor = nextCursor
        await store.append([newEvent(`late${page}`, { acceptedAt: 9_000 })])
      }
      expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => `e${24 - index}`))
    })

    describe('filters', () => {
      let bench: Bench
      beforeAll(async () => {
        bench = await open()
        const { store } = bench
        await store.append([
          newEvent('lead', { type: 'lead', acceptedAt: 4_000 }),
          newEvent('ga4', {
            acceptedAt: 3_000,
            deliveries: [queued({ integration: ga4 }), refused('consent_denied')],
          }),
          newEvent('rule', { ruleId: 'r1', acceptedAt: 5_000 }),
          newEvent('order', { orderId: 'A-1', acceptedAt: 2_000 }),
          newEvent('plain', { acceptedAt: 1_000 }),
          newEvent('else', { site: 'other', orderId: 'A-1' }),
        ])
        const [lead, rule] = await store.claim({ integration: meta, lane: 'realtime', limit: 2, now: 1_000 })
        expect(idsOf([lead!, rule!])).toEqual(['lead', 'rule'])
        const [dead] = await store.claim({ integration: ga4, lane: 'realtime', limit: 1, now: 1_000 })
        await store.settle([settlement(lead!.deliveryId, 'sent'), settlement(dead!.deliveryId, 'failed')])
      })
      afterAll(() => bench[Symbol.asyncDispose]())

      test.each([
        ['type', { type: 'lead' }, ['lead']],
        ['orderId', { orderId: 'A-1' }, ['order']],
        ['ruleId', { ruleId: 'r1' }, ['rule']],
        ['from', { from: 4_000 }, ['rule', 'lead']],
        ['to', { to: 2_001 }, ['order', 'plain']],
        ['from and to', { from: 2_000, to: 4_000 }, ['ga4', 'order']],
        ['integration', { integration: ga4 }, ['ga4']],
        ['an integration nobody knows', { integration: 'no/such' }, []],
        ['status queued', { status: 'queued' }, ['order', 'plain']],
        ['status claimed', { status: 'claimed' }, ['rule']],
        ['status retrying', { status: 'retrying' }, []],
        ['status sent', { status: 'sent' }, ['lead']],
        ['status failed', { status: 'failed' }, ['ga4']],
        ['status consent_denied', { status: 'consent_denied' }, ['ga4']],
        ['status of that integration', { status: 'failed', integration: meta }, []],
        ['another site', { site: 'other' }, ['else']],
        ['a site nobody knows', { site: 'nowhere' }, []],
        ['a cursor nobody gave', { cursor: "1'; --" }, ['rule', 'lead', 'ga4', 'order', 'plain']],
      ] as const)('by %s', async (_name, filter, expected) => {
        const { events, nextCursor } = await bench.store.events({ site: 'shop', limit: 10, ...filter })
        expect(idsOf(events)).toEqual(expected)
        expect(nextCursor).toBeNull()
      })
    })

    test('a page holds whole stories, of each delivery the latest ten lines', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1')])
      for (let at = 1; at <= 12; at++) {
        const { deliveryId } = await claimOne(bench.store)
        await bench.store.settle([
          settlement(deliveryId, 'retrying', { dueAt: 0, line: journalLine({ at }) }),
        ])
      }
      const { events } = await bench.store.events({ site: 'shop', limit: 10 })
      const whole = await bench.store.event('shop', 'e1')
      expect(whole?.deliveries[0]?.journal.map(({ at }) => at)).toEqual([
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
      ])
      expect(events).toEqual([
        {
          ...whole,
          deliveries: [{ ...whole?.deliveries[0], journal: whole?.deliveries[0]?.journal.slice(2) }],
        },
      ])
    })

    test('an event nobody stored is null', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1')])
      expect(await bench.store.event('shop', 'e2')).toBeNull()
      expect(await bench.store.event('other', 'e1')).toBeNull()
    })

    test.each(["e'; DROP TABLE event; --", 'é\u0000x', '🧀', ' ', 'x'.repeat(5_000)])(
      'an id may be any text: %j',
      async (eventId) => {
        await using bench = await open()
        await bench.store.append([newEvent(eventId, { orderId: eventId })])
        expect(await bench.store.event('shop', eventId)).toMatchObject({ eventId, orderId: eventId })
        expect(
          idsOf((await bench.store.events({ site: 'shop', orderId: eventId, limit: 1 })).events),
        ).toEqual([eventId])
      },
    )
  })

  describe(`${engine}: tally`, () => {
    const day = 86_400_000
    const whole = { site: 'shop', from: 0, to: 1e15 }

    test('counts by integration, day and state, with what was seen again and how well it was graded', async () => {
      await using bench = await open()
      const { store } = bench
      const at = (acceptedAt: number, ...deliveries: NewEvent['deliveries']) => ({ acceptedAt, deliveries })
      await store.append([
        newEvent('e1', at(day, queued({ grade: 4 }), queued({ integration: ga4 }))),
        newEvent('e2', at(2 * day - 1, queued({ grade: 7.5 }), refused('filtered', { integration: ga4 }))),
        newEvent('e3', at(2 * day, queued())),
        newEvent('else', { site: 'other', deliveries: [queued({ integration: 'other/meta' })] }),
      ])
      await store.append([newEvent('e1'), newEvent('e1'), newEvent('e2', at(1, queued()))])
      const [first] = await claimAll(store)
      await store.settle([settlement(first!.deliveryId, 'sent')])
      expect(await store.tally(whole)).toEqual({
        tallies: [
          {
            integration: ga4,
            day: 1,
            status: 'filtered',
            deliveries: 1,
            duplicates: 1,
            graded: 0,
            grades: 0,
          },
          { integration: ga4, day: 1, status: 'queued', deliveries: 1, duplicates: 2, graded: 0, grades: 0 },
          {
            integration: meta,
            day: 1,
            status: 'claimed',
            deliveries: 1,
            duplicates: 1,
            graded: 1,
            grades: 7.5,
          },
          { integration: meta, day: 1, status: 'sent', deliveries: 1, duplicates: 2, graded: 1, grades: 4 },
          {
            integration: meta,
            day: 2,
            status: 'claimed',
            deliveries: 1,
            duplicates: 0,
            graded: 0,
            grades: 0,
          },
        ],
        nextCursor: null,
      })
    })

    test('of an integration that an event came to later the grade is its own', async () => {
      await using bench = await open()
      await bench.store.append([newEvent('e1', { deliveries: [refused('consent_denied')] })])
      await bench.store.append([
        newEvent('e1', { deliveries: [queued({ grade: 3 }), queued({ integration: ga4, grade: 9 })] }),
      ])
      const { tallies } = await bench.store.tally(whole)
      expect(tallies.map(({ integration, grades }) => [integration, grades])).toEqual([
        [ga4, 9],
        [meta, 3],
      ])
    })

    test.each([
      ['from', { from: 2_000 }, 2],
      ['to', { to: 2_000 }, 1],
      ['both', { from: 2_000, to: 3_000 }, 1],
      ['a site nobody knows', { site: 'nowhere' }, 0],
      ['a cursor nobody gave', { cursor: "1'; --" }, 3],
    ] as const)('within bounds: %s', async (_name, query, expected) => {
      await using bench = await open()
      await bench.store.append(
        [1_999, 2_000, 3_000].map((acceptedAt) => newEvent(`e${acceptedAt}`, { acceptedAt })),
      )
      const { tallies } = await bench.store.tally({ ...whole, ...query })
      expect(tallies.reduce((sum, { deliveries }) => sum + deliveries, 0)).toBe(expected)
    })

    test('a long history comes in pages, in which each event is counted once, while more arrive', async () => {
      await using bench = await open()
      const { store } = bench
      for (let chunk = 0; chunk < 5; chunk++)
        await store.append(
          Array.from({ length: 5_000 }, (_, index) =>
            newEvent(`e${chunk}-${index}`, {
              acceptedAt: 1_000 + (index % 7),
              deliveries: [refused('filtered')],
            }),
          ),
        )
      let sum = 0
      let pages = 0
      let cursor: string | null = null
      for (; pages === 0 || cursor !== null; pages++) {
        const page = await store.tally({ ...whole, ...(cursor === null ? {} : { cursor }) })
        sum += page.tallies.reduce((total, { deliveries }) => total + deliveries, 0)
        cursor = page.nextCursor
        await store.append([newEvent(`late${pages}`, { acceptedAt: 2_000 })])
      }
      expect(sum).toBe(25_000)
      expect(pages).toBe(3)
    })
  })

  describe(`${engine}: sweep`, () => {
    test('what settled before is gone, what is pending or younger stays', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([
        newEvent('sent'),
        newEvent('failed'),
        newEvent('late'),
        newEvent('retrying'),
        newEvent('claimed'),
        newEvent('refused', { deliveries: [refused('filtered')] }),
        newEvent('half', { deliveries: [refused('filtered'), queued({ integration: ga4 })] }),
        newEvent('young', { acceptedAt: 6_000, deliveries: [refused('filtered')] }),
        newEvent('nothing', { deliveries: [] }),
      ])
      const [sent, failed, late, retrying] = await claimAll(store)
      await store.settle([
        settlement(sent!.deliveryId, 'sent'),
        settlement(failed!.deliveryId, 'failed'),
        settlement(late!.deliveryId, 'sent', { line: journalLine({ at: 5_001 }) }),
        settlement(retrying!.deliveryId, 'retrying'),
      ])
      const left = async () => new Set(idsOf((await store.events({ site: 'shop', limit: 100 })).events))
      expect(await store.sweep(1_000)).toEqual({ deletedEvents: 0 })
      expect(await store.sweep(5_001)).toEqual({ deletedEvents: 4 })
      expect(await left()).toEqual(new Set(['late', 'retrying', 'claimed', 'half', 'young']))
      expect(await store.sweep(1e9)).toEqual({ deletedEvents: 2 })
      expect(await left()).toEqual(new Set(['retrying', 'claimed', 'half']))
      expect(await store.backlog()).toMatchObject([{ pending: 1 }, { pending: 2 }])
    })

    test('more than a bite, around what is still pending, in one call', async () => {
      await using bench = await open()
      const { store } = bench
      const events = Array.from({ length: 1_700 }, (_, index) =>
        newEvent(`e${index}`, { deliveries: [index % 10 === 0 ? queued() : refused('filtered')] }),
      )
      await store.append(events)
      expect(await store.sweep(2_000)).toEqual({ deletedEvents: 1_530 })
      expect(await claimAll(store)).toHaveLength(170)
    })

    test('a swept event may come again', async () => {
      await using bench = await open()
      const event = newEvent('e1', { deliveries: [refused('filtered')] })
      await bench.store.append([event])
      await bench.store.sweep(2_000)
      expect(await bench.store.event('shop', 'e1')).toBeNull()
      expect(await bench.store.append([event])).toEqual(['stored'])
    })
  })

  describe(`${engine}: erase`, () => {
    const ann = '"em":"ann"'
    const erasure = (changes: Partial<ErasureQuery> = {}): ErasureQuery => ({
      ...nobodyErased,
      payload: [ann],
      ...changes,
    })
    const hers = (changes: Partial<NewDelivery> = {}) => queued({ payload: '{"em":"ann"}', ...changes })
    const erasedLine = { at: 7_000, outcome: 'erased', reason: erasedReason, request: null }

    test('what waits ends unsent, and says why', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([
        newEvent('hers', { deliveries: [hers(), queued({ integration: ga4, payload: '{"ip":"8.8.8.8"}' })] }),
        newEvent('his'),
      ])
      expect(await store.erase(erasure())).toEqual({
        events: 1,
        claimed: [],
        integrations: [
          { integration: meta, ended: 1, claimed: 0, failed: 0, requests: 0 },
          // The other delivery of her event is hers as well, though nothing in it says so.
          { integration: ga4, ended: 1, claimed: 0, failed: 0, requests: 0 },
        ],
      })
      for (const integration of [meta, ga4])
        expect(await deliveryOf(store, 'hers', integration)).toMatchObject({
          status: 'consent_denied',
          reason: erasedReason,
          settledAt: 7_000,
          journal: [erasedLine],
        })
      expect(await store.event('shop', 'hers')).toMatchObject({ holdsPersonalData: false })
      expect(await store.backlog()).toMatchObject([{ integration: meta, pending: 1 }])
      expect(idsOf(await claimAll(store))).toEqual(['his'])
    })

    test('what has failed keeps its story, and can be replayed no more', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([newEvent('hers', { deliveries: [hers()] }), newEvent('his')])
      const claimed = await claimAll(store)
      await store.settle(
        claimed.map(({ deliveryId }) => settlement(deliveryId, 'failed', { reason: 'wrong' })),
      )
      expect(await store.erase(erasure())).toEqual({
        events: 1,
        claimed: [],
        integrations: [{ integration: meta, ended: 0, claimed: 0, failed: 1, requests: 1 }],
      })
      expect(await deliveryOf(store, 'hers')).toMatchObject({
        status: 'failed',
        reason: 'wrong',
        journal: [{ outcome: 'delivered', request: null }, erasedLine],
      })
      expect(await store.replay({ dryRun: false, now: 8_000 })).toBe(1)
      expect(idsOf(await claimAll(store))).toEqual(['his'])
    })

    test('what is claimed is its lane’s to end, and keeps nothing meanwhile', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([newEvent('hers', { deliveries: [hers()] })])
      await claimOne(store)
      expect(await store.erase(erasure())).toEqual({
        events: 1,
        claimed: [{ integration: meta, eventId: 'hers' }],
        integrations: [{ integration: meta, ended: 0, claimed: 1, failed: 0, requests: 0 }],
      })
      expect(await store.event('shop', 'hers')).toMatchObject({
        holdsPersonalData: false,
        deliveries: [{ status: 'claimed', journal: [] }],
      })
    })

    const takenThen = async (store: Store): Promise<number> => {
      await store.append([newEvent('hers', { deliveries: [hers()] })])
      const { deliveryId } = await claimOne(store)
      await store.erase(erasure())
      return deliveryId
    }

    test.each(['sent', 'failed', 'expired'] as const)(
      'an answer that was on its way then is believed (%s), without its request',
      async (status) => {
        await using bench = await open()
        const { store } = bench
        await store.settle([settlement(await takenThen(store), status, { reason: 'as answered' })])
        expect(await deliveryOf(store, 'hers')).toMatchObject({
          status,
          reason: 'as answered',
          journal: [{ ...journalLine(), request: null }],
        })
        expect(await store.backlog()).toEqual([])
        expect(await store.replay({ dryRun: true, now: 1 })).toBe(0)
      },
    )

    test('what would be tried again is not', async () => {
      await using bench = await open()
      const { store } = bench
      await store.settle([settlement(await takenThen(store), 'retrying')])
      expect(await deliveryOf(store, 'hers')).toMatchObject({
        status: 'consent_denied',
        reason: erasedReason,
        attempts: 1,
        journal: [{ outcome: 'delivered', request: null }, { outcome: 'erased' }],
      })
      expect(await store.backlog()).toEqual([])
      expect(await claimAll(store)).toEqual([])
    })

    test.each([
      ['release', (store: Store, id: number) => store.release([id])],
      ['recover', (store: Store) => store.recover(9_000)],
    ])('what never left ends when it is given back (%s)', async (_name, giveBack) => {
      await using bench = await open()
      const id = await takenThen(bench.store)
      const store = await bench.reopen()
      await giveBack(store, id)
      expect(await deliveryOf(store, 'hers')).toMatchObject({
        status: 'consent_denied',
        reason: erasedReason,
        journal: [{ outcome: 'erased' }],
      })
      expect(await store.backlog()).toEqual([])
      expect(await claimAll(store)).toEqual([])
    })

    test('reaches one site alone', async () => {
      await using bench = await open()
      const { store } = bench
      const elsewhere = newEvent('e1', {
        site: 'blog',
        facts: '{"note":"ann@example.com"}',
        deliveries: [hers({ integration: 'blog/meta' })],
      })
      await store.append([elsewhere, newEvent('e1', { deliveries: [hers()] })])
      const everything = { facts: ['ann@example.com'], journal: ['ann@example.com'] }
      expect(await store.erase(erasure({ ...everything, site: 'shop' }))).toMatchObject({ events: 1 })
      expect(await store.event('blog', 'e1')).toMatchObject({
        facts: elsewhere.facts,
        holdsPersonalData: true,
        deliveries: [{ status: 'queued' }],
      })
      expect(await store.erase(erasure({ site: 'nowhere' }))).toEqual({
        events: 0,
        claimed: [],
        integrations: [],
      })
    })

    test('takes texts out of facts: of any event, and of that person’s events alone', async () => {
      await using bench = await open()
      const { store } = bench
      const facts = '{"custom":{"mail":"Ann@Example.com","customer":"U-1"}}'
      await store.append([
        newEvent('hers', { facts, deliveries: [hers()] }),
        newEvent('other', { facts, deliveries: [refused('filtered')] }),
      ])
      const query = erasure({ facts: ['ann@example.com'], ownFacts: ['"U-1"'] })
      expect(await store.erase(query)).toMatchObject({ events: 2 })
      expect((await store.event('shop', 'hers'))?.facts).toBe(
        '{"custom":{"mail":"[erased]","customer":"[erased]"}}',
      )
      expect((await store.event('shop', 'other'))?.facts).toBe(
        '{"custom":{"mail":"[erased]","customer":"U-1"}}',
      )
    })

    test('takes requests out of the journal of what was sent long ago, and texts out of reasons', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([newEvent('e1'), newEvent('e2')])
      const [one, two] = await claimAll(store)
      await store.settle([
        settlement(one!.deliveryId, 'sent', {
          reason: 'took 5f3c1a…',
          line: journalLine({ request: '{"body":"5f3c1a…"}', reason: 'took 5f3c1a…' }),
        }),
        settlement(two!.deliveryId, 'sent', { line: journalLine({ request: '{"body":"77aa00…"}' }) }),
      ])
      expect(await store.erase({ ...nobodyErased, journal: ['5f3c1a…'] })).toEqual({
        events: 1,
        claimed: [],
        integrations: [{ integration: meta, ended: 0, claimed: 0, failed: 0, requests: 1 }],
      })
      expect(await deliveryOf(store, 'e1')).toMatchObject({
        status: 'sent',
        reason: 'took [erased]',
        journal: [{ request: null, reason: 'took [erased]', httpStatus: 200 }],
      })
      expect(await deliveryOf(store, 'e2')).toMatchObject({ journal: [{ request: '{"body":"77aa00…"}' }] })
    })

    test('many, around what stays, in one call, while more arrive; and a second call finds nothing', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append(
        Array.from({ length: 2_000 }, (_, n) =>
          newEvent(`e${n}`, { deliveries: [n % 4 === 0 ? hers() : queued()] }),
        ),
      )
      const erasing = store.erase(erasure())
      const arriving = Promise.all(Array.from({ length: 50 }, (_, n) => store.append([newEvent(`late${n}`)])))
      expect(await erasing).toMatchObject({ events: 500, integrations: [{ ended: 500 }] })
      await arriving
      expect(await store.backlog()).toMatchObject([{ pending: 1_550 }])
      expect(await store.erase(erasure())).toEqual({ events: 0, claimed: [], integrations: [] })
    })

    test('is forgotten itself: the same person’s next event is like any other, also the same event again', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([newEvent('e1', { deliveries: [hers()] })])
      await store.erase(erasure())
      expect(await store.append([newEvent('e1', { deliveries: [hers()] }), newEvent('e2')])).toEqual([
        'extended',
        'stored',
      ])
      expect(idsOf(await claimAll(store))).toEqual(['e1', 'e2'])
    })
  })

  describe(`${engine}: close`, () => {
    test('what was asked for is finished and kept', async () => {
      await using bench = await open()
      const asked = Array.from({ length: 200 }, (_, index) => bench.store.append([newEvent(`e${index}`)]))
      const store = await bench.reopen()
      expect(await Promise.all(asked)).toEqual(asked.map(() => ['stored']))
      expect(await store.backlog()).toMatchObject([{ pending: 200 }])
    })

    test('afterwards every call is refused as closed, but closing again is fine', async () => {
      await using bench = await open()
      const { store } = bench
      await store.append([newEvent('e1')])
      await store.close()
      await store.close()
      const calls: Record<Exclude<keyof Store, 'close'>, () => Promise<unknown>> = {
        append: () => store.append([newEvent('e2')]),
        claim: () => store.claim({ integration: meta, lane: 'realtime', limit: 1, now: 1_000 }),
        settle: () => store.settle([settlement(1, 'sent')]),
        release: () => store.release([1]),
        recover: () => store.recover(1),
        replay: () => store.replay({ dryRun: false, now: 1 }),
        giveUp: () => store.giveUp({ integration: meta, dueBy: 1, reason: '', now: 1 }),
        backlog: () => store.backlog(),
        pulse: () => store.pulse({ site: 'shop', from: 0 }),
        latest: () => store.latest('shop'),
        event: () => store.event('shop', 'e1'),
        events: () => store.events({ site: 'shop', limit: 1 }),
        tally: () => store.tally({ site: 'shop', from: 0, to: 1 }),
        sweep: () => store.sweep(1),
        erase: () => store.erase(nobodyErased),
      }
      for (const call of Object.values(calls)) await expect(call()).rejects.toMatchObject({ code: 'closed' })
    })
  })
}
