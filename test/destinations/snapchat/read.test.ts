import { describe, expect, test } from 'vitest'
import { read } from '../../../src/destinations/snapchat/read.ts'
import { deliver, minimalEvent } from '../events.ts'

const event = deliver(minimalEvent)
const answer = (body: unknown, status = 200, headers = {}) => ({
  status,
  headers,
  body: JSON.stringify(body),
})
const errors = (message: string, code = 'E_EXAMPLE') => ({ codes: [code], error_msgs: [message] })
const kindsOf = (body: unknown, count: number, status = 200) =>
  read(
    answer(body, status),
    Array.from({ length: count }, () => event),
  ).map(({ kind }) => kind)

describe('what is taken', () => {
  test.each(['VALID', 'SUCCESS', 'valid'])('%s', (status) => {
    expect(
      read(answer({ status, reason: 'Events have been processed successfully.' }), [event, event]),
    ).toEqual([
      { kind: 'delivered', reason: 'received' },
      { kind: 'delivered', reason: 'received' },
    ])
  })

  test.each([201, 202])('with HTTP %i, too', (status) => {
    expect(kindsOf({ status: 'VALID' }, 1, status)).toEqual(['delivered'])
  })
})

describe('a bad event', () => {
  const body = { status: 'INVALID', event: 1, errors: errors('event_time is out of range') }

  test.each([200, 400])('alone is refused for good, under HTTP %i', (status) => {
    expect(read(answer(body, status), [event])).toEqual([
      { kind: 'rejected', reason: 'event_time is out of range', code: 'E_EXAMPLE' },
    ])
  })

  test.each([200, 400])(
    'in company has the lane split, under HTTP %i: nobody says what its number counts from',
    (status) => {
      expect(kindsOf(body, 3, status)).toEqual(['batch_rejected', 'batch_rejected', 'batch_rejected'])
    },
  )

  test.each([
    'event_source_url is required',
    'PURCHASE without price or currency',
    'client_ip_address is hashed',
    'unhashed PII',
    'insufficient PII',
  ])('is refused for: %s', (message) => {
    expect(
      read(answer({ status: 'INVALID', event: 0, errors: errors(message) }, 400), [event])[0],
    ).toMatchObject({
      kind: 'rejected',
      reason: message,
    })
  })

  test('may have its errors in a list, or in none', () => {
    const list = { status: 'INVALID', errors: [errors('one', 'A'), errors('two', 'B')] }
    expect(read(answer(list, 400), [event])[0]).toEqual({ kind: 'rejected', reason: 'one; two', code: 'A/B' })
    expect(read(answer({ status: 'INVALID' }, 400), [event])[0]).toEqual({
      kind: 'rejected',
      reason: 'Snapchat gave no reason',
    })
  })

  test('whose fault quotes a person does not name them', () => {
    const quoted = { status: 'INVALID', event: 1, errors: errors('em: jane.doe@example.com is unhashed PII') }
    expect(read(answer(quoted, 400), [event])[0]?.reason).toBe('em: [e-mail] is unhashed PII')
  })
})

describe('a bad token', () => {
  test.each([
    [401, { status: 'INVALID', reason: 'Invalid access token' }],
    [403, { status: 'INVALID', reason: 'Forbidden' }],
    [400, { status: 'INVALID', reason: 'Invalid access token' }],
    [200, { status: 'INVALID', reason: 'Invalid access token' }],
    [200, { status: 'INVALID', reason: 'User is not authorized for this asset' }],
  ])('HTTP %i %j parks the lane', (status, body) => {
    expect(kindsOf(body, 2, status)).toEqual(['unauthorized', 'unauthorized'])
  })

  test('is not to be read out of the faults of an event', () => {
    expect(
      kindsOf({ status: 'INVALID', event: 1, errors: errors('permission field is unknown') }, 1, 400),
    ).toEqual(['rejected'])
  })
})

describe('what the validation says of each event', () => {
  const entry = (number: number, status: string) => ({
    event: number,
    status,
    ...(status === 'VALID' ? {} : { errors: errors('out of range') }),
    warnings: [],
  })
  const body = (event_logs: readonly object[]) => ({
    status: 'INVALID',
    test_event: true,
    reason: 'see logs',
    event_logs,
  })

  test.each([
    ['counting from 0', [entry(0, 'VALID'), entry(1, 'INVALID'), entry(2, 'VALID')]],
    ['counting from 1', [entry(1, 'VALID'), entry(2, 'INVALID'), entry(3, 'VALID')]],
    ['in any order', [entry(3, 'VALID'), entry(1, 'VALID'), entry(2, 'INVALID')]],
  ])('%s', (_what, logs) => {
    expect(read(answer(body(logs)), [event, event, event])).toEqual([
      { kind: 'delivered', reason: 'Snapchat found it valid; validated only, so not counted' },
      { kind: 'rejected', reason: 'out of range', code: 'E_EXAMPLE' },
      { kind: 'delivered', reason: 'Snapchat found it valid; validated only, so not counted' },
    ])
  })

  test.each([
    ['too few', [entry(1, 'INVALID')]],
    ['gaps', [entry(1, 'VALID'), entry(3, 'INVALID')]],
    ['repeats', [entry(1, 'VALID'), entry(1, 'INVALID')]],
    ['no numbers', [{ status: 'VALID' }, { status: 'INVALID' }]],
    ['no objects', ['VALID', 'INVALID']],
  ])('with %s nobody is named, and the batch is split', (_what, logs) => {
    expect(kindsOf(body(logs as readonly object[]), 2)).toEqual(['batch_rejected', 'batch_rejected'])
  })

  test('under HTTP 400 the batch is split', () => {
    expect(kindsOf(body([entry(1, 'VALID'), entry(2, 'INVALID')]), 2, 400)).toEqual([
      'batch_rejected',
      'batch_rejected',
    ])
  })

  test('without logs', () => {
    expect(read(answer({ status: 'VALID', test_event: true }), [event])[0]?.reason).toBe(
      'Snapchat found it valid; validated only, so not counted',
    )
  })

  test('is not believed of an answer that is no validation', () => {
    const { test_event: _, ...live } = body([entry(1, 'VALID'), entry(2, 'INVALID')])
    expect(kindsOf(live, 2)).toEqual(['batch_rejected', 'batch_rejected'])
  })
})

test.each([
  [200, 'unavailable'],
  [301, 'unavailable'],
  [400, 'unavailable'],
  [401, 'unauthorized'],
  [403, 'unauthorized'],
  [404, 'unauthorized'],
  [408, 'unavailable'],
  [413, 'rejected'],
  [429, 'throttled'],
  [500, 'unavailable'],
  [503, 'unavailable'],
])('HTTP %i without JSON is %s', (status, kind) => {
  expect(read({ status, headers: {}, body: '<html></html>' }, [event])[0]?.kind).toBe(kind)
})

test('a batch that is too large is split', () => {
  expect(kindsOf({ status: 'INVALID', reason: 'Payload too large' }, 2, 413)).toEqual([
    'batch_rejected',
    'batch_rejected',
  ])
})

test('a success without a verdict may have been taken', () => {
  expect(read(answer({ ok: true }), [event])[0]).toMatchObject({ kind: 'unavailable', ambiguous: true })
})

test('a wrong pixel is said in words', () => {
  expect(read(answer({ status: 'INVALID', reason: 'Asset not found' }, 404), [event])[0]?.reason).toBe(
    'HTTP 404: Snapchat knows no such pixel (Asset not found)',
  )
})
