/**
 * What became of a delivery. Two closed lists: refusals, where no attempt was made, and outcomes, which say what one
 * attempt meant for one delivery.
 */

/** A decision, not an error: why an event does not go to an integration, in words a marketer reads in the journal. */
export interface Refusal {
  readonly status: RefusalStatus
  readonly reason: string
}

export type RefusalStatus =
  /** The visitor did not grant what the integration asks for. */
  | 'consent_denied'
  /** The integration's own filter, or its mapping, leaves this event out. */
  | 'filtered'
  /** Nothing in the event lets the platform recognise anybody, or a field it cannot do without is missing. */
  | 'unmatchable'
  /** Older than the platform takes. */
  | 'expired'
  | 'paused'
  /** The integration is in test mode: logged, not sent. */
  | 'test'

/** What the platform said, as far as it said it; never a payload. */
export interface Answer {
  /** A sentence, the platform's own where there is one. */
  readonly reason: string
  /** The platform's own code, `code/subcode` where it has two. */
  readonly code?: string
  /** The platform's trace or request id. */
  readonly trace?: string
}

export type Outcome =
  /** The platform took it. */
  | ({ readonly kind: 'delivered' } & Answer)
  /** It asked us to slow down. The lane slows; the delivery's retry budget is not touched. */
  | ({ readonly kind: 'throttled'; readonly retryAfterMs?: number } & Answer)
  /**
   * Network, timeout, 5xx, or an answer nobody understands: try again. Without an answer, `ambiguous` says whether the
   * request may have been taken (it was written) or never left; with one it is absent.
   */
  | ({ readonly kind: 'unavailable'; readonly ambiguous?: boolean; readonly retryAfterMs?: number } & Answer)
  /** Token expired, revoked, or lacks a scope: renew once, else park the lane. Events stay. */
  | ({ readonly kind: 'unauthorized' } & Answer)
  /** This event is wrong and always will be. */
  | ({ readonly kind: 'rejected' } & Answer)
  /**
   * The request was refused as a whole and nothing in it was taken, without a word on which event was to blame. The lane
   * splits the batch; for a batch of one it means `rejected`.
   */
  | ({ readonly kind: 'batch_rejected' } & Answer)
  /** Our own fault before the wire. Only an attempt says this, never a destination. */
  | ({ readonly kind: 'not_attempted' } & Answer)

export type OutcomeKind = Outcome['kind']
