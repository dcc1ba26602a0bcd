import type { Clock } from '../clock.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { LaneName } from '../event/names.ts'
import type { Integration } from '../sites/configure.ts'
import type { InquiryStore } from '../store/inquiries.ts'
import type { Store } from '../store/store.ts'
import { attempt, type Attempt } from './attempt.ts'
import { halves, type Carried, type Scale } from './batches.ts'
import { bisect, type Verdict } from './bisect.ts'
import type { Credentials } from './credentials.ts'
import type { Transport } from './http.ts'
import type { RateLimiter } from './rate-limit.ts'
import { contextOf, createRecorder, type LaneNews, type Tell } from './recording.ts'

/** One batch from claimed to settled. */

export type { LaneNews } from './recording.ts'

export interface SendingOptions {
  readonly integration: Integration
  readonly lane: LaneName
  readonly store: Store
  readonly inquiries?: Pick<InquiryStore, 'noteInquiries'>
  readonly transport: Transport
  readonly credentials: Credentials
  readonly limiter: RateLimiter
  readonly clock: Clock
  /** For what is waited for; `clock` is for what is dated. */
  readonly steady: Clock
  readonly scale: Scale
  /** In [0, 1). */
  readonly random: () => number
  readonly report: (news: LaneNews) => void
  /** What came back, at once: nobody else goes when the platform asked for a pause. */
  readonly react: (outcomes: readonly Outcome[]) => void
  /** The same when it is written, so that whoever sees a parked lane sees why. */
  readonly note: (outcomes: readonly Outcome[]) => void
  /** The lane has been parked while this waited for its turn. */
  readonly held: () => boolean
  /** Give up what is on the wire, too. */
  readonly givingUp: AbortSignal
}

/** Its size was the fault, its content is not known to be. */
const tooLarge = ({ httpStatus, outcomes }: Attempt): boolean =>
  httpStatus === 413 || outcomes.every(({ code }) => code === 'too_large')

/** The signal: wait for nothing more; what has not begun is released. */
export const createSending = (
  options: SendingOptions,
): ((batch: readonly Carried[], waiting: AbortSignal) => Promise<void>) => {
  const { integration, lane, transport, credentials, limiter, clock, scale } = options
  const { report, react, note, held, givingUp } = options
  const { limits } = integration

  const tell: Tell = (news) => report({ site: integration.site, integration: integration.id, lane, ...news })

  const recorder = createRecorder({ ...options, tell })

  const tellOf = (made: Attempt): void => {
    for (const [kind, outcomes] of Map.groupBy(made.outcomes, (outcome) => outcome.kind)) {
      const [first] = outcomes
      tell({
        outcome: kind,
        reason: first?.reason ?? '',
        events: outcomes.length,
        ...(first?.code === undefined ? {} : { code: first.code }),
        ...(made.httpStatus === null ? {} : { httpStatus: made.httpStatus }),
        ...(made.durationMs === null ? {} : { durationMs: made.durationMs }),
      })
    }
  }

  /**
   * One request. All of it is settled or released afterwards, but for a batch that is `refused` as a whole: that is the
   * caller's.
   */
  const ask = async (batch: readonly Carried[], line: LaneName, waiting: AbortSignal): Promise<Verdict> => {
    if (!(await limiter.take(batch.length, line, waiting)) || held() || waiting.aborted) {
      await recorder.release(batch)
      return 'unknown'
    }
    const now = clock.now()
    const attempts = Math.max(...batch.map(({ claimed }) => claimed.attempts))
    const made = await attempt(
      integration,
      batch.map(({ deliverable }) => deliverable),
      { transport, credentials, context: contextOf(integration, now, attempts), signal: givingUp },
    )
    tellOf(made)
    react(made.outcomes)
    if (made.request !== null) scale.learn(batch, Buffer.byteLength(made.request.body))
    const spared =
      batch.length > 1 ? batch.filter((_, index) => made.outcomes[index]?.kind === 'batch_rejected') : []
    if (spared.length > 0 && spared.length === batch.length) {
      note(made.outcomes)
      if (!tooLarge(made)) return 'refused'
      scale.learn(batch, limits.maxBodyBytes * 1.25)
      for (const half of halves(batch)) await send(half, line, waiting)
      return 'unknown'
    }
    await recorder.settle(batch, made, new Set(spared))
    note(made.outcomes)
    // Where the platform named the guilty, the others go again without them, and no try of theirs is counted.
    if (spared.length > 0) await send(spared, line, waiting)
    if (batch.length === 1 && made.outcomes[0]?.kind === 'batch_rejected') return 'refused'
    return made.outcomes.every(({ kind }) => kind === 'delivered') ? 'taken' : 'unknown'
  }

  const send = async (batch: readonly Carried[], line: LaneName, waiting: AbortSignal): Promise<void> => {
    const verdict = await ask(batch, line, waiting)
    // Nothing of it was taken, so its parts may go with unchanged ids; sound events do not wait behind the search.
    if (verdict === 'refused' && batch.length > 1) await bisect(batch, (part) => ask(part, 'batch', waiting))
  }

  return (batch, waiting) => send(batch, lane, waiting).catch((error: unknown) => recorder.bury(batch, error))
}
