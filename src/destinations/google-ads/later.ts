import { isObject, jsonObject, sentence, textOf, type JsonObject } from '../answer.ts'
import { addressOf } from '../endpoint.ts'
import type { LateVerdict, Processing } from '../late-verdict.ts'
import { dataManagerOrigin, statusPath } from './data-manager.ts'
import { googleAnswer } from './google-error.ts'
import { hintOf } from './meanings.ts'
import type { GoogleAdsSettings } from './settings.ts'

/**
 * The Data Manager API says 200 to what it has accepted, and judges within hours. Of a request it then tells how many events
 * it refused, and why, but not which. https://developers.google.com/data-manager/api/devguides/diagnostics (2026-11-20)
 */

const minute = 60_000
const hour = 60 * minute
/** "Wait 30 minutes, then poll with exponential backoff"; nobody says for how long. */
const askAfterMs = [30 * minute, hour, 2 * hour, 4 * hour, 8 * hour, 16 * hour, 24 * hour, 48 * hour]

const prefix = /^PROCESSING_(?:ERROR|WARNING)_REASON_/
/** Google has it already. */
const duplicates: ReadonlySet<string> = new Set(['DUPLICATE_TRANSACTION_ID', 'DUPLICATE_GCLID'])
const aboutConsent: ReadonlySet<string> = new Set(['DENIED_CONSENT', 'NO_CONSENT', 'UNKNOWN_CONSENT'])

interface Count {
  readonly reason: string
  readonly records: number
}

const listOf = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])

/** An int64, which proto3 JSON writes as text. */
const recordsOf = (value: unknown): number => {
  const count = Number(typeof value === 'string' && /^\d{1,9}$/.test(value) ? value : (value ?? Number.NaN))
  return Number.isSafeInteger(count) && count >= 0 ? count : 0
}

const countsOf = (info: unknown, list: string): readonly Count[] =>
  listOf(isObject(info) ? info[list] : null).flatMap(({ reason, recordCount }) => {
    const word = textOf(reason)
    return word === null ? [] : [{ reason: word.replace(prefix, ''), records: recordsOf(recordCount) }]
  })

const inWords = (counts: readonly Count[], total: number): string =>
  counts
    .map(({ reason, records }) => {
      const hint = hintOf(reason)
      return `${reason}${total > 1 ? ` (${records})` : ''}${hint === null ? '' : `: ${hint}`}`
    })
    .join(', ')

const ofDestination = (destination: JsonObject, count: number): Processing => {
  const status = textOf(destination['requestStatus'])?.replace(/^REQUEST_STATUS_/, '') ?? null
  if (status !== 'SUCCESS' && status !== 'PARTIAL_SUCCESS' && status !== 'FAILED' && status !== 'FAILURE')
    return {
      kind: 'undecided',
      reason: status === 'PROCESSING' ? 'Google is not done yet' : 'no verdict of Google',
    }
  const errors = countsOf(destination['errorInfo'], 'errorCounts')
  const warnings = countsOf(destination['warningInfo'], 'warningCounts')
  const remarks = warnings.length === 0 ? '' : `; Google remarks: ${inWords(warnings, count)}`
  const real = errors.filter(({ reason }) => !duplicates.has(reason))
  const named = real.reduce((sum, { records }) => sum + records, 0)
  // A request that failed without a count failed whole.
  const whole = status.startsWith('FAIL') && (errors.length === 0 || (real.length > 0 && named === 0))
  const refused = whole ? count : Math.min(named, count)
  if (refused === 0)
    return {
      kind: 'processed',
      reason: sentence(
        errors.length > 0
          ? `Google has some of it already: ${inWords(errors, count)}${remarks}`
          : `processed${remarks}`,
      ),
    }
  const [first] = real
  const words = real.length === 0 ? 'no reason given' : inWords(real, count)
  return {
    kind: 'refused',
    refused,
    status:
      real.length > 0 && real.every(({ reason }) => aboutConsent.has(reason)) ? 'consent_denied' : 'failed',
    reason: sentence(
      refused === count
        ? `accepted, and refused when processed: ${words}${remarks}`
        : `Google refused ${refused} of the ${count} events of this request when it processed them, and does not say which: ${words}${remarks}`,
    ),
    ...(first === undefined ? {} : { code: sentence(first.reason) }),
  }
}

export const later: LateVerdict<GoogleAdsSettings> = {
  ticketOf: (outcome, { transport, validateOnly }) =>
    // What is delivered under a code is what Google had already; there is no request to ask about.
    transport === 'data_manager' &&
    !validateOnly &&
    outcome.kind === 'delivered' &&
    outcome.code === undefined
      ? (outcome.trace ?? null)
      : null,
  askAfterMs,
  build: (ticket, _settings, { endpoint, credential }) => ({
    method: 'GET',
    url: addressOf(
      dataManagerOrigin,
      endpoint,
      `${statusPath}?${new URLSearchParams({ requestId: ticket }).toString()}`,
    ),
    headers: credential === undefined ? {} : { authorization: `Bearer ${credential.accessToken}` },
    body: '',
  }),
  read: (response, count) => {
    const answer = googleAnswer(response)
    if (answer?.error !== null && answer?.error !== undefined)
      return {
        kind: 'undecided',
        reason: sentence(answer.error.message ?? `HTTP ${response.status}`),
        ...(answer.error.rpc === null ? {} : { code: sentence(answer.error.rpc) }),
      }
    // We name one destination in each request.
    const [destination] = listOf(jsonObject(response.body)?.['requestStatusPerDestination'])
    return response.status === 200 && destination !== undefined
      ? ofDestination(destination, count)
      : { kind: 'undecided', reason: `HTTP ${response.status} without a verdict of Google` }
  },
}
