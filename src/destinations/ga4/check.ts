import { isObject, jsonObject, sentence, textOf } from '../answer.ts'
import type { Check, Validation } from '../check.ts'
import type { Outcome } from '../outcome.ts'
import { build } from './build.ts'
import { read } from './read.ts'
import type { Ga4Settings } from './settings.ts'

/**
 * GA4's validation server: it names what is wrong with an event and records none. It looks neither at the measurement id nor
 * at the secret. https://developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events (2026-11-20)
 */

const caveat =
  'GA4 tells nobody whether the measurement id and the API secret are right: only Realtime or DebugView shows that events arrive.'

const messageOf = (message: unknown): string => {
  const { fieldPath, description, validationCode } = isObject(message) ? message : {}
  const [place, words, code] = [fieldPath, description, validationCode].map(textOf)
  return `${place === null || place === undefined ? '' : `${place}: `}${words ?? 'no words'}${code === null || code === undefined ? '' : ` (${code})`}`
}

/** The server's own trouble is none of the event's. */
const isOwnTrouble = (message: unknown): boolean =>
  isObject(message) && message['validationCode'] === 'INTERNAL_ERROR'

export const validation: Validation<Ga4Settings> = {
  caveat,
  build: (events, settings, context) => {
    const request = build(events, settings, context)
    const url = new URL(request.url)
    url.pathname = url.pathname.replace(/\/mp\/collect$/, '/debug/mp/collect')
    const body = { ...jsonObject(request.body), validation_behavior: 'ENFORCE_RECOMMENDATIONS' }
    return { ...request, url: url.href, body: JSON.stringify(body) }
  },
  read: (response, events) => {
    const all = (outcome: Outcome): readonly Outcome[] => events.map(() => outcome)
    const messages = jsonObject(response.body)?.['validationMessages']
    if (response.status !== 200) {
      const answered = read(response, events)
      return answered.some(({ kind }) => kind === 'delivered')
        ? all({
            kind: 'unavailable',
            reason: `HTTP ${response.status} without a word of the validation server's`,
          })
        : answered
    }
    if (!Array.isArray(messages) || messages.some(isOwnTrouble))
      return all({ kind: 'unavailable', reason: "no verdict of GA4's validation server" })
    if (messages.length === 0)
      return all({ kind: 'delivered', reason: "GA4's validation server found nothing wrong" })
    const [first]: readonly unknown[] = messages
    const code = isObject(first) ? textOf(first['validationCode']) : null
    return all({
      kind: events.length > 1 ? 'batch_rejected' : 'rejected',
      reason: sentence(messages.map(messageOf).join('; ')),
      ...(code === null ? {} : { code: sentence(code) }),
    })
  },
}

export const check: Check<Ga4Settings> = {
  sample: { type: 'search', name: 'search' },
  questions: [
    {
      asks: 'whether the validation server can be reached',
      build: (sample, settings, context) => validation.build([sample], settings, context),
      read: (response, sample, settings) => {
        const [outcome] = validation.read(response, [sample], settings)
        const reason =
          outcome?.kind === 'delivered'
            ? `reached, and a made-up event found valid. ${caveat}`
            : (outcome?.reason ?? 'the answer could not be read')
        return { verdict: 'cannot_tell', reason }
      },
    },
  ],
}
