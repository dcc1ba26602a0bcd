import { describe, expect, test } from 'vitest'
import { parkedMs, settlementOf, type Case } from '../../src/delivery/settling.ts'
import type { Outcome } from '../../src/destinations/outcome.ts'

const now = 1_763_632_800_000
const line: Case['line'] = {
  at: now,
  outcome: '',
  reason: '',
  code: null,
  trace: null,
  httpStatus: null,
  durationMs: null,
  request: null,
  batchSize: 1,
}
const settle = (outcome: Outcome, attempts = 0) =>
  settlementOf({
    deliveryId: 7,
    attempts,
    outcome,
    policy: (failure) =>
      failure === 'unsent'
        ? { maxAttempts: 9, delaysMs: [1_000] }
        : failure === 'ambiguous'
          ? { maxAttempts: 1, delaysMs: [1000] }
          : { maxAttempts: 3, delaysMs: [1_000, 8_000] },
    now,
    random: 0.5,
    line,
  })

describe('what an outcome means for a delivery', () => {
  test('delivered is final', () => {
    expect(settle({ kind: 'delivered', reason: 'taken' })).toMatchObject({ status: 'sent', dueAt: null })
  })

  test('rejected is dead, with the platform’s sentence', () => {
    expect(settle({ kind: 'rejected', reason: 'no such pixel' })).toMatchObject({
      status: 'failed',
      reason: 'no such pixel',
    })
  })

  test.each([
    { asked: undefined, waits: 1_000 },
    { asked: 7_000, waits: 7_000 },
    { asked: 1, waits: 1_000 },
  ])('throttled comes back after $waits ms when $asked was asked, and costs no retry', ({ asked, waits }) => {
    const outcome: Outcome = {
      kind: 'throttled',
      reason: '',
      ...(asked === undefined ? {} : { retryAfterMs: asked }),
    }
    expect(settle(outcome, 99)).toMatchObject({ status: 'retrying', dueAt: now + waits, counted: false })
  })

  test('unavailable comes back with jitter until the budget is spent, then it is dead and kept', () => {
    const outcome: Outcome = { kind: 'unavailable', reason: 'down' }
    expect(settle(outcome, 0)).toMatchObject({ status: 'retrying', dueAt: now + 500, counted: true })
    expect(settle(outcome, 1)).toMatchObject({ status: 'retrying', dueAt: now + 4_000, counted: true })
    expect(settle(outcome, 2)).toMatchObject({ status: 'failed' })
  })

  test('where a second arrival would count twice, an ambiguous end is not tried again', () => {
    expect(settle({ kind: 'unavailable', ambiguous: true, reason: 'no answer' })).toMatchObject({
      status: 'failed',
    })
  })

  test('what provably never left may be tried for longer', () => {
    const outcome: Outcome = { kind: 'unavailable', ambiguous: false, reason: 'refused' }
    expect(settle(outcome, 5)).toMatchObject({ status: 'retrying', counted: true })
  })

  test('bad credentials keep the event for as long as it takes', () => {
    expect(settle({ kind: 'unauthorized', reason: 'expired' }, 99)).toMatchObject({
      status: 'retrying',
      dueAt: now + parkedMs,
      counted: false,
    })
  })

  test('what was not attempted is no attempt', () => {
    expect(settle({ kind: 'not_attempted', reason: 'stopping' })).toBeNull()
  })
})
