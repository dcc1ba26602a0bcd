import type { Clock } from '../clock.ts'
import type { Outcome } from '../destinations/outcome.ts'
import { clampWaitMs } from './backoff.ts'
import { parkedMs } from './settling.ts'

/**
 * May a lane knock at its platform?
 *
 *   open ──credentials refused, or unavailable N times in a row──> parked ──after a while──> one event knocks
 *    ^                                                              ^                            │
 *    └──────────── any answer of a living platform ─────────────────┼────────────────────────────┤
 *                                                                   └── unavailable, refused ────┘ for longer
 */

/** The lane asks again with one event at `until`; its events stay, and none of their tries is used up. */
export interface Parked {
  readonly cause: 'unauthorized' | 'unavailable'
  readonly since: number
  readonly until: number
  readonly reason: string
}

export interface BreakerPolicy {
  /** Requests in a row that found nobody. */
  readonly failures: number
  /** The first pause; each one that changes nothing is twice as long, up to the longest. */
  readonly firstMs: number
  readonly longestMs: number
}

export const usualBreaker: BreakerPolicy = { failures: 5, firstMs: 2_000, longestMs: 60_000 }

export interface Gate {
  readonly parked: Parked | null
  /** Requests in a row that found nobody. */
  readonly failures: number
  /** What one request has come to. */
  note(outcomes: readonly Outcome[]): void
}

export const createGate = ({
  clock,
  random,
  breaker,
}: {
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly breaker: BreakerPolicy
}): Gate => {
  let parked: Parked | null = null
  let failures = 0
  let pauses = 0

  const park = (cause: Parked['cause'], ms: number, reason: string): void => {
    const now = clock.now()
    parked = { cause, since: parked?.since ?? now, until: now + ms, reason }
  }

  /** Jittered, so that the lanes of one host do not all knock at once when it is back. */
  const pauseMs = (): number =>
    Math.min(breaker.firstMs * 2 ** pauses, breaker.longestMs) * (0.75 + random() / 2)

  const noteUnavailable = (outcomes: readonly Outcome[], reason: string): void => {
    failures += 1
    if (failures < breaker.failures && parked === null) return
    const asked = outcomes.map((one) => (one.kind === 'unavailable' ? (one.retryAfterMs ?? 0) : 0))
    const longest = Math.max(...asked)
    park('unavailable', Math.max(pauseMs(), longest > 0 ? clampWaitMs(longest) : 0), reason)
    pauses += 1
  }

  return {
    get parked() {
      return parked
    },
    get failures() {
      return failures
    },
    note: (outcomes) => {
      const refused = outcomes.find(({ kind }) => kind === 'unauthorized')
      const [first] = outcomes
      if (first === undefined || outcomes.every(({ kind }) => kind === 'not_attempted')) return
      if (refused !== undefined) return park('unauthorized', parkedMs, refused.reason)
      if (outcomes.every(({ kind }) => kind === 'unavailable')) return noteUnavailable(outcomes, first.reason)
      failures = 0
      pauses = 0
      // Being told to wait says nothing about the credentials.
      if (parked?.cause === 'unavailable' || !outcomes.every(({ kind }) => kind === 'throttled'))
        parked = null
    },
  }
}
