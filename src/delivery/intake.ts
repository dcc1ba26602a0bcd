import type { Clock } from '../clock.ts'
import { matchQuality } from '../destinations/match-quality.ts'
import { userDataFields, type CapturedEvent } from '../event/event.ts'
import type { LaneName } from '../event/names.ts'
import type { Integration } from '../sites/configure.ts'
import type { Appended, NewDelivery, NewEvent, Store } from '../store/store.ts'
import { encodeFacts, encodePayload, type EventFacts, type PlainSealer, type Quality } from './records.ts'
import { route, type Decision } from './route.ts'

/**
 * The one door for events, whoever brings them. Routing, the consent gate and the hashing of identifiers happen here, so
 * that nothing plain goes any further; then event, deliveries and refusals are written in one transaction.
 */
export interface Intake {
  /** Resolves when the events are committed, in their order. Rejects with a `StoreError`, and then none of them is. */
  accept(captured: readonly CapturedEvent[]): Promise<readonly Accepted[]>
}

export interface Accepted {
  readonly appended: Appended
  readonly decisions: readonly Decision[]
}

export interface IntakeOptions {
  readonly store: Store
  readonly clock: Clock
  /** The integrations of a site, as configured now. */
  readonly integrationsOf: (site: string) => readonly Integration[]
  readonly sealer: PlainSealer | null
  /** Called after a commit that left something to do. */
  readonly wake: (integration: string, lane: LaneName) => void
}

/** Batch events leave together, on the stroke of the window; what travels alone anyway need not wait for company. */
const dueAt = ({ integration, lane }: Decision, now: number): number => {
  const window = integration.batchWindowMs
  if (lane === 'realtime' || window === 0 || integration.limits.batchSize === 1) return now
  return Math.ceil((now + 1) / window) * window
}

const gradeOf = ({ refusal, integration, deliverable }: Decision): Quality | null => {
  // Of a refused event nobody was identified, so there is nothing to grade.
  const found = refusal === null ? matchQuality(integration.destination, deliverable) : null
  return found === null ? null : { grade: found.grade, missing: found.missing.map(({ key }) => key) }
}

/** By integration id. */
const qualityOf = (decisions: readonly Decision[]): Readonly<Record<string, Quality>> =>
  Object.fromEntries(
    decisions.flatMap((decision) => {
      const quality = gradeOf(decision)
      return quality === null ? [] : [[decision.integration.id, quality]]
    }),
  )

const toDelivery = (
  decision: Decision,
  {
    now,
    sealer,
    quality,
  }: {
    readonly now: number
    readonly sealer: PlainSealer | null
    readonly quality: Readonly<Record<string, Quality>>
  },
): NewDelivery => {
  const grade = Object.hasOwn(quality, decision.integration.id) ? quality[decision.integration.id] : undefined
  return {
    integration: decision.integration.key,
    lane: decision.lane,
    status: decision.refusal?.status ?? 'queued',
    reason: decision.refusal?.reason ?? null,
    dueAt: dueAt(decision, now),
    payload:
      decision.refusal === null ? encodePayload(decision.deliverable, decision.integration.id, sealer) : null,
    ...(grade === undefined ? {} : { grade: grade.grade }),
  }
}

/** Destinations name plain fields as their platform does: `firstName`, `first_name`. */
const holdsPlain = (plain: Readonly<Record<string, string>>, field: string): boolean =>
  Object.keys(plain).some((name) => name.replaceAll('_', '').toLowerCase() === field.toLowerCase())

/** Says which identifiers went unused, and why: also that a plain one had no key to be sealed with. */
const leftOutOf = (
  decisions: readonly Decision[],
  sealer: PlainSealer | null,
): NonNullable<EventFacts['leftOut']> =>
  Object.fromEntries(
    decisions.flatMap(({ integration, deliverable: { identity } }) => {
      const unsealed =
        sealer === null ? userDataFields.filter((field) => holdsPlain(identity.plain, field)) : []
      const all = [
        ...identity.leftOut,
        ...unsealed.map((field) => ({ field, reason: 'is wanted in plain, which needs SLUICE_SECRET_KEY' })),
      ]
      return all.length === 0 ? [] : [[integration.id, all]]
    }),
  )

/** By integration id. */
const flaggedIn = (decisions: readonly Decision[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    decisions.flatMap(({ integration, flagged }) => (flagged === null ? [] : [[integration.id, flagged]])),
  )

const toNewEvent = (
  captured: CapturedEvent,
  decisions: readonly Decision[],
  now: number,
  sealer: PlainSealer | null,
): NewEvent => {
  const quality = qualityOf(decisions)
  return {
    site: captured.event.site,
    eventId: captured.event.id,
    type: captured.event.type,
    orderId: captured.event.custom.orderId ?? null,
    ruleId: captured.event.ruleId ?? null,
    occurredAt: captured.event.occurredAt,
    acceptedAt: now,
    facts: encodeFacts(captured, {
      leftOut: leftOutOf(decisions, sealer),
      flagged: flaggedIn(decisions),
      quality,
    }),
    deliveries: decisions.map((decision) => toDelivery(decision, { now, sealer, quality })),
  }
}

export const createIntake = ({ store, clock, integrationsOf, sealer, wake }: IntakeOptions): Intake => ({
  accept: async (captured) => {
    const now = clock.now()
    const decided = captured.map((one) => route(one, integrationsOf(one.event.site), now))
    const appended = await store.append(
      captured.map((one, index) => toNewEvent(one, decided[index] ?? [], now, sealer)),
    )
    const due = new Map(
      decided
        .flat()
        .filter(({ refusal }) => refusal === null)
        .map(({ integration, lane }) => [`${lane} ${integration.key}`, { key: integration.key, lane }]),
    )
    for (const { key, lane } of due.values()) wake(key, lane)
    return decided.map((decisions, index) => ({ appended: appended[index] ?? 'stored', decisions }))
  },
})
