import { isObject, jsonObject, retryAfterMs, sentence, textOf } from '../answer.ts'
import type { DeliverableEvent, HttpResponse } from '../destination.ts'
import type { Outcome } from '../outcome.ts'

/**
 * GA4 says 2xx to everything it could read, a wrong secret and a broken event included, so all a reader can learn is that
 * the request arrived. https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference (2026-11-20)
 */

/** Only the validation server answers with these, for those whose `endpoint` leads there. */
const validationFault = (body: string): { readonly reason: string; readonly code?: string } | null => {
  const messages = jsonObject(body)?.['validationMessages']
  if (!Array.isArray(messages) || messages.length === 0) return null
  const [first]: readonly unknown[] = messages
  const fault = isObject(first) ? first : {}
  const code = textOf(fault['validationCode'])
  return {
    reason: sentence(textOf(fault['description']) ?? 'the validation server objected'),
    ...(code === null ? {} : { code: sentence(code) }),
  }
}

const isPage = ({ headers, body }: HttpResponse): boolean =>
  (headers['content-type'] ?? '').toLowerCase().startsWith('text/html') || /^\s*</.test(body)

const ofRequest = (response: HttpResponse, count: number): Outcome => {
  const { status } = response
  const wait = retryAfterMs(response)
  const later = wait === null ? {} : { retryAfterMs: wait }
  if (status >= 200 && status < 300) {
    const fault = validationFault(response.body)
    if (fault !== null) return { kind: count > 1 ? 'batch_rejected' : 'rejected', ...fault }
    // Google answers with nothing; a page comes from something in between.
    if (isPage(response))
      return {
        kind: 'unavailable',
        ambiguous: true,
        reason: `HTTP ${status} with a web page instead of an answer`,
      }
    return { kind: 'delivered', reason: 'received, not confirmed: GA4 says so of everything it can read' }
  }
  if (status === 429) return { kind: 'throttled', ...later, reason: 'HTTP 429' }
  if (status === 401) return { kind: 'unauthorized', reason: 'HTTP 401' }
  if (status === 408) return { kind: 'unavailable', ambiguous: true, ...later, reason: 'HTTP 408' }
  if (status >= 400 && status < 500)
    return {
      kind: count > 1 ? 'batch_rejected' : 'rejected',
      reason: `HTTP ${status}: GA4 could not read the request`,
    }
  return { kind: 'unavailable', ...later, reason: `HTTP ${status}` }
}

export const read = (response: HttpResponse, events: readonly DeliverableEvent[]): readonly Outcome[] => {
  const outcome = ofRequest(response, events.length)
  return events.map(() => outcome)
}
