import type { Clock } from '../clock.ts'
import type { Integration } from '../sites/configure.ts'
import { createRateLimiter, type RateLimiter } from './rate-limit.ts'

/** One limiter for each credential, whoever uses it: a platform counts by the key it gave out, not by our integrations. */
export interface CredentialLimits {
  /** From now on these are the users of their credentials; the lowest of their rates holds for all of them. */
  follow(integrations: readonly Integration[]): void
  of(integration: Integration): RateLimiter
}

export const createCredentialLimits = (clock: Clock): CredentialLimits => {
  const limiters = new Map<string, RateLimiter>()

  const limiterOf = (key: string, eventsPerSecond: number): RateLimiter => {
    const limiter = limiters.get(key) ?? createRateLimiter(eventsPerSecond, clock)
    limiters.set(key, limiter)
    return limiter
  }

  return {
    follow: (integrations) => {
      const users = Map.groupBy(integrations, ({ credentialKey }) => credentialKey)
      // Lanes that are stopping hold their limiter themselves; a credential that comes back later begins anew.
      for (const key of limiters.keys()) if (!users.has(key)) limiters.delete(key)
      for (const [key, group] of users) {
        const lowest = Math.min(...group.map(({ limits }) => limits.eventsPerSecond))
        limiterOf(key, lowest).setRate(lowest)
      }
    },
    of: ({ credentialKey, limits }) => limiterOf(credentialKey, limits.eventsPerSecond),
  }
}
