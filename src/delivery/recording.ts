import type { Clock } from '../clock.ts'
import type { BuildContext, Credential, HttpRequest } from '../destinations/destination.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { LaneName } from '../event/names.ts'
import type { Integration } from '../sites/configure.ts'
import type { InquiryStore } from '../store/inquiries.ts'
import type { Settlement, Store } from '../store/store.ts'
import type { Attempt } from './attempt.ts'
import type { Carried } from './batches.ts'
import { inquiriesOf } from './inquiries.ts'
import { journalLine, presentableRequest } from './journal.ts'
import { settlementOf } from './settling.ts'
import { credentialMark } from './vitals.ts'

/** What came of a batch, into the store: each delivery's new state with its line in the journal. */

/**
 * One per attempt and kind of outcome, for the log: all fields, no personal data. `refused_later` is no attempt: the platform
 * had accepted the events, and has now said that it refused them.
 */
export interface LaneNews {
  readonly site: string
  readonly integration: string
  readonly lane: LaneName
  readonly outcome: Outcome['kind'] | 'store_failed' | 'internal' | 'refused_later'
  readonly reason: string
  readonly code?: string
  readonly httpStatus?: number
  readonly durationMs?: number
  readonly events: number
}

/** News without what is the same for the whole lane. */
export type Tell = (news: Omit<LaneNews, 'site' | 'integration' | 'lane'>) => void

export interface Recorder {
  /** Settles what was attempted and releases what was not; the spared are left to the caller. */
  settle(batch: readonly Carried[], made: Attempt, spared: ReadonlySet<Carried>): Promise<void>
  /** Back to where they were. */
  release(batch: readonly Carried[]): Promise<void>
  /** A bug of ours costs the events that wake it, which stay visible and replayable, and never the lane. */
  bury(batch: readonly Carried[], error: unknown): Promise<void>
}

export interface RecorderOptions {
  readonly integration: Integration
  readonly store: Store
  /** Absent: what platforms say later is not asked for. */
  readonly inquiries?: Pick<InquiryStore, 'noteInquiries'>
  readonly clock: Clock
  /** For what is waited for; `clock` is for what is dated. */
  readonly steady: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly tell: Tell
  readonly givingUp: AbortSignal
}

const storeTroubleMs = 1_000

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const contextOf = (
  integration: Integration,
  now: number,
  attempts: number,
  credential: Credential | null = null,
): BuildContext => ({
  site: integration.site,
  integration: integration.id,
  now,
  attempt: attempts + 1,
  ...(credential === null ? {} : { credential }),
  ...(integration.endpoint === undefined ? {} : { endpoint: integration.endpoint }),
  ...(integration.defaultCountry === undefined ? {} : { defaultCountry: integration.defaultCountry }),
})

/** It says no more than that: the request as sent may hold what nobody should read. */
const buriedFor = (error: unknown, { claimed: { deliveryId } }: Carried): Settlement => ({
  deliveryId,
  status: 'failed',
  reason: `internal: ${wordsOf(error)}`,
  dueAt: null,
  counted: true,
  line: null,
})

export const createRecorder = (options: RecorderOptions): Recorder => {
  const { integration, store, inquiries, clock, steady, random, tell, givingUp } = options
  const { destination, settings, secrets } = integration

  /**
   * What is known of a delivery must be written. While the store refuses, the deliveries stay claimed and the answer stays
   * here; giving it up would send them twice. Only the end of the process ends this, and then the next start sends again.
   */
  const insist = async (write: () => Promise<void>): Promise<void> => {
    for (;;) {
      try {
        return await write()
      } catch (error) {
        tell({
          outcome: 'store_failed',
          reason: wordsOf(error),
          events: 0,
        })
        if (givingUp.aborted) return
        await clock.sleep(storeTroubleMs, givingUp)
      }
    }
  }

  const release = (batch: readonly Carried[]): Promise<void> =>
    insist(() => store.release(batch.map(({ claimed }) => claimed.deliveryId)))

  /** In company an event's own part is shown, not its neighbours': the request as it would be with this event alone. */
  const requestShown = (
    made: Attempt,
    batch: readonly Carried[],
    one: Carried,
    { now, hidden }: { readonly now: number; readonly hidden: readonly string[] },
  ): HttpRequest | null => {
    if (made.request === null) return null
    try {
      const context = contextOf(integration, now, one.claimed.attempts, made.credential)
      const own = batch.length === 1 ? made.request : destination.build([one.deliverable], settings, context)
      return presentableRequest(own, [one.deliverable], hidden)
    } catch {
      // What cannot be shown was sent all the same.
      return null
    }
  }

  const settlementFor = (
    made: Attempt,
    batch: readonly Carried[],
    one: Carried,
    { outcome, hidden }: { readonly outcome: Outcome; readonly hidden: readonly string[] },
  ): Settlement | null => {
    const now = clock.now()
    try {
      const settlement = settlementOf({
        deliveryId: one.claimed.deliveryId,
        attempts: one.claimed.attempts,
        outcome,
        policy: (failure) => destination.retry(one.deliverable, failure, settings),
        now: steady.now(),
        random: random(),
        line: journalLine({
          at: now,
          outcome,
          httpStatus: made.httpStatus,
          durationMs: made.durationMs,
          request: requestShown(made, batch, one, { now, hidden }),
          batchSize: batch.length,
        }),
      })
      if (settlement === null || outcome.kind !== 'unauthorized') return settlement
      return { ...settlement, credential: credentialMark(integration) }
    } catch (error) {
      tell({ outcome: 'internal', reason: wordsOf(error), events: 1 })
      return buriedFor(error, one)
    }
  }

  /** Before the deliveries are settled: an inquiry about one that is sent again after a crash finds it gone on, and does nothing. */
  const noteInquiries = async (
    settled: readonly { readonly deliveryId: number; readonly outcome: Outcome }[],
  ): Promise<void> => {
    if (inquiries === undefined || destination.later === undefined) return
    const noted = inquiriesOf(integration, settled, clock.now())
    if (noted.length === 0) return
    await inquiries
      .noteInquiries(noted)
      // Then they stay "accepted", which is true; sending again for the sake of a question would not be better.
      .catch((error: unknown) => tell({ outcome: 'store_failed', reason: wordsOf(error), events: 0 }))
  }

  const settle: Recorder['settle'] = async (batch, made, spared) => {
    // One list for all of them, because what it hides is worked out once for a list.
    const hidden = made.credential === null ? secrets : [...secrets, made.credential.accessToken]
    const settlements: Settlement[] = []
    const untouched: Carried[] = []
    const delivered: { deliveryId: number; outcome: Outcome }[] = []
    for (const [index, one] of batch.entries()) {
      const outcome = made.outcomes[index]
      if (outcome === undefined || spared.has(one)) continue
      const settlement = settlementFor(made, batch, one, { outcome, hidden })
      if (settlement === null) untouched.push(one)
      else settlements.push(settlement)
      if (settlement?.status === 'sent') delivered.push({ deliveryId: one.claimed.deliveryId, outcome })
    }
    if (delivered.length > 0) await noteInquiries(delivered)
    if (settlements.length > 0) await insist(() => store.settle(settlements))
    if (untouched.length > 0) await release(untouched)
  }

  return {
    settle,
    release,
    bury: (batch, error) => {
      tell({ outcome: 'internal', reason: wordsOf(error), events: batch.length })
      return insist(() => store.settle(batch.map((one) => buriedFor(error, one))))
    },
  }
}
