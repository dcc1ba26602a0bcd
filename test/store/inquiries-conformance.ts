/** What every engine promises of inquiries, one sentence a test. */
import { describe, expect, test } from 'vitest'
import type { InquiryStore, LateSettlement, NewInquiry } from '../../src/store/inquiries.ts'
import type { Store } from '../../src/store/store.ts'
import { journalLine, meta, newEvent, queued, settlement } from './events.ts'

export interface InquiryBench extends AsyncDisposable {
  readonly store: Store & InquiryStore
  reopen(): Promise<Store & InquiryStore>
}

const noted = (over: Partial<NewInquiry> = {}): NewInquiry => ({
  integration: meta,
  ticket: 'request-1',
  deliveries: [],
  notedAt: 1_000,
  askAt: 5_000,
  ...over,
})
const take = (store: InquiryStore, now: number, over: object = {}) =>
  store.takeInquiries({ integration: meta, now, until: now + 600, limit: 10, ...over })
const ticketsOf = (taken: readonly { readonly ticket: string }[]): string[] =>
  taken.map(({ ticket }) => ticket)

/** Delivered, as the platform said at once. */
const sent = async (store: Store, eventId: string): Promise<number> => {
  await store.append([newEvent(eventId, { deliveries: [queued()] })])
  const [claimed] = await store.claim({ integration: meta, lane: 'realtime', limit: 1, now: 100_000 })
  if (claimed === undefined) throw new Error('nothing was due')
  await store.settle([settlement(claimed.deliveryId, 'sent', { reason: 'accepted' })])
  return claimed.deliveryId
}

const late = (deliveryId: number, over: Partial<LateSettlement> = {}): LateSettlement => ({
  deliveryId,
  status: null,
  reason: 'processed',
  line: journalLine({ outcome: 'processed' }),
  ...over,
})

const deliveryOf = async (store: Store, eventId: string) => {
  const delivery = (await store.event('shop', eventId))?.deliveries[0]
  if (delivery === undefined) throw new Error(`no delivery of ${eventId}`)
  return delivery
}

export const describeInquiries = (engine: string, open: () => Promise<InquiryBench>): void => {
  describe(`${engine}: inquiries`, () => {
    test('are taken when they are due, the longest due first, also after a restart', async () => {
      await using bench = await open()
      await bench.store.noteInquiries([
        noted({ ticket: 'later', askAt: 6_000 }),
        noted({ deliveries: [7, 8] }),
        noted({ ticket: 'never', askAt: 9_000 }),
        noted({ ticket: 'elsewhere', integration: 'blog/meta' }),
      ])
      const store = await bench.reopen()
      expect(await take(store, 4_999)).toEqual([])
      const taken = await take(store, 6_000)
      expect(ticketsOf(taken)).toEqual(['request-1', 'later'])
      expect(taken[0]).toMatchObject({
        integration: meta,
        deliveries: [7, 8],
        notedAt: 1_000,
        tries: 0,
      })
    })

    test('belong to whoever took them until the time is over, and count how often they were', async () => {
      await using bench = await open()
      const { store } = bench
      await store.noteInquiries([noted()])
      expect(await take(store, 5_000)).toHaveLength(1)
      expect(await take(store, 5_599)).toEqual([])
      expect(await take(store, 5_600)).toMatchObject([{ tries: 1 }])
    })

    test('are taken no more than so many at a time', async () => {
      await using bench = await open()
      await bench.store.noteInquiries([1, 2, 3].map((n) => noted({ ticket: `r${n}`, askAt: n })))
      expect(ticketsOf(await take(bench.store, 10, { limit: 2 }))).toEqual(['r1', 'r2'])
    })

    test('can be put off', async () => {
      await using bench = await open()
      const { store } = bench
      await store.noteInquiries([noted()])
      const [{ inquiryId } = { inquiryId: 0 }] = await take(store, 5_000)
      await store.postponeInquiry(inquiryId, 20_000)
      expect(await take(store, 19_999)).toEqual([])
      expect(await take(store, 20_000)).toHaveLength(1)
    })

    test.each([
      [null, 'sent'],
      ['failed', 'failed'],
      ['consent_denied', 'consent_denied'],
    ] as const)(
      'closed with %s, the delivery is %s and says why, in the journal, too',
      async (status, now) => {
        await using bench = await open()
        const { store } = bench
        const deliveryId = await sent(store, 'e1')
        await store.noteInquiries([noted({ deliveries: [deliveryId] })])
        const [{ inquiryId } = { inquiryId: 0 }] = await take(store, 5_000)
        await store.closeInquiry(inquiryId, [
          late(deliveryId, {
            status,
            reason: 'INVALID_GCLID',
            line: journalLine({ outcome: 'refused_later' }),
          }),
        ])
        const delivery = await deliveryOf(store, 'e1')
        expect(delivery).toMatchObject({ status: now, reason: 'INVALID_GCLID' })
        expect(delivery.journal.map(({ outcome }) => outcome)).toEqual(['delivered', 'refused_later'])
        expect(await take(store, 1_000_000)).toEqual([])
        expect((await store.event('shop', 'e1'))?.holdsPersonalData).toBe(false)
      },
    )

    test('closed twice, or about deliveries that are not sent any more or are gone, change nothing', async () => {
      await using bench = await open()
      const { store } = bench
      const first = await sent(store, 'e1')
      await store.append([newEvent('e2', { deliveries: [queued()] })])
      const [waiting] = await store.claim({ integration: meta, lane: 'realtime', limit: 1, now: 100_000 })
      await store.noteInquiries([noted({ deliveries: [first] })])
      const [{ inquiryId } = { inquiryId: 0 }] = await take(store, 5_000)
      await store.closeInquiry(inquiryId, [late(first), late(waiting?.deliveryId ?? 0), late(987_654)])
      await store.closeInquiry(inquiryId, [late(first, { status: 'failed', reason: 'again' })])
      expect(await deliveryOf(store, 'e1')).toMatchObject({ status: 'sent', reason: 'processed' })
      expect((await deliveryOf(store, 'e2')).journal).toEqual([])
    })

    test('go with a sweep once they are as old as what it deletes', async () => {
      await using bench = await open()
      const { store } = bench
      await store.noteInquiries([noted({ ticket: 'old' }), noted({ ticket: 'young', notedAt: 2_000 })])
      await store.sweep(2_000)
      expect(ticketsOf(await take(store, 1_000_000))).toEqual(['young'])
    })
  })
}
