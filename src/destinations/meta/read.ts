import { isObject, jsonObject, retryAfterMs, sentence, textOf, type JsonObject } from '../answer.ts'
import type { DeliverableEvent, HttpResponse } from '../destination.ts'
import type { Answer, Outcome } from '../outcome.ts'

/**
 * What Meta's answers mean: by code, subcode and `is_transient`, never by text.
 * https://developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference and .../overview/rate-limiting
 * (2026-11-20). A batch is taken whole or not at all.
 */

const throttling: ReadonlySet<number> = new Set([4, 17, 32, 341, 613, 80000, 80003, 80004, 80014])
const credentials: ReadonlySet<number> = new Set([10, 102, 104, 190])
const invalid: ReadonlySet<number> = new Set([100, 105])
/** No such object, or no right to see it: the wrong pixel, or a token made for another. */
const missingObject = 33
/** A temporary block for what looks like abuse; hammering on it makes it last. */
const blocked = 368
const blockedMs = 3_600_000

const isPermission = (code: number): boolean => code >= 200 && code <= 299

const usageHeaders = ['x-business-use-case-usage', 'x-ad-account-usage', 'x-app-usage']

/** Minutes named in a usage header: in itself, or in the lists that stand under the ids of businesses. */
const minutesToRegain = (value: unknown, depth = 3): number => {
  if (typeof value !== 'object' || value === null || depth < 0) return 0
  const own = isObject(value) ? value['estimated_time_to_regain_access'] : 0
  return Math.max(
    typeof own === 'number' && Number.isFinite(own) ? own : 0,
    ...Object.values(value).map((inner) => minutesToRegain(inner, depth - 1)),
  )
}

const waitMs = (response: HttpResponse): { readonly retryAfterMs?: number } => {
  const minutes = Math.max(
    ...usageHeaders.map((name) => minutesToRegain(jsonObject(response.headers[name] ?? ''))),
  )
  const wait = minutes > 0 ? minutes * 60_000 : retryAfterMs(response)
  return wait === null ? {} : { retryAfterMs: wait }
}

const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null)

const answerOf = (error: JsonObject): Answer => {
  const code = numberOf(error['code'])
  const subcode = numberOf(error['error_subcode'])
  const title = textOf(error['error_user_title'])
  const explained = textOf(error['error_user_msg'])
  const spoken = [title, explained].filter((part) => part !== null).join(': ')
  const trace = textOf(error['fbtrace_id'])
  return {
    reason: sentence(spoken === '' ? (textOf(error['message']) ?? 'Meta gave no reason') : spoken),
    ...(code === null ? {} : { code: subcode === null ? `${code}` : `${code}/${subcode}` }),
    ...(trace === null ? {} : { trace: sentence(trace) }),
  }
}

const ofError = (error: JsonObject, response: HttpResponse, count: number): Outcome => {
  const answer = answerOf(error)
  const code = numberOf(error['code'])
  const { status } = response
  // Limits come first: Meta calls them transient too, and they must not use up a delivery's tries.
  if (status === 429 || (code !== null && throttling.has(code)))
    return { kind: 'throttled', ...waitMs(response), ...answer }
  if (code === blocked) return { kind: 'unavailable', retryAfterMs: blockedMs, ...answer }
  if (error['is_transient'] === true || code === null || status >= 500)
    return { kind: 'unavailable', ...answer }
  if (
    credentials.has(code) ||
    isPermission(code) ||
    (code === 100 && error['error_subcode'] === missingObject)
  )
    return { kind: 'unauthorized', ...answer }
  if (invalid.has(code)) return { kind: count > 1 ? 'batch_rejected' : 'rejected', ...answer }
  return { kind: 'unavailable', ...answer }
}

const ofSuccess = (body: JsonObject, count: number): Outcome => {
  const received = numberOf(body['events_received'])
  const trace = textOf(body['fbtrace_id'])
  const tail = trace === null ? {} : { trace: sentence(trace) }
  if (received === null)
    return { kind: 'unavailable', ambiguous: true, reason: 'Meta did not say what it received', ...tail }
  if (received === 0) return { kind: 'unavailable', reason: 'Meta received nothing of it', ...tail }
  // Meta knows no partial success and names no event, so sending all again would only repeat the count.
  if (received < count)
    return {
      kind: 'delivered',
      reason: `Meta counted ${received} of the ${count} events of this request`,
      code: 'fewer_received',
      ...tail,
    }
  const messages = Array.isArray(body['messages'])
    ? body['messages'].filter((text) => textOf(text) !== null)
    : []
  return {
    kind: 'delivered',
    reason: messages.length === 0 ? 'received' : sentence(`received; Meta remarks: ${messages.join('; ')}`),
    ...tail,
  }
}

const ofRequest = (response: HttpResponse, count: number): Outcome => {
  const { status } = response
  const body = jsonObject(response.body)
  const error = body?.['error']
  if (isObject(error)) return ofError(error, response, count)
  if (body !== null && status >= 200 && status < 300) return ofSuccess(body, count)
  const reason = `HTTP ${status} without an answer of the Graph API`
  if (status === 429) return { kind: 'throttled', ...waitMs(response), reason }
  if (status === 401) return { kind: 'unauthorized', reason }
  if (status === 413) return { kind: count > 1 ? 'batch_rejected' : 'rejected', reason }
  // A proxy's page, a maintenance notice, half an answer: nobody knows, so it is asked again.
  return {
    kind: 'unavailable',
    ...(status < 300 ? { ambiguous: true } : {}),
    ...(retryAfterMs(response) === null ? {} : waitMs(response)),
    reason,
  }
}

export const read = (response: HttpResponse, events: readonly DeliverableEvent[]): readonly Outcome[] => {
  const outcome = ofRequest(response, events.length)
  return events.map(() => outcome)
}
