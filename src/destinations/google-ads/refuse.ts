import { isStandardName } from '../../event/names.ts'
import type { DeliverableEvent } from '../destination.ts'
import type { Refusal } from '../outcome.ts'
import { googleClick, longestClickWindowMs } from './click.ts'
import { addressOf, contactsOf, orderIdOf, ownActionOf } from './conversion.ts'
import { isGuarded } from './region.ts'
import type { GoogleAdsSettings } from './settings.ts'

const day = 24 * 3_600_000
/** On the way an event ages, and one past the limit may cost its whole batch. */
const transitMs = 60_000

export const maxAgeMs = longestClickWindowMs
/** Of conversions that an adjustment may still reach. */
const maxAdjustedAgeMs = 54 * day

const refusal = (status: Refusal['status'], reason: string): Refusal => ({ status, reason })

const knowsSomebody = (deliverable: DeliverableEvent, withAddress: boolean): boolean => {
  const { emails, phones } = contactsOf(deliverable)
  return emails.length + phones.length > 0 || (withAddress && addressOf(deliverable) !== null)
}

const refuseEnhancement = (deliverable: DeliverableEvent, ageMs: number): Refusal | null => {
  if (ageMs > maxAdjustedAgeMs - transitMs)
    return refusal('expired', 'Google enhances conversions of the last 54 days')
  if (orderIdOf(deliverable.event) === null)
    return refusal('unmatchable', 'an enhancement needs the order id that the tag on the page sent')
  return knowsSomebody(deliverable, true)
    ? null
    : refusal('unmatchable', 'an enhancement needs an e-mail, a phone, or a whole address')
}

export const refuse = (
  deliverable: DeliverableEvent,
  settings: GoogleAdsSettings,
  now: number,
): Refusal | null => {
  const { event } = deliverable
  if (ownActionOf(deliverable) === null && !isStandardName(event.type))
    return refusal(
      'filtered',
      `Google Ads knows no event names: give ${event.type} the id of a conversion action in eventMapping`,
    )
  // Google fails such a conversion (DENIED_CONSENT) instead of modelling it, so sending it would only move personal data.
  // Whoever chose to flag it has nothing personal sent but the click.
  if (event.consent.marketing === 'denied' && !deliverable.flagged)
    return refusal('consent_denied', `marketing was refused (${event.consent.source})`)
  const { country } = event.visitor
  if (event.consent.marketing === 'unknown' && country !== undefined && isGuarded(country))
    return refusal(
      'consent_denied',
      `Google takes no conversion from ${country} without consent, and nobody was asked`,
    )
  const ageMs = now - event.occurredAt
  if (settings.enhance) return refuseEnhancement(deliverable, ageMs)
  if (ageMs > maxAgeMs - transitMs)
    return refusal('expired', 'Google Ads takes conversions of the last 90 days')
  if (googleClick(event) !== null) return null
  // The upload of the Google Ads API takes no addresses.
  return knowsSomebody(deliverable, settings.transport === 'data_manager')
    ? null
    : refusal(
        'unmatchable',
        'Google could recognise nobody: it needs a click id (gclid, gbraid or wbraid), an e-mail or a phone',
      )
}
