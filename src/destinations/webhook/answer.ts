import { STATUS_CODES } from 'node:http'
import { isObject, jsonObject, retryAfterMs, sentence, textOf } from '../answer.ts'
import type { DeliverableEvent, HttpResponse } from '../destination.ts'
import type { Answer, Outcome } from '../outcome.ts'

/**
 * What a receiver's answer means. The classes are those of Standard Webhooks, "Webhook retries" (read 2026-11-20); where it
 * leaves the choice, an answer about the content is final and an answer about the place is not, because receivers are
 * redeployed.
 */

/** The content is at fault, and will be on the tenth try. */
const aboutContent: ReadonlySet<number> = new Set([400, 406, 411, 413, 414, 415, 422, 431])

const shortestPauseMs = 1_000
const longestPauseMs = 60 * 60 * 1_000

const pauseOf = (response: HttpResponse): { readonly retryAfterMs?: number } => {
  const wish = retryAfterMs(response)
  return wish === null ? {} : { retryAfterMs: Math.min(Math.max(wish, shortestPauseMs), longestPauseMs) }
}

/** A receiver's words are quoted as far as this. */
const longestQuote = 1_000
/** Telephone numbers, card numbers, digests. */
const digits = /\+?\d[\d\s().-]{6,}\d|\b[0-9a-f]{32,}\b/gi

/**
 * The receiver's own words, where its JSON has some in a usual place. Receivers quote what they were sent, so whatever could
 * name a person is taken out.
 */
const wordsOf = (body: string, events: readonly DeliverableEvent[]): string | null => {
  const answer = jsonObject(body)
  if (answer === null) return null
  const { error } = answer
  const candidates = [
    error,
    isObject(error) ? error['message'] : undefined,
    answer['message'],
    answer['detail'],
    answer['title'],
  ]
  const found = candidates.map(textOf).find((text) => text !== null)
  if (found === undefined) return null
  const plain = events
    .flatMap(({ identity }) => Object.values(identity.plain))
    .filter((text) => text.length > 1)
  const safe = plain
    .reduce((text, value) => text.replaceAll(value, '***'), found.slice(0, longestQuote))
    .replace(digits, '***')
    .replace(/\p{Cc}+/gu, ' ')
  return sentence(safe)
}

const traceNames = [
  'x-request-id',
  'request-id',
  'x-correlation-id',
  'x-trace-id',
  'x-amzn-trace-id',
  'cf-ray',
]

const traceOf = ({ headers }: HttpResponse): string | undefined =>
  traceNames
    .map((name) => headers[name]?.trim())
    .find((value) => value !== undefined && /^[\w.:;=/-]{1,128}$/.test(value))

const longestReason = 400

const describe = (response: HttpResponse, events: readonly DeliverableEvent[]): Answer => {
  const { status, headers, body } = response
  const phrase = STATUS_CODES[status]
  const answered = `the receiver answered ${status}${phrase === undefined ? '' : ` ${phrase}`}`
  const target = status >= 300 && status < 400 ? URL.parse(headers['location'] ?? '')?.host : undefined
  const redirect = target === undefined ? '' : `, a redirect to ${target}, which is not followed`
  const words = status >= 400 ? wordsOf(body, events) : null
  const trace = traceOf(response)
  return {
    reason: `${answered}${redirect}${words === null ? '' : `: ${words}`}`.slice(0, longestReason),
    code: String(status),
    ...(trace === undefined ? {} : { trace }),
  }
}

const outcomeOf = (response: HttpResponse, events: readonly DeliverableEvent[]): Outcome => {
  const { status } = response
  const answer = describe(response, events)

  if (status >= 200 && status < 300) return { kind: 'delivered', ...answer }
  // Svix's way for a receiver to say: not this message again. docs.svix.com/retries, read 2026-11-20.
  if (response.headers['webhook-delivery'] === 'abort-message') return { kind: 'rejected', ...answer }
  if (status === 429) return { kind: 'throttled', ...pauseOf(response), ...answer }
  // Nothing sent there will arrive until somebody changes the settings. Parked, the events stay. 410 asks for just that.
  if ((status >= 300 && status < 400) || status === 401 || status === 403 || status === 410)
    return { kind: 'unauthorized', ...answer }
  if (aboutContent.has(status)) return { kind: 'rejected', ...answer }
  return { kind: 'unavailable', ...pauseOf(response), ...answer }
}

export const readAnswer = (
  response: HttpResponse,
  events: readonly DeliverableEvent[],
): readonly Outcome[] => {
  const outcome = outcomeOf(response, events)
  return events.map(() => outcome)
}
