/**
 * The store against a model of it that fits on a page: whatever is asked in whatever order, and however often it is closed
 * or killed in between, both say the same. So nothing accepted is lost, and nothing settled is claimed again.
 */
// oxlint-disable vitest/no-standalone-expect -- the commands expect, and they run inside the test
import * as fc from 'fast-check'
import type { Worker } from 'node:worker_threads'
import { Worker as Thread } from 'node:worker_threads'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openWith } from '../../src/store/sqlite/index.ts'
import { erasedReason } from '../../src/store/store.ts'
import type {
  Appended,
  Backlog,
  DeliveryStatus,
  JournalLine,
  NewDelivery,
  NewEvent,
  Settlement,
  Store,
} from '../../src/store/store.ts'
import { journalLine } from '../store/events.ts'
import { temporaryDirectory } from '../store/sqlite/bench.ts'

interface ModelDelivery {
  readonly event: ModelEvent
  readonly integration: string
  lane: NewDelivery['lane']
  /** Where a claim would put it back to. */
  status: Exclude<DeliveryStatus, 'claimed'>
  claimed: boolean
  reason: string | null
  attempts: number
  dueAt: number
  settledAt: number | null
  payload: string | null
  journal: JournalLine[]
}

interface ModelEvent {
  readonly event: NewEvent
  facts: string
  duplicates: number
  deliveries: ModelDelivery[]
}

/** Deliveries in the order in which they were first stored. */
interface Model {
  events: ModelEvent[]
  deliveries: ModelDelivery[]
}

const pending = (delivery: ModelDelivery): boolean => delivery.settledAt === null

const due = (model: Model, integration: string, lane: string, now: number): ModelDelivery[] =>
  model.deliveries
    .filter((one) => one.integration === integration && one.lane === lane)
    .filter((one) => pending(one) && !one.claimed && one.dueAt <= now)
    .sort((a, b) => a.dueAt - b.dueAt)

const appendTo = (model: Model, event: NewEvent): Appended => {
  const owed = (delivery: NewDelivery) => ({
    lane: delivery.lane,
    status: delivery.status,
    reason: delivery.reason,
    dueAt: delivery.dueAt,
    settledAt: delivery.status === 'queued' ? null : event.acceptedAt,
    payload: delivery.status === 'queued' ? delivery.payload : null,
  })
  const known = model.events.find(
    (one) => one.event.site === event.site && one.event.eventId === event.eventId,
  )
  const target: ModelEvent = known ?? { event, facts: event.facts, duplicates: 0, deliveries: [] }
  if (known === undefined) model.events.push(target)
  let changed = false
  for (const delivery of event.deliveries) {
    const before = target.deliveries.find((one) => one.integration === delivery.integration)
    if (before === undefined) {
      const added = {
        event: target,
        integration: delivery.integration,
        claimed: false,
        attempts: 0,
        journal: [],
        ...owed(delivery),
      }
      target.deliveries.push(added)
      model.deliveries.push(added)
      changed = true
    } else if (before.status === 'consent_denied' && delivery.status !== 'consent_denied') {
      Object.assign(before, owed(delivery))
      target.facts = event.facts
      changed = true
    }
  }
  if (known === undefined) return 'stored'
  if (changed) return 'extended'
  known.duplicates++
  return 'duplicate'
}

const backlogOf = (model: Model): Backlog[] => {
  const lanes = Map.groupBy(model.deliveries.filter(pending), (one) => `${one.integration} ${one.lane}`)
  return [...lanes.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, all]) => {
      const waiting = all.filter((one) => !one.claimed).map(({ dueAt }) => dueAt)
      return {
        integration: all[0]!.integration,
        lane: all[0]!.lane,
        pending: all.length,
        oldestAcceptedAt: Math.min(...all.map(({ event }) => event.event.acceptedAt)),
        nextDueAt: waiting.length === 0 ? null : Math.min(...waiting),
      }
    })
}

/** The store under test, and the threads it has started. */
interface Real {
  store: Store
  readonly open: () => Promise<Store>
  readonly threads: Worker[]
}

const compare = async (model: Model, { store }: Real): Promise<void> => {
  expect(await store.backlog()).toEqual(backlogOf(model))
  for (const site of sites) {
    const { events } = await store.events({ site, limit: 500 })
    const expected = model.events.filter(({ event }) => event.site === site)
    expect(new Map(events.map((one) => [one.eventId, one]))).toEqual(
      new Map(
        expected.map(({ event, facts, duplicates, deliveries }) => [
          event.eventId,
          expect.objectContaining({
            acceptedAt: event.acceptedAt,
            facts,
            duplicates,
            holdsPersonalData: deliveries.some(({ payload }) => payload !== null),
            deliveries: deliveries.map(({ integration, lane, status, claimed, ...one }) => ({
              deliveryId: expect.any(Number),
              integration,
              lane,
              status: claimed ? 'claimed' : status,
              reason: one.reason,
              attempts: one.attempts,
              dueAt: one.dueAt,
              settledAt: one.settledAt,
              journal: one.journal,
            })),
          }),
        ]),
      ),
    )
  }
}

const sites = ['shop', 'blog']
const integrations = ['meta', 'ga4', 'crm']
const times = fc.integer({ min: 1, max: 20 })

const anyDelivery: fc.Arbitrary<NewDelivery> = fc
  .record({
    integration: fc.constantFrom(...integrations),
    lane: fc.constantFrom('realtime', 'batch'),
    status: fc.constantFrom('queued', 'queued', 'queued', 'consent_denied', 'filtered'),
    dueAt: times,
    payload: fc.constantFrom('{"em":"a"}', '{"em":"b"}'),
  })
  .map((one) => ({
    ...one,
    reason: one.status === 'queued' ? null : one.status,
    payload: one.status === 'queued' ? one.payload : null,
  }))

const anyEvent: fc.Arbitrary<NewEvent> = fc.record({
  site: fc.constantFrom(...sites),
  eventId: fc.constantFrom('e1', 'e2', 'e3', 'e4'),
  type: fc.constant('purchase'),
  orderId: fc.constant(null),
  ruleId: fc.constant(null),
  occurredAt: times,
  acceptedAt: times,
  facts: fc.constantFrom('{"n":1}', '{"n":2}'),
  deliveries: fc.uniqueArray(anyDelivery, { selector: ({ integration }) => integration, maxLength: 3 }),
})

type Command = fc.AsyncCommand<Model, Real>

const command = (name: string, run: (model: Model, real: Real) => Promise<void>): Command => ({
  check: () => true,
  run: async (model, real) => {
    await run(model, real)
    await compare(model, real)
  },
  toString: () => name,
})

const append = fc.array(anyEvent, { minLength: 1, maxLength: 4 }).map((events) =>
  command(`append ${JSON.stringify(events)}`, async (model, { store }) => {
    expect(await store.append(events)).toEqual(events.map((event) => appendTo(model, event)))
  }),
)

const claim = fc
  .tuple(
    fc.constantFrom(...integrations),
    fc.constantFrom('realtime' as const, 'batch' as const),
    fc.integer({ min: 1, max: 4 }),
    times,
  )
  .map(([integration, lane, limit, now]) =>
    command(`claim ${limit} of ${integration} ${lane} at ${now}`, async (model, { store }) => {
      const taken = due(model, integration, lane, now).slice(0, limit)
      expect(await store.claim({ integration, lane, limit, now })).toEqual(
        taken.map(({ event, attempts, payload }) => ({
          deliveryId: expect.any(Number),
          eventId: event.event.eventId,
          site: event.event.site,
          attempts,
          acceptedAt: event.event.acceptedAt,
          occurredAt: event.event.occurredAt,
          facts: event.facts,
          payload,
        })),
      )
      for (const one of taken) one.claimed = true
    }),
  )

/** Any deliveries at all, so that most are not claimed and must not move. */
const someOf = async (
  model: Model,
  { store }: Real,
  picks: readonly number[],
): Promise<readonly { readonly id: number; readonly delivery: ModelDelivery }[]> => {
  const chosen = [...new Set(picks.map((pick) => model.deliveries[pick % model.deliveries.length]))]
  const found = []
  for (const delivery of chosen) {
    if (delivery === undefined) continue
    const { site, eventId } = delivery.event.event
    const stored = await store.event(site, eventId)
    const id = stored?.deliveries.find(({ integration }) => integration === delivery.integration)?.deliveryId
    found.push({ id: id!, delivery })
  }
  return found
}

const erasedLine = (at: number): JournalLine => ({
  ...journalLine({ at, outcome: 'erased', reason: erasedReason }),
  trace: null,
  httpStatus: null,
  durationMs: null,
  request: null,
  batchSize: null,
})

/** Nothing of it is left to send. */
const end = (delivery: ModelDelivery, at: number): void => {
  Object.assign(delivery, { claimed: false, status: 'consent_denied', reason: erasedReason, settledAt: at })
  delivery.journal.push(erasedLine(at))
}

const giveBack = (delivery: ModelDelivery, at: number): void => {
  if (delivery.claimed && delivery.payload === null) end(delivery, at)
  else delivery.claimed = false
}

const picks = fc.array(fc.nat(30), { minLength: 1, maxLength: 6 })

const settle = fc
  .tuple(
    picks,
    fc.constantFrom<Settlement['status']>(
      'retrying',
      'sent',
      'sent',
      'failed',
      'failed',
      'consent_denied',
      'expired',
    ),
    times,
    fc.boolean(),
    fc.boolean(),
  )
  .map(([chosen, status, at, counted, lined]) =>
    command(`settle ${chosen.join()} ${status} at ${at}`, async (model, real) => {
      const some = await someOf(model, real, chosen)
      await real.store.settle(
        some.map(({ id: deliveryId }) => ({
          deliveryId,
          status,
          reason: `was ${status}`,
          dueAt: status === 'retrying' ? at : null,
          counted,
          line: lined ? journalLine({ at }) : null,
        })),
      )
      for (const { delivery } of some.filter((one) => one.delivery.claimed)) {
        const again = status === 'retrying'
        delivery.claimed = false
        delivery.status = status
        delivery.reason = `was ${status}`
        if (again) delivery.dueAt = at
        // Without a line the store's own clock dates it.
        else delivery.settledAt = lined ? at : storeClock
        if (counted) delivery.attempts++
        const erased = delivery.payload === null
        if (lined) delivery.journal.push(journalLine({ at, ...(erased ? { request: null } : {}) }))
        if (!again && status !== 'failed') delivery.payload = null
        if (erased && again) end(delivery, lined ? at : storeClock)
      }
    }),
  )

const release = picks.map((chosen) =>
  command(`release ${chosen.join()}`, async (model, real) => {
    const some = await someOf(model, real, chosen)
    await real.store.release(some.map(({ id }) => id))
    for (const { delivery } of some) giveBack(delivery, storeClock)
  }),
)

const recover = times.map((now) =>
  command(`recover at ${now}`, async (model, { store }) => {
    const claimed = model.deliveries.filter((one) => one.claimed)
    const held = claimed.filter(({ payload }) => payload !== null)
    expect(await store.recover(now)).toBe(held.length)
    for (const one of held) one.dueAt = Math.min(one.dueAt, now)
    for (const one of claimed) giveBack(one, now)
  }),
)

const replay = fc
  .tuple(fc.option(fc.constantFrom(...integrations)), fc.option(times), fc.option(times), fc.boolean(), times)
  .map(([integration, from, to, dryRun, now]) =>
    command(
      `replay ${integration} ${from} to ${to}${dryRun ? ', dry' : ''} at ${now}`,
      async (model, { store }) => {
        const dead = model.deliveries.filter(
          (one) =>
            one.status === 'failed' &&
            one.payload !== null &&
            (integration === null || one.integration === integration) &&
            (from === null || one.settledAt! >= from) &&
            (to === null || one.settledAt! < to),
        )
        const filter = {
          ...(integration === null ? {} : { integration }),
          ...(from === null ? {} : { from }),
          ...(to === null ? {} : { to }),
        }
        expect(await store.replay({ ...filter, dryRun, now })).toBe(dead.length)
        if (dryRun) return
        for (const one of dead)
          Object.assign(one, { status: 'queued', reason: null, attempts: 0, dueAt: now, settledAt: null })
      },
    ),
  )

const erase = fc
  .tuple(fc.constantFrom(...sites), fc.constantFrom('a', 'b'), times)
  .map(([site, person, now]) =>
    command(`erase ${person} from ${site} at ${now}`, async (model, { store }) => {
      const texts = [`"em":"${person}"`]
      const found = model.events.filter(
        ({ event, deliveries }) =>
          event.site === site && deliveries.some(({ payload }) => payload?.includes(texts[0]!)),
      )
      const { events } = await store.erase({
        site,
        payload: texts,
        facts: [],
        ownFacts: [],
        journal: [],
        now,
      })
      expect(events).toBe(found.length)
      for (const one of found.flatMap(({ deliveries }) => deliveries)) {
        one.journal = one.journal.map((line) => ({ ...line, request: null }))
        if (one.payload === null) continue
        one.payload = null
        if (one.claimed) continue
        if (pending(one)) end(one, now)
        else one.journal.push(erasedLine(now))
      }
    }),
  )

const sweep = times.map((olderThan) =>
  command(`sweep ${olderThan}`, async (model, { store }) => {
    const gone = new Set(
      model.events.filter(
        ({ event, deliveries }) =>
          event.acceptedAt < olderThan &&
          deliveries.every(({ settledAt }) => settledAt !== null && settledAt < olderThan),
      ),
    )
    expect(await store.sweep(olderThan)).toEqual({ deletedEvents: gone.size })
    model.events = model.events.filter((one) => !gone.has(one))
    model.deliveries = model.deliveries.filter((one) => !gone.has(one.event))
  }),
)

const reopen = fc.constant(
  command('reopen', async (_model, real) => {
    await real.store.close()
    real.store = await real.open()
  }),
)

const killThreads = fc.constant(
  command('kill the threads', async (_model, real) => {
    await Promise.all(real.threads.splice(0).map((thread) => thread.terminate()))
    // Nobody is told when the next one is ready; whatever is asked waits for it.
    await real.store.release([])
  }),
)

const storeClock = 12

test(
  'the store and its model agree on every answer and on all that is kept',
  { timeout: 120_000 },
  async () => {
    expect.hasAssertions()
    // Those that start threads cost most of the time, so they come seldom.
    const often = [append, append, claim, claim, settle, settle]
    const commands = fc.commands(
      [
        ...often,
        ...often,
        append,
        claim,
        release,
        recover,
        replay,
        replay,
        sweep,
        sweep,
        erase,
        erase,
        erase,
        reopen,
        killThreads,
      ],
      { maxCommands: 40, size: 'max' },
    )
    await fc.assert(
      fc.asyncProperty(commands, async (sequence) => {
        await using directory = await temporaryDirectory()
        const threads: Worker[] = []
        const open = (): Promise<Store> =>
          openWith(
            (workerData) => {
              const thread = new Thread(new URL('../../src/store/sqlite/worker.ts', import.meta.url), {
                workerData,
              })
              threads.push(thread)
              return thread
            },
            { path: join(directory.path, 'sluice.db'), clock: { now: () => storeClock } },
          )
        const real: Real = { store: await open(), open, threads }
        try {
          await fc.asyncModelRun(() => ({ model: { events: [], deliveries: [] }, real }), sequence)
        } finally {
          await real.store.close()
        }
      }),
      { numRuns: 15 },
    )
  },
)
