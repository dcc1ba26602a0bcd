import type { Clock } from '../clock.ts'
import type { BuildContext, Credential, HttpRequest } from '../destinations/destination.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { LaneName } from '../event/names.ts'
import type { Integration } from '../sites/configure.ts'
import type { Settlement, Store } from '../store/store.ts'
import { attempt, type Attempt } from './attempt.ts'
import { halves, type Carried, type Scale } from './batches.ts'
import { bisect, type Verdict } from './bisect.ts'
import type { Credentials } from './credentials.ts'
import type { Transport } from './http.ts'
import { journalLine, presentableRequest } from './journal.ts'
import type { RateLimiter } from './rate-limit.ts'
import { settlementOf } from './settling.ts'

/** One batch from claimed to settled. */

export interface SendingOptions {
  readonly integration: Integration
  readonly lane: LaneName
  readonly store: Store
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
  /** Wait for nothing more; what has not begun is released. */
  readonly stopping: AbortSignal
  /** Give up what is on the wire, too. */
  readonly givingUp: AbortSignal
}

/** One per attempt and kind of outcome, for the log: all fields, no personal data. */
export interface LaneNews {
  readonly site: string
  readonly integration: string
  readonly lane: LaneName
  readonly outcome: Outcome['kind'] | 'store_failed' | 'internal'
  readonly reason: string
  readonly code?: string
  readonly httpStatus?: number
  readonly durationMs?: number
  readonly events: number
}

const storeTroubleMs = 1_000

/** Its size was the fault, its content is not known to be. */
const tooLarge = ({ httpStatus, outcomes }: Attempt): boolean =>
  httpStatus === 413 || outcomes.every(({ code }) => code === 'too_large')

const contextOf = (
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

export const createSending = (options: SendingOptions): ((batch: readonly Carried[]) => Promise<void>) => {
  const { integration, lane, store, transport, credentials, limiter, clock, random } = options
  const { steady, scale, report, react, note, held, stopping, givingUp } = options
  const { destination, settings, secrets, limits } = integration

  const tell = (news: Omit<LaneNews, 'site' | 'integration' | 'lane'>): void =>
    report({ site: integration.site, integration: integration.id, lane, ...news })

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
          reason: error instanceof Error ? error.message : String(error),
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
    const own =
      batch.length === 1
        ? made.request
        : destination.build(
            [one.deliverable],
            settings,
            contextOf(integration, now, one.claimed.attempts, made.credential),
          )
    return presentableRequest(own, [one.deliverable], hidden)
  }

  const settle = async (
    batch: readonly Carried[],
    made: Attempt,
    spared: ReadonlySet<Carried>,
  ): Promise<void> => {
    const now = clock.now()
    const hidden = made.credential === null ? secrets : [...secrets, made.credential.accessToken]
    const settlements: Settlement[] = []
    const untouched: Carried[] = []
    for (const [index, one] of batch.entries()) {
      const outcome = made.outcomes[index]
      if (outcome === undefined || spared.has(one)) continue
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
      if (settlement === null) untouched.push(one)
      else settlements.push(settlement)
    }
    if (settlements.length > 0) await insist(() => store.settle(settlements))
    if (untouched.length > 0) await release(untouched)
  }

  /**
   * One request. All of it is settled or released afterwards, but for a batch that is `refused` as a whole: that is the
   * caller's.
   */
  const ask = async (batch: readonly Carried[], line: LaneName): Promise<Verdict> => {
    if (!(await limiter.take(batch.length, line, stopping)) || held()) {
      await release(batch)
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
      for (const half of halves(batch)) await send(half, line)
      return 'unknown'
    }
    await settle(batch, made, new Set(spared))
    note(made.outcomes)
    // Where the platform named the guilty, the others go again without them, and no try of theirs is counted.
    if (spared.length > 0) await send(spared, line)
    if (batch.length === 1 && made.outcomes[0]?.kind === 'batch_rejected') return 'refused'
    return made.outcomes.every(({ kind }) => kind === 'delivered') ? 'taken' : 'unknown'
  }

  const send = async (batch: readonly Carried[], line: LaneName): Promise<void> => {
    const verdict = await ask(batch, line)
    // Nothing of it was taken, so its parts may go with unchanged ids; sound events do not wait behind the search.
    if (verdict === 'refused' && batch.length > 1) await bisect(batch, (part) => ask(part, 'batch'))
  }

  /** A bug of ours costs the events that wake it, which stay visible and replayable, and never the lane. */
  const bury = (batch: readonly Carried[], error: unknown): Promise<void> => {
    const reason = `internal: ${error instanceof Error ? error.message : String(error)}`
    tell({ outcome: 'internal', reason, events: batch.length })
    return insist(() =>
      store.settle(
        batch.map(({ claimed: { deliveryId } }) => ({
          deliveryId,
          status: 'failed' as const,
          reason,
          dueAt: null,
          counted: true,
          line: null,
        })),
      ),
    )
  }

  return (batch) => send(batch, lane).catch((error: unknown) => bury(batch, error))
}
