import type { Clock } from '../clock.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { LaneName } from '../event/names.ts'
import type { Integration } from '../sites/configure.ts'
import type { ClaimedDelivery, Settlement, Store } from '../store/store.ts'
import { clampWaitMs } from './backoff.ts'
import { toBatches, type Carried } from './batches.ts'
import type { Transport } from './http.ts'
import type { RateLimiter } from './rate-limit.ts'
import { decodeDelivery, type PlainSealer } from './records.ts'
import { createSending, type LaneNews } from './sending.ts'
import { parkedMs } from './settling.ts'

/** One integration's stream at one tempo: claim, hand over to sending, claim again. */

export interface LaneOptions {
  readonly integration: Integration
  readonly lane: LaneName
  readonly store: Store
  readonly transport: Transport
  readonly limiter: RateLimiter
  readonly sealer: PlainSealer | null
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly report: (news: LaneNews) => void
}

/** Refused its credentials: the lane asks again with one event at `until`; its events stay. */
export interface Parked {
  readonly since: number
  readonly until: number
  readonly reason: string
}

export interface Lane {
  readonly name: LaneName
  /** There may be something to claim. */
  wake(): void
  readonly parked: Parked | null
  /** Claims no more; resolves when nothing is in flight. Once the signal fires, what is on the wire is given up, too. */
  stop(deadline: AbortSignal): Promise<void>
}

/** Requests of a lane under way at once: enough to reach the limits over a slow line, few enough to spare a sick platform. */
const maxInFlight = 8
/** Nothing announces a delivery that another process made due, so a lane looks by itself now and then. */
const longestSleepMs = 30_000
const storeTroubleMs = 1_000

export const createLane = (options: LaneOptions): Lane => {
  const { integration, lane, store, limiter, sealer, clock, report } = options
  const { destination, settings, limits } = integration
  const stopping = new AbortController()
  const givingUp = new AbortController()
  const inFlight = new Set<Promise<void>>()
  let ready: readonly (readonly Carried[])[] = []
  let sleeper = new AbortController()
  let awake = false
  let parked: Parked | null = null

  const wake = (): void => {
    awake = true
    sleeper.abort()
  }

  /** A wake that came while the lane was busy counts: it must not sleep over it. */
  const sleep = async (ms: number): Promise<void> => {
    sleeper = new AbortController()
    if (!awake && !stopping.signal.aborted) await clock.sleep(ms, sleeper.signal)
    awake = false
  }

  const tell = (outcome: LaneNews['outcome'], reason: string, events: number): void =>
    report({ site: integration.site, integration: integration.id, lane, outcome, reason, events })

  const react = (outcomes: readonly Outcome[]): void => {
    const now = clock.now()
    const throttled = outcomes.find((outcome) => outcome.kind === 'throttled')
    if (throttled !== undefined) limiter.pauseUntil(now + clampWaitMs(throttled.retryAfterMs ?? 2_000))
    const refused = outcomes.find((outcome) => outcome.kind === 'unauthorized')
    if (refused !== undefined)
      parked = { since: parked?.since ?? now, until: now + parkedMs, reason: refused.reason }
    else if (outcomes.some((outcome) => outcome.kind === 'delivered')) parked = null
  }

  const send = createSending({ ...options, react, stopping: stopping.signal, givingUp: givingUp.signal })

  const launch = (batch: readonly Carried[]): void => {
    const flight: Promise<void> = send(batch)
      .catch((error: unknown) => tell('internal', String(error), batch.length))
      .finally(() => {
        inFlight.delete(flight)
        wake()
      })
    inFlight.add(flight)
  }

  /** Time has passed since the event was routed: what can no longer be taken is refused now, in words. */
  const refuseTheLate = async (claimed: readonly ClaimedDelivery[]): Promise<readonly Carried[]> => {
    const now = clock.now()
    const kept: Carried[] = []
    const refused: Settlement[] = []
    for (const one of claimed) {
      const deliverable = decodeDelivery(one, integration.id, sealer)
      const refusal = destination.refuse(deliverable, settings, now)
      if (refusal === null) kept.push({ claimed: one, deliverable })
      else refused.push({ deliveryId: one.deliveryId, ...refusal, dueAt: null, counted: false, line: null })
    }
    if (refused.length > 0) await store.settle(refused)
    return kept
  }

  const untilDue = async (): Promise<number> => {
    const backlogs = await store.backlog()
    const due = backlogs.find((one) => one.integration === integration.key && one.lane === lane)?.nextDueAt
    return due === undefined || due === null
      ? longestSleepMs
      : Math.min(Math.max(due - clock.now(), 10), longestSleepMs)
  }

  const turn = async (): Promise<void> => {
    if (parked !== null && (inFlight.size > 0 || clock.now() < parked.until))
      return sleep(Math.max(parked.until - clock.now(), 10))
    if (inFlight.size >= maxInFlight) return sleep(longestSleepMs)
    const [first, ...rest] = ready
    if (first !== undefined) {
      ready = rest
      return launch(first)
    }
    // A parked lane asks with a single event whether it is welcome again.
    const size = parked === null ? limits.batchSize : 1
    const free = parked === null ? maxInFlight - inFlight.size : 1
    const claimed = await store.claim({
      integration: integration.key,
      lane,
      limit: size * free,
      now: clock.now(),
    })
    if (claimed.length === 0) return sleep(await untilDue())
    const kept = await refuseTheLate(claimed)
    ready = toBatches(kept, (deliverable) => destination.batchKey(deliverable, settings), size)
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
    const unsent = ready.flat().map(({ claimed }) => claimed.deliveryId)
    // Should this fail, the deliveries stay claimed, and the next start finds them.
    if (unsent.length > 0) await store.release(unsent).catch(() => undefined)
  }
  const running = run()

  return {
    name: lane,
    wake,
    get parked() {
      return parked
    },
    stop: async (deadline) => {
      stopping.abort()
      sleeper.abort()
      if (deadline.aborted) givingUp.abort()
      else deadline.addEventListener('abort', () => givingUp.abort(), { once: true })
      await running
      await Promise.all(inFlight)
    },
  }
}
