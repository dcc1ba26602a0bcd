import { describe, expect, test } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import type { Store } from '../../src/store/store.ts'
import { simplePlatform } from '../support/destination.ts'
import { startEngine } from '../support/engine.ts'
import { captured, someIntegration } from '../support/events.ts'
import { startScripted } from '../support/scripted.ts'
import { until } from '../support/until.ts'

const recent = (id: string) => captured({ id: id as EventId, occurredAt: Date.now() })
const limits = {
  eventsPerSecond: 10_000,
  batchSize: 1_000,
  maxBodyBytes: 4_000_000,
  maxAgeMs: 7 * 86_400_000,
  timeoutMs: 5_000,
}
const settled = async (store: Store): Promise<boolean> => (await store.backlog()).length === 0

const everyEvent = async (store: Store) => {
  const events = []
  for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
    const page = await store.events({ site: 'shop', limit: 500, ...(cursor === null ? {} : { cursor }) })
    events.push(...page.events)
    cursor = page.nextCursor
  }
  return events
}

describe('a batch refused as a whole', { timeout: 30_000 }, () => {
  test.each([
    { many: 1, guilty: [613], atMost: 13 },
    { many: 3, guilty: [90, 371, 808], atMost: 37 },
    { many: 500, guilty: Array.from({ length: 500 }, (_, index) => index * 2), atMost: 1_501 },
  ])(
    '$many bad of 1 000: the good arrive exactly once, only the bad die, in at most $atMost requests',
    async ({ guilty, atMost }) => {
      const bad = new Set(guilty.map((index) => `e${index}`))
      await using server = await startScripted((events) => (events.some(({ id }) => bad.has(id)) ? 400 : 200))
      await using engine = await startEngine([
        someIntegration(
          { endpoint: server.url, rateLimit: { lifted: true } },
          simplePlatform({ limits, eventNames: simplePlatform().eventNames }),
        ),
      ])
      await engine.intake.accept(Array.from({ length: 1_000 }, (_, index) => recent(`e${index}`)))
      await until(
        () => settled(engine.store),
        (done) => done,
        60_000,
      )

      expect(server.requests[0]).toHaveLength(1_000)
      expect(server.requests.length).toBeLessThanOrEqual(atMost)
      const taken = server.taken.map(({ id }) => id)
      expect(new Set(taken).size).toBe(taken.length)
      expect(taken).toHaveLength(1_000 - bad.size)

      const events = await everyEvent(engine.store)
      const dead = events.filter(({ deliveries }) => deliveries[0]?.status === 'failed')
      expect(new Set(dead.map(({ eventId }) => eventId))).toEqual(bad)
      for (const { eventId, deliveries } of events) {
        const line = deliveries[0]?.journal.at(-1)
        expect(line).toMatchObject(
          bad.has(eventId)
            ? { outcome: 'batch_rejected', reason: 'something in it is wrong', httpStatus: 400, batchSize: 1 }
            : { outcome: 'delivered', httpStatus: 200 },
        )
        expect(line?.request).toContain(`\\"id\\":\\"${eventId}\\"`)
      }
    },
    90_000,
  )

  test('that was too large is cut, not suspected: no event of it is asked alone', async () => {
    await using server = await startScripted((events) => (events.length > 300 ? 413 : 200))
    const platform = simplePlatform()
    await using engine = await startEngine([
      someIntegration(
        { endpoint: server.url, rateLimit: { lifted: true } },
        simplePlatform({
          limits,
          read: (answer, events, settings) =>
            answer.status === 413
              ? events.map(() => ({ kind: 'batch_rejected' as const, reason: 'too much at once' }))
              : platform.read(answer, events, settings),
        }),
      ),
    ])
    await engine.intake.accept(Array.from({ length: 1_000 }, (_, index) => recent(`e${index}`)))
    await until(
      () => server.taken.length,
      (count) => count === 1_000,
    )
    expect(server.requests.map((events) => events.length)).toEqual([1_000, 500, 250, 250, 500, 250, 250])
  })

  test('never grows past the platform’s bytes: it is cut before it is sent', async () => {
    const maxBodyBytes = 2_000
    await using server = await startScripted()
    await using engine = await startEngine([
      someIntegration(
        { endpoint: server.url, rateLimit: { lifted: true } },
        simplePlatform({ limits: { ...limits, maxBodyBytes } }),
      ),
    ])
    await engine.intake.accept(Array.from({ length: 400 }, (_, index) => recent(`e${index}`)))
    await until(
      () => server.taken.length,
      (count) => count === 400,
    )
    await engine.intake.accept(Array.from({ length: 400 }, (_, index) => recent(`f${index}`)))
    await until(
      () => server.taken.length,
      (count) => count === 800,
    )
    expect(Math.max(...server.bodies.map((body) => Buffer.byteLength(body)))).toBeLessThanOrEqual(
      maxBodyBytes,
    )
    expect(new Set(server.taken.map(({ id }) => id)).size).toBe(800)
    // What fits together travels together: it is not sent one by one for fear of the limit.
    expect(server.requests.length).toBeLessThan(200)
  })

  test('a platform that fails in the midst of the search costs nobody: what is unproven comes back', async () => {
    const bad = new Set(['e5'])
    let answers = 0
    await using server = await startScripted((events) => {
      answers += 1
      if (answers % 3 === 0) return 503
      return events.some(({ id }) => bad.has(id)) ? 400 : 200
    })
    await using engine = await startEngine([
      someIntegration(
        { endpoint: server.url, rateLimit: { lifted: true } },
        simplePlatform({ limits, retry: () => ({ maxAttempts: 50, delaysMs: [50] }) }),
      ),
    ])
    await engine.intake.accept(Array.from({ length: 64 }, (_, index) => recent(`e${index}`)))
    await until(
      () => settled(engine.store),
      (done) => done,
    )
    const taken = server.taken.map(({ id }) => id)
    expect(taken).toHaveLength(63)
    expect(new Set(taken).size).toBe(63)
    expect(taken).not.toContain('e5')
  })
})
