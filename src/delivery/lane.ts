import type { Clock } from '../clock.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { LaneName } from '../event/names.ts'
import type { Integration } from '../sites/configure.ts'
import type { InquiryStore } from '../store/inquiries.ts'
import type { ClaimedDelivery, Settlement, Store } from '../store/store.ts'
import { clampWaitMs } from './backoff.ts'
import { createScale, toBatches, type Carried } from './batches.ts'
import type { Credentials } from './credentials.ts'
import { createGate, type BreakerPolicy, type Parked } from './gate.ts'
import type { Transport } from './http.ts'
import type { RateLimiter } from './rate-limit.ts'
import { decodeDelivery, type PlainSealer } from './records.ts'
import { createSending, type LaneNews } from './sending.ts'

/** One integration's stream at one tempo: claim, hand over to sending, claim again. */

export interface LaneOptions {
  readonly integration: Integration
  readonly lane: LaneName
  readonly store: Store
  readonly inquiries?: Pick<InquiryStore, 'noteInquiries'>
  readonly transport: Transport
  readonly credentials: Credentials
  readonly limiter: RateLimiter
  readonly sealer: PlainSealer | null
  readonly clock: Clock
  /** For what is waited for; `clock` is for what is dated. */
  readonly steady: Clock
  readonly breaker: BreakerPolicy
  /** In [0, 1). */
  readonly random: () => number
  readonly report: (news: LaneNews) => void
}

export interface Lane {
  readonly name: LaneName
  /** There may be something to claim. */
  wake(): void
  readonly parked: Parked | null
  /** Gives back what is claimed and has not left yet: what is to be sent of it is claimed anew. */
  recall(): void
  /** Requests in a row that found nobody. */
  readonly failures: number
  /** Claims no more; resolves when nothing is in flight. Once the signal fires, what is on the wire is given up, too. */
  stop(deadline: AbortSignal): Promise<void>
}

/** Requests of a lane under way at once: enough to reach the limits over a slow line, few enough to spare a sick platform. */
const mostRequests = 8
const fewestRequests = 2
/**
 * Events of a lane in memory, and in the store's line when they are settled: whatever else wants the thread or the store
 * waits behind them, the real-time lane's first of all. A second's worth of a larger limit is kept in reach, too.
 */
const heldEvents = 4_000
/** A claim is one transaction, and reading what it brought one turn of the event loop. */
const claimedAtOnce = 2_000
/** Nothing announces a delivery that another process made due, so a lane looks by itself now and then. */
const longestSleepMs = 30_000
const storeTroubleMs = 1_000
/** A body is cut before it is built, so its size is a guess, and a wrong one costs a second building. */
const fill = 0.9
/** Without a time of the platform's own. */
const throttledMs = 2_000

export const createLane = (options: LaneOptions): Lane => {
  const { integration, lane, store, limiter, sealer, clock, steady, report } = options
  const { destination, settings, limits } = integration
  const gate = createGate({ clock: steady, random: options.random, breaker: options.breaker })
  const scale = createScale()
  /** No request is larger than a second's worth of the limit, or the real-time lane would have to wait for it to be paid. */
  const batchSize = Math.min(limits.batchSize, Math.max(1, Math.floor(limits.eventsPerSecond)))
  const held = Math.max(heldEvents, Number.isFinite(limits.eventsPerSecond) ? limits.eventsPerSecond : 0)
  const maxInFlight = Math.min(mostRequests, Math.max(fewestRequests, Math.floor(held / batchSize)))
  const stopping = new AbortController()
  const givingUp = new AbortController()
  const inFlight = new Set<Promise<void>>()
  let ready: readonly (readonly Carried[])[] = []
  /** `null` while it does not sleep: a busy lane is woken for every commit, and needs nothing to be woken with. */
  let sleeper: AbortController | null = null
  /** What is claimed under one recall may wait for its turn until the next. */
  const newRecall = () => {
    const called = new AbortController()
    return { call: () => called.abort(), signal: AbortSignal.any([stopping.signal, called.signal]) }
  }
  let recall = newRecall()
  let readyUntil = recall.signal
  let awake = false
  let probing = false
  /** Until it turns out that events of this destination fill no request together, whatever their number. */
  let fillsBatches = lane === 'batch' && batchSize > 1

  const wake = (): void => {
    awake = true
    // With a reason, because without one an error with its stack is made each time.
    sleeper?.abort('woken')
  }

  /** A wake that came while the lane was busy counts: it must not sleep over it. */
  const sleep = async (ms: number): Promise<void> => {
    if (!awake && !stopping.signal.aborted) {
      sleeper = new AbortController()
      await clock.sleep(ms, sleeper.signal)
      sleeper = null
    }
    awake = false
  }

  const tell = (outcome: LaneNews['outcome'], reason: string, events: number): void =>
    report({ site: integration.site, integration: integration.id, lane, outcome, reason, events })

  const slowDown = (outcomes: readonly Outcome[]): void => {
    const throttled = outcomes.find((outcome) => outcome.kind === 'throttled')
    if (throttled === undefined) return
    limiter.pauseUntil(steady.now() + clampWaitMs(throttled.retryAfterMs ?? throttledMs))
    limiter.slowDown()
  }

  const send = createSending({
    ...options,
    scale,
    react: slowDown,
    note: gate.note,
    held: () => gate.parked !== null && !probing,
    givingUp: givingUp.signal,
  })

  const launch = (batch: readonly Carried[], until: AbortSignal): void => {
    const flight: Promise<void> = send(batch, until).finally(() => {
      inFlight.delete(flight)
      probing = false
      wake()
    })
    inFlight.add(flight)
  }

  /** Claimed, and not to be sent by this lane now. Kept until the store has heard of it: nobody else would ever send them. */
  let unwanted: readonly number[] = []
  const giveBack = async (claimed: readonly ClaimedDelivery[]): Promise<void> => {
    unwanted = [...unwanted, ...claimed.map(({ deliveryId }) => deliveryId)]
    if (unwanted.length === 0) return
    await store.release(unwanted)
    unwanted = []
  }

  const giveReadyBack = (): Promise<void> => {
    const claimed = ready.flat().map((one) => one.claimed)
    ready = []
    return giveBack(claimed)
  }

  const read = (one: ClaimedDelivery, now: number): Carried | Settlement => {
    const settled = { deliveryId: one.deliveryId, dueAt: null, counted: false, line: null }
    try {
      const deliverable = decodeDelivery(one, integration.id, sealer)
      // Time has passed since the event was routed: what can no longer be taken is refused now, in words.
      const refusal = destination.refuse(deliverable, settings, now)
      return refusal === null ? { claimed: one, deliverable } : { ...settled, ...refusal }
    } catch (error) {
      // Its name alone: what a parser complains about it quotes, and this is somebody's.
      const name = error instanceof Error ? error.name : 'fault'
      return { ...settled, status: 'failed', reason: `internal: the delivery could not be read (${name})` }
    }
  }

  /** Up to so many due deliveries; `full`: that many, due or not, or none. */
  const claim = async (limit: number, full: boolean): Promise<readonly Carried[]> => {
    const claimed = await store.claim({
      integration: integration.key,
      lane,
      limit,
      now: steady.now(),
      ...(full ? { full } : {}),
    })
    const now = clock.now()
    const all = claimed.map((one) => read(one, now))
    try {
      const refused = all.filter((one) => 'status' in one)
      if (refused.length > 0) await store.settle(refused)
    } catch (error) {
      await giveBack(claimed)
      throw error
    }
    return all.filter((one) => 'claimed' in one)
  }

  const batchesOf = (kept: readonly Carried[]): readonly (readonly Carried[])[] =>
    toBatches(kept, (deliverable) => destination.batchKey(deliverable, settings), {
      events: gate.parked === null ? batchSize : 1,
      bytes: limits.maxBodyBytes * fill,
      weigh: scale.weigh,
    })

  /** A full batch need not wait for its window. Answers whether there was one. */
  const takeFullBatch = async (): Promise<boolean> => {
    const until = recall.signal
    const kept = await claim(batchSize, true)
    if (kept.length === 0) return false
    const batches = batchesOf(kept)
    if (batches.length > 1 && batches.every(({ length }) => length * 2 < batchSize)) {
      fillsBatches = false
      await giveBack(kept.map(({ claimed }) => claimed))
      return false
    }
    ready = batches
    readyUntil = until
    return true
  }

  /** Nothing is due: waits for what will be. */
  const rest = async (): Promise<void> => {
    const backlogs = await store.backlog()
    const mine = backlogs.find((one) => one.integration === integration.key && one.lane === lane)
    const enough = mine !== undefined && mine.pending >= batchSize
    if (fillsBatches && gate.parked === null && enough && (await takeFullBatch())) return
    const due = mine?.nextDueAt ?? null
    await sleep(due === null ? longestSleepMs : Math.min(Math.max(due - steady.now(), 10), longestSleepMs))
  }

  /** A parked lane asks with a single event whether it is welcome again. */
  const probe = async (): Promise<void> => {
    const until = recall.signal
    const [batch] = batchesOf(await claim(1, false))
    if (batch === undefined) return rest()
    probing = true
    launch(batch, until)
  }

  const turn = async (): Promise<void> => {
    const { parked } = gate
    if (parked !== null || readyUntil.aborted) await giveReadyBack()
    else if (unwanted.length > 0) await giveBack([])
    if (inFlight.size >= (parked === null ? maxInFlight : 1)) return sleep(longestSleepMs)
    if (parked !== null) {
      const wait = parked.until - steady.now()
      return wait > 0 ? sleep(wait) : probe()
    }
    const [first, ...others] = ready
    if (first !== undefined) {
      ready = others
      return launch(first, readyUntil)
    }
    const until = recall.signal
    const room = batchSize * (maxInFlight - inFlight.size)
    const kept = await claim(Math.min(room, Math.max(batchSize, claimedAtOnce)), false)
    if (kept.length === 0) return rest()
    ready = batchesOf(kept)
    readyUntil = until
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await turn()
      } catch (error) {
        tell('store_failed', error instanceof Error ? error.message : String(error), 0)
        await clock.sleep(storeTroubleMs, stopping.signal)
      }
    }
    // Should this fail, the deliveries stay claimed, and the next start finds them.
    await giveReadyBack().catch(() => undefined)
  }
  const running = run()

  return {
    name: lane,
    wake,
    get parked() {
      return gate.parked
    },
    recall: () => {
      recall.call()
      recall = newRecall()
      wake()
    },
    get failures() {
      return gate.failures
    },
    stop: async (deadline) => {
      stopping.abort()
      sleeper?.abort()
      if (deadline.aborted) givingUp.abort()
      else deadline.addEventListener('abort', () => givingUp.abort(), { once: true })
      await running
      await Promise.all(inFlight)
    },
  }
}
