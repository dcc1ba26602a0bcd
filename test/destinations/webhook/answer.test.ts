import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HttpResponse } from '../../../src/destinations/destination.ts'
import { readAnswer } from '../../../src/destinations/webhook/answer.ts'
import { deliverable } from './deliverable.ts'

const answer = (status: number, headers: HttpResponse['headers'] = {}, body = ''): HttpResponse => ({
  status,
  headers,
  body,
})
const read = (response: HttpResponse, event = deliverable()) => {
  const [outcome, ...more] = readAnswer(response, [event])
  expect(more).toEqual([])
  return outcome!
}

describe('an answer', () => {
  test.each([
    [200, 'delivered'],
    [201, 'delivered'],
    [202, 'delivered'],
    [204, 'delivered'],
    [300, 'unauthorized'],
    [301, 'unauthorized'],
    [302, 'unauthorized'],
    [307, 'unauthorized'],
    [308, 'unauthorized'],
    [400, 'rejected'],
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'unavailable'],
    [405, 'unavailable'],
    [408, 'unavailable'],
    [409, 'unavailable'],
    [410, 'unauthorized'],
    [413, 'rejected'],
    [415, 'rejected'],
    [418, 'unavailable'],
    [422, 'rejected'],
    [425, 'unavailable'],
    [429, 'throttled'],
    [500, 'unavailable'],
    [502, 'unavailable'],
    [503, 'unavailable'],
    [504, 'unavailable'],
    [599, 'unavailable'],
  ])('of %i is %s', (status, kind) => {
    expect(read(answer(status))).toMatchObject({ kind, code: String(status) })
  })

  test('says in words what it was', () => {
    expect(read(answer(503)).reason).toBe('the receiver answered 503 Service Unavailable')
    expect(read(answer(299)).reason).toBe('the receiver answered 299')
  })

  test('that redirects names the host and nothing more', () => {
    expect(read(answer(301, { location: 'https://other.example/secret-path?token=1' })).reason).toBe(
      'the receiver answered 301 Moved Permanently, a redirect to other.example, which is not followed',
    )
    expect(read(answer(301, { location: '/relative' })).reason).toBe(
      'the receiver answered 301 Moved Permanently',
    )
  })

  test('that asks for no more of this message ends it', () => {
    expect(read(answer(500, { 'webhook-delivery': 'abort-message' })).kind).toBe('rejected')
    expect(read(answer(200, { 'webhook-delivery': 'abort-message' })).kind).toBe('delivered')
  })

  test('carries the receiver’s trace id', () => {
    expect(read(answer(200, { 'x-request-id': 'req-1' }))).toMatchObject({ trace: 'req-1' })
    expect(read(answer(200, { 'x-request-id': '<script>' }))).not.toHaveProperty('trace')
  })
})

describe('Retry-After', () => {
  const date = 'Sun, 15 Nov 2026 10:00:00 GMT'
  test.each([
    ['seconds', { 'retry-after': '7' }, 7_000],
    [
      'a date, counted from the answer’s own',
      { 'retry-after': 'Sun, 15 Nov 2026 10:02:00 GMT', date },
      120_000,
    ],
    ['zero', { 'retry-after': '0' }, 1_000],
    ['a date gone by', { 'retry-after': 'Sun, 15 Nov 2026 09:00:00 GMT', date }, 1_000],
    ['a day', { 'retry-after': '86400' }, 3_600_000],
  ])('as %s is obeyed within a second and an hour', (_, headers, retryAfterMs) => {
    expect(read(answer(429, headers))).toMatchObject({ kind: 'throttled', retryAfterMs })
    expect(read(answer(503, headers))).toMatchObject({ kind: 'unavailable', retryAfterMs })
  })
  test.each([
    ['nothing', {}],
    ['words', { 'retry-after': 'soon', date }],
    ['a date without a date to count from', { 'retry-after': 'Sun, 15 Nov 2026 10:02:00 GMT' }],
  ])('as %s is left out', (_, headers) => {
    expect(read(answer(429, headers))).not.toHaveProperty('retryAfterMs')
  })
})

describe('the receiver’s own words', () => {
  test.each([
    ['{"message":"value must be positive"}', 'value must be positive'],
    ['{"error":"unknown order"}', 'unknown order'],
    ['{"error":{"message":"no such list","code":4}}', 'no such list'],
    ['{"title":"Bad Request","detail":"field  sku\\nmissing"}', 'field sku missing'],
  ])('%s are passed on', (body, words) => {
    expect(read(answer(422, {}, body)).reason).toBe(
      `the receiver answered 422 Unprocessable Entity: ${words}`,
    )
  })

  test.each([
    '',
    'not JSON: ann@example.com',
    '[]',
    'null',
    '{"message":{}}',
    '{"message":" "}',
    '<html>ann</html>',
  ])('are not looked for in %j', (body) => {
    expect(read(answer(422, {}, body)).reason).toBe('the receiver answered 422 Unprocessable Entity')
  })

  test('lose whatever could name a person', () => {
    const event = deliverable({}, { plain: { first_name: 'Zoë', last_name: 'Quux' } })
    const body = JSON.stringify({
      message: `cannot take Zoë Quux, zoe.quux@example.com, +49 (30) 901820-0, ${'ab'.repeat(32)} again`,
    })
    expect(read(answer(400, {}, body), event).reason).toBe(
      'the receiver answered 400 Bad Request: cannot take *** ***, [e-mail] ***, *** again',
    )
  })

  test('are cut short', () => {
    expect(read(answer(400, {}, JSON.stringify({ message: 'x y '.repeat(500) }))).reason.length).toBeLessThan(
      401,
    )
  })

  test('are not repeated of an answer that said yes', () => {
    expect(read(answer(200, {}, '{"message":"thank you"}')).reason).toBe('the receiver answered 200 OK')
  })
})

test('there is one outcome per event, whatever the answer holds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 200, max: 599 }),
      fc.dictionary(
        fc.constantFrom('retry-after', 'date', 'location', 'webhook-delivery', '__proto__'),
        fc.string(),
      ),
      fc.oneof(fc.string(), fc.json()),
      fc.nat(3),
      (status, headers, body, count) => {
        const events = Array.from({ length: count }, () => deliverable())
        const outcomes = readAnswer({ status, headers, body }, events)
        expect(outcomes).toHaveLength(count)
        for (const { reason } of outcomes) expect(reason.length).toBeLessThan(600)
      },
    ),
  )
})
