import {
  defineDestination,
  type DeliverableEvent,
  type Destination,
  type RetryPolicy,
} from '../destination.ts'
import type { FlaggedForm } from '../flagged.ts'
import type { Refusal } from '../outcome.ts'
import { batchKey, build, maxBodyBytes, origins } from './build.ts'
import { check, validation } from './check.ts'
import { identify } from './identify.ts'
import { eventName, eventNameFault } from './names.ts'
import { read } from './read.ts'
import { ga4Settings, type Ga4Settings } from './settings.ts'
import { cookieClientId } from './visit.ts'

/** GA4 Measurement Protocol: https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference */

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const maxAgeMs = 72 * hour

const refuse = (
  { event, name }: DeliverableEvent,
  { clientIdWithoutCookie }: Ga4Settings,
  now: number,
): Refusal | null => {
  if (now - event.occurredAt > maxAgeMs)
    return { status: 'expired', reason: 'GA4 takes events of the last 72 hours' }
  const fault = eventNameFault(name)
  if (fault !== null) return { status: 'filtered', reason: fault }
  if (clientIdWithoutCookie === 'refuse' && cookieClientId(event) === null)
    return { status: 'unmatchable', reason: 'the visitor has no _ga cookie' }
  return null
}

const patiently: RetryPolicy = {
  maxAttempts: 280,
  delaysMs: [second, 5 * second, 30 * second, 2 * minute, 5 * minute, 15 * minute],
}
const once: RetryPolicy = { maxAttempts: 1, delaysMs: [second] }
const onceMore: RetryPolicy = { maxAttempts: 2, delaysMs: [30 * second] }

/** A purchase is known by its transaction id; of everything else Google counts each copy. */
const isRecognised = ({ event, name }: DeliverableEvent): boolean =>
  name === 'purchase' && event.custom.orderId !== undefined

/**
 * Without analytics storage the Measurement Protocol has no form at all: no signal for it and no cookieless ping, so a made-up
 * client would be a new user in every report. With it, a refusal of advertising is said in the request.
 */
const flagged: FlaggedForm = {
  title: 'Consent Mode, all denied',
  needs: 'analytics',
  keep: ({ visitor: { ip, userAgent, browserIds } }) => ({
    ...(ip === undefined ? {} : { ip }),
    ...(userAgent === undefined ? {} : { userAgent }),
    browserIds: {
      ...(browserIds.gaClientId === undefined ? {} : { gaClientId: browserIds.gaClientId }),
      ...(browserIds.gaSessions === undefined ? {} : { gaSessions: browserIds.gaSessions }),
    },
  }),
}

export const ga4 = defineDestination({
  name: 'ga4',
  title: 'Google Analytics 4',
  aliases: ['google_analytics'],
  apiVersion: {
    value: 'mp',
    page: 'https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference',
    checkedOn: '2026-11-20',
  },
  settings: ga4Settings,
  consent: 'analytics',
  flagged,
  eventNames: {
    purchase: 'purchase',
    add_to_cart: 'add_to_cart',
    lead: 'generate_lead',
    // The tag on the page sends it already; a second one inflates every report. An eventMapping switches it on.
    page_view: null,
    initiate_checkout: 'begin_checkout',
    add_payment_info: 'add_payment_info',
    search: 'search',
    view_content: 'view_item',
    complete_registration: 'sign_up',
    contact: 'contact',
    subscribe: 'subscribe',
    add_to_wishlist: 'add_to_wishlist',
    start_trial: 'start_trial',
    schedule: 'schedule',
  },
  customName: eventName,
  matchKeys: [
    { key: 'client_id', weight: 4, present: ({ event }) => cookieClientId(event) !== null },
    {
      key: 'session_id',
      weight: 3,
      present: ({ event }) => Object.keys(event.visitor.browserIds.gaSessions ?? {}).length > 0,
    },
    { key: 'user_id', weight: 1, present: ({ identity }) => Object.hasOwn(identity.keys, 'user_id') },
    {
      key: 'sha256_email_address',
      weight: 1,
      present: ({ identity }) => Object.hasOwn(identity.keys, 'sha256_email_address'),
    },
    {
      key: 'sha256_phone_number',
      weight: 0.5,
      present: ({ identity }) => Object.hasOwn(identity.keys, 'sha256_phone_number'),
    },
    { key: 'ip_override', weight: 0.25, present: ({ event }) => event.visitor.ip !== undefined },
    { key: 'user_agent', weight: 0.25, present: ({ event }) => event.visitor.userAgent !== undefined },
  ],
  clickIds: [],
  limits: { eventsPerSecond: 25, batchSize: 25, maxBodyBytes, maxAgeMs, timeoutMs: 10 * second },
  credential: 'settings',
  hosts: Object.values(origins).map((origin) => new URL(origin).host),
  identify,
  refuse,
  batchKey,
  build,
  read,
  check,
  validation,
  retry: (deliverable, failure, { retryAmbiguous }) => {
    if (failure === 'unsent' || isRecognised(deliverable)) return patiently
    if (failure === 'unavailable' || retryAmbiguous) return onceMore
    return once
  },
} satisfies Destination<Ga4Settings>)
