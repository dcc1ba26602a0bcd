import { describe, expect, test } from 'vitest'
import { createPacers, paced } from '../../src/delivery/pace.ts'
import { createRateLimiter } from '../../src/delivery/rate-limit.ts'
import type { Integration } from '../../src/sites/configure.ts'
import { manualClock } from '../support/clock.ts'
import { simplePlatform } from '../support/destination.ts'
import { someIntegration } from '../support/events.ts'

const never = new AbortController().signal

const using = (account: string, over: Parameters<typeof someIntegration>[0] = {}): Integration =>
  someIntegration(over, simplePlatform({ pace: () => ({ account, requestsPerSecond: 4 }) }))

describe('a pace', () => {
  test('is shared by the integrations of one account, and by no others', () => {
    const pacers = createPacers(manualClock())
    const one = pacers(using('a', { id: 'one' }))
    expect(one).not.toBeNull()
    expect(pacers(using('a', { id: 'two' }))).toBe(one)
    expect(pacers(using('b'))).not.toBe(one)
    expect(pacers(using('a', { endpoint: 'http://127.0.0.1:9' }))).not.toBe(one)
  })

  test('is none where the platform counts no requests, or the limits are lifted', () => {
    const pacers = createPacers(manualClock())
    expect(pacers(someIntegration())).toBeNull()
    expect(pacers(using('a', { rateLimit: { lifted: true } }))).toBeNull()
    const own = createRateLimiter(10, manualClock())
    expect(paced(own, null)).toBe(own)
  })

  test('counts requests, whatever they hold, over all who share it', async () => {
    const clock = manualClock()
    const pacers = createPacers(clock)
    const limiters = ['one', 'two'].map((id) =>
      paced(createRateLimiter(100_000, clock), pacers(using('a', { id }))),
    )
    const went: number[] = []
    for (let index = 0; index < 20; index += 1)
      void limiters[index % 2]!.take(index % 3 === 0 ? 1 : 2000, 'realtime', never).then(() =>
        went.push(clock.now()),
      )
    const start = clock.now()
    await clock.advance(60_000)
    expect(went).toHaveLength(20)
    for (const at of went) {
      const within = went.filter((other) => other >= at && other < at + 1_000)
      expect(within.length).toBeLessThanOrEqual(4)
    }
    expect(Math.max(...went) - start).toBeLessThanOrEqual(6_000)
  })

  test('waits behind the own limit on events', async () => {
    const clock = manualClock()
    const limiter = paced(createRateLimiter(1, clock), createPacers(clock)(using('a')))
    let went = 0
    for (let index = 0; index < 3; index += 1) void limiter.take(1, 'realtime', never).then(() => (went += 1))
    await clock.advance(0)
    expect(went).toBe(1)
    await clock.advance(5_000)
    expect(went).toBe(3)
  })

  test('stands still for everybody when the platform asks one of them to slow down', async () => {
    const clock = manualClock()
    const pacers = createPacers(clock)
    const [one, two] = ['one', 'two'].map((id) =>
      paced(createRateLimiter(100, clock), pacers(using('a', { id }))),
    )
    one!.pauseUntil(clock.now() + 30_000)
    let went = false
    void two!.take(1, 'realtime', never).then(() => (went = true))
    await clock.advance(29_000)
    expect(went).toBe(false)
    await clock.advance(2_000)
    expect(went).toBe(true)
  })

  test('lets go who stops waiting', async () => {
    const clock = manualClock()
    const limiter = paced(createRateLimiter(100, clock), createPacers(clock)(using('a')))
    limiter.pauseUntil(clock.now() + 60_000)
    const leaving = new AbortController()
    const waiting = limiter.take(1, 'batch', leaving.signal)
    leaving.abort()
    await expect(waiting).resolves.toBe(false)
  })
})
