import { describe, expect, test } from 'vitest'
import type { HttpResponse } from '../../../src/destinations/destination.ts'
import { x } from '../../../src/destinations/x/index.ts'
import { deliver, minimalEvent } from '../events.ts'

const plain = { pixelId: 'o8z6j', accessToken: 'pixelToken', defaultEventId: 'o87ne' }
const settings = x.settings.parse(plain)
const event = deliver(minimalEvent)
const answer = (status: number, body: unknown, headers = {}): HttpResponse => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const errors = (...list: readonly object[]) => ({
  errors: list,
  request: { params: { account_id: '18ce55example' } },
})
const read = (response: HttpResponse, count = 1, by = settings) =>
  x.read(
    response,
    Array.from({ length: count }, () => event),
    by,
  )
const kindsOf = (response: HttpResponse) =>
  [1, 2].map((count) => read(response, count).map(({ kind }) => kind))

const success = (processed: unknown, headers = {}) =>
  answer(
    200,
    {
      request: { params: { account_id: '18ce55example' } },
      data: { conversions_processed: processed, debug_id: '00000000-0000-4000-8000-000000000000' },
    },
    headers,
  )

describe('answers of 200', () => {
  test('with the full count are deliveries, with the trace', () => {
    const delivered = {
      kind: 'delivered',
      reason: 'processed',
      trace: '00000000-0000-4000-8000-000000000000',
    }
    expect(read(success(2), 2)).toEqual([delivered, delivered])
  })

  test("carry X's warning of an old version", () => {
    expect(read(success(1, { 'x-api-warn': 'Version 12 ends' }))[0]?.reason).toBe(
      'processed; X warns: Version 12 ends',
    )
  })

  test('with a smaller count are none, and say how many', () => {
    expect(read(success(1), 2)[0]).toMatchObject({
      kind: 'unavailable',
      ambiguous: true,
      code: 'fewer_processed',
      reason: 'X processed 1 of the 2 events of this request',
    })
  })

  test.each([
    ['no count', success(undefined)],
    ['a count that is a text', success('2')],
    ['nothing', answer(200, '')],
    ['a page', answer(200, '<html></html>')],
    ['another object', answer(200, { data: [] })],
  ])('with %s are none', (_what, response) => {
    expect(read(response)[0]).toMatchObject({ kind: 'unavailable', ambiguous: true })
  })

  test('with errors inside are errors', () => {
    const body = {
      ...errors({ code: 'INVALID_PARAMETER', message: 'no' }),
      data: { conversions_processed: 1 },
    }
    expect(kindsOf(answer(200, body))).toEqual([['rejected'], ['batch_rejected', 'batch_rejected']])
  })
})

const person = {
  code: 'INVALID_PARAMETER',
  message: 'hashed_email is not a valid SHA-256 hash',
  parameter: 'hashed_email',
}
const badTag = {
  code: 'INVALID_PARAMETER',
  message: 'event_id is not a single event tag',
  parameter: 'event_id',
}

describe('what is wrong with one event', () => {
  test.each([
    ['nobody', { code: 'INVALID_PARAMETER', message: 'at least one user identifier must be provided' }],
    ['no hash', person],
    ['no time', { code: 'INVALID_PARAMETER', message: 'expected time in yyyy-MM-ddTHH:mm:ss.SSSZ' }],
    ['too many', { code: 'INVALID_PARAMETER', message: 'Conversion count limit is 500' }],
    ['a code never heard of', { code: 'SOMETHING', message: 'no' }],
  ])('%s: alone it is rejected, in company it is sought', (_what, error) => {
    const response = answer(400, errors(error))
    expect(kindsOf(response)).toEqual([['rejected'], ['batch_rejected', 'batch_rejected']])
    expect(read(response)[0]).toMatchObject({ code: error.code, reason: error.message })
  })

  test('a refusal without words, too', () => {
    expect(kindsOf(answer(400, '<html></html>'))).toEqual([
      ['rejected'],
      ['batch_rejected', 'batch_rejected'],
    ])
    expect(kindsOf(answer(413, ''))).toEqual([['rejected'], ['batch_rejected', 'batch_rejected']])
  })

  test('all that X says is told once, without a person in it', () => {
    const body = errors(person, person, { code: 'INVALID_PARAMETER', message: 'Bad jane@example.com\n here' })
    expect(read(answer(400, body))[0]?.reason).toBe(
      'hashed_email is not a valid SHA-256 hash; Bad [e-mail] here',
    )
  })
})

describe('what no other event could cure parks the lane', () => {
  test.each([
    [401, { code: 'UNAUTHORIZED_ACCESS', message: 'missing or incorrect authentication' }],
    [403, { code: 'UNAUTHORIZED_CLIENT_APPLICATION', message: 'no access to the Ads API' }],
    [403, { code: 'ACCOUNT_NOT_FOUND', message: 'x' }],
    [403, { code: 'USER_NOT_FOUND', message: 'x' }],
    [403, { code: 'READONLY_CLIENT_APPLICATION', message: 'x' }],
    [
      404,
      { code: 'NOT_FOUND', message: 'event_id does not belong to provided account', parameter: 'event_id' },
    ],
    [404, { code: 'WEB_EVENT_TAG_NOT_FOUND', message: 'x' }],
    [404, { code: 'ROUTE_NOT_FOUND', message: 'x' }],
    [400, { code: 'NOT_FOUND', message: 'x' }],
    [400, badTag],
  ])('%i %j', (status, error) => {
    expect(kindsOf(answer(status, errors(error)))).toEqual([
      ['unauthorized'],
      ['unauthorized', 'unauthorized'],
    ])
  })

  test.each([[401], [403], [404]])('%i with a page', (status) => {
    expect(kindsOf(answer(status, '<html></html>'))[0]).toEqual(['unauthorized'])
  })

  test('a wrong id among other faults is sought first', () => {
    expect(kindsOf(answer(400, errors(badTag, person)))[1]).toEqual(['batch_rejected', 'batch_rejected'])
  })

  test.each([
    ["an app's bearer token", 'AAAAAAAAAAAAAAAAAAAAAFnz2w%3DAbc', /^This looks like an app's bearer token/],
    ["the pixel's token", '3x4mpl3token', /^missing authentication$/],
  ])('%s is told for what it is', (_what, accessToken, reason) => {
    const by = x.settings.parse({ ...plain, accessToken })
    const body = errors({ code: 'UNAUTHORIZED_ACCESS', message: 'missing authentication' })
    const [outcome] = read(answer(401, body), 1, by)
    expect(outcome?.reason).toMatch(reason)
    expect(outcome?.reason).not.toContain(accessToken)
  })
})

describe('what passes', () => {
  test.each([
    [408, 'CANCELLED_REQUEST'],
    [423, 'LOCK_ACQUISITION_TIMEOUT'],
    [500, 'INTERNAL_ERROR'],
    [503, 'SERVICE_UNAVAILABLE'],
    [503, 'OVER_CAPACITY'],
    [400, 'OVER_CAPACITY'],
    [502, ''],
    [302, ''],
    [418, ''],
  ])('%i %s is tried again', (status, code) => {
    expect(kindsOf(answer(status, code === '' ? '' : errors({ code, message: 'x' })))).toEqual([
      ['unavailable'],
      ['unavailable', 'unavailable'],
    ])
  })

  test('the window of the limits is no reason to wait for a sick server', () => {
    const headers = { date: 'Fri, 20 Nov 2026 16:00:00 GMT', 'x-rate-limit-reset': '1795191300' }
    expect(read(answer(503, '', headers))[0]).not.toHaveProperty('retryAfterMs')
    expect(read(answer(503, '', { ...headers, 'retry-after': '9' }))[0]).toMatchObject({ retryAfterMs: 9000 })
  })
})

describe('how long a throttled lane waits', () => {
  const date = 'Fri, 20 Nov 2026 16:00:00 GMT'
  test.each([
    ['until the window of the user', { date, 'x-rate-limit-reset': '1795190700' }, 300_000],
    [
      'until the window of the account, where there is one',
      { date, 'x-rate-limit-reset': '1795190700', 'x-account-rate-limit-reset': '1795191000' },
      600_000,
    ],
    ['the same in milliseconds', { date, 'x-rate-limit-reset': '1795190700000' }, 300_000],
    ['not at all, when it is over', { date, 'x-rate-limit-reset': '1795190000' }, 0],
    ['as it was told, without a clock', { 'x-rate-limit-reset': '1795190700', 'retry-after': '20' }, 20_000],
    ['as it was told, without a time', { date, 'x-rate-limit-reset': 'soon', 'retry-after': '20' }, 20_000],
    ['nobody knows', {}, undefined],
  ])('%s', (_what, headers, wait) => {
    const [outcome] = read(answer(429, errors({ code: 'TOO_MANY_REQUESTS', message: 'x' }), headers))
    expect(outcome?.kind).toBe('throttled')
    expect(outcome !== undefined && 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined).toBe(wait)
  })

  test('a limit under another status is a limit', () => {
    expect(read(answer(400, errors({ code: 'TOO_MANY_REQUESTS', message: 'x' })))[0]?.kind).toBe('throttled')
  })
})
