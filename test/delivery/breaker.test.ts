import { describe, expect, test } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import { simplePlatform } from '../support/destination.ts'
import { startEngine } from '../support/engine.ts'
import { captured, someIntegration } from '../support/events.ts'
import { startScripted } from '../support/scripted.ts'
import { until } from '../support/until.ts'

const recent = (id: string) => captured({ id: id as EventId, occurredAt: Date.now() })
const breaker = { failures: 3, firstMs: 300, longestMs: 1_200 }
const forgiving = simplePlatform({ retry: () => ({ maxAttempts: 100, delaysMs: [50] }) })

describe('a platform that nobody answers at', { timeout: 30_000 }, () => {
  test('is left alone after a few tries, knocked at with one event, and served again by itself', async () => {
    let up = false
    await using server = await startScripted(() => (up ? 200 : 503))
    await using engine = await startEngine([someIntegration({ endpoint: server.url }, forgiving)], {
      breaker,
    })
    await engine.intake.accept(Array.from({ length: 40 }, (_, index) => recent(`e${index}`)))
    const [parked] = await until(
      () => engine.lanes.parked(),
      (lanes) => lanes.length === 1,
    )
    expect(parked).toMatchObject({
      integration: 'shop/simple',
      lane: 'realtime',
      cause: 'unavailable',
      reason: 'status 503',
    })
    // What was on the wire when the breaker opened may still come; after that only knocks of one event do.
    const before = server.requests.length
    expect(before).toBeLessThanOrEqual(8)
    await until(
      () => server.requests.length,
      (count) => count >= before + 3,
    )
    const later = server.requests.slice(8)
    expect(later.every((events) => events.length === 1)).toBe(true)

    up = true
    await until(
      () => server.taken.length,
      (count) => count === 40,
    )
    expect(engine.lanes.parked()).toEqual([])
    const ids = server.taken.map(({ id }) => id)
    expect(new Set(ids).size).toBe(40)
    // Attempts are what was made and nothing else: each request of each event has its line.
    for (const id of new Set(ids)) {
      const event = await until(
        () => engine.event(id),
        (one) => one?.deliveries[0]?.status === 'sent',
      )
      const made = server.requests.filter((events) => events.some((one) => one.id === id)).length
      expect(event!.deliveries[0]!.attempts).toBe(made)
    }
  }, 30_000)

  test('uses up no tries of the events that wait meanwhile', async () => {
    await using server = await startScripted(() => 503)
    await using engine = await startEngine(
      [someIntegration({ endpoint: server.url, rateLimit: { batchSize: 1 } })],
      {
        breaker: { failures: 1, firstMs: 600_000, longestMs: 600_000 },
      },
    )
    await engine.intake.accept([recent('first')])
    await until(
      () => engine.lanes.parked(),
      (lanes) => lanes.length === 1,
    )
    await engine.intake.accept(['b', 'c', 'd'].map(recent))
    await until(
      () => engine.store.backlog(),
      ([lane]) => lane?.pending === 4 && lane.nextDueAt !== null,
    )
    expect(server.requests).toHaveLength(1)
    const event = await engine.event('b')
    expect(event!.deliveries[0]).toMatchObject({ status: 'queued', attempts: 0, journal: [] })
  })

  test('is spared those, too, that were claimed and waited for their turn', async () => {
    await using server = await startScripted(() => 503)
    const rateLimit = { eventsPerSecond: 3, batchSize: 1 }
    await using engine = await startEngine(
      [someIntegration({ endpoint: server.url, rateLimit }, forgiving)],
      {
        breaker: { failures: 1, firstMs: 600_000, longestMs: 600_000 },
      },
    )
    await engine.intake.accept(Array.from({ length: 10 }, (_, index) => recent(`e${index}`)))
    await until(
      () => engine.lanes.parked(),
      (lanes) => lanes.length === 1,
    )
    await until(
      () => engine.store.events({ site: 'shop', status: 'claimed', limit: 10 }),
      ({ events }) => events.length === 0,
    )
    expect(server.requests.length).toBeLessThanOrEqual(3)
  })

  test('in one lane does not close the other', async () => {
    await using server = await startScripted((events) =>
      events.some(({ name }) => name === 'search') ? 503 : 200,
    )
    await using engine = await startEngine(
      [someIntegration({ endpoint: server.url, batchWindow: 0 }, forgiving)],
      { breaker: { failures: 1, firstMs: 600_000, longestMs: 600_000 } },
    )
    await engine.intake.accept([
      captured({ id: 'seen' as EventId, type: 'search', name: 'search', occurredAt: Date.now() }),
    ])
    await until(
      () => engine.lanes.parked(),
      ([lane]) => lane?.lane === 'batch',
    )
    await engine.intake.accept([recent('order')])
    await until(
      () => server.taken.map(({ id }) => id),
      (ids) => ids.includes('order'),
    )
    expect(engine.lanes.parked()).toHaveLength(1)
  })
})
