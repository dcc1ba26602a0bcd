import type { ConversionEvent } from '../../event/event.ts'
import { hash, type Normalised } from '../../event/hashed.ts'
import { roundAmount } from '../../event/money.ts'
import { cleanText } from '../clean.ts'
import type { DeliverableEvent } from '../destination.ts'
import { hashesOf } from '../identify.ts'
import { googleClick, isBraid } from './click.ts'
import type { GoogleAdsSettings } from './settings.ts'

/** What both of Google's interfaces want to know of a conversion. */

/** Google Ads knows no event names, so an event's name there is its conversion action, where it has one of its own. */
const actionNumber = /^\s*(?:customers\/\d+\/conversionActions\/)?(\d{1,19})\s*$/

export const ownActionOf = ({ name }: DeliverableEvent): string | null => actionNumber.exec(name)?.[1] ?? null

export const actionOf = (deliverable: DeliverableEvent, { conversionActionId }: GoogleAdsSettings): string =>
  ownActionOf(deliverable) ?? conversionActionId

/** Google takes at most 64 characters, none of which may be the mark of an e-mail address. */
const transactionForm = /^[^@\p{Cc}\p{Cs}]{1,64}$/u

const transactionText = (text: string | undefined): string | null => {
  const trimmed = text?.trim() ?? ''
  return transactionForm.test(trimmed) && cleanText(trimmed) !== undefined ? trimmed : null
}

/** As the page's tag reported it; `null` where Google would not take it for one. */
export const orderIdOf = ({ custom }: ConversionEvent): string | null => transactionText(custom.orderId)

/**
 * What Google deduplicates on, within one conversion action: the order id, because the tag on the page sends the same one,
 * else the event's own.
 */
export const transactionOf = (event: ConversionEvent): string =>
  orderIdOf(event) ?? transactionText(event.id) ?? hash(event.id as string as Normalised)

export interface Amount {
  readonly value: number
  readonly currency: string
}

/** Nobody sold for more; beyond it rounding leaves no number. */
const largestAmount = 1e12

const isAmount = (value: number | undefined): value is number =>
  value !== undefined && value >= 0 && value <= largestAmount

/** `null`: the conversion counts with the value that its action has in Google Ads. */
export const amountOf = ({ custom: { value, currency } }: ConversionEvent): Amount | null =>
  isAmount(value) && currency !== undefined ? { value: roundAmount(value, currency), currency } : null

/** RFC 3339. When it happened, and never in the future: a clock that runs ahead somewhere must not cost the batch. */
export const timeOf = ({ occurredAt }: ConversionEvent, now: number): string =>
  new Date(Math.min(occurredAt, now)).toISOString().replace('.000Z', 'Z')

export interface Contacts {
  readonly emails: readonly string[]
  readonly phones: readonly string[]
}

export interface Address {
  readonly givenName: string
  readonly familyName: string
  readonly regionCode: string
  readonly postalCode: string
}

export const contactsOf = ({ identity }: DeliverableEvent): Contacts => ({
  emails: hashesOf(identity, 'email'),
  phones: hashesOf(identity, 'phone'),
})

/** All four or nothing: Google takes no part of an address. */
export const addressOf = ({ identity }: DeliverableEvent): Address | null => {
  const [givenName] = hashesOf(identity, 'given_name')
  const [familyName] = hashesOf(identity, 'family_name')
  const [regionCode] = hashesOf(identity, 'region_code')
  const postalCode = identity.plain['postal_code']
  return givenName === undefined ||
    familyName === undefined ||
    regionCode === undefined ||
    postalCode === undefined
    ? null
    : { givenName, familyName, regionCode, postalCode }
}

export interface CartItem {
  readonly id: string
  readonly quantity: number
  readonly unitPrice: number
}

const mostPieces = 1e6

/** Products with their prices; without a Merchant Center account Google has nothing to set them against. */
export const cartOf = (
  { event }: DeliverableEvent,
  { merchantId }: GoogleAdsSettings,
): readonly CartItem[] => {
  const { contents = [], currency } = event.custom
  if (merchantId === undefined || isBraid(googleClick(event))) return []
  return contents.flatMap(({ id, price, quantity = 1 }) => {
    const whole = Math.round(quantity)
    return id !== '' && isAmount(price) && whole >= 1 && whole <= mostPieces
      ? [{ id, quantity: whole, unitPrice: roundAmount(price, currency) }]
      : []
  })
}
