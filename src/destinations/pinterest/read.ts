import { isObject, jsonObject, retryAfterMs, sentence, textOf, type JsonObject } from '../answer.ts'
import type { DeliverableEvent, HttpResponse } from '../destination.ts'
import type { Answer, Outcome } from '../outcome.ts'
import type { PinterestSettings } from './settings.ts'

/**
 * What Pinterest's answers mean. Each event of a request is judged by itself, in the request's order, under 200 as under
 * 422. https://github.com/pinterest/api-description `v5/openapi.json` 5.23.0 (2026-11-20)
 */

const answerOf = (body: JsonObject | null, status: number): Answer => {
  const code = body?.['code']
  const message = textOf(body?.['message'])
  return {
    reason: message === null ? `HTTP ${status} without a word of Pinterest's` : sentence(message),
    ...(typeof code === 'number' && Number.isFinite(code) ? { code: `${code}` } : {}),
  }
}

const ofEvent = (result: unknown, done: string): Outcome => {
  const { status, error_message, warning_message } = isObject(result) ? result : {}
  if (status === 'processed') {
    const warning = textOf(warning_message)
    return {
      kind: 'delivered',
      reason: warning === null ? done : sentence(`${done}; Pinterest remarks: ${warning}`),
    }
  }
  if (status === 'failed')
    return { kind: 'rejected', reason: sentence(textOf(error_message) ?? 'Pinterest gave no reason') }
  return { kind: 'unavailable', ambiguous: true, reason: 'Pinterest did not say what became of the event' }
}

/** One per event, or `null` where the answer does not say which is which. */
const resultsIn = (body: JsonObject | null, count: number): readonly unknown[] | null => {
  const details = body?.['details']
  const lists: readonly unknown[] = [body?.['events'], isObject(details) ? details['events'] : null]
  return lists.find((list): list is unknown[] => Array.isArray(list) && list.length === count) ?? null
}

const ofSuccess = (body: JsonObject | null, count: number, done: string): Outcome =>
  body?.['num_events_processed'] === count
    ? { kind: 'delivered', reason: done }
    : { kind: 'unavailable', ambiguous: true, reason: 'Pinterest did not say what it processed' }

const ofRequest = (response: HttpResponse, body: JsonObject | null, count: number): Outcome => {
  const { status } = response
  const answer = answerOf(body, status)
  const wait = retryAfterMs(response)
  const later = wait === null ? {} : { retryAfterMs: wait }
  switch (status) {
    case 401:
    case 403:
      return { kind: 'unauthorized', ...answer }
    case 404:
      // In Pinterest's own words there is no such ad account; in anybody else's nobody knows what is missing.
      return { kind: body?.['code'] === undefined ? 'unavailable' : 'unauthorized', ...answer }
    case 429:
      return { kind: 'throttled', ...later, ...answer }
    case 400:
    case 413:
    case 422:
      // Of a 422 some may have been taken; it is dropped when it comes again under its id.
      return { kind: count > 1 ? 'batch_rejected' : 'rejected', ...answer }
    default:
      return { kind: 'unavailable', ...later, ...answer }
  }
}

export const read = (
  response: HttpResponse,
  events: readonly DeliverableEvent[],
  { validateOnly }: PinterestSettings,
): readonly Outcome[] => {
  const { status } = response
  const body = jsonObject(response.body)
  const taken = status >= 200 && status < 300
  const done = validateOnly ? 'checked and not recorded: validateOnly is on' : 'processed'
  const results = taken || status === 422 ? resultsIn(body, events.length) : null
  if (results !== null) return results.map((result) => ofEvent(result, done))
  const outcome = taken ? ofSuccess(body, events.length, done) : ofRequest(response, body, events.length)
  return events.map(() => outcome)
}
