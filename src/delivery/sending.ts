import type { Clock } from '../clock.ts'
import type { BuildContext, HttpRequest } from '../destinations/destination.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { LaneName } from '../event/names.ts'
import type { Integration } from '../sites/configure.ts'
import type { Settlement, Store } from '../store/store.ts'
import { attempt, type Attempt } from './attempt.ts'
import { halves, type Carried } from './batches.ts'
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
  readonly limiter: RateLimiter
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly report: (news: LaneNews) => void
  /** What came back, before it is settled: the lane slows down or parks. */
  readonly react: (outcomes: readonly Outcome[]) => void
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

const contextOf = (integration: Integration, now: number, attempts: number): BuildContext => ({
  site: integration.site,
  integration: integration.id,
  now,
  attempt: attempts + 1,
  ...(integration.endpoint === undefined ? {} : { endpoint: integration.endpoint }),
  ...(integration.defaultCountry === undefined ? {} : { defaultCountry: integration.defaultCountry }),
})

export const createSending = (options: SendingOptions): ((batch: readonly Carried[]) => Promise<void>) => {
  const { integration, lane, store, transport, limiter, clock, random, report, react, stopping, givingUp } =
    options
  const { destination, settings, secrets } = integration

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
    now: number,
  ): HttpRequest | null => {
    if (made.request === null) return null
    const own =
      batch.length === 1
        ? made.request
        : destination.build([one.deliverable], settings, contextOf(integration, now, one.claimed.attempts))
    return presentableRequest(own, [one.deliverable], secrets)
  }

  const settle = async (batch: readonly Carried[], made: Attempt): Promise<void> => {
    const now = clock.now()
    const settlements: Settlement[] = []
    const untouched: Carried[] = []
    for (const [index, one] of batch.entries()) {
      const outcome = made.outcomes[index]
      if (outcome === undefined) continue
      const settlement = settlementOf({
        deliveryId: one.claimed.deliveryId,
        attempts: one.claimed.attempts,
        outcome,
        policy: (failure) => destination.retry(one.deliverable, failure, settings),
        now,
        random: random(),
        line: journalLine({
          at: now,
          outcome,
          httpStatus: made.httpStatus,
          durationMs: made.durationMs,
          request: requestShown(made, batch, one, now),
          batchSize: batch.length,
        }),
      })
      if (settlement === null) untouched.push(one)
      else settlements.push(settlement)
    }
    if (settlements.length > 0) await insist(() => store.settle(settlements))
    if (untouched.length > 0) await release(untouched)
  }

  const send = async (batch: readonly Carried[]): Promise<void> => {
    if (!(await limiter.take(batch.length, lane, stopping))) return release(batch)
    const now = clock.now()
    const attempts = Math.max(...batch.map(({ claimed }) => claimed.attempts))
    const made = await attempt(
      integration,
      batch.map(({ deliverable }) => deliverable),
      { transport, context: contextOf(integration, now, attempts), signal: givingUp },
    )
    tellOf(made)
    if (batch.length > 1 && made.outcomes.every(({ kind }) => kind === 'batch_rejected')) {
      // Nothing of it was taken, so its halves may go with unchanged ids until the guilty event stands alone.
      const [left, right] = halves(batch)
      await send(left)
      return send(right)
    }
    react(made.outcomes)
    await settle(batch, made)
  }
  return send
}
