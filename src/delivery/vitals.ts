import type { Integration } from '../sites/configure.ts'
import type { LatestOutcome, Pulse } from '../store/store.ts'

/** How an integration has been doing, from what the store counted: judgements, without a clock or a socket. */

/** Attempts of a stretch of time, each delivery counted once per attempt. */
export interface Success {
  readonly delivered: number
  /** Dead: rejected, or out of tries. */
  readonly failed: number
  /** To be tried again. */
  readonly retried: number
  /** The platform asked to slow down: neither a success nor a failure. */
  readonly throttled: number
  /** Delivered of delivered, failed and retried, 0 to 1; `null` where nothing was attempted. */
  readonly rate: number | null
}

export const successOf = (pulses: readonly Pulse[]): Success => {
  const count = (holds: (one: Pulse) => boolean): number =>
    pulses.reduce((sum, one) => (holds(one) ? sum + one.deliveries : sum), 0)
  const throttled = count(({ outcome, status }) => outcome === 'throttled' && status === 'retrying')
  const delivered = count(({ status }) => status === 'sent')
  const failed = count(({ status }) => status === 'failed')
  const retried = count(({ status }) => status === 'retrying') - throttled
  const judged = delivered + failed + retried
  return {
    delivered,
    failed,
    retried,
    throttled,
    rate: judged === 0 ? null : Math.round((delivered / judged) * 10_000) / 10_000,
  }
}

/**
 * Tells whether credentials have been changed since they were refused. Of the digest only so much that a guess at a short
 * password cannot be checked against it: one in 65 536 changes goes unnoticed until the next attempt.
 */
export const credentialMark = ({ credentialKey }: Pick<Integration, 'credentialKey'>): string =>
  credentialKey.slice(0, 4)

const newest = (latest: readonly LatestOutcome[]): LatestOutcome | null =>
  latest.reduce<LatestOutcome | null>((best, one) => (best === null || one.at > best.at ? one : best), null)

const latestOf = (latest: readonly LatestOutcome[], ...outcomes: readonly string[]): LatestOutcome | null =>
  newest(latest.filter(({ outcome }) => outcomes.includes(outcome)))

export const lastSuccessOf = (latest: readonly LatestOutcome[]): LatestOutcome | null =>
  latestOf(latest, 'delivered')

/** To be told to slow down is none. */
export const lastErrorOf = (latest: readonly LatestOutcome[]): LatestOutcome | null =>
  newest(latest.filter(({ outcome }) => outcome !== 'delivered' && outcome !== 'throttled'))

export type CredentialState =
  /** The platform has not judged these credentials yet: nothing was sent with them, or they were changed since. */
  | { readonly state: 'never_used' }
  | { readonly state: 'fine'; readonly at: number }
  | { readonly state: 'refused'; readonly since: number; readonly at: number; readonly reason: string }

/** A platform that judges an event has let its sender in. Who is not reached, or is told to wait, proves nothing. */
export const credentialStateOf = (
  latest: readonly LatestOutcome[],
  integration: Pick<Integration, 'credentialKey'>,
): CredentialState => {
  const refused = latestOf(latest, 'unauthorized')
  const proven = latestOf(latest, 'delivered', 'rejected')
  if (refused !== null && (proven === null || refused.at >= proven.at))
    return refused.credential === credentialMark(integration)
      ? { state: 'refused', since: refused.since, at: refused.at, reason: refused.reason }
      : { state: 'never_used' }
  return proven === null ? { state: 'never_used' } : { state: 'fine', at: proven.at }
}
