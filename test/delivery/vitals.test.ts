import { describe, expect, test } from 'vitest'
import {
  credentialMark,
  credentialStateOf,
  lastErrorOf,
  lastSuccessOf,
  successOf,
} from '../../src/delivery/vitals.ts'
import type { LatestOutcome, Pulse } from '../../src/store/store.ts'

const pulse = (status: Pulse['status'], outcome: string, deliveries: number): Pulse => ({
  integration: 'shop/meta',
  status,
  outcome,
  deliveries,
})

const latest = (outcome: string, at: number, over: Partial<LatestOutcome> = {}): LatestOutcome => ({
  integration: 'shop/meta',
  outcome,
  at,
  since: at,
  reason: `because ${outcome}`,
  code: null,
  trace: null,
  httpStatus: null,
  credential: null,
  ...over,
})

describe('success', () => {
  test.each([
    ['nothing attempted has no rate', [], { rate: null }],
    ['all taken', [pulse('sent', 'delivered', 8)], { delivered: 8, rate: 1 }],
    [
      'dead and to be tried again are failures alike',
      [
        pulse('sent', 'delivered', 2),
        pulse('failed', 'rejected', 1),
        pulse('failed', 'internal', 1),
        pulse('retrying', 'unavailable', 3),
        pulse('retrying', 'unauthorized', 1),
      ],
      { delivered: 2, failed: 2, retried: 4, rate: 0.25 },
    ],
    [
      'being told to slow down is neither',
      [pulse('sent', 'delivered', 3), pulse('retrying', 'throttled', 90)],
      { delivered: 3, throttled: 90, retried: 0, rate: 1 },
    ],
    ['throttled alone has no rate', [pulse('retrying', 'throttled', 9)], { throttled: 9, rate: null }],
  ] as const)('%s', (_, pulses, expected) => {
    expect(successOf(pulses)).toMatchObject(expected)
  })
})

describe('credentials', () => {
  const ours = { credentialKey: 'abcdef0123' }
  const refused = (at: number, credential = credentialMark(ours)) =>
    latest('unauthorized', at, { since: 5, credential })

  test.each([
    ['nothing was ever sent', [], { state: 'never_used' }],
    ['taken', [latest('delivered', 9)], { state: 'fine', at: 9 }],
    ['judged, if not taken', [latest('rejected', 9)], { state: 'fine', at: 9 }],
    [
      'nobody answered, or only to wait',
      [latest('unavailable', 9), latest('throttled', 8)],
      { state: 'never_used' },
    ],
    [
      'refused, whatever was taken before',
      [latest('delivered', 4), refused(7)],
      { state: 'refused', since: 5, at: 7, reason: 'because unauthorized' },
    ],
    ['refused, then nobody answered', [refused(7), latest('unavailable', 9)], { state: 'refused' }],
    ['refused, then taken again', [refused(7), latest('delivered', 8)], { state: 'fine', at: 8 }],
    ['refused, and changed since', [latest('delivered', 4), refused(7, 'ffff')], { state: 'never_used' }],
  ] as const)('%s', (_, seen, expected) => {
    expect(credentialStateOf(seen, ours)).toMatchObject(expected)
  })

  test('a mark is too short to check a guessed password against', () => {
    expect(credentialMark({ credentialKey: 'a'.repeat(64) })).toHaveLength(4)
  })
})

test('the last error is the newest that is one', () => {
  const seen = [
    latest('delivered', 9),
    latest('throttled', 8),
    latest('unavailable', 6),
    latest('rejected', 7),
  ]
  expect(lastErrorOf(seen)).toMatchObject({ outcome: 'rejected', at: 7 })
  expect(lastSuccessOf(seen)).toMatchObject({ at: 9 })
  expect(lastErrorOf([latest('delivered', 1), latest('throttled', 2)])).toBeNull()
  expect(lastSuccessOf([latest('rejected', 1)])).toBeNull()
})
