import { isIP } from 'node:net'
import {
  both,
  digest,
  exactlyOne,
  flag,
  isObject,
  list,
  number,
  object,
  oneOf,
  text,
  violation,
  type Check,
  type Json,
  type Violation,
} from './shape.ts'

/**
 * The body of events:ingest: https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest (2026-11-20).
 * Stricter than Google in that it wants a transaction id always, and of addresses only such as can be a visitor's. Whose
 * country forbids one it cannot see.
 */

const maxEvents = 2000
const maxIdentifiers = 10
const dayMs = 86_400_000

const account = object({ accountType: oneOf('GOOGLE_ADS'), accountId: text(/^\d{10}$/) }, [
  'accountType',
  'accountId',
])

const destination = object(
  {
    reference: text(),
    operatingAccount: account,
    loginAccount: account,
    linkedAccount: account,
    productDestinationId: text(/^\d+$/),
  },
  ['operatingAccount', 'productDestinationId'],
)

const clickId = text(/^[A-Za-z0-9_\-.]{1,500}$/)
const clickIds = ['gclid', 'gbraid', 'wbraid']
const publicAddress: Check = (value, path) =>
  typeof value === 'string' && isIP(value) !== 0 && !/^(10|127|192\.168|fe80|fc|fd|::1)/.test(value)
    ? null
    : violation(path, 'must be a public IP address', 'INVALID_IP_ADDRESS')
const device = object({ userAgent: text(), ipAddress: publicAddress })
const adIdentifiers = both(
  object({
    gclid: clickId,
    gbraid: clickId,
    wbraid: clickId,
    sessionAttributes: text(/^[\w-]{1,4000}$/),
    landingPageDeviceInfo: device,
  }),
  exactlyOne(clickIds),
)

const addressMembers = {
  givenName: digest,
  familyName: digest,
  regionCode: text(/^[A-Z]{2}$/),
  postalCode: text(/^\S.*\S$/, 'INVALID_POSTAL_CODE'),
}
const identifierMembers = {
  emailAddress: digest,
  phoneNumber: digest,
  address: object(addressMembers, Object.keys(addressMembers)),
}
const userData = object(
  {
    userIdentifiers: list(both(object(identifierMembers), exactlyOne(Object.keys(identifierMembers))), {
      max: maxIdentifiers,
      reason: 'TOO_MANY_USER_IDENTIFIERS',
    }),
  },
  ['userIdentifiers'],
)

const grant = oneOf('CONSENT_GRANTED', 'CONSENT_DENIED')
const consent = object({ adUserData: grant, adPersonalization: grant })

const cartItem = object({
  merchantProductId: text(),
  itemId: text(),
  // proto3 JSON writes an int64 as text.
  quantity: text(/^[1-9]\d*$/),
  unitPrice: number,
  conversionValue: number,
})
const cartData = object({
  merchantId: text(/^\d+$/),
  merchantFeedLabel: text(),
  merchantFeedLanguageCode: text(),
  transactionDiscount: number,
  couponCodes: list(text(), { max: 10 }),
  items: list(cartItem, { max: 200 }),
})

const timestamp =
  (now: number): Check =>
  (value, path) => {
    const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
    const at = typeof value === 'string' && form.test(value) ? Date.parse(value) : Number.NaN
    if (Number.isNaN(at)) return violation(path, 'must be an RFC 3339 time', 'EVENT_TIME_INVALID')
    return at > now + 60_000 || at < now - 90 * dayMs
      ? violation(path, 'lies in the future or too far back', 'EVENT_TIME_INVALID')
      : null
  }

const event = (now: number): Check =>
  both(
    object(
      {
        destinationReferences: list(text(), { max: 10 }),
        transactionId: text(/^[^@]{1,64}$/),
        eventTimestamp: timestamp(now),
        lastUpdatedTimestamp: timestamp(now),
        eventSource: oneOf('WEB', 'APP', 'IN_STORE', 'PHONE', 'MESSAGE', 'OTHER'),
        adIdentifiers,
        userData,
        conversionValue: number,
        currency: text(/^[A-Z]{3}$/, 'INVALID_CURRENCY_CODE'),
        consent,
        eventDeviceInfo: device,
        cartData,
        userProperties: object({
          customerType: oneOf('NEW', 'RETURNING', 'REENGAGED'),
          customerValueBucket: oneOf('LOW', 'MEDIUM', 'HIGH'),
        }),
      },
      ['transactionId', 'eventTimestamp', 'eventSource'],
    ),
    (value, path) => {
      if (!isObject(value)) return violation(path, 'must be an object')
      if (value['adIdentifiers'] === undefined && value['userData'] === undefined)
        return violation(path, 'needs adIdentifiers or userData', 'NO_IDENTIFIERS_PROVIDED')
      return (value['conversionValue'] === undefined) === (value['currency'] === undefined)
        ? null
        : violation(`${path}.currency`, 'goes with conversionValue', 'REQUIRED_FIELD_MISSING')
    },
  )

const body = (now: number): Check =>
  object(
    {
      destinations: list(destination, { max: 10 }),
      events: list(event(now), { max: maxEvents }),
      consent,
      validateOnly: flag,
      encoding: oneOf('HEX'),
    },
    ['destinations', 'events'],
  )

/** Every fault of the events, because Google names all; of the rest the first. */
export const ingestFaults = (json: unknown, now: number): readonly Violation[] => {
  if (!isObject(json)) return [violation('', 'Invalid JSON payload received.')]
  const first = body(now)(json, '')
  if (first === null) {
    const identified = (json['events'] as readonly Json[]).some((one) => one['userData'] !== undefined)
    return identified && json['encoding'] === undefined
      ? [violation('encoding', 'is required with user data', 'REQUIRED_FIELD_MISSING')]
      : []
  }
  if (!/^events\[\d/.test(first.field) || !Array.isArray(json['events'])) return [first]
  return json['events']
    .map((one, index) => event(now)(one, `events[${index}]`))
    .filter((found) => found !== null)
}

/** What Google takes and remarks on. */
export const ingestWarnings = (events: readonly Json[]): readonly Violation[] =>
  events.flatMap((one, index) => {
    const clicks = isObject(one['adIdentifiers']) ? one['adIdentifiers'] : {}
    return one['cartData'] !== undefined && clicks['gclid'] === undefined && Object.keys(clicks).length > 0
      ? [
          violation(
            `events[${index}].cart_data`,
            'Cart data is not supported with gbraid or wbraid.',
            'WARNING_REASON_CART_DATA_NOT_SUPPORTED_WITH_GBRAID_OR_WBRAID',
          ),
        ]
      : []
  })
