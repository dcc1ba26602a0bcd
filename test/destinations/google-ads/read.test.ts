import { describe, expect, test } from 'vitest'
import type { HttpResponse } from '../../../src/destinations/destination.ts'
import { read } from '../../../src/destinations/google-ads/read.ts'
import { googleAdsSettings } from '../../../src/destinations/google-ads/settings.ts'
import { deliver, minimalEvent, plainSettings } from '../events.ts'

const data = googleAdsSettings.parse(plainSettings['google_ads'])
const legacy = { ...data, transport: 'google_ads_api' as const }
const event = deliver(minimalEvent, { name: 'PURCHASE' })
const mapped = deliver(minimalEvent, { name: '555000111' })
const events = (count: number) => Array.from({ length: count }, () => event)

type Detail = Readonly<Record<string, unknown>>
const answer = (status: number, body: unknown, headers = {}): HttpResponse => ({
  status,
  headers,
  body: JSON.stringify(body),
})
const refusal = (code: number, status: string, details: readonly Detail[] = [], message = 'No.') =>
  answer(code, { error: { code, status, message, details } })
const info = (reason: string, metadata = {}): Detail => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  domain: 'datamanager.googleapis.com',
  metadata,
})
const violations = (...faults: readonly (readonly [string, string])[]): Detail => ({
  '@type': 'type.googleapis.com/google.rpc.BadRequest',
  fieldViolations: faults.map(([field, reason]) => ({ field, reason, description: `about ${field}` })),
})
const trace: Detail = { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId: 'Rq1' }
const kinds = (response: HttpResponse, count = 1, settings: typeof data = data) =>
  read(response, events(count), settings).map(({ kind }) => kind)

describe('the Data Manager API takes', () => {
  test('a request, and says under which number', () => {
    expect(read(answer(200, { requestId: 'Rq1' }), events(2), data)).toEqual([
      { kind: 'delivered', reason: 'accepted for processing', trace: 'Rq1' },
      { kind: 'delivered', reason: 'accepted for processing', trace: 'Rq1' },
    ])
  })

  test('a request with remarks on one of its events', () => {
    const outcomes = read(
      answer(200, {
        requestId: 'Rq1',
        fieldWarnings: [
          { field: 'events[1].cart_data', reason: 'WARNING_REASON_X', description: 'no carts with gbraid' },
        ],
      }),
      events(2),
      data,
    )
    expect(outcomes.map(({ reason }) => reason)).toEqual([
      'accepted for processing',
      'accepted for processing; Google remarks: no carts with gbraid',
    ])
  })

  test('a request to be checked only', () => {
    expect(read(answer(200, {}), events(1), { ...data, validateOnly: true })).toEqual([
      { kind: 'delivered', reason: 'checked and not kept: validateOnly is on' },
    ])
  })

  test('nothing that it gives no number for', () => {
    for (const response of [answer(200, {}), answer(200, []), { status: 200, headers: {}, body: '<html>' }])
      expect(read(response, events(1), data)).toMatchObject([{ kind: 'unavailable', ambiguous: true }])
  })
})

describe('what the Data Manager API says against one event', () => {
  test.each([
    [
      'a missing field',
      400,
      'INVALID_ARGUMENT',
      [violations(['events[0].x', 'REQUIRED_FIELD_MISSING'])],
      'rejected',
    ],
    ['no identifiers', 400, 'INVALID_ARGUMENT', [info('NO_IDENTIFIERS_PROVIDED')], 'rejected'],
    ['no details', 400, 'INVALID_ARGUMENT', [], 'rejected'],
    ['a reason nobody knows', 400, 'FAILED_PRECONDITION', [info('SOMETHING_NEW')], 'rejected'],
    ['too large', 413, 'INVALID_ARGUMENT', [], 'rejected'],
    ['no such action', 400, 'INVALID_ARGUMENT', [info('INVALID_CONVERSION_ACTION_ID')], 'unauthorized'],
    [
      'no such action, by its path',
      400,
      'INVALID_ARGUMENT',
      [violations(['destinations[0].product_destination_id', 'INVALID_CONVERSION_ACTION_ID'])],
      'unauthorized',
    ],
    [
      'a destination that is no good, in words nobody knows',
      400,
      'INVALID_ARGUMENT',
      [violations(['destinations[0].login_account', 'SOMETHING_NEW'])],
      'unauthorized',
    ],
    [
      'terms',
      400,
      'FAILED_PRECONDITION',
      [info('DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED')],
      'unauthorized',
    ],
    ['no permission', 403, 'PERMISSION_DENIED', [info('PERMISSION_DENIED')], 'unauthorized'],
    ['no scope', 403, 'PERMISSION_DENIED', [info('ACCESS_TOKEN_SCOPE_INSUFFICIENT')], 'unauthorized'],
    ['an ended token', 401, 'UNAUTHENTICATED', [], 'unauthorized'],
    ['no such account', 404, 'NOT_FOUND', [], 'unauthorized'],
    ['a limit', 429, 'RESOURCE_EXHAUSTED', [info('RATE_LIMIT_EXCEEDED')], 'throttled'],
    ['an inner fault', 500, 'INTERNAL', [info('INTERNAL_ERROR')], 'unavailable'],
    ['an outage', 503, 'UNAVAILABLE', [], 'unavailable'],
    ['a deadline', 504, 'DEADLINE_EXCEEDED', [], 'unavailable'],
    ['an inner fault that calls itself another', 400, 'ABORTED', [info('INTERNAL_ERROR')], 'unavailable'],
  ] as const)('%s', (_what, code, status, details, kind) => {
    const [outcome] = read(refusal(code, status, [...details, trace]), events(1), data)
    expect(outcome).toMatchObject({ kind, trace: 'Rq1' })
  })

  test('an action that only the mapping names is the fault of its events', () => {
    const response = refusal(400, 'INVALID_ARGUMENT', [info('INVALID_CONVERSION_ACTION_ID')])
    expect(read(response, [mapped, mapped], data).map(({ kind }) => kind)).toEqual(['rejected', 'rejected'])
    expect(kinds(response, 2)).toEqual(['unauthorized', 'unauthorized'])
  })

  test("the platform's own sentence is shown, without a person in it", () => {
    const [outcome] = read(
      refusal(400, 'INVALID_ARGUMENT', [], 'jane@example.com is no identifier'),
      events(1),
      data,
    )
    expect(outcome).toMatchObject({ reason: '[e-mail] is no identifier', code: 'INVALID_ARGUMENT' })
  })

  test('and what to do, where Google only names it', () => {
    const [outcome] = read(
      refusal(403, 'PERMISSION_DENIED', [info('SERVICE_DISABLED')], 'API has not been used in project 1'),
      events(1),
      data,
    )
    expect(outcome).toMatchObject({
      code: 'SERVICE_DISABLED',
      reason: expect.stringMatching(/^enable the API/),
    })
  })
})

describe('what the Data Manager API says against a batch', () => {
  test.each([
    ['events[1].ad_identifiers.gclid'],
    ['events.events[1].adIdentifiers'],
    ['ingest_events_request.events[1]'],
  ])('%s: the one that is named is rejected, the others go again', (field) => {
    const response = refusal(400, 'INVALID_ARGUMENT', [
      info('INVALID_ARGUMENT'),
      violations([field, 'INVALID_FORMAT']),
    ])
    expect(kinds(response, 3)).toEqual(['batch_rejected', 'rejected', 'batch_rejected'])
  })

  test('several are named at once', () => {
    const response = refusal(400, 'INVALID_ARGUMENT', [
      violations(['events[2].currency', 'INVALID_CURRENCY_CODE'], ['events[0]', 'NO_IDENTIFIERS_PROVIDED']),
    ])
    expect(read(response, events(3), data)).toMatchObject([
      { kind: 'rejected', code: 'NO_IDENTIFIERS_PROVIDED' },
      { kind: 'batch_rejected' },
      { kind: 'rejected', code: 'INVALID_CURRENCY_CODE' },
    ])
  })

  test('without a name, or with one that is not in it, it is to be split', () => {
    for (const details of [[], [violations(['events[7]', 'INVALID_FORMAT'])], [info('INVALID_FORMAT')]])
      expect(kinds(refusal(400, 'INVALID_ARGUMENT', details), 2)).toEqual([
        'batch_rejected',
        'batch_rejected',
      ])
    expect(kinds(answer(413, 'too large'), 2)).toEqual(['batch_rejected', 'batch_rejected'])
  })
})

describe('how long a throttled lane waits', () => {
  const waitOf = (response: HttpResponse): number | undefined => {
    const [outcome] = read(response, events(1), data)
    expect(outcome?.kind).toBe('throttled')
    return outcome !== undefined && 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined
  }
  const limited = (details: readonly Detail[], headers = {}) => ({
    ...refusal(429, 'RESOURCE_EXHAUSTED', details),
    headers,
  })
  const failure = (retryDelay: string): Detail => ({
    errors: [
      {
        errorCode: { quotaError: 'RESOURCE_EXHAUSTED' },
        details: { quotaErrorDetails: { rateScope: 'DEVELOPER', retryDelay } },
      },
    ],
  })

  test.each([
    ['as a detail says', limited([{ retryDelay: '1.5s' }]), 1_500],
    ['as the failure of the Google Ads API says', limited([failure('30s')]), 30_000],
    ['as the header says', limited([], { 'retry-after': '17' }), 17_000],
    ['the longest of them', limited([{ retryDelay: '5s' }, failure('30s')], { 'retry-after': '17' }), 30_000],
    [
      'a quota of the day',
      limited([info('RATE_LIMIT_EXCEEDED', { quota_limit: 'IngestPerDayPerProject' })]),
      86_400_000,
    ],
    [
      'a quota of the minute',
      limited([info('RATE_LIMIT_EXCEEDED', { quota_limit: 'IngestPerMinutePerProject' })]),
      undefined,
    ],
    ['nothing said', limited([]), undefined],
    ['nonsense', limited([{ retryDelay: 'soon' }, { retryDelay: 5 }]), undefined],
  ])('%s', (_what, response, expected) => {
    expect(waitOf(response)).toBe(expected)
  })
})

const adsError = (
  category: string,
  code: string,
  row?: number | null,
  message = `The error is ${code}.`,
) => ({
  errorCode: { [category]: code },
  message,
  ...(row === undefined
    ? {}
    : {
        location: {
          fieldPathElements: [
            { fieldName: 'conversions', ...(row === null ? {} : { index: row }) },
            { fieldName: 'gclid' },
          ],
        },
      }),
})
const adsFailure = (...errors: readonly object[]): Detail => ({
  '@type': 'type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure',
  errors,
  requestId: 'abc',
})
const partial = (
  errors: readonly object[],
  results: readonly object[],
  message = 'Multiple errors.',
): HttpResponse =>
  answer(200, {
    partialFailureError: { code: 3, message, details: errors.length === 0 ? [] : [adsFailure(...errors)] },
    results,
    jobId: '123',
  })

describe('the Google Ads API takes', () => {
  test('all rows, and its number lies in a header', () => {
    const response = {
      ...answer(200, { results: [{ gclid: 'x' }, {}], jobId: '1' }),
      headers: { 'request-id': 'Rq' },
    }
    expect(read(response, events(2), legacy)).toEqual([
      { kind: 'delivered', reason: 'uploaded', trace: 'Rq' },
      { kind: 'delivered', reason: 'uploaded', trace: 'Rq' },
    ])
  })

  test('a row beside one that it refuses, in an answer of 200', () => {
    const response = partial(
      [adsError('conversionUploadError', 'UNPARSEABLE_GCLID', 1)],
      [{ gclid: 'a' }, {}, { gclid: 'c' }],
    )
    expect(read(response, events(3), legacy)).toMatchObject([
      { kind: 'delivered', trace: 'abc' },
      { kind: 'rejected', code: 'UNPARSEABLE_GCLID', trace: 'abc' },
      { kind: 'delivered' },
    ])
  })

  test('rows to be checked only, of which results say nothing', () => {
    const checking = { ...legacy, validateOnly: true }
    expect(read(answer(200, {}), events(1), checking)[0]).toMatchObject({ kind: 'delivered' })
    const response = answer(200, {
      partialFailureError: {
        code: 3,
        message: '',
        details: [adsFailure(adsError('fieldError', 'REQUIRED', 1))],
      },
    })
    expect(kinds(response, 2, checking)).toEqual(['delivered', 'rejected'])
  })

  test('nothing where it does not say what', () => {
    expect(read(answer(200, { jobId: '1' }), events(1), legacy)).toMatchObject([
      { kind: 'unavailable', ambiguous: true },
    ])
  })
})

describe('what the Google Ads API says of one row', () => {
  test.each([
    ['conversionUploadError', 'UNPARSEABLE_GCLID', 'rejected'],
    ['conversionUploadError', 'EXPIRED_EVENT', 'rejected'],
    ['conversionUploadError', 'CONVERSION_PRECEDES_EVENT', 'rejected'],
    ['conversionUploadError', 'GBRAID_WBRAID_BOTH_SET', 'rejected'],
    ['conversionUploadError', 'ORDER_ID_CONTAINS_PII', 'rejected'],
    ['conversionUploadError', 'INVALID_CUSTOMER_FOR_CLICK', 'rejected'],
    ['conversionAdjustmentUploadError', 'CONVERSION_EXPIRED', 'rejected'],
    ['fieldError', 'REQUIRED', 'rejected'],
    ['dateError', 'INVALID_STRING_DATE_TIME', 'rejected'],
    ['conversionUploadError', 'ORDER_ID_ALREADY_IN_USE', 'delivered'],
    ['conversionUploadError', 'CLICK_CONVERSION_ALREADY_EXISTS', 'delivered'],
    ['conversionUploadError', 'DUPLICATE_ORDER_ID', 'delivered'],
    ['conversionAdjustmentUploadError', 'CONVERSION_ALREADY_ENHANCED', 'delivered'],
    ['conversionUploadError', 'TOO_RECENT_EVENT', 'unavailable'],
    ['conversionUploadError', 'TOO_RECENT_CONVERSION_ACTION', 'unavailable'],
    ['conversionAdjustmentUploadError', 'CONVERSION_NOT_FOUND', 'unavailable'],
    ['internalError', 'TRANSIENT_ERROR', 'unavailable'],
    ['databaseError', 'CONCURRENT_MODIFICATION', 'unavailable'],
    ['conversionUploadError', 'SOMETHING_NEW', 'unavailable'],
    ['quotaError', 'RESOURCE_TEMPORARILY_EXHAUSTED', 'throttled'],
    ['conversionUploadError', 'NO_CONVERSION_ACTION_FOUND', 'unauthorized'],
    ['conversionUploadError', 'INVALID_CONVERSION_ACTION_TYPE', 'unauthorized'],
    ['conversionUploadError', 'CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS', 'unauthorized'],
  ])('%s %s', (category, code, kind) => {
    const [outcome] = read(partial([adsError(category, code, null)], [{}]), events(1), legacy)
    expect(outcome).toMatchObject({ kind, code })
  })

  test('what is too young waits for six hours', () => {
    const response = partial([adsError('conversionUploadError', 'TOO_RECENT_CONVERSION_ACTION', 0)], [{}])
    expect(read(response, events(1), legacy)[0]).toMatchObject({
      retryAfterMs: 6 * 3_600_000,
      reason: expect.stringContaining('6 hours'),
    })
  })

  test('the gravest of several', () => {
    const response = partial(
      [
        adsError('conversionUploadError', 'DUPLICATE_ORDER_ID', 0),
        adsError('conversionUploadError', 'TOO_RECENT_EVENT', 0),
        adsError('conversionUploadError', 'UNPARSEABLE_GCLID', 0),
      ],
      [{}],
    )
    expect(read(response, events(1), legacy)[0]).toMatchObject({
      kind: 'rejected',
      code: 'UNPARSEABLE_GCLID',
    })
  })

  test.each([
    ['conversion_adjustments', { fieldName: 'conversion_adjustments', index: 1 }],
    ['conversionAdjustments', { fieldName: 'conversionAdjustments', index: 1 }],
    ['operations, and the row in its sentence', { fieldName: 'operations' }],
  ])('in the spelling %s', (_what, element) => {
    const error = {
      errorCode: { conversionUploadError: 'EXPIRED_EVENT' },
      message: 'Too late., at conversion_adjustments[1].gclid',
      location: { fieldPathElements: [element] },
    }
    expect(kinds(partial([error], [{ a: 1 }, {}]), 2, legacy)).toEqual(['delivered', 'rejected'])
  })

  test('in the sentence alone, where the details are empty', () => {
    const response = partial([], [{ a: 1 }, {}, {}], 'Bad., at conversions[1].gclid and conversions[2].gclid')
    expect(kinds(response, 3, legacy)).toEqual(['delivered', 'unavailable', 'unavailable'])
  })

  test('an empty result that nobody explains is not called delivered', () => {
    expect(kinds(partial([], [{ a: 1 }, {}], 'Bad.'), 2, legacy)).toEqual(['delivered', 'unavailable'])
    const explained = partial([adsError('conversionUploadError', 'EXPIRED_EVENT', 0)], [{}, {}, { a: 1 }])
    expect(kinds(explained, 3, legacy)).toEqual(['rejected', 'unavailable', 'delivered'])
  })
})

describe('what the Google Ads API says of a whole call', () => {
  test.each([
    ['quotaError', 'RESOURCE_EXHAUSTED', 429, 'RESOURCE_EXHAUSTED', 'throttled'],
    ['internalError', 'INTERNAL_ERROR', 500, 'INTERNAL', 'unavailable'],
    ['authenticationError', 'OAUTH_TOKEN_EXPIRED', 401, 'UNAUTHENTICATED', 'unauthorized'],
    ['authenticationError', 'CUSTOMER_NOT_FOUND', 401, 'UNAUTHENTICATED', 'unauthorized'],
    ['authorizationError', 'USER_PERMISSION_DENIED', 403, 'PERMISSION_DENIED', 'unauthorized'],
    [
      'notAllowlistedError',
      'CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE',
      403,
      'PERMISSION_DENIED',
      'unauthorized',
    ],
    ['requestError', 'UNSUPPORTED_VERSION', 400, 'INVALID_ARGUMENT', 'unauthorized'],
    ['headerError', 'INVALID_LOGIN_CUSTOMER_ID', 400, 'INVALID_ARGUMENT', 'unauthorized'],
    ['requestError', 'TOO_MANY_CONVERSIONS_IN_REQUEST', 400, 'INVALID_ARGUMENT', 'batch_rejected'],
    ['databaseError', 'CONCURRENT_MODIFICATION', 409, 'ABORTED', 'unavailable'],
  ] as const)('%s %s', (category, code, http, status, kind) => {
    const response = refusal(http, status, [adsFailure(adsError(category, code))])
    expect(read(response, events(2), legacy)).toMatchObject([
      { kind, code, trace: 'abc' },
      { kind, code },
    ])
  })

  test('who may not use the old upload is told what to do', () => {
    const response = refusal(403, 'PERMISSION_DENIED', [
      adsFailure(adsError('notAllowlistedError', 'CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE')),
    ])
    expect(read(response, events(1), legacy)[0]?.reason).toContain('set transport to data_manager')
  })
})

test.each([
  [401, 'unauthorized'],
  [403, 'unauthorized'],
  [404, 'unauthorized'],
  [408, 'unavailable'],
  [413, 'rejected'],
  [429, 'throttled'],
  [301, 'unavailable'],
  [502, 'unavailable'],
])('HTTP %i without a word of Google is %s', (status, kind) => {
  for (const settings of [data, legacy])
    expect(kinds({ status, headers: {}, body: '<html></html>' }, 1, settings)).toEqual([kind])
})
