import { known } from '../clean.ts'
import type { DeliverableEvent } from '../destination.ts'
import { googleClick, isBraid } from './click.ts'
import { uploadConsent } from './consent.ts'
import { actionOf, addressOf, amountOf, cartOf, contactsOf, timeOf, transactionOf } from './conversion.ts'
import { addressForGoogle } from './region.ts'
import { accountNumber, type GoogleAdsSettings } from './settings.ts'

/**
 * Data Manager API, events:ingest. https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest (2026-11-20)
 */

export const dataManagerOrigin = 'https://datamanager.googleapis.com'
export const dataManagerPath = '/v1/events:ingest'
export const statusPath = '/v1/requestStatus:retrieve'

type Json = Readonly<Record<string, unknown>>

const mostIdentifiers = 10

const userDataOf = (deliverable: DeliverableEvent): Json | undefined => {
  if (isBraid(googleClick(deliverable.event))) return undefined
  const { emails, phones } = contactsOf(deliverable)
  const address = addressOf(deliverable)
  const userIdentifiers = [
    ...emails.map((emailAddress) => ({ emailAddress })),
    ...phones.map((phoneNumber) => ({ phoneNumber })),
    ...(address === null ? [] : [{ address }]),
  ].slice(0, mostIdentifiers)
  return userIdentifiers.length === 0 ? undefined : { userIdentifiers }
}

const cartDataOf = (deliverable: DeliverableEvent, settings: GoogleAdsSettings): Json | undefined => {
  const items = cartOf(deliverable, settings)
  if (items.length === 0) return undefined
  return known({
    merchantId: settings.merchantId,
    merchantFeedLabel: settings.merchantFeedLabel,
    merchantFeedLanguageCode: settings.merchantFeedLanguage,
    items: items.map(({ id, quantity, unitPrice }) => ({
      merchantProductId: id,
      // An int64, which proto3 JSON writes as text.
      quantity: `${quantity}`,
      unitPrice,
    })),
  })
}

const consentOf = (deliverable: DeliverableEvent): Json | undefined => {
  const consent = uploadConsent(deliverable)
  return consent === null
    ? undefined
    : {
        adUserData: `CONSENT_${consent.adUserData}`,
        adPersonalization: `CONSENT_${consent.adPersonalization}`,
      }
}

const eventOf = (deliverable: DeliverableEvent, settings: GoogleAdsSettings, now: number): Json => {
  const { event } = deliverable
  const click = googleClick(event)
  const amount = amountOf(event)
  const { userAgent } = event.visitor
  const ipAddress = addressForGoogle(event)
  return known({
    transactionId: transactionOf(event),
    eventTimestamp: timeOf(event, now),
    // The papers call it optional; the service refuses Google Ads events without it.
    eventSource: 'WEB',
    adIdentifiers: click === null ? undefined : { [click.name]: click.value },
    userData: userDataOf(deliverable),
    conversionValue: amount?.value,
    currency: amount?.currency,
    consent: consentOf(deliverable),
    eventDeviceInfo:
      userAgent === undefined && ipAddress === undefined ? undefined : known({ userAgent, ipAddress }),
    cartData: cartDataOf(deliverable, settings),
  })
}

/** All events of one request belong to one conversion action; `batchKey` sees to that. */
export const ingestBody = (
  events: readonly DeliverableEvent[],
  settings: GoogleAdsSettings,
  now: number,
): Json => {
  const [first] = events
  const written = events.map((event) => eventOf(event, settings, now))
  const owner = (accountId: string): Json => ({
    accountType: 'GOOGLE_ADS',
    accountId: accountNumber(accountId),
  })
  return known({
    destinations: [
      known({
        operatingAccount: owner(settings.customerId),
        loginAccount: settings.loginCustomerId === undefined ? undefined : owner(settings.loginCustomerId),
        productDestinationId: first === undefined ? settings.conversionActionId : actionOf(first, settings),
      }),
    ],
    encoding: written.some((event) => Object.hasOwn(event, 'userData')) ? 'HEX' : undefined,
    validateOnly: settings.validateOnly ? true : undefined,
    events: written,
  })
}
