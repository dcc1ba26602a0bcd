import type { AnyDestination, RetryPolicy } from '../destinations/destination.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { JournalLine, Settlement } from '../store/store.ts'
import { backoffMs, clampWaitMs } from './backoff.ts'

/** What an outcome means for a delivery: the table of failure, as a function. */

/** How long a lane that was refused its credentials waits before it asks again by itself. */
export const parkedMs = 300_000
/** Between two tries of a throttled delivery when the platform named no time. */
const throttledDelays: RetryPolicy = {
  maxAttempts: Number.POSITIVE_INFINITY,
  delaysMs: [2_000, 5_000, 15_000, 60_000],
}

export interface Case {
  readonly deliveryId: number
  /** Attempts counted before this one. */
  readonly attempts: number
  readonly outcome: Outcome
  readonly policy: (failure: Failure) => RetryPolicy
  readonly now: number
  /** In [0, 1). */
  readonly random: number
  readonly line: JournalLine
}

type Failure = Parameters<AnyDestination['retry']>[1]

/** Where a second arrival would count twice, it matters whether the first may have arrived. */
const failureOf = ({ ambiguous }: Extract<Outcome, { kind: 'unavailable' }>): Failure =>
  ambiguous === undefined ? 'unavailable' : ambiguous ? 'ambiguous' : 'unsent'

/** `null`: no attempt was made; the delivery is released. */
export const settlementOf = ({
  deliveryId,
  attempts,
  outcome,
  policy,
  now,
  random,
  line,
}: Case): Settlement | null => {
  const { reason } = outcome
  const final = (status: 'sent' | 'failed'): Settlement => ({
    deliveryId,
    status,
    reason,
    dueAt: null,
    counted: true,
    line,
  })
  const again = (delayMs: number, counted: boolean): Settlement => ({
    deliveryId,
    status: 'retrying',
    reason,
    dueAt: now + delayMs,
    counted,
    line,
  })
  switch (outcome.kind) {
    case 'delivered':
      return final('sent')
    case 'throttled':
      return again(
        outcome.retryAfterMs === undefined
          ? backoffMs(throttledDelays, 1, random)
          : clampWaitMs(outcome.retryAfterMs),
        false,
      )
    case 'unavailable': {
      const retry = policy(failureOf(outcome))
      if (attempts + 1 >= retry.maxAttempts) return final('failed')
      const wait = backoffMs(retry, attempts + 1, random)
      return again(
        outcome.retryAfterMs === undefined ? wait : Math.max(wait, clampWaitMs(outcome.retryAfterMs)),
        true,
      )
    }
    case 'unauthorized':
      return again(parkedMs, false)
    case 'rejected':
    case 'batch_rejected':
      return final('failed')
    case 'not_attempted':
      return null
  }
}
