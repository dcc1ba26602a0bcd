import { describe, expect, test } from 'vitest'
import { later } from '../../../src/destinations/google-ads/later.ts'
import { googleAdsSettings } from '../../../src/destinations/google-ads/settings.ts'
import type { Processing } from '../../../src/destinations/late-verdict.ts'
import { context, plainSettings } from '../events.ts'

/** The shapes are those of https://developers.google.com/data-manager/api/devguides/diagnostics (2026-11-20). */

const settings = googleAdsSettings.parse(plainSettings['google_ads'])

const answer = (one: object, status = 200) => ({
  status,
  headers: {},
  body: JSON.stringify({ requestStatusPerDestination: [{ destination: {}, ...one }] }),
})
const errors = (...counts: readonly (readonly [string, unknown])[]) => ({
  errorInfo: {
    errorCounts: counts.map(([reason, recordCount]) => ({
      reason: `PROCESSING_ERROR_REASON_${reason}`,
      recordCount,
    })),
  },
})
const said = (one: object, count = 20): string => {
  const processing: Processing = later.read(answer(one), count)
  return processing.kind === 'refused'
    ? `${processing.status} ${processing.refused}: ${processing.reason}`
    : `${processing.kind}: ${processing.reason}`
}

describe('a status of the Data Manager', () => {
  test.each<readonly [string, object, number, string]>([
    ['not done', { requestStatus: 'PROCESSING' }, 20, 'undecided: Google is not done yet'],
    ['unknown', { requestStatus: 'REQUEST_STATUS_UNKNOWN' }, 20, 'undecided: no verdict of Google'],
    ['good', { requestStatus: 'SUCCESS' }, 20, 'processed: processed'],
    [
      'good, with remarks',
      {
        requestStatus: 'SUCCESS',
        warningInfo: {
          warningCounts: [{ recordCount: '2', reason: 'PROCESSING_WARNING_REASON_INTERNAL_ERROR' }],
        },
      },
      20,
      'processed: processed; Google remarks: INTERNAL_ERROR (2)',
    ],
    [
      'good in part: how many, and that nobody says which',
      { requestStatus: 'PARTIAL_SUCCESS', ...errors(['INVALID_GCLID', '2'], ['EVENT_TOO_OLD', 1]) },
      20,
      'failed 3: Google refused 3 of the 20 events of this request when it processed them, and does not say which: INVALID_GCLID (2), EVENT_TOO_OLD (1)',
    ],
    [
      'bad for the only event',
      { requestStatus: 'FAILED', ...errors(['INVALID_GCLID', '1']) },
      1,
      'failed 1: accepted, and refused when processed: INVALID_GCLID',
    ],
    [
      'bad for want of consent',
      { requestStatus: 'FAILED', ...errors(['NO_CONSENT', '1'], ['DENIED_CONSENT', '1']) },
      2,
      'consent_denied 2: accepted, and refused when processed: NO_CONSENT (1), DENIED_CONSENT (1)',
    ],
    [
      'bad for something to be mended, with what to do',
      {
        requestStatus: 'FAILED',
        ...errors(['DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED', '1']),
      },
      1,
      'failed 1: accepted, and refused when processed: DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED: accept the customer data terms in Google Ads, Goals, Settings, and switch on enhanced conversions for leads',
    ],
    [
      'a repeat, which is no refusal',
      { requestStatus: 'FAILED', ...errors(['DUPLICATE_TRANSACTION_ID', '20']) },
      20,
      'processed: Google has some of it already: DUPLICATE_TRANSACTION_ID (20)',
    ],
    [
      'repeats beside a refusal',
      {
        requestStatus: 'PARTIAL_SUCCESS',
        ...errors(['DUPLICATE_TRANSACTION_ID', '3'], ['INVALID_GCLID', '1']),
      },
      4,
      'failed 1: Google refused 1 of the 4 events of this request when it processed them, and does not say which: INVALID_GCLID (1)',
    ],
    [
      'bad without a reason',
      { requestStatus: 'FAILED' },
      3,
      'failed 3: accepted, and refused when processed: no reason given',
    ],
    [
      'more refusals than there were events',
      { requestStatus: 'FAILED', ...errors(['INVALID_GCLID', '99']) },
      2,
      'failed 2: accepted, and refused when processed: INVALID_GCLID (99)',
    ],
    [
      'counts that are none',
      { requestStatus: 'PARTIAL_SUCCESS', ...errors(['INVALID_GCLID', 'many'], ['EVENT_TOO_OLD', -1]) },
      2,
      'processed: Google has some of it already: INVALID_GCLID (0), EVENT_TOO_OLD (0)',
    ],
  ])('%s', (_what, one, count, words) => {
    expect(said(one, count)).toBe(words)
  })

  test.each([
    ['a page', { status: 200, headers: {}, body: '<html>' }],
    ['nothing', { status: 200, headers: {}, body: '' }],
    ['no destination', { status: 200, headers: {}, body: '{"requestStatusPerDestination":[]}' }],
    ['a verdict under an error', answer({ requestStatus: 'SUCCESS' }, 503)],
    [
      'an unknown request',
      { status: 404, headers: {}, body: '{"error":{"code":404,"message":"no","status":"NOT_FOUND"}}' },
    ],
    ['wrong types', answer({ requestStatus: ['SUCCESS'], errorInfo: 7 })],
  ])('that is %s decides nothing', (_what, response) => {
    expect(later.read(response, 3).kind).toBe('undecided')
  })
})

describe('what is asked about', () => {
  const delivered = { kind: 'delivered', reason: 'accepted for processing', trace: 'Rq-1' } as const

  test.each([
    ['a request that was accepted', settings, delivered, 'Rq-1'],
    ['one without a name', settings, { kind: 'delivered', reason: 'x' }, null],
    ['what Google had already', settings, { ...delivered, code: 'DUPLICATE_ORDER_ID' }, null],
    ['a refusal', settings, { ...delivered, kind: 'rejected' }, null],
    ['what was only checked', { ...settings, validateOnly: true }, delivered, null],
    [
      'the older upload, which answers at once',
      { ...settings, transport: 'google_ads_api' },
      delivered,
      null,
    ],
  ] as const)('%s', (_what, used, outcome, ticket) => {
    expect(later.ticketOf(outcome, used)).toBe(ticket)
  })

  test('is asked by its id, with the token', () => {
    const request = later.build('a b&c', settings, { ...context, credential: { accessToken: 'ya29.t' } })
    expect(request).toEqual({
      method: 'GET',
      url: 'https://datamanager.googleapis.com/v1/requestStatus:retrieve?requestId=a+b%26c',
      headers: { authorization: 'Bearer ya29.t' },
      body: '',
    })
  })

  test('first after half an hour, then less and less often', () => {
    const [first = 0, ...others] = later.askAfterMs
    expect(first).toBe(30 * 60_000)
    expect(others.every((next, index) => next > (later.askAfterMs[index] ?? Infinity))).toBe(true)
  })
})
