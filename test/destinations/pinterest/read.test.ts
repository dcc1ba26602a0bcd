import { describe, expect, test } from 'vitest'
import { pinterest } from '../../../src/destinations/pinterest/index.ts'
import type { HttpResponse } from '../../../src/destinations/destination.ts'
import { deliver, minimalEvent } from '../events.ts'

const settings = pinterest.settings.parse({ accessToken: 'pinaToken', adAccountId: '549755885175' })
const event = deliver(minimalEvent)
const answer = (status: number, body: unknown, headers = {}): HttpResponse => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const read = (response: HttpResponse, count = 1) =>
  pinterest.read(
    response,
    Array.from({ length: count }, () => event),
    settings,
  )

const processed = { status: 'processed', error_message: '', warning_message: '' }
const failed = { status: 'failed', error_message: 'event_time is too old', warning_message: null }

describe('answers of 200', () => {
  test('each event is judged by itself, in the order of the request', () => {
    const events = [processed, failed, { ...processed, warning_message: 'Value is zero' }]
    const response = answer(200, { num_events_received: 3, num_events_processed: 2, events })
    expect(read(response, 3)).toEqual([
      { kind: 'delivered', reason: 'processed' },
      { kind: 'rejected', reason: 'event_time is too old' },
      { kind: 'delivered', reason: 'processed; Pinterest remarks: Value is zero' },
    ])
  })

  test('a failure without a reason is a failure', () => {
    expect(read(answer(200, { events: [{ status: 'failed' }] }))).toEqual([
      { kind: 'rejected', reason: 'Pinterest gave no reason' },
    ])
  })

  test('an event of which nothing is said may have been taken', () => {
    const events = [processed, { status: 'pending' }, null]
    expect(read(answer(200, { events }), 3).map(({ kind }) => kind)).toEqual([
      'delivered',
      'unavailable',
      'unavailable',
    ])
  })

  test('a count alone says enough when it is all of them', () => {
    expect(read(answer(200, { num_events_processed: 2 }), 2).map(({ kind }) => kind)).toEqual([
      'delivered',
      'delivered',
    ])
  })

  test.each([
    ['a smaller count', { num_events_processed: 1 }],
    ['a list of another length', { num_events_received: 2, num_events_processed: 1, events: [failed] }],
    ['nothing', ''],
    ['a page', '<html></html>'],
  ])('%s is no delivery', (_what, body) => {
    expect(read(answer(200, body), 2)).toEqual(
      Array.from({ length: 2 }, () => expect.objectContaining({ kind: 'unavailable', ambiguous: true })),
    )
  })

  test('while validating they record nothing, and say so', () => {
    const validating = pinterest.settings.parse({
      accessToken: 'pinaToken',
      adAccountId: '549755885175',
      validateOnly: true,
    })
    expect(pinterest.read(answer(200, { events: [processed] }), [event], validating)).toEqual([
      { kind: 'delivered', reason: 'checked and not recorded: validateOnly is on' },
    ])
  })
})

describe('answers of 422', () => {
  test.each([
    ['under details', { code: 4195, message: 'Not all', details: { events: [processed, failed] } }],
    ['at the top', { code: 4195, message: 'Not all', events: [processed, failed] }],
  ])('judge each event, %s', (_what, body) => {
    expect(read(answer(422, body), 2).map(({ kind }) => kind)).toEqual(['delivered', 'rejected'])
  })

  test.each([
    ['no list', { code: 4195, message: 'Not all events were processed' }],
    [
      'a list of some',
      { code: 4195, message: 'Not all events were processed', details: { events: [failed] } },
    ],
    ['details of another kind', { code: 4195, message: 'Not all events were processed', details: 'x' }],
  ])('with %s have the batch split, and fail a single event', (_what, body) => {
    expect(read(answer(422, body), 2).map(({ kind }) => kind)).toEqual(['batch_rejected', 'batch_rejected'])
    const [single] = read(answer(422, { ...body, details: undefined }))
    expect(single).toEqual({ kind: 'rejected', reason: 'Not all events were processed', code: '4195' })
  })
})

describe('what a status means', () => {
  test.each([
    [400, { code: 4196, message: 'Invalid request' }, 'rejected', 'batch_rejected'],
    [413, '', 'rejected', 'batch_rejected'],
    [401, { code: 2, message: 'Authentication failed.' }, 'unauthorized', 'unauthorized'],
    [403, { code: 29, message: 'You are not permitted' }, 'unauthorized', 'unauthorized'],
    [404, { code: 3, message: 'Not found' }, 'unauthorized', 'unauthorized'],
    [404, '<html></html>', 'unavailable', 'unavailable'],
    [408, '', 'unavailable', 'unavailable'],
    [429, { code: 8, message: 'Too many requests' }, 'throttled', 'throttled'],
    [503, { code: 4197, message: 'Ramped down' }, 'unavailable', 'unavailable'],
    [500, '', 'unavailable', 'unavailable'],
    [502, '<html></html>', 'unavailable', 'unavailable'],
    [302, '', 'unavailable', 'unavailable'],
  ])('%i %j', (status, body, alone, together) => {
    expect(read(answer(status, body)).map(({ kind }) => kind)).toEqual([alone])
    expect(read(answer(status, body), 2).map(({ kind }) => kind)).toEqual([together, together])
  })

  test("the reason and the code are Pinterest's own, without a person in it", () => {
    expect(read(answer(400, { code: 4196, message: 'Bad em jane.doe@example.com\n here' }))).toEqual([
      { kind: 'rejected', code: '4196', reason: 'Bad em [e-mail] here' },
    ])
  })

  test.each([[429], [503]])('%i waits as long as it was told', (status) => {
    expect(read(answer(status, { code: 8, message: 'x' }, { 'retry-after': '30' }))[0]).toMatchObject({
      retryAfterMs: 30_000,
    })
    expect(read(answer(status, { code: 8, message: 'x' }))[0]).not.toHaveProperty('retryAfterMs')
  })
})
