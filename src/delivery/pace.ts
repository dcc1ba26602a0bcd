import type { Clock } from '../clock.ts'
import type { Integration } from '../sites/configure.ts'
import { createRateLimiter, type RateLimiter } from './rate-limit.ts'

/** Where a platform counts requests besides events, all integrations of one of its accounts wait in one line for them. */
export type Pacers = (integration: Integration) => RateLimiter | null

/** `null` where no pace is asked for, or the integration's limits are lifted. */
export const createPacers = (clock: Clock): Pacers => {
  const pacers = new Map<string, RateLimiter>()
  return ({ destination, settings, limits, endpoint }) => {
    const pace = destination.pace?.(settings)
    if (pace === undefined || limits.eventsPerSecond === Number.POSITIVE_INFINITY) return null
    const key = JSON.stringify([destination.name, endpoint, pace])
    const pacer = pacers.get(key) ?? createRateLimiter(pace.requestsPerSecond, clock)
    pacers.set(key, pacer)
    return pacer
  }
}

/** An integration's own limit on events, and behind it the shared one on requests. */
export const paced = (own: RateLimiter, pacer: RateLimiter | null): RateLimiter =>
  pacer === null
    ? own
    : {
        take: async (events, lane, signal) =>
          (await own.take(events, lane, signal)) && pacer.take(1, lane, signal),
        pauseUntil: (time) => {
          own.pauseUntil(time)
          // The platform refused the account, not the integration.
          pacer.pauseUntil(time)
        },
        slowDown: () => {
          own.slowDown()
          pacer.slowDown()
        },
        setRate: own.setRate,
        get inForce() {
          return own.inForce
        },
      }
