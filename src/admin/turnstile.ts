/**
 * How often a key may ask: a second's worth of requests in bursts of twice that, for each key, whichever door it uses.
 * Events and everything else are counted apart, so that a busy back end does not keep its operator out.
 */
export interface Turnstile {
  /** `id` is that of a key that exists: the map holds no others. */
  mayPass(id: string, purpose: Purpose): boolean
}

export type Purpose = 'ingest' | 'management'

export interface TurnstileRates {
  /** Requests of each key in a second. */
  readonly ingest: number
  readonly management: number
}

/** A key that fills its requests sends 50 000 events in a second: more than a store takes, which says so itself (503). */
export const usualRates: TurnstileRates = { ingest: 500, management: 100 }

/** `now`: milliseconds since the epoch. */
export const createTurnstile = (now: () => number, rates: TurnstileRates = usualRates): Turnstile => {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return {
    mayPass: (id, purpose) => {
      const at = now()
      const perSecond = rates[purpose]
      const most = perSecond * 2
      const name = `${purpose} ${id}`
      const bucket = buckets.get(name) ?? { tokens: most, at }
      const tokens = Math.min(most, bucket.tokens + (Math.max(at - bucket.at, 0) / 1000) * perSecond)
      buckets.set(name, { tokens: Math.max(tokens - 1, 0), at })
      return tokens >= 1
    },
  }
}
