import {
  defineDestination,
  type DeliverableEvent,
  type Destination,
  type MatchKey,
  type RetryPolicy,
} from '../destination.ts'
import { build } from './build.ts'
import { check, validation } from './check.ts'
import { googleClick, googleClicks } from './click.ts'
import { flaggedUpload } from './consent.ts'
import { actionOf, addressOf } from './conversion.ts'
import { identify } from './identify.ts'
import { later } from './later.ts'
import { read } from './read.ts'
import { maxAgeMs, refuse } from './refuse.ts'
import { googleAdsSettings, type GoogleAdsSettings } from './settings.ts'

/**
 * Google Ads conversion import: https://developers.google.com/data-manager/api/devguides/events/google-ads, or the upload of
 * the Google Ads API.
 */

const second = 1000
const minute = 60 * second
const hour = 60 * minute

const scopes = {
  data_manager: 'https://www.googleapis.com/auth/datamanager',
  google_ads_api: 'https://www.googleapis.com/auth/adwords',
} as const satisfies Record<GoogleAdsSettings['transport'], string>

/** The Data Manager API takes 300 requests a minute of a Cloud project; four a second leave room for other senders. */
const requestsPerSecond = {
  data_manager: 4,
  google_ads_api: 100,
} as const satisfies Record<GoogleAdsSettings['transport'], number>
const batchSize = 2000

const hashed = (key: string, weight: number): MatchKey => ({
  key,
  weight,
  present: ({ identity }) => Object.hasOwn(identity.keys, key),
})

/** A click is certain, an identifier likely; the weights are ours and make 10. */
const matchKeys: readonly MatchKey[] = [
  { key: 'click_id', weight: 5, present: ({ event }) => googleClick(event) !== null },
  hashed('email', 3),
  hashed('phone', 1.5),
  { key: 'address', weight: 0.25, present: (deliverable) => addressOf(deliverable) !== null },
  { key: 'user_agent', weight: 0.25, present: ({ event }) => event.visitor.userAgent !== undefined },
]

/** Google knows a repeat by its transaction id however late it comes, so a week's outage costs nothing. */
const patiently: RetryPolicy = {
  maxAttempts: 340,
  delaysMs: [5 * second, 15 * second, minute, 5 * minute, 15 * minute, hour],
}
/** The tag's own report may be late by hours, and Google wants an enhancement within about a day. */
const forTwoDays: RetryPolicy = { ...patiently, maxAttempts: 48 }

/** One action per request, because a request names one; on the older upload every conversion travels alone. */
const batchKey = (deliverable: DeliverableEvent, settings: GoogleAdsSettings): string =>
  settings.transport === 'data_manager' ? actionOf(deliverable, settings) : deliverable.event.id

export const googleAds = defineDestination({
  name: 'google_ads',
  title: 'Google Ads',
  aliases: ['gads'],
  apiVersion: {
    value: 'v1',
    page: 'https://developers.google.com/data-manager/api/release-notes',
    checkedOn: '2026-11-20',
  },
  settings: googleAdsSettings,
  consent: 'marketing',
  flagged: flaggedUpload,
  /**
   * The conversion action gives an event its meaning, so these are Google's categories for the log alone. Steps on the way
   * are `null`: on the action of the purchases each would count as one. An eventMapping to an action's id switches them on.
   */
  eventNames: {
    purchase: 'PURCHASE',
    add_to_cart: null,
    lead: 'SUBMIT_LEAD_FORM',
    page_view: null,
    initiate_checkout: null,
    add_payment_info: null,
    search: null,
    view_content: null,
    complete_registration: 'SIGNUP',
    contact: 'CONTACT',
    subscribe: 'SUBSCRIBE_PAID',
    add_to_wishlist: null,
    start_trial: 'SIGNUP',
    schedule: 'BOOK_APPOINTMENT',
  },
  customName: (type) => type.trim(),
  matchKeys,
  clickIds: googleClicks,
  limits: {
    eventsPerSecond: requestsPerSecond.data_manager * batchSize,
    batchSize,
    maxBodyBytes: 8_000_000,
    maxAgeMs,
    timeoutMs: 60 * second,
  },
  credential: 'oauth2-refresh',
  oauth: ({ clientId, clientSecret, refreshToken, transport }) => ({
    tokenUrl: 'https://oauth2.googleapis.com/token',
    clientId,
    clientSecret,
    refreshToken,
    scopes: [scopes[transport]],
    advice:
      'go through the Google consent flow again and store the new refresh token (while the consent screen is in Testing, Google ends it after 7 days)',
  }),
  pace: ({ clientId, transport }) => ({
    account: `${transport} ${clientId}`,
    requestsPerSecond: requestsPerSecond[transport],
  }),
  hosts: ['datamanager.googleapis.com', 'googleads.googleapis.com', 'oauth2.googleapis.com'],
  identify,
  refuse,
  batchKey,
  build,
  read,
  check,
  validation,
  later,
  retry: (_deliverable, _failure, { enhance }) => (enhance ? forTwoDays : patiently),
} satisfies Destination<GoogleAdsSettings>)
