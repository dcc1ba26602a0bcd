import { describe, expect, test } from 'vitest'
import { read } from '../../../src/destinations/tiktok/read.ts'
import { deliver, minimalEvent } from '../events.ts'

const event = deliver(minimalEvent)
const answer = (code: unknown, message?: string, status = 200, headers = {}) => ({
  status,
  headers,
  body: JSON.stringify({ code, message, request_id: '202611201943', data: {} }),
})

describe('what a code means for one event', () => {
  test.each([
    ['accepted', 0, 'OK', 'delivered'],
    ['accepted in part', 20001, 'Partial success', 'delivered'],
    ['a parameter', 40000, 'Invalid parameter', 'rejected'],
    ['a malformed field', 40002, 'data.0.properties.contents.0.content_id: Not a valid string', 'rejected'],
    ['no permission', 40001, 'No permission to operate pixel code: C0EXAMPLE77U8PIXEL0.', 'unauthorized'],
    ['an expired token', 40102, 'Access token has expired.', 'unauthorized'],
    ['no token', 40104, 'Access token is missing.', 'unauthorized'],
    ['a revoked token', 40105, 'Access token is incorrect or has been revoked.', 'unauthorized'],
    ['a setting', 40002, 'event_source_id: Not a valid string', 'unauthorized'],
    ['too many requests', 40100, 'Too many requests. Please retry in some time.', 'throttled'],
    ['another limit', 40133, 'App reaches the QPS limit', 'throttled'],
    ['yet another limit', 51021, 'Too many requests', 'throttled'],
    ['their fault', 50000, 'System error', 'unavailable'],
    ['their fault', 59999, 'System error', 'unavailable'],
    ['never heard of', 60001, 'Something', 'unavailable'],
    ['never heard of', 40700, 'Something', 'unavailable'],
  ])('%s (%i)', (_what, code, message, kind) => {
    const [outcome] = read(answer(code, message), [event])
    expect(outcome).toMatchObject({ kind, trace: '202611201943' })
    expect(outcome?.code ?? '0').toBe(`${code}`)
  })

  test('a code may come as a text', () => {
    expect(read(answer('40105', 'revoked'), [event])[0]?.kind).toBe('unauthorized')
  })

  test.each([[null], [{}], ['many'], [1.5], ['']])('a code of %j is none', (code) => {
    expect(read(answer(code, 'OK'), [event])[0]).toMatchObject({ kind: 'unavailable', ambiguous: true })
  })
})

test('one bad event refuses its batch, for the lane to split', () => {
  const outcomes = read(answer(40002, 'data.1.event_time: Not a valid integer'), [event, event, event])
  expect(outcomes.map(({ kind }) => kind)).toEqual(['batch_rejected', 'batch_rejected', 'batch_rejected'])
  expect(outcomes[0]).toMatchObject({ code: '40002', reason: 'data.1.event_time: Not a valid integer' })
})

describe('of a batch taken in part', () => {
  test.each([
    ['data.1.user: invalid', ['delivered', 'rejected', 'delivered']],
    ['Batch[0] and Batch[2] are invalid', ['rejected', 'delivered', 'rejected']],
    ['data[2]: invalid', ['delivered', 'delivered', 'rejected']],
    ['some events were dropped', ['delivered', 'delivered', 'delivered']],
    ['data.7: invalid', ['delivered', 'delivered', 'delivered']],
  ])('only what is named is refused, and nothing goes again: %s', (message, kinds) => {
    const outcomes = read(answer(20001, message), [event, event, event])
    expect(outcomes.map(({ kind }) => kind)).toEqual(kinds)
    expect(outcomes.every(({ code }) => code === '20001')).toBe(true)
  })
})

describe('words', () => {
  test.each([
    ['OK', 'received'],
    ['', 'received'],
    ['ttclid has expired', 'received; TikTok remarks: ttclid has expired'],
  ])('accepted with %j', (message, reason) => {
    expect(read(answer(0, message), [event])[0]?.reason).toBe(reason)
  })

  test('no person is repeated', () => {
    expect(
      read(answer(40002, 'data.0.user.email: jane.doe@example.com is not hashed'), [event])[0]?.reason,
    ).toBe('data.0.user.email: [e-mail] is not hashed')
  })
})

test.each([
  [200, 'unavailable'],
  [301, 'unavailable'],
  [400, 'unavailable'],
  [401, 'unauthorized'],
  [403, 'unauthorized'],
  [404, 'unavailable'],
  [413, 'rejected'],
  [429, 'throttled'],
  [500, 'unavailable'],
  [502, 'unavailable'],
])('HTTP %i without a code is %s', (status, kind) => {
  expect(read({ status, headers: {}, body: '<html></html>' }, [event])[0]?.kind).toBe(kind)
})

test('a code under another status counts, but nothing is delivered by it', () => {
  expect(read(answer(0, 'OK', 404), [event])[0]?.kind).toBe('unavailable')
  expect(read(answer(40002, 'data.0', 400), [event])[0]?.kind).toBe('rejected')
  expect(read(answer(40105, 'revoked', 401), [event])[0]?.kind).toBe('unauthorized')
  expect(read(answer(40002, 'data.0', 503), [event])[0]?.kind).toBe('unavailable')
  expect(read(answer(0, 'OK', 429), [event])[0]?.kind).toBe('throttled')
})

test('a wait is obeyed with a code, too', () => {
  expect(read(answer(40100, 'Too many requests', 200, { 'retry-after': '3' }), [event])[0]).toMatchObject({
    kind: 'throttled',
    retryAfterMs: 3000,
  })
})
