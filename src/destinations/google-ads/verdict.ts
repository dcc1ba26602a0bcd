import { sentence } from '../answer.ts'
import type { DeliverableEvent } from '../destination.ts'
import type { Answer, Outcome } from '../outcome.ts'
import { ownActionOf } from './conversion.ts'
import type { Fault, GoogleError } from './google-error.ts'
import { hintOf, meaningOf, type Meaning } from './meanings.ts'
import type { GoogleAdsSettings } from './settings.ts'

/** From what Google says of one event to what it means for its delivery. */

const hour = 3_600_000
/** Google takes a click, and a new conversion action, 6 hours after it was made. */
const tooYoungMs = 6 * hour

const answerOf = (fault: Fault | null, error: GoogleError): Answer => {
  const code = fault?.code ?? error.rpc
  const reason = hintOf(code) ?? fault?.message ?? error.message ?? 'Google gave no reason'
  return {
    reason: sentence(reason) || 'Google gave no reason',
    ...(code === null ? {} : { code: sentence(code) }),
    ...(error.trace === null ? {} : { trace: sentence(error.trace) }),
  }
}

export interface Judged {
  readonly event: DeliverableEvent
  readonly settings: GoogleAdsSettings
  /** Events of the request. */
  readonly count: number
}

const wait = ({ waitMs }: GoogleError): { readonly retryAfterMs?: number } =>
  waitMs === null ? {} : { retryAfterMs: waitMs }

/** An action that only `eventMapping` names is the fault of its events; the integration's own is everybody's. */
const isOwnMistake = ({ event, settings }: Judged): boolean => {
  const own = ownActionOf(event)
  return own !== null && own !== settings.conversionActionId
}

export const outcomeFor = (
  meaning: Meaning,
  fault: Fault | null,
  error: GoogleError,
  judged: Judged,
): Outcome => {
  const answer = answerOf(fault, error)
  switch (meaning) {
    case 'duplicate':
      return { kind: 'delivered', ...answer, reason: 'Google has it already' }
    case 'event':
      return { kind: 'rejected', ...answer }
    case 'split':
      return { kind: judged.count > 1 ? 'batch_rejected' : 'rejected', ...answer }
    case 'throttled':
      return { kind: 'throttled', ...wait(error), ...answer }
    case 'unavailable':
      return { kind: 'unavailable', ...wait(error), ...answer }
    case 'later':
      return { kind: 'unavailable', retryAfterMs: tooYoungMs, ...answer }
    case 'action':
      return { kind: isOwnMistake(judged) ? 'rejected' : 'unauthorized', ...answer }
    case 'account':
      return { kind: 'unauthorized', ...answer }
  }
}

/** The gravest of several faults decides; what cannot be undone by waiting comes first. */
const gravity: readonly Meaning[] = [
  'event',
  'action',
  'account',
  'split',
  'later',
  'unavailable',
  'throttled',
  'duplicate',
]

/** `otherwise` is what a fault nobody knows means. */
export const gravest = (
  faults: readonly Fault[],
  otherwise: Meaning,
): { readonly fault: Fault; readonly meaning: Meaning } | null =>
  faults
    .map((fault) => ({ fault, meaning: meaningOf(fault) ?? otherwise }))
    .toSorted((a, b) => gravity.indexOf(a.meaning) - gravity.indexOf(b.meaning))[0] ?? null
