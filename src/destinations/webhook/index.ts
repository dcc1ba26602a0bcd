import { standardNames, type StandardName } from '../../event/names.ts'
import {
  type BuildContext,
  defineDestination,
  type Destination,
  type DeliverableEvent,
} from '../destination.ts'
import type { Refusal } from '../outcome.ts'
import { readAnswer } from './answer.ts'
import { check } from './check.ts'
import { identify } from './identify.ts'
import { renderRequest } from './request.ts'
import { webhookSettings, type WebhookSettings } from './settings.ts'

/**
 * A site's own receiver. Requests follow Standard Webhooks: the same `webhook-id` on every retry, the time of the attempt, a
 * signature where there is a secret. At least once and in no order: receivers deduplicate on the id.
 */

const days = 24 * 60 * 60 * 1_000
const seconds = 1_000
const minutes = 60 * seconds
const hours = 60 * minutes

const maxBodyBytes = 256 * 1024
/** Receivers set no limit of their own; after a month an event is history, and the journal forgets it too. */
const maxAgeMs = 30 * days

const ownNames = Object.fromEntries(standardNames.map((name) => [name, name])) as Record<StandardName, string>

const refuse = (deliverable: DeliverableEvent, settings: WebhookSettings, now: number): Refusal | null => {
  if (now - deliverable.event.occurredAt > maxAgeMs)
    return { status: 'expired', reason: 'it happened more than 30 days ago' }
  const { request, problem } = renderRequest(deliverable, settings, { integration: '', now })
  if (problem !== null) return { status: 'unmatchable', reason: problem }
  const bytes = Buffer.byteLength(request.body)
  return bytes > maxBodyBytes
    ? { status: 'unmatchable', reason: `template_body_too_large: ${bytes} bytes, at most ${maxBodyBytes}` }
    : null
}

const build = (events: readonly DeliverableEvent[], settings: WebhookSettings, context: BuildContext) => {
  const [deliverable] = events
  if (deliverable === undefined || events.length > 1)
    throw new RangeError(`a webhook carries one event per request, not ${events.length}`)
  return renderRequest(deliverable, settings, context).request
}

const declaration = {
  name: 'webhook',
  title: 'Webhook',
  aliases: [],
  apiVersion: {
    value: 'Standard Webhooks v1',
    page: 'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
    checkedOn: '2026-11-20',
  },
  settings: webhookSettings,
  consent: 'marketing',
  // Who a person is, in the clear, is for dealing with that person, not for advertising.
  consentFor: ({ allowPlainPii }) => (allowPlainPii ? 'personalization' : 'marketing'),
  eventNames: ownNames,
  customName: (type) => type,
  // A receiver of the site's own knows its customers by order and id; nobody has to be recognised.
  matchKeys: [],
  clickIds: [],
  limits: { eventsPerSecond: 50, batchSize: 1, maxBodyBytes, maxAgeMs, timeoutMs: 15 * seconds },
  credential: 'settings',
  hosts: null,
  identify: (userData, settings, context) => identify(userData, settings.allowPlainPii, context),
  refuse,
  batchKey: () => '',
  build,
  read: (response, events) => readAnswer(response, events),
  check,
  // The schedule of Standard Webhooks, tightened at its start: about 28 hours in all. An ambiguous failure is no different,
  // because receivers deduplicate on `webhook-id`.
  retry: () => ({
    maxAttempts: 10,
    delaysMs: [
      5 * seconds,
      30 * seconds,
      2 * minutes,
      10 * minutes,
      30 * minutes,
      2 * hours,
      5 * hours,
      10 * hours,
      10 * hours,
    ],
  }),
} satisfies Destination<WebhookSettings>

export const webhook = defineDestination(declaration)
