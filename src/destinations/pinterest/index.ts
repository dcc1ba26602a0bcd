import {
  defineDestination,
  type DeliverableEvent,
  type Destination,
  type MatchKey,
  type RetryPolicy,
} from '../destination.ts'
import type { Refusal } from '../outcome.ts'
import { actionSource, build } from './build.ts'
import { check, validation } from './check.ts'
import { identify } from './identify.ts'
import { processingOf } from './privacy.ts'
import { read } from './read.ts'
import { pinterestSettings, type PinterestSettings } from './settings.ts'
import { canMatch } from './user-data.ts'

/** Pinterest Conversions API: https://developers.pinterest.com/docs/api/v5/events-create */

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute
const maxAgeMs = 7 * day

/** Pinterest's events that are no canonical names of ours. */
const furtherEvents: ReadonlyMap<string, string> = new Map([
  ['appinstall', 'app_install'],
  ['appopen', 'app_open'],
  ['customizeproduct', 'customize_product'],
  ['findlocation', 'find_location'],
  ['submitapplication', 'submit_application'],
  ['viewcategory', 'view_category'],
  ['viewitemlist', 'view_category'],
  ['watchvideo', 'watch_video'],
])

const refuse = (deliverable: DeliverableEvent, settings: PinterestSettings, now: number): Refusal | null => {
  if (now - deliverable.event.occurredAt > maxAgeMs)
    return { status: 'expired', reason: 'Pinterest takes events of the last 7 days' }
  if (!canMatch(deliverable))
    return {
      status: 'unmatchable',
      reason:
        "Pinterest could recognise nobody: it needs an e-mail, or both the visitor's address and user agent",
    }
  if (processingOf(deliverable, settings) === 'unknown_state')
    return {
      status: 'unmatchable',
      reason:
        'Pinterest limits data processing only where it is told the state and the country, and they are not known',
    }
  return null
}

const hashed = (key: string, weight: number): MatchKey => ({
  key,
  weight,
  present: ({ identity }) => Object.hasOwn(identity.keys, key),
})

/** An e-mail satisfies Pinterest alone, a click names the ad; the weights are ours and make 10. */
const matchKeys: readonly MatchKey[] = [
  hashed('em', 3.5),
  { key: 'click_id', weight: 2, present: ({ event }) => event.visitor.clickIds.epik !== undefined },
  hashed('ph', 1),
  hashed('external_id', 1),
  { key: 'client_ip_address', weight: 0.75, present: ({ event }) => event.visitor.ip !== undefined },
  { key: 'client_user_agent', weight: 0.5, present: ({ event }) => event.visitor.userAgent !== undefined },
  hashed('fn', 0.25),
  hashed('ln', 0.25),
  hashed('ct', 0.25),
  hashed('zp', 0.25),
  hashed('country', 0.25),
]

const delaysMs = [second, 5 * second, 30 * second, 2 * minute, 5 * minute, 15 * minute]
/** As long as Pinterest takes the event at all: it was never there. */
const untilTooOld: RetryPolicy = { maxAttempts: 1400, delaysMs }
/** Pinterest publishes no window of deduplication; others tell of 24 hours, so no repeat comes later than that. */
const forADay: RetryPolicy = { maxAttempts: 96, delaysMs }
const onceMore: RetryPolicy = { maxAttempts: 2, delaysMs: [30 * second] }
const once: RetryPolicy = { maxAttempts: 1, delaysMs }

export const pinterest = defineDestination({
  name: 'pinterest',
  title: 'Pinterest',
  aliases: [],
  apiVersion: {
    value: 'v5',
    page: 'https://developers.pinterest.com/docs/api/v5/events-create',
    checkedOn: '2026-11-20',
  },
  settings: pinterestSettings,
  consent: 'marketing',
  eventNames: {
    purchase: 'checkout',
    add_to_cart: 'add_to_cart',
    lead: 'lead',
    page_view: 'page_visit',
    initiate_checkout: 'initiate_checkout',
    add_payment_info: 'add_payment_info',
    search: 'search',
    view_content: 'view_content',
    complete_registration: 'signup',
    contact: 'contact',
    subscribe: 'subscribe',
    add_to_wishlist: 'add_to_wishlist',
    start_trial: 'start_trial',
    schedule: 'schedule',
  },
  customName: (type) => furtherEvents.get(type.toLowerCase().replace(/[^a-z]+/g, '')) ?? 'custom',
  matchKeys,
  clickIds: ['epik'],
  limits: {
    eventsPerSecond: 100,
    batchSize: 1000,
    // Pinterest publishes none; 2 MB is what others stay below.
    maxBodyBytes: 2_000_000,
    maxAgeMs,
    timeoutMs: 10 * second,
  },
  credential: 'settings',
  // 5 000 requests a minute and ad account; events that cannot wait travel alone, each in a request of its own.
  pace: ({ adAccountId }) => ({ account: adAccountId, requestsPerSecond: 80 }),
  hosts: ['api.pinterest.com'],
  identify: (userData, _settings, context) => identify(userData, context),
  refuse,
  batchKey: () => '',
  build,
  read,
  check,
  validation,
  retry: (deliverable, failure, settings) => {
    if (failure === 'unsent') return untilTooOld
    // Offline events are not deduplicated, except by their order.
    if (actionSource(deliverable, settings) === 'web' || deliverable.event.custom.orderId !== undefined)
      return forADay
    return failure === 'unavailable' ? onceMore : once
  },
} satisfies Destination<PinterestSettings>)
