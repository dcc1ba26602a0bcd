import type { RetryPolicy } from '../destinations/destination.ts'

/** Retry arithmetic, and nothing else. */

/** No platform's word makes us wait longer, or ask again sooner. */
const shortestWaitMs = 1_000
const longestWaitMs = 3_600_000

/**
 * Milliseconds until the next attempt: full jitter, anywhere between nothing and the ceiling of this attempt, so that a
 * crowd that failed together does not come back together. `random` in [0, 1).
 */
export const backoffMs = (policy: RetryPolicy, attempts: number, random: number): number => {
  const { delaysMs } = policy
  const ceiling = delaysMs[Math.min(Math.max(attempts, 1), delaysMs.length) - 1] ?? longestWaitMs
  return Math.max(Math.round(random * ceiling), Math.min(ceiling, 100))
}

/** What a platform asked for, kept within reason. */
export const clampWaitMs = (asked: number): number =>
  Math.min(Math.max(Number.isFinite(asked) ? asked : shortestWaitMs, shortestWaitMs), longestWaitMs)
