import { known } from '../clean.ts'
import type { DeliverableEvent } from '../destination.ts'
import { googleClick, isBraid } from './click.ts'
import { uploadConsent } from './consent.ts'
import {
  actionOf,
  addressOf,
  amountOf,
  cartOf,
  contactsOf,
  orderIdOf,
  timeOf,
  transactionOf,
} from './conversion.ts'
import { accountNumber, type GoogleAdsSettings } from './settings.ts'

/**
 * Google Ads API, uploadClickConversions and uploadConversionAdjustments.
 * https://developers.google.com/google-ads/api/reference/rpc/v26/ConversionUploadService (2026-11-20)
 */

export const googleAdsOrigin = 'https://googleads.googleapis.com'

type Json = Readonly<Record<string, unknown>>

const mostIdentifiers = 5

export const uploadPath = ({ customerId, googleAdsApiVersion, enhance }: GoogleAdsSettings): string =>
  `/${googleAdsApiVersion}/customers/${accountNumber(customerId)}:${enhance ? 'uploadConversionAdjustments' : 'uploadClickConversions'}`

/** `yyyy-mm-dd hh:mm:ss+hh:mm`: a blank, whole seconds, and neither `T` nor `Z`. */
const dateTime = (deliverable: DeliverableEvent, now: number): string =>
  `${timeOf(deliverable.event, now).slice(0, 19).replace('T', ' ')}+00:00`

const resourceOf = (deliverable: DeliverableEvent, settings: GoogleAdsSettings): string =>
  `customers/${accountNumber(settings.customerId)}/conversionActions/${actionOf(deliverable, settings)}`

const contactIdentifiers = (deliverable: DeliverableEvent): readonly Json[] => {
  const { emails, phones } = contactsOf(deliverable)
  return [
    ...emails.map((hashedEmail) => ({ userIdentifierSource: 'FIRST_PARTY', hashedEmail })),
    ...phones.map((hashedPhoneNumber) => ({ userIdentifierSource: 'FIRST_PARTY', hashedPhoneNumber })),
  ]
}

/** The upload of clicks refuses addresses; adjustments take them. */
const addressIdentifiers = (deliverable: DeliverableEvent): readonly Json[] => {
  const address = addressOf(deliverable)
  if (address === null) return []
  const addressInfo = {
    hashedFirstName: address.givenName,
    hashedLastName: address.familyName,
    countryCode: address.regionCode,
    postalCode: address.postalCode,
  }
  return [{ userIdentifierSource: 'FIRST_PARTY', addressInfo }]
}

const cartDataOf = (deliverable: DeliverableEvent, settings: GoogleAdsSettings): Json | undefined => {
  const items = cartOf(deliverable, settings)
  if (items.length === 0) return undefined
  return known({
    merchantId: settings.merchantId,
    feedCountryCode: settings.merchantFeedLabel,
    feedLanguageCode: settings.merchantFeedLanguage,
    items: items.map(({ id, quantity, unitPrice }) => ({ productId: id, quantity, unitPrice })),
  })
}

const clickConversion = (deliverable: DeliverableEvent, settings: GoogleAdsSettings, now: number): Json => {
  const { event } = deliverable
  const click = googleClick(event)
  const amount = amountOf(event)
  const consent = uploadConsent(deliverable)
  return known({
    ...(click === null ? {} : { [click.name]: click.value }),
    conversionAction: resourceOf(deliverable, settings),
    conversionDateTime: dateTime(deliverable, now),
    conversionValue: amount?.value,
    currencyCode: amount?.currency,
    orderId: transactionOf(event),
    userIdentifiers: isBraid(click) ? [] : contactIdentifiers(deliverable).slice(0, mostIdentifiers),
    // Consent to personalization may be set for audiences only.
    consent: consent === null ? undefined : { adUserData: consent.adUserData },
    cartData: cartDataOf(deliverable, settings),
  })
}

const enhancement = (deliverable: DeliverableEvent, settings: GoogleAdsSettings, now: number): Json =>
  known({
    conversionAction: resourceOf(deliverable, settings),
    adjustmentType: 'ENHANCEMENT',
    orderId: orderIdOf(deliverable.event) ?? transactionOf(deliverable.event),
    gclidDateTimePair: { conversionDateTime: dateTime(deliverable, now) },
    userIdentifiers: [...contactIdentifiers(deliverable), ...addressIdentifiers(deliverable)].slice(
      0,
      mostIdentifiers,
    ),
    userAgent: deliverable.event.visitor.userAgent,
  })

export const uploadBody = (
  events: readonly DeliverableEvent[],
  settings: GoogleAdsSettings,
  now: number,
): Json => ({
  ...(settings.enhance
    ? { conversionAdjustments: events.map((event) => enhancement(event, settings, now)) }
    : { conversions: events.map((event) => clickConversion(event, settings, now)) }),
  // Without it the call fails whole.
  partialFailure: true,
  ...(settings.validateOnly ? { validateOnly: true } : {}),
})
