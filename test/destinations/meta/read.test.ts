import { describe, expect, test } from 'vitest'
import { read } from '../../../src/destinations/meta/read.ts'
import { deliver, minimalEvent } from '../events.ts'

const event = deliver(minimalEvent)
const answer = (error: Readonly<Record<string, unknown>>, status = 400, headers = {}) => ({
  status,
  headers,
  body: JSON.stringify({
    error: { message: 'Invalid parameter', type: 'OAuthException', fbtrace_id: 'AbC', ...error },
  }),
})

describe('what a code means for one event', () => {
  test.each([
    ['too old', { code: 100, error_subcode: 2804003 }, 'rejected'],
    ['purchase without value', { code: 100, error_subcode: 2804009 }, 'rejected'],
    ['invalid parameter', { code: 100 }, 'rejected'],
    ['too many parameters', { code: 105 }, 'rejected'],
    ['missing object', { code: 100, error_subcode: 33 }, 'unauthorized'],
    ['expired token', { code: 190, error_subcode: 463 }, 'unauthorized'],
    ['changed password', { code: 190, error_subcode: 460 }, 'unauthorized'],
    ['session', { code: 102 }, 'unauthorized'],
    ['no token', { code: 104 }, 'unauthorized'],
    ['permission denied', { code: 10 }, 'unauthorized'],
    ['permission error', { code: 200 }, 'unauthorized'],
    ['not managed', { code: 294 }, 'unauthorized'],
    ['application limit', { code: 4 }, 'throttled'],
    ['user limit', { code: 17, error_subcode: 2446079 }, 'throttled'],
    ['page limit', { code: 32 }, 'throttled'],
    ['limit reached', { code: 341 }, 'throttled'],
    ['custom limit', { code: 613, error_subcode: 1487742, is_transient: true }, 'throttled'],
    ['business use case limit', { code: 80004 }, 'throttled'],
    ['unknown', { code: 1 }, 'unavailable'],
    ['service', { code: 2 }, 'unavailable'],
    ['odd', { code: 5000 }, 'unavailable'],
    ['internal', { code: -3 }, 'unavailable'],
    ['transient', { code: 100, is_transient: true }, 'unavailable'],
    ['never heard of', { code: 424242 }, 'unavailable'],
  ])('%s', (_what, error, kind) => {
    expect(read(answer(error), [event])).toEqual([expect.objectContaining({ kind, trace: 'AbC' })])
  })
})

test('a batch with one bad event is refused whole, for the lane to split', () => {
  const outcomes = read(answer({ code: 100, error_subcode: 2804003 }), [event, event])
  expect(outcomes.map(({ kind }) => kind)).toEqual(['batch_rejected', 'batch_rejected'])
  expect(outcomes[0]?.code).toBe('100/2804003')
})

test("the reason is the platform's own, without a person in it", () => {
  const [outcome] = read(
    answer({
      code: 100,
      error_user_title: 'Event Timestamp Too Old',
      error_user_msg: 'The event of jane.doe@example.com\n is too old',
    }),
    [event],
  )
  expect(outcome?.reason).toBe('Event Timestamp Too Old: The event of [e-mail] is too old')
})

describe('how long a throttled lane waits', () => {
  test.each([
    [
      'the longest of what the usage header says, in minutes',
      {
        'x-business-use-case-usage':
          '{"1":[{"type":"ads","call_count":100,"estimated_time_to_regain_access":3}],"2":[{"estimated_time_to_regain_access":7}]}',
        'retry-after': '5',
      },
      420_000,
    ],
    [
      'the account header',
      { 'x-ad-account-usage': '{"acc_id_util_pct":100,"estimated_time_to_regain_access":2}' },
      120_000,
    ],
    ['Retry-After', { 'retry-after': '30' }, 30_000],
    ['nothing said', {}, undefined],
  ])('%s', (_what, headers, retryAfterMs) => {
    const [outcome] = read(answer({ code: 613 }, 400, headers), [event])
    expect(outcome?.kind).toBe('throttled')
    expect(outcome !== undefined && 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined).toBe(
      retryAfterMs,
    )
  })
})

describe('answers of 200', () => {
  const ok = (body: unknown) => ({ status: 200, headers: {}, body: JSON.stringify(body) })

  test('all received is delivered, with the trace', () => {
    expect(read(ok({ events_received: 1, messages: [], fbtrace_id: 'Abc123' }), [event])).toEqual([
      { kind: 'delivered', reason: 'received', trace: 'Abc123' },
    ])
  })

  test("Meta's remarks are kept", () => {
    expect(read(ok({ events_received: 1, messages: ['value is zero'] }), [event])[0]?.reason).toBe(
      'received; Meta remarks: value is zero',
    )
  })

  test('fewer received than sent is delivered, and said', () => {
    const outcomes = read(ok({ events_received: 1 }), [event, event])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['delivered', 'delivered'])
    expect(outcomes[0]).toMatchObject({
      code: 'fewer_received',
      reason: 'Meta counted 1 of the 2 events of this request',
    })
  })

  test('none received, no count, or no JSON is not delivered', () => {
    for (const response of [ok({ events_received: 0 }), ok({}), { status: 200, headers: {}, body: '<html>' }])
      expect(read(response, [event])[0]?.kind).toBe('unavailable')
  })

  test('an error inside is an error', () => {
    expect(read(answer({ code: 190 }, 200), [event])[0]?.kind).toBe('unauthorized')
  })
})

test.each([
  [500, 'unavailable'],
  [502, 'unavailable'],
  [301, 'unavailable'],
  [404, 'unavailable'],
  [401, 'unauthorized'],
  [413, 'rejected'],
  [429, 'throttled'],
])('HTTP %i without a word of the Graph API is %s', (status, kind) => {
  expect(read({ status, headers: {}, body: '<html></html>' }, [event])[0]?.kind).toBe(kind)
})

test('a temporary block is left alone for an hour', () => {
  expect(read(answer({ code: 368 }), [event])[0]).toMatchObject({
    kind: 'unavailable',
    retryAfterMs: 3_600_000,
  })
})
