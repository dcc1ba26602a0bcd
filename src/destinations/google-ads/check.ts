import { jsonObject } from '../answer.ts'
import { checkByValidation, findingOf, type Check, type Validation } from '../check.ts'
import type { DeliverableEvent, HttpResponse } from '../destination.ts'
import type { Outcome } from '../outcome.ts'
import { build } from './build.ts'
import { read } from './read.ts'
import type { GoogleAdsSettings } from './settings.ts'

/**
 * `validateOnly` of both interfaces: everything is looked at, nothing kept.
 * https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest (2026-11-20)
 */

const validating = (settings: GoogleAdsSettings): GoogleAdsSettings => ({ ...settings, validateOnly: true })

/** A good answer is nearly empty, so it is told by what else does not stand in it. */
const members: ReadonlySet<string> = new Set([
  'requestId',
  'fieldWarnings',
  'results',
  'jobId',
  'partialFailureError',
])
const isAnswer = ({ status, body }: HttpResponse): boolean => {
  const answer = jsonObject(body)
  return status === 200 && answer !== null && Object.keys(answer).every((name) => members.has(name))
}

const examined = (
  response: HttpResponse,
  events: readonly DeliverableEvent[],
  settings: GoogleAdsSettings,
): readonly Outcome[] =>
  read(response, events, validating(settings)).map((outcome) =>
    outcome.kind === 'delivered'
      ? isAnswer(response)
        ? { ...outcome, reason: outcome.reason.replace(': validateOnly is on', '') }
        : { kind: 'unavailable', reason: `HTTP ${response.status} without a verdict of Google's` }
      : outcome,
  )

export const validation: Validation<GoogleAdsSettings> = {
  build: (events, settings, context) => build(events, validating(settings), context),
  read: examined,
}

/** An account or an action that is not there, or not for this. */
const missing: ReadonlySet<string> = new Set([
  'CUSTOMER_NOT_FOUND',
  'INVALID_CUSTOMER_ID',
  'INVALID_CONVERSION_ACTION',
  'INVALID_CONVERSION_ACTION_ID',
  'INVALID_CONVERSION_ACTION_TYPE',
  'INVALID_DESTINATION',
  'NO_CONVERSION_ACTION_FOUND',
])
const isMissing = ({ code }: Outcome): boolean => code !== undefined && missing.has(code)

const byValidation = checkByValidation({ type: 'purchase', name: 'PURCHASE' }, validation, isMissing)

export const check: Check<GoogleAdsSettings> = {
  ...byValidation,
  questions: byValidation.questions.map((question) => ({
    ...question,
    read: (response, sample, settings) => {
      const [outcome] = validation.read(response, [sample], settings)
      // An enhancement needs an order that the tag has reported, and the made-up one is none: everything before was good.
      return outcome?.code === 'CONVERSION_NOT_FOUND'
        ? {
            verdict: 'ok',
            reason: 'Google looked for the made-up order in the account and found none, as it should',
          }
        : findingOf(outcome, isMissing)
    },
  })),
}
