/**
 * What Google's codes mean for an event, one table for both interfaces.
 * https://developers.google.com/google-ads/api/reference/rpc/v26/overview#errors and
 * https://developers.google.com/data-manager/api/devguides/concepts/understand-errors (2026-11-20)
 */
export type Meaning =
  /** Google has it already. */
  | 'duplicate'
  /** This event will never be taken. */
  | 'event'
  /** The request is too large. */
  | 'split'
  | 'throttled'
  | 'unavailable'
  /** Hours have to pass: the click, the conversion or its action is too young. */
  | 'later'
  /** The conversion action is none, or of the wrong type. */
  | 'action'
  /** Somebody has to change something: settings, rights, terms. */
  | 'account'

const codes: Readonly<Record<Meaning, string>> = {
  duplicate: `ORDER_ID_ALREADY_IN_USE DUPLICATE_ORDER_ID CLICK_CONVERSION_ALREADY_EXISTS DUPLICATE_CLICK_CONVERSION_IN_REQUEST
    CONVERSION_ALREADY_ENHANCED DUPLICATE_ENHANCEMENT_IN_REQUEST CONVERSION_ALREADY_RETRACTED RESTATEMENT_ALREADY_EXISTS`,
  event: `EXPIRED_EVENT CONVERSION_PRECEDES_EVENT EVENT_NOT_FOUND UNPARSEABLE_GCLID UNPARSEABLE_GBRAID UNPARSEABLE_WBRAID
    GBRAID_WBRAID_BOTH_SET INVALID_USER_IDENTIFIER UNSUPPORTED_USER_IDENTIFIER ORDER_ID_CONTAINS_PII
    CUSTOM_VARIABLE_VALUE_CONTAINS_PII CONVERSION_TRACKING_NOT_ENABLED_AT_IMPRESSION_TIME INVALID_CUSTOMER_FOR_CLICK
    UNAUTHORIZED_CUSTOMER CONVERSION_EXPIRED REQUIRED_FIELD_MISSING INVALID_FORMAT INVALID_SHA256_FORMAT INVALID_HEX_ENCODING
    INVALID_CURRENCY_CODE INVALID_POSTAL_CODE NO_IDENTIFIERS_PROVIDED TOO_MANY_USER_IDENTIFIERS EVENT_TIME_INVALID
    FIELD_VALUE_TOO_LONG`,
  split: 'TOO_MANY_CONVERSIONS_IN_REQUEST TOO_MANY_ADJUSTMENTS_IN_REQUEST REQUEST_TOO_LARGE',
  throttled: 'RESOURCE_EXHAUSTED RESOURCE_TEMPORARILY_EXHAUSTED RATE_LIMIT_EXCEEDED',
  unavailable:
    'INTERNAL_ERROR TRANSIENT_ERROR DEADLINE_EXCEEDED CONCURRENT_MODIFICATION UNAVAILABLE INTERNAL ABORTED',
  later: 'TOO_RECENT_EVENT TOO_RECENT_CONVERSION_ACTION TOO_RECENT_CONVERSION CONVERSION_NOT_FOUND',
  action:
    'NO_CONVERSION_ACTION_FOUND INVALID_CONVERSION_ACTION INVALID_CONVERSION_ACTION_ID INVALID_CONVERSION_ACTION_TYPE',
  account: `OAUTH_TOKEN_EXPIRED OAUTH_TOKEN_INVALID OAUTH_TOKEN_REVOKED OAUTH_TOKEN_DISABLED NOT_ADS_USER CUSTOMER_NOT_FOUND
    TWO_STEP_VERIFICATION_NOT_ENROLLED ORGANIZATION_NOT_APPROVED USER_PERMISSION_DENIED
    INVALID_LOGIN_CUSTOMER_ID_SERVING_CUSTOMER_ID_COMBINATION CUSTOMER_NOT_ENABLED PROJECT_DISABLED
    CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION DEVELOPER_TOKEN_NOT_APPROVED ACTION_NOT_PERMITTED_FOR_SUSPENDED_ACCOUNT
    CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE UNSUPPORTED_VERSION INVALID_LOGIN_CUSTOMER_ID INVALID_CUSTOMER_ID
    RESOURCE_NAME_MALFORMED CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS CUSTOMER_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS
    CUSTOMER_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID
    CUSTOM_VARIABLE_NOT_ENABLED PERMISSION_DENIED UNAUTHENTICATED ACCESS_TOKEN_SCOPE_INSUFFICIENT SERVICE_DISABLED
    INVALID_DESTINATION NOT_ALLOWLISTED OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH
    DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED`,
}

const byCode: ReadonlyMap<string, Meaning> = new Map(
  Object.entries(codes).flatMap(([meaning, list]) =>
    list.split(/\s+/).map((code) => [code, meaning as Meaning] as const),
  ),
)

/** Whatever their codes say, these are about what stands in a row. */
const aboutContent: ReadonlySet<string> = new Set(
  `fieldError dateError dateRangeError rangeError stringLengthError stringFormatError currencyCodeError notEmptyError nullError
   collectionSizeError idError enumError`.split(/\s+/),
)

/** `null` for a code nobody has told us of. */
export const meaningOf = ({
  code,
  category,
}: {
  readonly code: string | null
  readonly category: string | null
}): Meaning | null => {
  const meaning = code === null ? undefined : byCode.get(code)
  return meaning ?? (category !== null && aboutContent.has(category) ? 'event' : null)
}

const termsUnsigned =
  'accept the customer data terms in Google Ads, Goals, Settings, and switch on enhanced conversions for leads'

/** Where Google's own sentence does not say what to do. */
const hints: Readonly<Record<string, string>> = {
  CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE:
    'Google has closed this upload to newcomers: set transport to data_manager',
  UNSUPPORTED_VERSION: 'this version of the Google Ads API has ended: set googleAdsApiVersion to a newer one',
  SERVICE_DISABLED: "enable the API in the OAuth client's Google Cloud project",
  ACCESS_TOKEN_SCOPE_INSUFFICIENT: 'the refresh token was granted without the scope of this transport',
  USER_PERMISSION_DENIED:
    'the Google user may not write to this account; if it reaches it through a manager, set loginCustomerId',
  INVALID_CONVERSION_ACTION_TYPE:
    'uploads go to conversion actions of type Import, enhancements to those of type Website',
  TOO_RECENT_CONVERSION_ACTION:
    'a new conversion action takes uploads after 6 hours; the event goes again then',
  TOO_RECENT_EVENT: 'the click is younger than 6 hours; the event goes again later',
  CONVERSION_NOT_FOUND: 'the tag on the page has not reported this order id yet; the event goes again later',
  CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS: termsUnsigned,
  CUSTOMER_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS: termsUnsigned,
  DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS: termsUnsigned,
  DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED: termsUnsigned,
}

export const hintOf = (code: string | null): string | null => (code === null ? null : (hints[code] ?? null))
