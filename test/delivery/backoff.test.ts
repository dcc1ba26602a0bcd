import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoffMs, clampWaitMs } from '../../src/delivery/backoff.ts'

const policy = { maxAttempts: 5, delaysMs: [1_000, 10_000, 60_000] }

describe('backoff', () => {
  test.each([
    { attempts: 1, random: 0.999, ceiling: 1_000 },
    { attempts: 2, random: 0.5, ceiling: 10_000 },
    { attempts: 3, random: 0.25, ceiling: 60_000 },
    { attempts: 9, random: 0.25, ceiling: 60_000 },
  ])('after attempt $attempts the wait is that share of $ceiling ms', ({ attempts, random, ceiling }) => {
    expect(backoffMs(policy, attempts, random)).toBe(Math.round(random * ceiling))
  })

  test('never asks again at once, and never later than the ceiling', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.double({ min: 0, max: 0.9999, noNaN: true }), (attempts, random) => {
        const wait = backoffMs(policy, attempts, random)
        expect(wait).toBeGreaterThanOrEqual(100)
        expect(wait).toBeLessThanOrEqual(60_000)
      }),
    )
  })

  test.each([
    { asked: 5_000, waits: 5_000 },
    { asked: 0, waits: 1_000 },
    { asked: -7, waits: 1_000 },
    { asked: Number.NaN, waits: 1_000 },
    { asked: 10 ** 9, waits: 3_600_000 },
  ])('a platform that asks for $asked ms gets $waits ms', ({ asked, waits }) => {
    expect(clampWaitMs(asked)).toBe(waits)
  })
})
