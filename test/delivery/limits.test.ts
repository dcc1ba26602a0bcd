import { describe, expect, test } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import { simplePlatform } from '../support/destination.ts'
import { shiftingClock } from '../support/clock.ts'
import { startEngine } from '../support/engine.ts'
import { captured, someIntegration } from '../support/events.ts'
import { startScripted } from '../support/scripted.ts'
import { until } from '../support/until.ts'

const recent = (id: string, type = 'purchase') =>
  captured({ id: id as EventId, type, name: type, occurredAt: Date.now() })
const many = (count: number, prefix = 'e') =>
  Array.from({ length: count }, (_, index) => recent(`${prefix}${index}`))

describe('limits on a real platform', { timeout: 30_000 }, () => {
  test('integrations with one credential share its limit; both get all of theirs', async () => {
    await using server = await startScripted()
    const rateLimit = { eventsPerSecond: 10, batchSize: 5 }
    await using engine = await startEngine([
      someIntegration({ id: 'one', endpoint: server.url, rateLimit }),
      someIntegration({ id: 'two', endpoint: server.url, rateLimit }),
    ])
    const began = performance.now()
    await engine.intake.accept(many(15))
    await until(
      () => server.taken.length,
      (count) => count === 30,
    )
    // At ten a second the last ten of thirty go two seconds after the first; each for itself would need but one.
    expect(performance.now() - began).toBeGreaterThan(2_000)
    expect(Math.max(...server.requests.map(({ length }) => length))).toBeLessThanOrEqual(5)
  })

  test.each([
    { name: 'in seconds', retryAfter: () => '1' },
    { name: 'as a date', retryAfter: () => new Date(Date.now() + 1_500).toUTCString() },
    { name: 'in words nobody understands', retryAfter: () => 'soon, please' },
    { name: 'below zero', retryAfter: () => '-5' },
    { name: 'not at all', retryAfter: () => null },
  ])(
    'a platform that asks for a pause $name is left in peace, and nothing is lost or used up',
    async ({ retryAfter }) => {
      const times: number[] = []
      await using server = await startScripted((_events, nth) => {
        times.push(performance.now())
        if (nth > 1) return 200
        const asked = retryAfter()
        return { status: 429, headers: asked === null ? {} : { 'retry-after': asked } }
      })
      await using engine = await startEngine([
        someIntegration({ endpoint: server.url, rateLimit: { batchSize: 1, eventsPerSecond: 50 } }),
      ])
      await engine.intake.accept([recent('first')])
      await until(
        () => times.length,
        (count) => count === 1,
      )
      await engine.intake.accept(many(10))
      await until(
        () => server.taken.length,
        (count) => count === 11,
      )
      // A date has whole seconds and may say as little as half of one; less than one is never believed.
      expect(times[1]! - times[0]!).toBeGreaterThan(900)
      const first = await until(
        () => engine.event('first'),
        (event) => event?.deliveries[0]?.status === 'sent',
      )
      expect(first!.deliveries[0]).toMatchObject({ status: 'sent', attempts: 1 })
      expect(first!.deliveries[0]!.journal.map(({ outcome }) => outcome)).toEqual(['throttled', 'delivered'])
    },
    20_000,
  )

  test.each([
    { name: 'lifted', rateLimit: { lifted: true, batchSize: 1_000 }, most: 4_000 },
    { name: 'of its size', rateLimit: { eventsPerSecond: 6_000, batchSize: 1_000 }, most: 6_000 },
    { name: 'of small requests', rateLimit: { eventsPerSecond: 10_000, batchSize: 10 }, most: 80 },
  ])(
    'however much waits, a lane with a limit $name holds only what it needs to go on',
    async ({ rateLimit, most }) => {
      await using server = await startScripted(() => null)
      let held = 0
      const { limits } = simplePlatform()
      const platform = simplePlatform({ limits: { ...limits, batchSize: 1_000 } })
      await using engine = await startEngine(
        [someIntegration({ endpoint: server.url, rateLimit }, platform)],
        {
          wrap: (store) => ({
            ...store,
            claim: async (request) => {
              const claimed = await store.claim(request)
              held += claimed.length
              return claimed
            },
          }),
        },
      )
      await engine.intake.accept(many(8_000))
      // Nobody answers, so all that it will ever hold is on the wire.
      await until(
        () => server.requests.flat().length,
        (count) => count >= most,
      )
      const [waiting] = await engine.store.backlog()
      expect([held, waiting?.pending]).toEqual([most, 8_000])
    },
  )

  test('being told to slow down again and again never kills an event', async () => {
    await using server = await startScripted((_events, nth) =>
      nth <= 5 ? { status: 429, headers: { 'retry-after': '1' } } : 200,
    )
    // The small platform gives up after four attempts; these do not count as such.
    await using engine = await startEngine([someIntegration({ endpoint: server.url })])
    await engine.intake.accept([recent('a')])
    const event = await until(
      () => engine.event('a'),
      (one) => one?.deliveries[0]?.status === 'sent',
    )
    expect(event!.deliveries[0]!.attempts).toBe(1)
    expect(event!.deliveries[0]!.journal).toHaveLength(6)
  }, 30_000)
})

describe('the two lanes', { timeout: 30_000 }, () => {
  test('a full batch does not wait for its window, the rest of it does', async () => {
    await using server = await startScripted()
    await using engine = await startEngine([
      someIntegration({ endpoint: server.url, batchWindow: 3_600, lane: 'batch' }),
    ])
    for (let index = 0; index < 25; index += 1) await engine.intake.accept([recent(`e${index}`)])
    await until(
      () => server.taken.length,
      (count) => count === 20,
    )
    expect(server.requests.map((events) => events.length)).toEqual([10, 10])
    expect(server.taken.map(({ id }) => id).sort()).toEqual(
      many(20)
        .map(({ event }) => event.id)
        .sort(),
    )
    await until(
      () => engine.store.backlog(),
      ([lane]) => lane?.lane === 'batch' && lane.pending === 5,
    )
  })

  test('views are gathered for their window, orders go at once', async () => {
    await using server = await startScripted()
    const clock = shiftingClock()
    await using engine = await startEngine([someIntegration({ endpoint: server.url, batchWindow: 3_600 })], {
      clock,
    })
    await engine.intake.accept([recent('view-1', 'view_content')])
    await engine.intake.accept([recent('order')])
    await engine.intake.accept([recent('view-2', 'view_content'), recent('view-3', 'view_content')])
    await until(
      () => server.taken.map(({ id }) => id),
      (ids) => ids.length === 1,
    )
    expect(server.taken[0]!.id).toBe('order')
    clock.shift(3_600_000)
    engine.lanes.wake('shop/simple', 'batch')
    await until(
      () => server.taken.length,
      (count) => count === 4,
    )
    expect(server.requests.map((events) => events.map(({ id }) => id))).toEqual([
      ['order'],
      ['view-1', 'view-2', 'view-3'],
    ])
  })

  test('what can never fill a request together is not torn out of its window', async () => {
    await using server = await startScripted()
    const alone = simplePlatform({ batchKey: ({ event }) => event.id })
    await using engine = await startEngine([
      someIntegration({ endpoint: server.url, batchWindow: 3_600, lane: 'batch' }, alone),
    ])
    await engine.intake.accept(many(30))
    await engine.intake.accept(many(30, 'f'))
    await until(
      () => engine.store.backlog(),
      ([lane]) => lane?.pending === 60 && lane.nextDueAt !== null,
    )
    expect(server.requests).toEqual([])
  })
})

describe('a neighbour that hangs', { timeout: 30_000 }, () => {
  test('delays nobody: all of the healthy platform’s events arrive while it has answered none of its own', async () => {
    const { limits } = simplePlatform()
    const patient = simplePlatform({ limits: { ...limits, timeoutMs: 600_000 } })
    let hung = 0
    await using hanging = await startScripted(() => {
      hung += 1
      return null
    })
    await using healthy = await startScripted()
    await using engine = await startEngine([
      someIntegration({ id: 'hanging', endpoint: hanging.url, rateLimit: { batchSize: 1 } }, patient),
      someIntegration({ id: 'healthy', endpoint: healthy.url, rateLimit: { batchSize: 1 } }),
    ])
    for (let index = 0; index < 100; index += 1) {
      await engine.intake.accept([recent(`e${index}`)])
      await until(
        () => healthy.taken.length,
        (count) => count === index + 1,
      )
    }
    expect(healthy.taken.map(({ id }) => id)).toEqual(many(100).map(({ event }) => event.id))
    expect(hanging.taken).toEqual([])
    // It had as many requests as a lane sends at once, and was waited for all the while.
    expect(hung).toBe(8)
  }, 60_000)
})
