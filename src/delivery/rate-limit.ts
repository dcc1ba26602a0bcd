import type { Clock } from '../clock.ts'
import type { LaneName } from '../event/names.ts'

/**
 * A token bucket with a waiting line per lane. Whoever asks waits; nobody is turned away, so nothing is dropped for a
 * limit. A bucket may be taken into debt by one batch larger than what it holds, and then refuses until it is paid back:
 * over time the rate is exact, and batches need not be cut to the bucket's momentary level.
 */
export interface RateLimiter {
  /** Resolves when `events` may go, or with `false` when the signal fired first. */
  take(events: number, lane: LaneName, signal: AbortSignal): Promise<boolean>
  /** The platform asked for a pause: nobody goes before then. */
  pauseUntil(time: number): void
}

/** Real-time events go first, but every fifth turn belongs to the batch lane, so that neither starves. */
const realtimeTurns = 4

interface Waiting {
  readonly events: number
  readonly go: (granted: boolean) => void
}

export const createRateLimiter = (eventsPerSecond: number, clock: Clock): RateLimiter => {
  const capacity = Math.max(eventsPerSecond, 1)
  const lines: Record<LaneName, Waiting[]> = { realtime: [], batch: [] }
  let tokens = capacity
  let filledAt = clock.now()
  let notBefore = 0
  let turn = 0
  let pumping = false

  const fill = (): void => {
    const now = clock.now()
    // A clock that jumps back must not freeze the lane: time that ran backwards counts as none.
    const elapsed = Math.max(now - filledAt, 0)
    filledAt = now
    if (Number.isFinite(capacity)) tokens = Math.min(capacity, tokens + (elapsed / 1000) * eventsPerSecond)
  }

  const next = (): Waiting | undefined => {
    const batchTurn = turn % (realtimeTurns + 1) === realtimeTurns
    const order: readonly LaneName[] = batchTurn ? ['batch', 'realtime'] : ['realtime', 'batch']
    for (const lane of order) {
      const first = lines[lane].shift()
      if (first !== undefined) return first
    }
    return undefined
  }

  const waitMs = (): number => {
    fill()
    const pauseMs = notBefore - clock.now()
    const debtMs = tokens > 0 ? 0 : ((1 - tokens) / eventsPerSecond) * 1000
    return Math.max(pauseMs, debtMs, 0)
  }

  const pump = async (): Promise<void> => {
    if (pumping) return
    pumping = true
    while (lines.realtime.length + lines.batch.length > 0) {
      const ms = waitMs()
      if (ms > 0) {
        await clock.sleep(Math.ceil(ms))
        continue
      }
      const first = next()
      if (first === undefined) break
      turn += 1
      if (Number.isFinite(capacity)) tokens -= first.events
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
        resolve(false)
      }
      const waiting: Waiting = {
        events,
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
    },
  }
}
