import { defineDestination, type DeliverableEvent, type Destination, type MatchKey } from '../destination.ts'
import { limitedUse } from '../flagged.ts'
import type { Refusal } from '../outcome.ts'
import { check } from './check.ts'
import { actionSource, build, limitedUseOf } from './build.ts'
import { browserId, clickCookie } from './cookies.ts'
import { identify } from './identify.ts'
import { read } from './read.ts'
import { metaSettings, type MetaSettings } from './settings.ts'
import { canMatch, userDataOf } from './user-data.ts'

/** Meta Conversions API: https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api */

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute
const maxAgeMs = 7 * day
/** One event past the limit has its whole batch refused, and the way to Meta takes time. */
const transitMs = minute

/** Meta's standard events that are no canonical names of ours. */
const furtherEvents: ReadonlyMap<string, string> = new Map([
  ['submitapplication', 'SubmitApplication'],
  ['customizeproduct', 'CustomizeProduct'],
  ['findlocation', 'FindLocation'],
  ['donate', 'Donate'],
])
const longestName = 50

const refuse = (deliverable: DeliverableEvent, settings: MetaSettings, now: number): Refusal | null => {
  const { event, name } = deliverable
  if (now - event.occurredAt > maxAgeMs - transitMs)
    return { status: 'expired', reason: 'Meta takes events of the last 7 days' }
  if (name === 'Purchase' && (event.custom.value === undefined || event.custom.currency === undefined))
    return { status: 'unmatchable', reason: 'Meta takes no purchase without a value and a currency' }
  const userData = userDataOf(deliverable)
  if (!canMatch(userData))
    return {
      status: 'unmatchable',
      reason:
        'Meta could recognise nobody: it needs an e-mail, a phone, both names, an external id, a click or browser id, or an address',
    }
  if (actionSource(deliverable, settings) === 'website') {
    if (event.visitor.userAgent === undefined)
      return { status: 'unmatchable', reason: "Meta takes no website event without the visitor's user agent" }
    if (event.page.url === undefined)
      return { status: 'unmatchable', reason: 'Meta takes no website event without the address of the page' }
  }
  if (limitedUseOf(deliverable, settings)?.state === 0 && event.visitor.ip === undefined)
    return {
      status: 'unmatchable',
      reason: "for Limited Data Use Meta must find the state by the visitor's address, and there is none",
    }
  return null
}

const hashed = (key: string, weight: number): MatchKey => ({
  key,
  weight,
  present: ({ identity }) => Object.hasOwn(identity.keys, key),
})

/** In the order of what Events Manager says raises match quality most; the weights are ours and make 10. */
const matchKeys: readonly MatchKey[] = [
  hashed('em', 3),
  hashed('ph', 2),
  {
    key: 'fbc',
    weight: 1.5,
    present: ({ event }) => clickCookie(event.visitor, event.occurredAt) !== null,
  },
  { key: 'fbp', weight: 1, present: ({ event }) => browserId(event.visitor) !== null },
  hashed('external_id', 1),
  { key: 'client_ip_address', weight: 0.5, present: ({ event }) => event.visitor.ip !== undefined },
  { key: 'client_user_agent', weight: 0.25, present: ({ event }) => event.visitor.userAgent !== undefined },
  hashed('fn', 0.25),
  hashed('ln', 0.25),
  hashed('zp', 0.25),
]

export const meta = defineDestination({
  name: 'meta',
  title: 'Meta',
  aliases: ['facebook', 'fb'],
  apiVersion: {
    value: 'v26.0',
    page: 'https://developers.facebook.com/docs/graph-api/changelog/versions/',
    checkedOn: '2026-11-20',
  },
  settings: metaSettings,
  consent: 'marketing',
  flagged: limitedUse,
  eventNames: {
    purchase: 'Purchase',
    add_to_cart: 'AddToCart',
    lead: 'Lead',
    page_view: 'PageView',
    initiate_checkout: 'InitiateCheckout',
    add_payment_info: 'AddPaymentInfo',
    search: 'Search',
    view_content: 'ViewContent',
    complete_registration: 'CompleteRegistration',
    contact: 'Contact',
    subscribe: 'Subscribe',
    add_to_wishlist: 'AddToWishlist',
    start_trial: 'StartTrial',
    schedule: 'Schedule',
  },
  customName: (type) =>
    furtherEvents.get(type.toLowerCase().replace(/[^a-z]+/g, '')) ?? type.trim().slice(0, longestName),
  matchKeys,
  clickIds: ['fbclid'],
  limits: {
    eventsPerSecond: 1000,
    batchSize: 1000,
    maxBodyBytes: 4_000_000,
    maxAgeMs,
    timeoutMs: 10 * second,
  },
  credential: 'settings',
  hosts: ['graph.facebook.com'],
  identify: (userData, _settings, context) => identify(userData, context),
  refuse,
  // The test event code is the integration's, so test and live never share a lane; limited data use is said per event.
  batchKey: () => '',
  build,
  read,
  check,
  /** Meta drops what it has seen within 48 hours, so everything may be tried again for that long, and not longer. */
  retry: () => ({
    maxAttempts: 190,
    delaysMs: [second, 5 * second, 30 * second, 2 * minute, 5 * minute, 15 * minute],
  }),
} satisfies Destination<MetaSettings>)
