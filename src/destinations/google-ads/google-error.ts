import { isObject, jsonObject, retryAfterMs, textOf, type JsonObject } from '../answer.ts'
import type { HttpResponse } from '../destination.ts'

/**
 * Google's one form of an error, as both interfaces use it: https://google.aip.dev/193 (2026-11-20). What a detail is, is told
 * by its members, because `@type` carries the version of the interface.
 */
export interface GoogleError {
  /** The HTTP status it stands for; that of the answer where the error does not say. */
  readonly status: number
  /** Such as `INVALID_ARGUMENT`. */
  readonly rpc: string | null
  readonly message: string | null
  readonly faults: readonly Fault[]
  readonly trace: string | null
  /** How long to wait, where anything says so. */
  readonly waitMs: number | null
}

/** One thing that is wrong, and where. */
export interface Fault {
  readonly code: string | null
  /** The Google Ads API's family of codes, such as `fieldError`. */
  readonly category: string | null
  readonly message: string | null
  /** The event it is about, counted from 0; `null` where it is about none, or does not say. */
  readonly row: number | null
  /** The first member of the path to it, such as `destinations`. */
  readonly part: string | null
}

const aDay = 24 * 3_600_000

const listOf = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])
const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : {})

/** proto3 JSON writes a duration as `30s` or `1.5s`. */
const durationMs = (value: unknown): number | null => {
  const seconds = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(textOf(value) ?? '')?.[1]
  return seconds === undefined ? null : Number(seconds) * 1000
}

const rowsOf = ['events', 'conversions', 'conversion_adjustments', 'conversionAdjustments']

/** Paths are spelled in more than one way: `events[3].ad_identifiers`, `events.events[3]`, `conversions[1].gclid`. */
export const rowsInText = (text: string): readonly number[] =>
  [...text.matchAll(/\b(?:events|conversions|conversion_?[aA]djustments)\[(\d{1,6})\]/g)].map(([, index]) =>
    Number(index),
  )

const rowInPath = (path: string): number | null => rowsInText(path)[0] ?? null

const partOf = (path: string): string | null => /^[A-Za-z_]+/.exec(path)?.[0] ?? null

const violationOf = (violation: JsonObject): Fault => {
  const field = textOf(violation['field']) ?? ''
  return {
    code: textOf(violation['reason']),
    category: null,
    message: textOf(violation['description']),
    row: rowInPath(field),
    part: partOf(field),
  }
}

/** `errorCode` has one member: the category, with the code for its value. */
const adsFaultOf = (error: JsonObject): Fault => {
  const [[category, code] = []] = Object.entries(objectOf(error['errorCode']))
  const path = listOf(objectOf(error['location'])['fieldPathElements'])
  const row = path.find(({ fieldName }) => rowsOf.includes(textOf(fieldName) ?? ''))
  const index = row?.['index']
  const message = textOf(error['message'])
  return {
    code: textOf(code),
    category: category ?? null,
    message,
    // A zero is left out of proto3 JSON, so a row without an index is the first.
    row:
      row === undefined
        ? rowInPath(message ?? '')
        : Number.isSafeInteger(index ?? 0)
          ? Number(index ?? 0)
          : null,
    part: textOf(path[0]?.['fieldName']),
  }
}

const faultsOf = (detail: JsonObject): readonly Fault[] => [
  ...listOf(detail['errors']).map(adsFaultOf),
  ...listOf(detail['fieldViolations']).map(violationOf),
  ...(textOf(detail['reason']) === null
    ? []
    : [{ code: textOf(detail['reason']), category: null, message: null, row: null, part: null }]),
]

/** A quota of the day is spent until the day ends, and nobody says when that is. */
const dailyMs = (detail: JsonObject): number | null => {
  const { quota_limit: limit, quota_unit: unit } = objectOf(detail['metadata'])
  return /per_?day|1\/d\b/i.test(`${textOf(limit) ?? ''} ${textOf(unit) ?? ''}`) ? aDay : null
}

const waitsOf = (detail: JsonObject): readonly (number | null)[] => [
  durationMs(detail['retryDelay']),
  dailyMs(detail),
  ...listOf(detail['errors']).map((error) =>
    durationMs(objectOf(objectOf(error['details'])['quotaErrorDetails'])['retryDelay']),
  ),
]

const longest = (waits: readonly (number | null)[]): number | null => {
  const said = waits.filter((wait) => wait !== null)
  return said.length === 0 ? null : Math.max(...said)
}

/** The members of an `error`, or of a `partialFailureError`, which is the same form inside an answer of 200. */
export const readGoogleError = (error: JsonObject, response: HttpResponse): GoogleError => {
  const details = listOf(error['details'])
  const { code } = error
  return {
    status: typeof code === 'number' && code >= 400 && code < 600 ? code : response.status,
    rpc: textOf(error['status']),
    message: textOf(error['message']),
    faults: details.flatMap(faultsOf),
    trace:
      details.map(({ requestId }) => textOf(requestId)).find((id) => id !== null) ??
      textOf(response.headers['request-id']),
    waitMs: longest([retryAfterMs(response), ...details.flatMap(waitsOf)]),
  }
}

/** `null`: the answer is no JSON object. */
export const googleAnswer = (
  response: HttpResponse,
): { readonly body: JsonObject; readonly error: GoogleError | null } | null => {
  const body = jsonObject(response.body)
  if (body === null) return null
  return { body, error: isObject(body['error']) ? readGoogleError(body['error'], response) : null }
}
