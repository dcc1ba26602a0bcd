import {
  both,
  exactlyOne,
  flag,
  integer,
  isObject,
  list,
  number,
  object,
  oneOf,
  text,
  type Check,
  type Json,
  type Violation,
} from './shape.ts'

/**
 * The bodies of uploadClickConversions and uploadConversionAdjustments:
 * https://developers.google.com/google-ads/api/reference/rpc/v26/ConversionUploadService (2026-11-20). What is no field at all
 * costs the call; what is wrong inside a row costs the row.
 */

const maxRows = 2000
const anyText = text()
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const identifierMembers: Readonly<Record<string, Check>> = {
  hashedEmail: anyText,
  hashedPhoneNumber: anyText,
  addressInfo: object({
    hashedFirstName: anyText,
    hashedLastName: anyText,
    hashedStreetAddress: anyText,
    city: anyText,
    state: anyText,
    countryCode: anyText,
    postalCode: anyText,
  }),
}
const userIdentifier = both(
  object({ userIdentifierSource: oneOf('FIRST_PARTY'), ...identifierMembers }),
  exactlyOne(Object.keys(identifierMembers)),
)
const consentWord = oneOf('GRANTED', 'DENIED')

const conversion = object({
  gclid: anyText,
  gbraid: anyText,
  wbraid: anyText,
  conversionAction: anyText,
  conversionDateTime: anyText,
  conversionValue: number,
  currencyCode: anyText,
  orderId: anyText,
  userIdentifiers: list(userIdentifier, { max: 100 }),
  conversionEnvironment: oneOf('WEB', 'APP'),
  consent: object({ adUserData: consentWord, adPersonalization: consentWord }),
  cartData: object(
    {
      merchantId: text(/^\d+$/),
      feedCountryCode: anyText,
      feedLanguageCode: anyText,
      localTransactionCost: number,
      items: list(object({ productId: anyText, quantity: integer, unitPrice: number }), { max: 200 }),
    },
    ['items'],
  ),
  customerType: oneOf('NEW', 'RETURNING'),
})

const adjustment = object({
  conversionAction: anyText,
  adjustmentType: oneOf('ENHANCEMENT', 'RESTATEMENT', 'RETRACTION'),
  orderId: anyText,
  gclidDateTimePair: object({ gclid: anyText, conversionDateTime: anyText }),
  adjustmentDateTime: anyText,
  userIdentifiers: list(userIdentifier, { max: 100 }),
  userAgent: anyText,
  restatementValue: object({ adjustedValue: number, currencyCode: anyText }),
})

const bodyOf = (rows: string, row: Check): Check =>
  object({ [rows]: list(row, { max: maxRows }), partialFailure: flag, validateOnly: flag, jobId: integer }, [
    rows,
  ])

export const uploads = {
  uploadClickConversions: { rows: 'conversions', body: bodyOf('conversions', conversion) },
  uploadConversionAdjustments: {
    rows: 'conversionAdjustments',
    body: bodyOf('conversionAdjustments', adjustment),
  },
} as const
export type Method = keyof typeof uploads

/** `category: code` as in `errorCode`. */
export interface RowError {
  readonly category: string
  readonly code: string
  readonly field: string
}
const rowError = (code: string, field: string, category = 'conversionUploadError'): RowError => ({
  category,
  code,
  field,
})

export interface Account {
  readonly customerId: string
  /** The id of each action with its type; any id of any type, when absent. */
  readonly actions: Readonly<Record<string, 'UPLOAD_CLICKS' | 'WEBPAGE'>> | undefined
  readonly now: number
}

const dayMs = 86_400_000
const dateTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d$/
const digest = /^[0-9a-f]{64}$/

const actionError = (
  action: unknown,
  type: 'UPLOAD_CLICKS' | 'WEBPAGE',
  { actions }: Account,
  category?: string,
): RowError | null => {
  const id = /^customers\/\d{10}\/conversionActions\/(\d+)$/.exec(textOf(action))?.[1]
  if (id === undefined) return rowError('RESOURCE_NAME_MALFORMED', 'conversion_action', 'requestError')
  if (actions === undefined) return null
  const found = actions[id]
  if (found === undefined) return rowError('NO_CONVERSION_ACTION_FOUND', 'conversion_action', category)
  return found === type ? null : rowError('INVALID_CONVERSION_ACTION_TYPE', 'conversion_action', category)
}

const identifiersOf = (row: Json): readonly Json[] => (row['userIdentifiers'] ?? []) as readonly Json[]

const identifierError = (row: Json, addressTaken: boolean): RowError | null => {
  const identifiers = identifiersOf(row)
  if (identifiers.length > 5)
    return rowError('TOO_MANY_USER_IDENTIFIERS', 'user_identifiers', 'collectionSizeError')
  for (const { hashedEmail, hashedPhoneNumber, addressInfo } of identifiers) {
    if (addressInfo !== undefined && !addressTaken)
      return rowError('UNSUPPORTED_USER_IDENTIFIER', 'user_identifiers')
    const address = isObject(addressInfo) ? addressInfo : null
    if (
      address !== null &&
      ['hashedFirstName', 'hashedLastName', 'countryCode', 'postalCode'].some((name) => !(name in address))
    )
      return rowError('INVALID_USER_IDENTIFIER', 'user_identifiers')
    const hashes = [hashedEmail, hashedPhoneNumber, address?.['hashedFirstName'], address?.['hashedLastName']]
    if (hashes.some((hash) => hash !== undefined && !digest.test(textOf(hash))))
      return rowError('INVALID_USER_IDENTIFIER', 'user_identifiers')
  }
  return null
}

const timeError = (written: unknown, { now }: Account, maxAgeMs: number): RowError | null => {
  if (!dateTime.test(textOf(written)))
    return rowError('INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET', 'conversion_date_time', 'dateError')
  const at = Date.parse(textOf(written).replace(' ', 'T'))
  if (at > now + 60_000) return rowError('FUTURE_CONVERSION', 'conversion_date_time', 'dateError')
  return now - at > maxAgeMs ? rowError('EXPIRED_EVENT', 'conversion_date_time') : null
}

const clickError = (row: Json): RowError | null => {
  const present = ['gclid', 'gbraid', 'wbraid'].filter((name) => row[name] !== undefined)
  if (present.includes('gbraid') && present.includes('wbraid'))
    return rowError('GBRAID_WBRAID_BOTH_SET', 'gbraid')
  if (present.length > 1) return rowError('VALUE_MUST_BE_UNSET', present[1] ?? '', 'fieldError')
  const [name] = present
  if (name === undefined)
    return identifiersOf(row).length === 0 ? rowError('REQUIRED', 'gclid', 'fieldError') : null
  if (!/^[\w.-]{1,500}$/.test(textOf(row[name]))) return rowError(`UNPARSEABLE_${name.toUpperCase()}`, name)
  return name !== 'gclid' && row['cartData'] !== undefined
    ? rowError('VALUE_MUST_BE_UNSET', 'cart_data', 'fieldError')
    : null
}

const conversionError = (row: Json, account: Account): RowError | null => {
  const consent = isObject(row['consent']) ? row['consent'] : {}
  if (consent['adPersonalization'] !== undefined)
    return rowError('VALUE_MUST_BE_UNSET', 'consent', 'fieldError')
  if (textOf(row['orderId']).includes('@')) return rowError('ORDER_ID_CONTAINS_PII', 'order_id')
  if (row['currencyCode'] !== undefined && !/^[A-Z]{3}$/.test(textOf(row['currencyCode'])))
    return rowError('UNSUPPORTED', 'currency_code', 'currencyCodeError')
  return (
    clickError(row) ??
    actionError(row['conversionAction'], 'UPLOAD_CLICKS', account) ??
    timeError(row['conversionDateTime'], account, 90 * dayMs) ??
    identifierError(row, false)
  )
}

const adjusting = 'conversionAdjustmentUploadError'

const adjustmentError = (row: Json, account: Account): RowError | null => {
  if (row['adjustmentType'] !== 'ENHANCEMENT')
    return rowError('INVALID_ENUM_VALUE', 'adjustment_type', 'enumError')
  if (row['orderId'] === undefined) return rowError('REQUIRED', 'order_id', 'fieldError')
  if (row['restatementValue'] !== undefined)
    return rowError('VALUE_MUST_BE_UNSET', 'restatement_value', 'fieldError')
  if (identifiersOf(row).length === 0) return rowError('REQUIRED', 'user_identifiers', 'fieldError')
  const pair = isObject(row['gclidDateTimePair']) ? row['gclidDateTimePair'] : {}
  return (
    actionError(row['conversionAction'], 'WEBPAGE', account, adjusting) ??
    (pair['conversionDateTime'] === undefined
      ? null
      : timeError(pair['conversionDateTime'], account, 54 * dayMs)) ??
    identifierError(row, true)
  )
}

export const rowErrors: Readonly<Record<Method, (row: Json, account: Account) => RowError | null>> = {
  uploadClickConversions: conversionError,
  uploadConversionAdjustments: adjustmentError,
}

export const shapeFault = (method: Method, json: unknown): Violation | null => uploads[method].body(json, '')
