import { jsonObject, retryAfterMs, sentence, textOf, type JsonObject } from '../answer.ts'
import type { DeliverableEvent, HttpResponse } from '../destination.ts'
import type { Answer, Outcome } from '../outcome.ts'

/**
 * TikTok says HTTP 200 to nearly everything; what it means stands in `code`. A batch is checked as one: a single bad event
 * refuses all. https://business-api.tiktok.com/portal/docs?id=1771101303285761 (2026-11-20)
 */

const accepted = 0
const partlyAccepted = 20001
const invalid: ReadonlySet<number> = new Set([40000, 40002])
/** 40001 also stands for a pixel that the token may not write to. */
const credentials: ReadonlySet<number> = new Set([40001, 40102, 40104, 40105])
const throttling: ReadonlySet<number> = new Set([40100, 40133, 51021])
const isTheirFault = (code: number): boolean => code >= 50_000 && code <= 59_999

/** `data.0.user.email: …`, `Batch[3] …`: the only place where TikTok says which event it means. */
const eventPath = /(?:data|Batch)(?:\[(\d+)\]|\.(\d+))/g
/** A fault outside `data` is one of the settings: every event would meet it, so the lane waits for somebody to mend it. */
const settingsPath = /^\W*(?:event_source(?:_id)?|test_event_code|partner_name)\b/

const namedEvents = (message: string): ReadonlySet<number> =>
  new Set([...message.matchAll(eventPath)].map(([, inBrackets, dotted]) => Number(inBrackets ?? dotted)))

const codeOf = (body: JsonObject): number | null => {
  const { code } = body
  if (typeof code === 'string' && /^\d{1,9}$/.test(code)) return Number(code)
  return typeof code === 'number' && Number.isSafeInteger(code) ? code : null
}

const later = (response: HttpResponse): { readonly retryAfterMs?: number } => {
  const wait = retryAfterMs(response)
  return wait === null ? {} : { retryAfterMs: wait }
}

const answerOf = (body: JsonObject, code: number): Answer => {
  const trace = textOf(body['request_id'])
  return {
    reason: sentence(textOf(body['message']) ?? 'TikTok gave no reason'),
    code: `${code}`,
    ...(trace === null ? {} : { trace: sentence(trace) }),
  }
}

const taken = (body: JsonObject, count: number): readonly Outcome[] => {
  const { reason, trace } = answerOf(body, accepted)
  const said = textOf(body['message'])
  const outcome: Outcome = {
    kind: 'delivered',
    reason:
      said === null || /^\W*(?:ok|success)\W*$/i.test(said)
        ? 'received'
        : `received; TikTok remarks: ${reason}`,
    ...(trace === undefined ? {} : { trace }),
  }
  return Array.from({ length: count }, () => outcome)
}

/** Sending again would repeat what was taken, so only what is named counts as refused. */
const partlyTaken = (body: JsonObject, count: number): readonly Outcome[] => {
  const answer = answerOf(body, partlyAccepted)
  const named = namedEvents(textOf(body['message']) ?? '')
  return Array.from({ length: count }, (_, index) =>
    named.has(index)
      ? { kind: 'rejected', ...answer }
      : { kind: 'delivered', ...answer, reason: `received in part; TikTok remarks: ${answer.reason}` },
  )
}

const refused = (body: JsonObject, code: number, response: HttpResponse, count: number): Outcome => {
  const answer = answerOf(body, code)
  if (throttling.has(code)) return { kind: 'throttled', ...later(response), ...answer }
  if (credentials.has(code) || (invalid.has(code) && settingsPath.test(answer.reason)))
    return { kind: 'unauthorized', ...answer }
  if (invalid.has(code)) return { kind: count > 1 ? 'batch_rejected' : 'rejected', ...answer }
  if (isTheirFault(code)) return { kind: 'unavailable', ...later(response), ...answer }
  return { kind: 'unavailable', ...answer, reason: `unknown to us: ${answer.reason}` }
}

/** Something between us and TikTok, or TikTok not in its senses. */
const withoutCode = (response: HttpResponse, count: number): Outcome => {
  const { status } = response
  const reason = `HTTP ${status} without an answer of the Events API`
  if (status === 401 || status === 403) return { kind: 'unauthorized', reason }
  if (status === 413) return { kind: count > 1 ? 'batch_rejected' : 'rejected', reason }
  return {
    kind: 'unavailable',
    ...(status < 300 ? { ambiguous: true } : {}),
    ...later(response),
    reason,
  }
}

export const read = (response: HttpResponse, events: readonly DeliverableEvent[]): readonly Outcome[] => {
  const { status } = response
  const body = jsonObject(response.body)
  const code = body === null ? null : codeOf(body)
  const all = (outcome: Outcome): readonly Outcome[] => events.map(() => outcome)
  if (status === 429)
    return all({
      kind: 'throttled',
      ...later(response),
      ...(body === null || code === null ? { reason: 'HTTP 429' } : answerOf(body, code)),
    })
  const isAnswer = status >= 200 && status < 500
  if (body === null || code === null || !isAnswer) return all(withoutCode(response, events.length))
  if (code === accepted || code === partlyAccepted) {
    if (status >= 300) return all(withoutCode(response, events.length))
    return code === accepted ? taken(body, events.length) : partlyTaken(body, events.length)
  }
  return all(refused(body, code, response, events.length))
}
