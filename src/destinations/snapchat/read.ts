import { isObject, jsonObject, retryAfterMs, sentence, textOf, type JsonObject } from '../answer.ts'
import type { DeliverableEvent, HttpResponse } from '../destination.ts'
import type { Answer, Outcome } from '../outcome.ts'

/**
 * Snapchat's verdict stands in `status`, with HTTP 200 or without.
 * https://developers.snap.com/api/marketing-api/Conversions-API/VerifySetUp and Snapchat/business-sdk-v3-java (2026-11-20)
 */

const isValid = (status: string | null): boolean => status !== null && /^(?:valid|success)$/i.test(status)
const isInvalid = (status: string | null): boolean =>
  status !== null && /^(?:invalid|error|failed)$/i.test(status)

/** Codes are not published, so a refused token inside HTTP 200 can only be told by its words. */
const aboutCredentials =
  /\b(?:access[ _]?token|unauthori[sz]ed|not authori[sz]ed|authenticat\w*|forbidden|permissions?)\b/i

const texts = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).filter((one): one is string => textOf(one) !== null)

/** `errors` is one object, or a list of them. */
const errorsOf = ({
  errors,
}: JsonObject): { readonly codes: readonly string[]; readonly messages: readonly string[] } => {
  const all = (Array.isArray(errors) ? errors : [errors]).filter(isObject)
  return {
    codes: all.flatMap(({ codes }) => texts(codes)),
    messages: all.flatMap(({ error_msgs: messages }) => texts(messages)),
  }
}

const answerOf = (body: JsonObject): Answer => {
  const { codes, messages } = errorsOf(body)
  const reason = textOf(body['reason'])
  const spoken = [...(reason === null ? [] : [reason]), ...messages].join('; ')
  return {
    reason: sentence(spoken === '' ? 'Snapchat gave no reason' : spoken),
    ...(codes.length === 0 ? {} : { code: sentence(codes.join('/')) }),
  }
}

/**
 * Which of our events each entry of `event_logs` is about. Its numbers may count from 0 or from 1, and no paper says which;
 * only where the numbers themselves give it away is anybody named. `null`: they do not.
 */
const logsByEvent = (body: JsonObject, count: number): readonly JsonObject[] | null => {
  const list: unknown = body['event_logs']
  if (!Array.isArray(list) || list.length !== count || !list.every(isObject)) return null
  const numbers = list.map(({ event }) => Number(event))
  const first = Math.min(...numbers)
  const sorted = list.toSorted((one, other) => Number(one['event']) - Number(other['event']))
  const isWhole =
    (first === 0 || first === 1) &&
    sorted.every(
      (entry, index) => textOf(entry['status']) !== null && Number(entry['event']) === first + index,
    )
  return isWhole ? sorted : null
}

const validated = (entry: JsonObject): Outcome =>
  isValid(textOf(entry['status']))
    ? { kind: 'delivered', reason: 'Snapchat found it valid; validated only, so not counted' }
    : { kind: 'rejected', ...answerOf(entry) }

const took = (body: JsonObject): Outcome => ({
  kind: 'delivered',
  reason:
    body['test_event'] === true ? 'Snapchat found it valid; validated only, so not counted' : 'received',
})

/** One number of one bad event, not knowing what it counts from, is no more than a hint: the lane splits, and ids make it safe. */
const refused = (body: JsonObject, count: number): Outcome => {
  const answer = answerOf(body)
  const isAboutEvent = body['event'] !== undefined || body['errors'] !== undefined
  if (!isAboutEvent && aboutCredentials.test(answer.reason)) return { kind: 'unauthorized', ...answer }
  return { kind: count > 1 ? 'batch_rejected' : 'rejected', ...answer }
}

const later = (response: HttpResponse): { readonly retryAfterMs?: number } => {
  const wait = retryAfterMs(response)
  return wait === null ? {} : { retryAfterMs: wait }
}

/** What the HTTP status alone decides; `null` where the body has the word. */
const byStatus = (response: HttpResponse, body: JsonObject | null, count: number): Outcome | null => {
  const { status } = response
  const reason =
    body === null ? `HTTP ${status} without an answer of the Conversions API` : answerOf(body).reason
  if (status === 429) return { kind: 'throttled', ...later(response), reason }
  if (status === 401 || status === 403) return { kind: 'unauthorized', reason }
  if (status === 404)
    return { kind: 'unauthorized', reason: `HTTP 404: Snapchat knows no such pixel (${reason})` }
  if (status === 413) return { kind: count > 1 ? 'batch_rejected' : 'rejected', reason }
  if (status === 408 || status >= 500) return { kind: 'unavailable', ...later(response), reason }
  return null
}

export const read = (response: HttpResponse, events: readonly DeliverableEvent[]): readonly Outcome[] => {
  const count = events.length
  const body = jsonObject(response.body)
  const all = (outcome: Outcome): readonly Outcome[] => events.map(() => outcome)
  const decided = byStatus(response, body, count)
  if (decided !== null) return all(decided)
  const isSuccess = response.status >= 200 && response.status < 300
  if (body !== null) {
    const verdict = textOf(body['status'])
    // The validation stores nothing, so each of its entries can be believed on its own.
    const logs = isSuccess && body['test_event'] === true ? logsByEvent(body, count) : null
    if (logs !== null) return logs.map(validated)
    if (isInvalid(verdict)) return all(refused(body, count))
    if (isSuccess && isValid(verdict)) return all(took(body))
  }
  return all({
    kind: 'unavailable',
    ...(isSuccess ? { ambiguous: true } : {}),
    ...later(response),
    reason: `HTTP ${response.status} without a verdict of the Conversions API`,
  })
}
