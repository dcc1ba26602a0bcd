import { isObject, retryAfterMs, sentence, textOf, type JsonObject } from '../answer.ts'
import type { DeliverableEvent, HttpResponse } from '../destination.ts'
import type { Outcome } from '../outcome.ts'
import { googleAnswer, readGoogleError, rowsInText, type Fault, type GoogleError } from './google-error.ts'
import { meaningOf, type Meaning } from './meanings.ts'
import type { GoogleAdsSettings } from './settings.ts'
import { gravest, outcomeFor } from './verdict.ts'

/**
 * The Data Manager API takes a request whole or not at all. The Google Ads API says 200 and puts the rows it refused inside.
 * https://developers.google.com/data-manager/api/devguides/concepts/understand-errors and
 * https://developers.google.com/google-ads/api/docs/best-practices/partial-failures (2026-11-20)
 */

type Events = readonly DeliverableEvent[]

/** Meanings that a fault of the request as a whole can have for everything in it. */
const concernsAll: ReadonlySet<Meaning> = new Set(['account', 'action', 'unavailable', 'split', 'throttled'])

/** What the answer as a whole means; `null` where it is about single events. */
const meaningOfAll = ({ status, rpc, faults }: GoogleError, httpStatus: number): Meaning | null => {
  if (httpStatus === 429 || status === 429 || rpc === 'RESOURCE_EXHAUSTED') return 'throttled'
  if (httpStatus >= 500 || status >= 500) return 'unavailable'
  if (status === 401 || status === 403) return 'account'
  const wide = faults.filter(({ row }) => row === null)
  const said = wide.map(meaningOf).find((meaning) => meaning !== null && concernsAll.has(meaning))
  if (said !== undefined) return said
  // No such account, path or version; or a destination that is no good, which all events share.
  if (status === 404 || wide.some(({ part }) => part === 'destinations')) return 'account'
  if (status === 408 || status === 425) return 'unavailable'
  return null
}

const faultsOfRow = (faults: readonly Fault[], row: number): readonly Fault[] =>
  faults.filter((fault) => fault.row === row)

/** Refused as a whole, with or without a word on who was to blame. */
const ofFailure = (
  error: GoogleError,
  httpStatus: number,
  events: Events,
  settings: GoogleAdsSettings,
): readonly Outcome[] => {
  const count = events.length
  const shared = meaningOfAll(error, httpStatus)
  if (shared !== null) {
    const fault = error.faults.find((one) => meaningOf(one) === shared) ?? null
    return events.map((event) => outcomeFor(shared, fault, error, { event, settings, count }))
  }
  if (error.status < 400)
    return events.map((event) => ({
      ...outcomeFor('unavailable', null, error, { event, settings, count }),
      ambiguous: true,
    }))
  const blamed = error.faults.some(({ row }) => row !== null && row < count)
  return events.map((event, row): Outcome => {
    const judged = { event, settings, count }
    const found = gravest(faultsOfRow(error.faults, row), 'event')
    if (found !== null) return outcomeFor(found.meaning, found.fault, error, judged)
    const refused = outcomeFor('split', error.faults[0] ?? null, error, judged)
    return blamed ? { ...refused, reason: 'refused for the sake of another event; it goes again' } : refused
  })
}

const remarksOn = (body: JsonObject, row: number): string => {
  const warnings = Array.isArray(body['fieldWarnings']) ? body['fieldWarnings'].filter(isObject) : []
  const remarks = warnings
    .filter(({ field }) => {
      const rows = rowsInText(textOf(field) ?? '')
      return rows.length === 0 || rows.includes(row)
    })
    .map(({ description, reason }) => textOf(description) ?? textOf(reason))
    .filter((remark) => remark !== null)
  return remarks.length === 0 ? '' : `; Google remarks: ${remarks.join('; ')}`
}

const checkedOnly = 'checked and not kept: validateOnly is on'

const ofIngest = (
  body: JsonObject,
  events: Events,
  { validateOnly }: GoogleAdsSettings,
): readonly Outcome[] => {
  const requestId = textOf(body['requestId'])
  if (requestId === null && !validateOnly)
    return events.map(() => ({
      kind: 'unavailable',
      ambiguous: true,
      reason: 'Google did not say that it took the request',
    }))
  return events.map((_, row) => ({
    kind: 'delivered',
    reason: sentence(`${validateOnly ? checkedOnly : 'accepted for processing'}${remarksOn(body, row)}`),
    ...(requestId === null ? {} : { trace: sentence(requestId) }),
  }))
}

/** In rare answers the details are empty, and the sentence alone names rows. */
const faultsOfPartial = (error: GoogleError): readonly Fault[] => {
  if (error.faults.length > 0) return error.faults
  const { message } = error
  const rows: readonly (number | null)[] = rowsInText(message ?? '')
  return (rows.length === 0 ? [null] : rows).map((row) => ({
    code: null,
    category: null,
    message,
    row,
    part: null,
  }))
}

const ofUpload = (
  body: JsonObject,
  response: HttpResponse,
  events: Events,
  settings: GoogleAdsSettings,
): readonly Outcome[] => {
  const results = Array.isArray(body['results']) ? body['results'] : null
  const partial = isObject(body['partialFailureError'])
    ? readGoogleError(body['partialFailureError'], response)
    : null
  if (partial === null && results === null && !settings.validateOnly)
    return events.map(() => ({
      kind: 'unavailable',
      ambiguous: true,
      reason: 'Google did not say what it took',
    }))
  const trace = partial?.trace ?? textOf(response.headers['request-id'])
  const faults = partial === null ? [] : faultsOfPartial(partial)
  const aboutNobody = faults.filter(({ row }) => row === null)
  return events.map((event, row): Outcome => {
    const judged = { event, settings, count: events.length }
    const result: unknown = results?.[row]
    const own = faultsOfRow(faults, row)
    const isEmpty = isObject(result) && Object.keys(result).length === 0
    // A row that is empty failed, and so did, for all anybody knows, one without a result where some fault names none.
    const suspects = partial !== null && (isEmpty || (result === undefined && aboutNobody.length > 0))
    const found = gravest(own.length > 0 ? own : suspects ? aboutNobody : [], 'unavailable')
    if (partial !== null && found !== null) return outcomeFor(found.meaning, found.fault, partial, judged)
    if (partial !== null && suspects) return outcomeFor('unavailable', null, partial, judged)
    return {
      kind: 'delivered',
      reason: settings.validateOnly ? checkedOnly : 'uploaded',
      ...(trace === null ? {} : { trace: sentence(trace) }),
    }
  })
}

/** A proxy's page, a maintenance notice, half an answer. */
const withoutWords = (response: HttpResponse, count: number): Outcome => {
  const { status } = response
  const reason = `HTTP ${status} without an answer of Google`
  const wait = retryAfterMs(response)
  const later = wait === null ? {} : { retryAfterMs: wait }
  if (status === 429) return { kind: 'throttled', ...later, reason }
  if (status === 401 || status === 403) return { kind: 'unauthorized', reason }
  if (status === 404)
    return { kind: 'unauthorized', reason: `${reason}: the version of the interface may have ended` }
  if (status === 413) return { kind: count > 1 ? 'batch_rejected' : 'rejected', reason }
  return { kind: 'unavailable', ...(status < 300 ? { ambiguous: true } : {}), ...later, reason }
}

export const read = (
  response: HttpResponse,
  events: Events,
  settings: GoogleAdsSettings,
): readonly Outcome[] => {
  const answer = googleAnswer(response)
  if (answer !== null && answer.error !== null)
    return ofFailure(answer.error, response.status, events, settings)
  if (answer !== null && response.status >= 200 && response.status < 300)
    return settings.transport === 'data_manager'
      ? ofIngest(answer.body, events, settings)
      : ofUpload(answer.body, response, events, settings)
  return events.map(() => withoutWords(response, events.length))
}
