import { isObject, jsonObject, sentence, textOf, type JsonObject } from '../answer.ts'
import { findingOf, type Check } from '../check.ts'
import type { DeliverableEvent } from '../destination.ts'
import { build } from './build.ts'
import { read } from './read.ts'
import type { XSettings } from './settings.ts'

/**
 * X has neither a test mode nor a question for a pixel's token. A conversion of nobody can only be refused: for the
 * credentials, for the pixel or the event's id, or because it is nobody's.
 * https://docs.x.com/x-ads-api/measurement/web-conversions (2026-11-20)
 */

const errorsIn = (body: string): readonly JsonObject[] => {
  const errors = jsonObject(body)?.['errors']
  return Array.isArray(errors) ? errors.filter(isObject) : []
}

const isAboutNobody = ({ message }: JsonObject): boolean => /identifier/i.test(textOf(message) ?? '')

/** Under an id of the integration's own, so that X has nothing else to complain of. */
const tagged = (sample: DeliverableEvent, { eventIds, defaultEventId }: XSettings): DeliverableEvent => ({
  ...sample,
  name: defaultEventId ?? Object.values(eventIds)[0] ?? sample.name,
})

export const check: Check<XSettings> = {
  sample: { type: 'page_view', name: 'PAGE_VIEW' },
  questions: [
    {
      asks: 'the access token and the pixel',
      build: (sample, settings, context) => {
        const request = build([tagged(sample, settings)], settings, context)
        const conversions = jsonObject(request.body)?.['conversions']
        // OAuth 1.0a signs no body of JSON, so this one may be changed.
        return {
          ...request,
          body: JSON.stringify({
            conversions: (Array.isArray(conversions) ? conversions : []).map((one) =>
              Object.assign({}, one, { identifiers: [] }),
            ),
          }),
        }
      },
      read: (response, sample, settings) => {
        const errors = errorsIn(response.body)
        const others = errors.filter((error) => !isAboutNobody(error))
        const unknownTag = others.some(({ parameter }) => parameter === 'event_id')
        const finding = findingOf(
          read(response, [sample], settings)[0],
          () => response.status === 404 || unknownTag,
        )
        if (finding.verdict === 'ok')
          return { ...finding, verdict: 'cannot_tell', reason: 'X did not object to a conversion of nobody' }
        if (response.status !== 400 || errors.length === 0 || others.length > 0) return finding
        const words = errors.map(({ message }) => textOf(message)).join('; ')
        return {
          ...finding,
          verdict: 'cannot_tell',
          reason: sentence(
            `X complained only that a conversion made for this is nobody's (${words}), not of token or pixel. That speaks for them and proves nothing.`,
          ),
        }
      },
    },
  ],
}
