/** How often a key may ask: a second's worth of requests in bursts of twice that, for each key, whichever door it uses. */
export interface Turnstile {
  /** `id` is that of a key that exists: the map holds no others. */
  mayPass(id: string): boolean
}

/** `now`: milliseconds since the epoch. */
export const createTurnstile = (now: () => number, requestsPerSecond = 100): Turnstile => {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return {
    mayPass: (id) => {
      const at = now()
      const most = requestsPerSecond * 2
      const bucket = buckets.get(id) ?? { tokens: most, at }
      const tokens = Math.min(most, bucket.tokens + (Math.max(at - bucket.at, 0) / 1000) * requestsPerSecond)
      buckets.set(id, { tokens: Math.max(tokens - 1, 0), at })
      return tokens >= 1
    },
  }
}
