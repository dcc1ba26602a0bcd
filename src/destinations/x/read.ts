import { isObject, jsonObject, retryAfterMs, sentence, textOf, type JsonObject } from '../answer.ts'
import type { DeliverableEvent, HttpResponse } from '../destination.ts'
import type { Answer, Outcome } from '../outcome.ts'
import type { XSettings } from './settings.ts'

/**
 * What X's answers mean. A request is taken whole or not at all, and its errors do not say whose they are.
 * https://docs.x.com/x-ads-api/measurement/web-conversions and .../fundamentals/error-codes-and-responses (2026-11-20)
 */

/** The credential, or the id of a pixel or an event: nothing that another event could change. */
const configuration: ReadonlySet<string> = new Set([
  'UNAUTHORIZED_ACCESS',
  'UNAUTHORIZED_CLIENT_APPLICATION',
  'READONLY_CLIENT_APPLICATION',
  'ACCOUNT_NOT_FOUND',
  'USER_NOT_FOUND',
  'WEB_EVENT_TAG_NOT_FOUND',
  'ROUTE_NOT_FOUND',
  'NOT_FOUND',
])
const passing: ReadonlySet<string> = new Set([
  'CANCELLED_REQUEST',
  'LOCK_ACQUISITION_TIMEOUT',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
  'OVER_CAPACITY',
])

const limitHeaders = ['x-account-rate-limit-reset', 'x-rate-limit-reset']
/** Epoch seconds have fewer digits for two centuries to come. */
const firstMilliseconds = 1e11

/** Until the window of the account, or else of the user, begins anew; by the answer's own clock. */
const resetMs = ({ headers }: HttpResponse): number | null => {
  const written = limitHeaders.map((name) => headers[name]).find((value) => value !== undefined)
  const from = Date.parse(headers['date'] ?? '')
  if (written === undefined || !/^\d{1,15}$/.test(written) || Number.isNaN(from)) return null
  const until = Number(written) * (Number(written) < firstMilliseconds ? 1000 : 1)
  return Math.max(until - from, 0)
}

const waiting = (ms: number | null): { readonly retryAfterMs?: number } =>
  ms === null ? {} : { retryAfterMs: ms }

const errorsIn = (body: JsonObject | null): readonly JsonObject[] => {
  const errors = body?.['errors']
  return Array.isArray(errors) ? errors.filter(isObject) : []
}

const codeOf = (error: JsonObject | undefined): string => textOf(error?.['code']) ?? ''

const answerOf = (errors: readonly JsonObject[], status: number): Answer => {
  const spoken = [...new Set(errors.map((error) => textOf(error['message'])).filter((text) => text !== null))]
  const [code = ''] = errors.map(codeOf)
  return {
    reason: spoken.length === 0 ? `HTTP ${status} without a word of X's` : sentence(spoken.join('; ')),
    ...(code === '' ? {} : { code: sentence(code) }),
  }
}

/** App-only tokens of the developer portal look like this, and the Conversion API knows none of them. */
const appToken = /^A{8}|%[0-9A-F]{2}/i

const unauthorized = (answer: Answer, { accessToken, consumerKey }: XSettings): Outcome => ({
  kind: 'unauthorized',
  ...answer,
  reason:
    consumerKey === undefined && appToken.test(accessToken)
      ? sentence(
          `This looks like an app's bearer token; X takes the pixel's own, from Events Manager. ${answer.reason}`,
        )
      : answer.reason,
})

const ofErrors = (
  errors: readonly JsonObject[],
  response: HttpResponse,
  count: number,
  settings: XSettings,
): Outcome => {
  const { status } = response
  const answer = answerOf(errors, status)
  const codes = errors.map(codeOf)
  if (status === 429 || codes.includes('TOO_MANY_REQUESTS'))
    return { kind: 'throttled', ...waiting(resetMs(response) ?? retryAfterMs(response)), ...answer }
  if (status >= 500 || status === 408 || status === 423 || codes.some((code) => passing.has(code)))
    // The limits' window is named in every answer; only a refusal for a limit is told to wait for it.
    return { kind: 'unavailable', ...waiting(retryAfterMs(response)), ...answer }
  if ([401, 403, 404].includes(status) || codes.some((code) => configuration.has(code)))
    return unauthorized(answer, settings)
  // Events of one request share their id, so this is true of each of them, and of all that will follow.
  if (errors.length > 0 && errors.every(({ parameter }) => parameter === 'event_id'))
    return { kind: 'unauthorized', ...answer }
  if (status === 400 || status === 413 || errors.length > 0)
    return { kind: count > 1 ? 'batch_rejected' : 'rejected', ...answer }
  return { kind: 'unavailable', ...answer }
}

const ofSuccess = (response: HttpResponse, body: JsonObject, count: number): Outcome => {
  const data = isObject(body['data']) ? body['data'] : {}
  const processed = data['conversions_processed']
  const debugId = textOf(data['debug_id'])
  const trace = debugId === null ? {} : { trace: sentence(debugId) }
  if (typeof processed !== 'number')
    return { kind: 'unavailable', ambiguous: true, reason: 'X did not say what it processed', ...trace }
  if (processed < count)
    return {
      kind: 'unavailable',
      ambiguous: true,
      reason: `X processed ${processed} of the ${count} events of this request`,
      code: 'fewer_processed',
      ...trace,
    }
  const warning = textOf(response.headers['x-api-warn'])
  return {
    kind: 'delivered',
    reason: warning === null ? 'processed' : sentence(`processed; X warns: ${warning}`),
    ...trace,
  }
}

export const read = (
  response: HttpResponse,
  events: readonly DeliverableEvent[],
  settings: XSettings,
): readonly Outcome[] => {
  const body = jsonObject(response.body)
  const errors = errorsIn(body)
  const taken = response.status >= 200 && response.status < 300 && errors.length === 0
  const outcome = taken
    ? ofSuccess(response, body ?? {}, events.length)
    : ofErrors(errors, response, events.length, settings)
  return events.map(() => outcome)
}
