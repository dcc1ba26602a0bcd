import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRateLimiter } from '../../src/delivery/rate-limit.ts'
import { manualClock } from '../support/clock.ts'

const never = new AbortController().signal

describe('rate limiter', () => {
  test('what the bucket holds goes at once, the rest at the rate', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(10, clock)
    const went: number[] = []
    for (let index = 0; index < 15; index += 1)
      void limiter.take(1, 'realtime', never).then(() => went.push(clock.now()))
    await clock.advance(0)
    expect(went).toHaveLength(10)
    await clock.advance(500)
    expect(went).toHaveLength(15)
  })

  test('over any stretch of time no more than the rate and one bucket go, and everybody goes in the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 }),
        async (rate, batches) => {
          const clock = manualClock()
          const start = clock.now()
          const limiter = createRateLimiter(rate, clock)
          const went: { at: number; events: number }[] = []
          for (const events of batches)
            void limiter.take(events, 'realtime', never).then(() => went.push({ at: clock.now(), events }))
          const total = batches.reduce((sum, events) => sum + events, 0)
          await clock.advance((total / rate) * 1000 + 60_000)
          expect(went).toHaveLength(batches.length)
          let sum = 0
          for (const { at, events } of went) {
            // The last batch may take the bucket into debt; before it, the account was within the limit.
            expect(sum).toBeLessThanOrEqual(rate + (rate * (at - start)) / 1000 + 1e-6)
            sum += events
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  test('neither lane starves: of ten turns the batch lane has two', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(1, clock)
    const order: string[] = []
    for (let index = 0; index < 10; index += 1) {
      void limiter.take(1, 'batch', never).then(() => order.push('batch'))
      void limiter.take(1, 'realtime', never).then(() => order.push('realtime'))
    }
    await clock.advance(11_500)
    // The first came while the line was empty and went at once.
    expect(order.slice(1, 11).filter((lane) => lane === 'batch')).toHaveLength(2)
  })

  test('a pause holds everybody until its time', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(100, clock)
    limiter.pauseUntil(clock.now() + 5_000)
    let went = false
    void limiter.take(1, 'realtime', never).then(() => (went = true))
    await clock.advance(4_999)
    expect(went).toBe(false)
    await clock.advance(1)
    expect(went).toBe(true)
  })

  test('who stops waiting is told no and leaves the line', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(1, clock)
    const leaving = new AbortController()
    await limiter.take(1, 'realtime', never)
    const waiting = limiter.take(1, 'realtime', leaving.signal)
    leaving.abort()
    await expect(waiting).resolves.toBe(false)
  })

  test('a clock that jumps back does not freeze the line', async () => {
    const clock = manualClock()
    let offset = 0
    const jumping = { now: () => clock.now() + offset, sleep: clock.sleep }
    const limiter = createRateLimiter(1, jumping)
    await limiter.take(1, 'realtime', never)
    offset = -3_600_000
    let went = false
    void limiter.take(1, 'realtime', never).then(() => (went = true))
    await clock.advance(3_000)
    expect(went).toBe(true)
  })

  test('a lifted limit lets everything through', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(Number.POSITIVE_INFINITY, clock)
    const all = Promise.all(Array.from({ length: 1_000 }, () => limiter.take(1_000, 'batch', never)))
    await clock.advance(0)
    expect((await all).every(Boolean)).toBe(true)
  })
})
