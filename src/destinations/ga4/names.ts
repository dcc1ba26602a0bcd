import { createHash } from 'node:crypto'

/** What GA4 takes as a name. It answers 2xx to all others and forgets them, so the check is here. */

const longestName = 40
const wellFormed = /^[A-Za-z][A-Za-z0-9_]{0,39}$/

/** https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference#reserved_names (2026-11-20) */
const reservedEvents: ReadonlySet<string> = new Set(
  `ad_activeview ad_click ad_exposure ad_query ad_reward adunit_exposure app_clear_data app_exception app_install app_remove
app_store_refund app_update app_upgrade dynamic_link_app_open dynamic_link_app_update dynamic_link_first_open error
firebase_campaign firebase_in_app_message_action firebase_in_app_message_dismiss firebase_in_app_message_impression first_open
first_visit notification_dismiss notification_foreground notification_open notification_receive notification_send os_update
session_start user_engagement ad_impression in_app_purchase screen_view`.split(/\s+/),
)
const reservedPrefix = /^(?:_|firebase_|ga_|google_|gtag\.)/
const reservedParameters: ReadonlySet<string> = new Set(['firebase_conversion'])

const sanitised = (name: string): string =>
  name
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/_+/g, '_')
    .replace(/^[^A-Za-z]+/, '')
    .slice(0, longestName)

/** Why GA4 would drop an event of this name; `null` when it would not. */
export const eventNameFault = (name: string): string | null => {
  if (!wellFormed.test(name))
    return `GA4 takes names of up to ${longestName} letters, digits and _, beginning with a letter`
  return reservedEvents.has(name) || reservedPrefix.test(name)
    ? `GA4 keeps the name ${name} for itself`
    : null
}

/** Names without one Latin letter still have to differ from each other. */
const fingerprint = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 8)

/** A custom event's name in a form that {@link eventNameFault} has nothing against. */
export const eventName = (written: string): string => {
  const name = sanitised(written)
  if (name === '') return `c_${fingerprint(written)}`
  return eventNameFault(name) === null ? name : `c_${name}`.slice(0, longestName)
}

/** A parameter's name, or `null` when GA4 would drop it. */
export const parameterName = (written: string): string | null => {
  if (reservedPrefix.test(written)) return null
  const name = sanitised(written)
  return name === '' || reservedPrefix.test(name) || reservedParameters.has(name) ? null : name
}
