import type { Clock } from '../clock.ts'
import type { LaneName } from '../event/names.ts'

/**
 * The limit of one credential, with a waiting line per lane. Whoever asks waits; nobody is turned away, so nothing is dropped
 * for a limit.
 *
 * What is guaranteed: within any second no more events go than the limit says. A request that alone is larger than that goes
 * only by itself, when nothing else went for a second, and the next waits until it is paid for at the limit's rate.
 *
 *     |<-------- one second -------->|
 *   ──┴──25────────10───────15───────┴── now: 50 of 50 are spent; the next may go when the first 25 leave at the left
 */
export interface RateLimiter {
  /** Resolves when `events` may go, or with `false` when the signal fired first. */
  take(events: number, lane: LaneName, signal: AbortSignal): Promise<boolean>
  /** The platform asked for a pause: nobody goes before then. */
  pauseUntil(time: number): void
  /** The platform found us too fast: half the rate from now on, and slowly back to the whole. */
  slowDown(): void
  /** Another limit from now on; who waits goes on waiting under it. */
  setRate(eventsPerSecond: number): void
  /** What holds at this moment: the limit, less than it after a complaint, and the pause asked for. */
  readonly inForce: InForce
}

export interface InForce {
  /** `Infinity`: lifted. */
  readonly eventsPerSecond: number
  /** By the limiter's clock; `null`: nobody waits for the platform. */
  readonly pausedUntil: number | null
}

const windowMs = 1_000
/** Real-time events go first, but every fifth turn belongs to the batch lane, so that neither starves. */
const realtimeTurns = 4
/** Who has waited this long goes next, whatever the turn. */
const patienceMs = 10_000

/** Answers to requests that were under way together are one complaint, not many. */
const oneComplaintMs = 1_000
const slowest = 1 / 32
/** From half to the whole in 25 s: quick enough to use what was paid for, too slow to be thrown back at once. */
const recoveryPerMs = 0.02 / 1_000

interface Waiting {
  readonly events: number
  readonly since: number
  readonly go: (granted: boolean) => void
}

interface Spent {
  readonly at: number
  events: number
}

/** `clock` should be a steady one. */
export const createRateLimiter = (eventsPerSecond: number, clock: Clock): RateLimiter => {
  const lines: Record<LaneName, Waiting[]> = { realtime: [], batch: [] }
  let rate = eventsPerSecond
  let share = 1
  let complainedAt = Number.NEGATIVE_INFINITY
  let recoversFrom = 0
  let notBefore = 0
  /** From `head` on: what went within the last second, oldest first, and its sum. */
  const spent: Spent[] = []
  let head = 0
  let sum = 0
  /** When a request larger than the limit is paid for. */
  let paidAt = 0
  let turn = 0
  let pumping = false
  let sleeper = new AbortController()

  const shareAt = (now: number): number =>
    Math.min(1, share + Math.max(now - recoversFrom, 0) * recoveryPerMs)
  const limitAt = (now: number): number => rate * shareAt(now)

  const forget = (now: number): void => {
    for (
      let oldest = spent[head];
      oldest !== undefined && oldest.at <= now - windowMs;
      oldest = spent[head]
    ) {
      sum -= oldest.events
      head += 1
    }
    if (head === spent.length) sum = 0
    if (head < 1_000 && head < spent.length) return
    spent.splice(0, head)
    head = 0
  }

  /** Milliseconds until so many may go. */
  const waitFor = (events: number, now: number): number => {
    const limit = limitAt(now)
    if (!Number.isFinite(limit)) return Math.max(notBefore - now, 0)
    forget(now)
    let excess = sum + Math.min(events, limit) - limit
    let free = now
    // The sums of fractions are never quite zero.
    for (let index = head; excess > 1e-9 && index < spent.length; index += 1) {
      const one = spent[index]
      if (one === undefined) break
      excess -= one.events
      free = one.at + windowMs
    }
    return Math.max(free, notBefore, paidAt) - now
  }

  const spend = (events: number, now: number): void => {
    const limit = limitAt(now)
    if (!Number.isFinite(limit)) return
    const counted = Math.min(events, limit)
    const last = spent.at(-1)
    if (last?.at === now && head < spent.length) last.events += counted
    else spent.push({ at: now, events: counted })
    sum += counted
    if (events > limit) paidAt = now + (events / limit) * windowMs
  }

  const next = (now: number): LaneName | null => {
    const [realtime] = lines.realtime
    const [batch] = lines.batch
    if (realtime === undefined || batch === undefined)
      return realtime !== undefined ? 'realtime' : batch === undefined ? null : 'batch'
    const older = batch.since < realtime.since ? 'batch' : 'realtime'
    if (now - Math.min(batch.since, realtime.since) >= patienceMs) return older
    return turn % (realtimeTurns + 1) === realtimeTurns ? 'batch' : 'realtime'
  }

  const pump = async (): Promise<void> => {
    if (pumping) return sleeper.abort()
    pumping = true
    for (;;) {
      const now = clock.now()
      const lane = next(now)
      const first = lane === null ? undefined : lines[lane][0]
      if (lane === null || first === undefined) break
      const ms = waitFor(first.events, now)
      if (ms > 0) {
        sleeper = new AbortController()
        await clock.sleep(Math.ceil(ms), sleeper.signal)
        continue
      }
      lines[lane].shift()
      turn += 1
      spend(first.events, now)
      first.go(true)
    }
    pumping = false
  }

  return {
    take: (events, lane, signal) => {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      if (signal.aborted) return Promise.resolve(false)
      const leave = (): void => {
        const index = lines[lane].indexOf(waiting)
        if (index >= 0) lines[lane].splice(index, 1)
        sleeper.abort()
        resolve(false)
      }
      const waiting: Waiting = {
        events,
        since: clock.now(),
        go: (granted) => {
          signal.removeEventListener('abort', leave)
          resolve(granted)
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      lines[lane].push(waiting)
      void pump()
      return promise
    },
    pauseUntil: (time) => {
      notBefore = Math.max(notBefore, time)
      recoversFrom = Math.max(recoversFrom, time)
    },
    slowDown: () => {
      const now = clock.now()
      if (now - complainedAt < oneComplaintMs) return
      share = Math.max(shareAt(now) / 2, slowest)
      complainedAt = now
      recoversFrom = Math.max(now, notBefore)
    },
    setRate: (wanted) => {
      rate = wanted
      sleeper.abort()
    },
    get inForce() {
      const now = clock.now()
      return { eventsPerSecond: limitAt(now), pausedUntil: notBefore > now ? notBefore : null }
    },
  }
}
