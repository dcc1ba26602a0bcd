import type { DeliverableEvent, HttpRequest } from '../destinations/destination.ts'
import type { Outcome } from '../destinations/outcome.ts'
import { maskRequest } from '../sites/mask.ts'
import type { JournalLine } from '../store/store.ts'

/** What happened to an event, for people: the exact request with secrets and identifiers masked, and the answer. */

/** Shorter texts would riddle the request with holes. What a person typed is masked whatever its length. */
const shortestId = 4
const maxRequestLength = 16_384

const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(textsIn)
}

/** A country or a state is no one's, and its two letters stand in every request. */
const plainOf = (plain: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(plain).flatMap(([name, text]) => (text === '' || /country|state/i.test(name) ? [] : [text]))

/** Everything in an event that points at a person. */
const identifiersOf = ({ event, identity }: DeliverableEvent): readonly string[] => {
  const { ip, clickIds, browserIds, userAgent } = event.visitor
  const ids = [
    ...textsIn(identity.keys),
    ...Object.values(clickIds).map(({ value }) => value),
    ...textsIn(browserIds),
    ...(ip === undefined ? [] : [ip]),
    ...(userAgent === undefined ? [] : [userAgent]),
  ]
  return [...ids.filter((id) => id.length >= shortestId), ...plainOf(identity.plain)]
}

/** How an identifier is spelt in the journal. */
export const shownIdentifier = (identifier: string): string =>
  `${identifier.slice(0, Math.min(6, identifier.length >> 2))}…`

/** Written the same in JSON and in an address: most identifiers are hashes. */
const plainlyWritten = /^[\w.~-]+$/

const spellingsOf = (identifier: string): readonly string[] =>
  plainlyWritten.test(identifier)
    ? [identifier]
    : [JSON.stringify(identifier).slice(1, -1), encodeURIComponent(identifier)]

/** How each may stand in a request, longest first, so that a part of an identifier never uncovers the rest. */
const hidingPlan = (
  identifiers: readonly string[],
): readonly { readonly spelling: string; readonly mask: string }[] =>
  [...new Set(identifiers)]
    .sort((a, b) => b.length - a.length)
    .flatMap(spellingsOf)
    .map((spelling) => ({ spelling, mask: shownIdentifier(spelling) }))

/** A request fit to be read by a stranger. */
export const presentableRequest = (
  request: HttpRequest,
  events: readonly DeliverableEvent[],
  secrets: readonly string[],
): HttpRequest => {
  const plan = hidingPlan(events.flatMap(identifiersOf))
  const hide = (text: string): string =>
    plan.reduce((masked, { spelling, mask }) => masked.replaceAll(spelling, mask), text)
  const masked = maskRequest(request, secrets)
  return {
    ...masked,
    url: hide(masked.url),
    headers: Object.fromEntries(Object.entries(masked.headers).map(([name, value]) => [name, hide(value)])),
    body: hide(masked.body),
  }
}

/**
 * Platforms quote what they were sent, and their sentences go into the journal and the log: what is hidden in a request is
 * hidden there, too. What went well is said in words of our own.
 */
export const presentableOutcomes = (
  outcomes: readonly Outcome[],
  events: readonly DeliverableEvent[],
  secrets: readonly string[],
): readonly Outcome[] => {
  if (outcomes.every(({ kind }) => kind === 'delivered')) return outcomes
  // In a batch many are refused in the same words.
  const known = new Map<string, string>()
  const present = (text: string): string => {
    const seen = known.get(text)
    if (seen !== undefined) return seen
    const { body } = presentableRequest({ method: 'POST', url: '', headers: {}, body: text }, events, secrets)
    known.set(text, body)
    return body
  }
  return outcomes.map((outcome) =>
    outcome.kind === 'delivered'
      ? outcome
      : {
          ...outcome,
          reason: present(outcome.reason),
          ...(outcome.code === undefined ? {} : { code: present(outcome.code) }),
          ...(outcome.trace === undefined ? {} : { trace: present(outcome.trace) }),
        },
  )
}

/** One wide line per attempt and delivery. */
export const journalLine = (attempt: {
  readonly at: number
  readonly outcome: Outcome
  readonly httpStatus: number | null
  readonly durationMs: number | null
  readonly request: HttpRequest | null
  readonly batchSize: number
}): JournalLine => ({
  at: attempt.at,
  outcome: attempt.outcome.kind,
  reason: attempt.outcome.reason,
  code: attempt.outcome.code ?? null,
  trace: attempt.outcome.trace ?? null,
  httpStatus: attempt.httpStatus,
  durationMs: attempt.durationMs,
  request: attempt.request === null ? null : JSON.stringify(attempt.request).slice(0, maxRequestLength),
  batchSize: attempt.batchSize,
})
