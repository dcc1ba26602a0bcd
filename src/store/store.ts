/**
 * The durable set of events and of the deliveries they owe. An interface of a few transitions, with engines below it; the
 * names of its functions are the state machine:
 *
 *     append ──> queued ──claim──> claimed ──settle──> sent | failed | … (final)
 *                  ^                  │  │
 *                  │                  │  └──settle──> retrying ──claim──> …
 *                  └─release─recover──┘
 *
 * `queued` and `retrying` are due at a time; `claimed` belongs to a running lane. Refusals are appended in their final
 * state. What is pending is never deleted; where nobody is left to send it, it is given up: `failed`, and replayable.
 */

/** Milliseconds since the epoch, everywhere. */
type Millis = number

export type DeliveryStatus =
  | 'queued'
  | 'claimed'
  | 'retrying'
  | 'sent'
  | 'failed'
  | 'consent_denied'
  | 'filtered'
  | 'unmatchable'
  | 'expired'
  | 'paused'
  | 'test'

export const pendingStatuses = ['queued', 'claimed', 'retrying'] as const satisfies readonly DeliveryStatus[]

/** `site/integration`, the owner of a lane. */
export type IntegrationKey = string

export interface NewDelivery {
  readonly integration: IntegrationKey
  readonly lane: 'realtime' | 'batch'
  readonly status: Exclude<DeliveryStatus, 'claimed' | 'retrying' | 'sent' | 'failed'>
  readonly reason: string | null
  /** When it may first be claimed. */
  readonly dueAt: Millis
  /**
   * JSON of all that is personal: the identity in the platform's form, address, click and browser ids. A queued delivery
   * must have one; a refusal's is not kept. Erased when the delivery is settled, unless it failed and may be replayed.
   */
  readonly payload: string | null
  /** What was done already: only for a delivery that arrives in its final state, such as a call made to test. */
  readonly line?: JournalLine
  /** How well the platform can recognise the person, 0 to 10; absent where nobody is to be recognised. */
  readonly grade?: number
}

export interface NewEvent {
  readonly site: string
  readonly eventId: string
  readonly type: string
  readonly orderId: string | null
  readonly ruleId: string | null
  readonly occurredAt: Millis
  readonly acceptedAt: Millis
  /** JSON of what may be kept for the journal: no personal data. */
  readonly facts: string
  /** At most one per integration. */
  readonly deliveries: readonly NewDelivery[]
}

/**
 * `stored`: new. `duplicate`: the site has this event already and nothing is owed anew; it is counted. `extended`: the
 * site has it, and some of the deliveries are new to it: they go to an integration that has none of this event yet, or to
 * one from which it was withheld as `consent_denied` and is not any more (the new facts then take the place of the old).
 * A delivery that exists in any other state is never touched, so one order never reaches an integration twice. The event
 * keeps the times of its first sight, and only a `duplicate` counts as one.
 */
export type Appended = 'stored' | 'duplicate' | 'extended'

export interface ClaimRequest {
  readonly integration: IntegrationKey
  readonly lane: 'realtime' | 'batch'
  readonly limit: number
  readonly now: Millis
  /**
   * What was never tried may be taken before it is due, but only where that makes `limit`: a full batch, or nothing. Looks
   * at a bounded stretch of what is waiting, so among many retries it may find none.
   */
  readonly full?: boolean
}

export interface ClaimedDelivery {
  readonly deliveryId: number
  readonly eventId: string
  readonly site: string
  /** Attempts recorded so far. */
  readonly attempts: number
  readonly acceptedAt: Millis
  readonly occurredAt: Millis
  readonly facts: string
  readonly payload: string
}

/** One line of the journal: one attempt, or the news that there will be none. */
export interface JournalLine {
  readonly at: Millis
  /** An outcome kind, or a refusal status for a delivery refused when claimed. */
  readonly outcome: string
  readonly reason: string
  readonly code: string | null
  readonly trace: string | null
  readonly httpStatus: number | null
  readonly durationMs: number | null
  /** JSON: method, URL and body with secrets and identifiers masked. */
  readonly request: string | null
  readonly batchSize: number | null
}

export interface Settlement {
  readonly deliveryId: number
  readonly status: Exclude<DeliveryStatus, 'claimed' | 'queued'>
  readonly reason: string | null
  /** When to try again: `retrying` must say it, the other states are past it. */
  readonly dueAt: Millis | null
  /** Does this attempt count against the retry budget? */
  readonly counted: boolean
  readonly line: JournalLine | null
  /** Of refused credentials: a mark by which others are told apart from these; kept with the {@link LatestOutcome}. */
  readonly credential?: string
}

/** What is pending (queued, claimed or retrying) for one integration and lane; nothing pending, no entry. */
export interface Backlog {
  readonly integration: IntegrationKey
  readonly lane: 'realtime' | 'batch'
  readonly pending: number
  readonly oldestAcceptedAt: Millis | null
  /** The earliest moment at which something may be claimed; `null` while all of it is claimed. */
  readonly nextDueAt: Millis | null
}

export interface StoredDelivery {
  readonly deliveryId: number
  readonly integration: IntegrationKey
  readonly lane: 'realtime' | 'batch'
  readonly status: DeliveryStatus
  readonly reason: string | null
  readonly attempts: number
  readonly dueAt: Millis
  readonly settledAt: Millis | null
  /** Oldest first: of a single event up to the latest 1 000 lines, in a page of events the latest 10 per delivery. */
  readonly journal: readonly JournalLine[]
}

export interface StoredEvent {
  readonly site: string
  readonly eventId: string
  readonly type: string
  readonly orderId: string | null
  readonly ruleId: string | null
  readonly occurredAt: Millis
  readonly acceptedAt: Millis
  /** How often the same event was seen again. */
  readonly duplicates: number
  readonly facts: string
  /** Is personal data still held for a delivery of it? */
  readonly holdsPersonalData: boolean
  readonly deliveries: readonly StoredDelivery[]
}

/** All that is given must hold; `status` and `integration` of one and the same delivery. */
export interface EventQuery {
  readonly site: string
  readonly status?: DeliveryStatus
  readonly integration?: IntegrationKey
  readonly type?: string
  readonly orderId?: string
  readonly ruleId?: string
  /** Accepted at this moment or later. */
  readonly from?: Millis
  /** Accepted before this moment. */
  readonly to?: Millis
  /** At most 500. */
  readonly limit: number
  /** From the page before; stable while events arrive. One that no page gave begins at the newest. */
  readonly cursor?: string
}

/**
 * Newest accepted first. A page looks at a bounded stretch of events, so under a narrow filter it may hold fewer than
 * `limit`, even none, and still have a `nextCursor`: only its absence means the end.
 */
export interface EventPage {
  readonly events: readonly StoredEvent[]
  readonly nextCursor: string | null
}

export interface TallyQuery {
  readonly site: string
  /** Accepted at this moment or later. */
  readonly from: Millis
  /** Accepted before this moment. */
  readonly to: Millis
  /** From the page before. */
  readonly cursor?: string
}

/** The deliveries of one integration that are in one state, of the events accepted on one day. */
export interface Tally {
  readonly integration: IntegrationKey
  /** Days since the epoch, UTC. */
  readonly day: number
  readonly status: DeliveryStatus
  readonly deliveries: number
  /** How often their events were seen again, in all. */
  readonly duplicates: number
  /** How many of the deliveries have a grade, and the sum of the grades. */
  readonly graded: number
  readonly grades: number
}

/** Counts a bounded stretch of events, newest first; pages are to be added up until there is no `nextCursor`. */
export interface TallyPage {
  readonly tallies: readonly Tally[]
  readonly nextCursor: string | null
}

export interface PulseQuery {
  readonly site: string
  /** Counts from the beginning of the minute this lies in; at most a day back. */
  readonly from: Millis
}

/** How many deliveries were attempted with this end: each counts once per attempt. */
export interface Pulse {
  readonly integration: IntegrationKey
  readonly status: 'sent' | 'failed' | 'retrying'
  /** As in the journal; `internal` where there was no line. */
  readonly outcome: string
  readonly deliveries: number
}

/** The latest attempt of an integration that had this outcome: what the journal's retention does not take away. */
export interface LatestOutcome {
  readonly integration: IntegrationKey
  readonly outcome: string
  readonly at: Millis
  /** When this outcome was first seen after the platform had last taken or rejected an event. */
  readonly since: Millis
  readonly reason: string
  readonly code: string | null
  readonly trace: string | null
  readonly httpStatus: number | null
  readonly credential: string | null
}

export interface GiveUpQuery {
  readonly integration: IntegrationKey
  /** Only what was due by then. */
  readonly dueBy: Millis
  readonly reason: string
  readonly now: Millis
}

export interface ReplayQuery {
  readonly integration?: IntegrationKey
  /** Failed at this moment or later. */
  readonly from?: Millis
  /** Failed before this moment. */
  readonly to?: Millis
  /** The delivery's reason, word for word. */
  readonly reason?: string
  /** Only count. */
  readonly dryRun: boolean
  readonly now: Millis
}

/**
 * Somebody who is to be forgotten, by texts that stand for nobody else. Payloads are searched as they are written; facts and
 * journal without regard to case, and what is found there gives way to `[erased]`.
 */
export interface ErasureQuery {
  readonly site: string
  /** An event with one of these in a payload is that person's, with all of its deliveries. */
  readonly payload: readonly string[]
  /** In the facts of any event. */
  readonly facts: readonly string[]
  /** In the facts of that person's events alone: what elsewhere may mean something else. */
  readonly ownFacts: readonly string[]
  /** In any line of the journal; its request goes as a whole. */
  readonly journal: readonly string[]
  readonly now: Millis
}

export interface Erased {
  /** Events of which something was taken out. */
  readonly events: number
  readonly integrations: readonly ErasedFrom[]
  /** Deliveries that a lane held at that moment: their payload is gone, what becomes of them is for that lane to say. */
  readonly claimed: readonly { readonly integration: IntegrationKey; readonly eventId: string }[]
}

export interface ErasedFrom {
  readonly integration: IntegrationKey
  /** Were pending, and end unsent. */
  readonly ended: number
  /** See {@link Erased.claimed}. */
  readonly claimed: number
  /** Had failed, and cannot be replayed any more. */
  readonly failed: number
  /** Requests taken out of the journal. */
  readonly requests: number
}

/** What an erased delivery says of itself. */
export const erasedReason = 'the data of this person was erased on request'

export interface SweepReport {
  readonly deletedEvents: number
}

/**
 * Every promise resolves after the commit (fsync) and rejects with a {@link StoreError} when nothing was changed.
 * Calls made while a commit is under way travel together in the next one; calls take effect in the order they were made.
 * Only when the engine's own thread dies in the middle of a commit may a rejected call have taken effect all the same:
 * to repeat it is safe.
 */
export interface Store {
  /** One answer per event, in order. The one call that is refused as `busy` when too much waits. */
  append(events: readonly NewEvent[]): Promise<readonly Appended[]>
  /** The oldest due deliveries of a lane, now `claimed`. */
  claim(request: ClaimRequest): Promise<readonly ClaimedDelivery[]>
  /**
   * Final states but `failed` erase the payload. A delivery that is not `claimed` is left as it is. One that was erased
   * meanwhile is not tried again, and its line keeps no request.
   */
  settle(settlements: readonly Settlement[]): Promise<void>
  /** Back to where they were before the claim, no attempt recorded; what was erased meanwhile ends. */
  release(deliveryIds: readonly number[]): Promise<void>
  /** Claims of a process that died are due again at once. Answers how many. */
  recover(now: Millis): Promise<number>
  /**
   * Puts `failed` deliveries whose payload is still there back to `queued`, due at `now`, with a fresh retry budget
   * (`attempts` is 0 again; the journal keeps its lines). Done in bounded bites: what a crash leaves undone, another call
   * does. Answers how many.
   */
  replay(query: ReplayQuery): Promise<number>
  /**
   * Takes a person out of a site, in bounded bites between which other calls go on; what comes in meanwhile may stay. Pending
   * deliveries become `consent_denied`, failed ones lose their payload, both with a line in the journal. A claimed one keeps
   * its claim without its payload: whatever then settles it for good stands, and a retry or a release ends it. What a crash
   * leaves undone, another call does. When it resolves, the bytes are overwritten; only a log that another reader holds may
   * keep them until the store is quiet.
   */
  erase(query: ErasureQuery): Promise<Erased>
  /**
   * Pending deliveries of an integration that is not there any more: now `failed` with these words, so that `replay` can
   * bring them back. What is claimed is left to its lane. In bites, as `replay`. Answers how many.
   */
  giveUp(query: GiveUpQuery): Promise<number>
  backlog(): Promise<readonly Backlog[]>
  event(site: string, eventId: string): Promise<StoredEvent | null>
  events(query: EventQuery): Promise<EventPage>
  tally(query: TallyQuery): Promise<TallyPage>
  pulse(query: PulseQuery): Promise<readonly Pulse[]>
  latest(site: string): Promise<readonly LatestOutcome[]>
  /**
   * Deletes the events accepted and wholly settled before `olderThan` (`failed` is settled), in bounded bites between
   * which other calls go on; never one with a pending delivery. With an event goes the memory that it was seen.
   */
  sweep(olderThan: Millis): Promise<SweepReport>
  /** Finishes what was asked for and lets go of the engine; a sweep stops at its next bite. Later calls: `closed`. */
  close(): Promise<void>
}

/** What a store tells of itself beside its answers, for the log and the metrics. */
export type StoreNews =
  /** One commit: how many calls travelled in it, and how long the transaction took. */
  | { readonly kind: 'committed'; readonly calls: number; readonly durationMs: number }
  /** Writing has begun to fail; said once, until `healed`. */
  | { readonly kind: 'failing'; readonly message: string }
  | { readonly kind: 'healed'; readonly failedForMs: number }
  /** The engine's thread died and a new one took over; what was under way was rejected. */
  | { readonly kind: 'restarted'; readonly message: string }
  /** The engine is gone for good; every call is rejected from now on. */
  | { readonly kind: 'fatal'; readonly message: string }

/** `busy`: the hand-over is full, try later. `failed`: the disk or the engine said no (`cause` has its words). */
export class StoreError extends Error {
  readonly code: 'busy' | 'failed' | 'closed'
  constructor(code: StoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreError'
    this.code = code
  }
}
