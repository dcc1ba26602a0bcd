import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRateLimiter, type RateLimiter } from '../../src/delivery/rate-limit.ts'
import { createSteadyClock } from '../../src/delivery/steady-clock.ts'
import type { LaneName } from '../../src/event/names.ts'
import { manualClock, type ManualClock } from '../support/clock.ts'

const never = new AbortController().signal

interface Went {
  readonly at: number
  readonly events: number
  readonly lane: LaneName
  readonly index: number
}

/** Asks at its time for each load; answers with what went, in order. */
const drive = async (
  limiter: RateLimiter,
  clock: ManualClock,
  loads: readonly { readonly after: number; readonly events: number; readonly lane: LaneName }[],
): Promise<readonly Went[]> => {
  const went: Went[] = []
  for (const [index, { after, events, lane }] of loads.entries()) {
    await clock.advance(after)
    void limiter.take(events, lane, never).then(() => went.push({ at: clock.now(), events, lane, index }))
  }
  return went
}

/** The most events that went within any second, a request larger than the limit left aside. */
const busiestSecond = (went: readonly Went[], limit: number): number => {
  const usual = went.filter(({ events }) => events <= limit)
  return Math.max(
    0,
    ...usual.map(({ at }) =>
      usual
        .filter((other) => other.at >= at && other.at < at + 1_000)
        .reduce((sum, { events }) => sum + events, 0),
    ),
  )
}

const loadsOf = (largest: number) =>
  fc.array(
    fc.record({
      after: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 })),
      events: fc.integer({ min: 1, max: largest }),
      lane: fc.constantFrom<LaneName>('realtime', 'batch'),
    }),
    { minLength: 1, maxLength: 60 },
  )

describe('rate limiter', () => {
  test('a second’s worth goes at once, the rest when it is a second old', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(10, clock)
    const went: number[] = []
    for (let index = 0; index < 15; index += 1)
      void limiter.take(1, 'realtime', never).then(() => went.push(clock.now()))
    await clock.advance(999)
    expect(went).toHaveLength(10)
    await clock.advance(1)
    expect(went).toHaveLength(15)
  })

  test('whatever the load: no second sees more than the limit, and everybody goes, each once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 100 }), loadsOf(150), async (limit, loads) => {
        const clock = manualClock()
        const went = await drive(createRateLimiter(limit, clock), clock, loads)
        const total = loads.reduce((sum, { events }) => sum + events, 0)
        await clock.advance((total / limit + loads.length + 1) * 1_000)
        expect(went.map(({ index }) => index).sort((a, b) => a - b)).toEqual(loads.map((_, index) => index))
        expect(busiestSecond(went, limit)).toBeLessThanOrEqual(limit)
      }),
      { numRuns: 200 },
    )
  })

  test('a request larger than the limit goes alone, and the next waits until it is paid for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), loadsOf(200), async (limit, loads) => {
        const clock = manualClock()
        const went = await drive(createRateLimiter(limit, clock), clock, loads)
        const total = loads.reduce((sum, { events }) => sum + events, 0)
        await clock.advance((total / limit + loads.length + 1) * 1_000)
        expect(went).toHaveLength(loads.length)
        for (const [index, { at, events }] of went.entries()) {
          if (events <= limit) continue
          const before = went[index - 1]
          const after = went[index + 1]
          if (before !== undefined) expect(at - before.at).toBeGreaterThanOrEqual(1_000)
          if (after !== undefined) expect(after.at - at).toBeGreaterThanOrEqual((events / limit) * 1_000 - 1)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('in a lane nobody overtakes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 50 }), loadsOf(80), async (limit, loads) => {
        const clock = manualClock()
        const went = await drive(createRateLimiter(limit, clock), clock, loads)
        await clock.advance(10_000_000)
        for (const lane of ['realtime', 'batch']) {
          const order = went.filter((one) => one.lane === lane).map(({ index }) => index)
          expect(order).toEqual([...order].sort((a, b) => a - b))
        }
      }),
      { numRuns: 100 },
    )
  })

  test('neither lane starves: of five turns one is the batch lane’s, four are not', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(1, clock)
    const order: string[] = []
    for (let index = 0; index < 10; index += 1) {
      void limiter.take(1, 'realtime', never).then(() => order.push('realtime'))
      void limiter.take(1, 'batch', never).then(() => order.push('batch'))
    }
    await clock.advance(9_000)
    expect(order).toHaveLength(10)
    expect(order.filter((lane) => lane === 'batch')).toHaveLength(2)
  })

  test('who has waited ten seconds goes next, ahead of all that are younger', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(1, clock)
    const order: string[] = []
    const ask = (name: string, lane: LaneName): void =>
      void limiter.take(1, lane, never).then(() => order.push(name))
    ask('first', 'realtime')
    for (let index = 0; index < 3; index += 1) ask(`old batch ${index}`, 'batch')
    await clock.advance(500)
    for (let index = 0; index < 40; index += 1) ask(`young ${index}`, 'realtime')
    await clock.advance(12_500)
    // The first of the old took its lane's turn; the others were next once they were ten seconds old.
    expect(order.indexOf('old batch 1')).toBeLessThanOrEqual(10)
    expect(order.indexOf('old batch 2')).toBe(order.indexOf('old batch 1') + 1)
    expect(order.filter((name) => name.startsWith('young')).length).toBeGreaterThan(5)
  })

  test('a small request does not wait behind a large one of the other lane that has no room yet', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(10, clock)
    const order: string[] = []
    void limiter.take(5, 'batch', never).then(() => order.push('half'))
    void limiter.take(10, 'batch', never).then(() => order.push('whole'))
    await clock.advance(100)
    void limiter.take(1, 'realtime', never).then(() => order.push('small'))
    await clock.advance(0)
    expect(order).toEqual(['half', 'small'])
    await clock.advance(1_100)
    expect(order).toEqual(['half', 'small', 'whole'])
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

  /** How many of 1 000 single events go in each of the next seconds. */
  const perSecond = async (limiter: RateLimiter, clock: ManualClock, seconds: number): Promise<number[]> => {
    let went = 0
    const leaving = new AbortController()
    for (let index = 0; index < 1_000; index += 1)
      void limiter.take(1, 'batch', leaving.signal).then((granted) => (went += granted ? 1 : 0))
    const counts: number[] = []
    for (let second = 0; second < seconds; second += 1) {
      const before = went
      await clock.advance(second === 0 ? 999 : 1_000)
      counts.push(went - before)
    }
    leaving.abort()
    return counts
  }

  test('a complaint halves the rate at once, many about the same requests halve it once, and it comes back slowly', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(20, clock)
    for (let index = 0; index < 8; index += 1) limiter.slowDown()
    const counts = await perSecond(limiter, clock, 30)
    expect(counts[0]).toBe(10)
    expect(counts[10]).toBeGreaterThan(counts[0]!)
    expect(counts[10]).toBeLessThan(20)
    expect(counts.at(-1)).toBe(20)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
  })

  test('however often it complains, something still goes', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(1, clock)
    for (let index = 0; index < 100; index += 1) {
      limiter.slowDown()
      await clock.advance(1_000)
    }
    let went = false
    void limiter.take(1, 'realtime', never).then(() => (went = true))
    await clock.advance(33_000)
    expect(went).toBe(true)
  })

  test('complaints in between lose nothing and repeat nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 50 }),
        loadsOf(60),
        fc.array(fc.nat(59), { maxLength: 10 }),
        async (limit, loads, complaints) => {
          const clock = manualClock()
          const limiter = createRateLimiter(limit, clock)
          const went: number[] = []
          for (const [index, { after, events, lane }] of loads.entries()) {
            await clock.advance(after)
            if (complaints.includes(index)) {
              limiter.slowDown()
              limiter.pauseUntil(clock.now() + 1_500)
            }
            void limiter.take(events, lane, never).then(() => went.push(index))
          }
          await clock.advance(20_000_000)
          expect(went.sort((a, b) => a - b)).toEqual(loads.map((_, index) => index))
        },
      ),
      { numRuns: 50 },
    )
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

  test.each([
    { jump: -3_600_000, why: 'back by an hour' },
    { jump: 3_600_000, why: 'ahead by an hour' },
  ])('a clock that jumps $why neither freezes the line nor opens it', async ({ jump }) => {
    const clock = manualClock()
    let offset = 0
    const limiter = createRateLimiter(
      1,
      createSteadyClock({ now: () => clock.now() + offset, sleep: clock.sleep }),
    )
    await limiter.take(1, 'realtime', never)
    offset = jump
    const went: number[] = []
    for (let index = 0; index < 5; index += 1)
      void limiter.take(1, 'realtime', never).then(() => went.push(index))
    await clock.advance(3_000)
    expect(went.length).toBeGreaterThanOrEqual(2)
    expect(went.length).toBeLessThanOrEqual(4)
  })

  test('another limit holds from now on, for those who wait too', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(1, clock)
    let went = 0
    for (let index = 0; index < 50; index += 1) void limiter.take(1, 'batch', never).then(() => (went += 1))
    await clock.advance(0)
    expect(went).toBe(1)
    limiter.setRate(100)
    await clock.advance(0)
    expect(went).toBe(50)
  })

  test('a lifted limit lets everything through', async () => {
    const clock = manualClock()
    const limiter = createRateLimiter(Number.POSITIVE_INFINITY, clock)
    const all = Promise.all(Array.from({ length: 1_000 }, () => limiter.take(1_000, 'batch', never)))
    await clock.advance(0)
    expect((await all).every(Boolean)).toBe(true)
  })
})
