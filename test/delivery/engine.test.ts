import { describe, expect, test } from 'vitest'
import type { EventId } from '../../src/event/brand.ts'
import { noConsentSignal } from '../../src/event/consent.ts'
import type { StoredEvent } from '../../src/store/store.ts'
import { captured, someIntegration } from '../support/events.ts'
import { simplePlatform } from '../support/destination.ts'
import { startEngine } from '../support/engine.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { until } from '../support/until.ts'

interface Received {
  readonly id: string
  readonly name: string
}

/** Answers by script, one entry per request, then 200 for ever. */
const platform = async (
  script: (
    | { status: number; headers?: Record<string, string>; body?: string }
    | ((events: readonly Received[]) => number)
  )[] = [],
): Promise<TestServer & { readonly requests: (readonly Received[])[]; readonly taken: Received[] }> => {
  const requests: (readonly Received[])[] = []
  const taken: Received[] = []
  const server = await startServer((_request, response, body) => {
    const { events } = JSON.parse(body) as { events: readonly Received[] }
    requests.push(events)
    const next = script.length > 1 || typeof script[0] !== 'function' ? script.shift() : script[0]
    const {
      status,
      headers,
      body: answer,
    } = typeof next === 'function'
      ? { status: next(events), headers: {}, body: '' }
      : { status: 200, headers: {}, body: '', ...next }
    if (status === 200) taken.push(...events)
    response.writeHead(status, headers).end(answer)
  })
  return { ...server, requests, taken, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const recent = (id: string) => captured({ id: id as EventId, occurredAt: Date.now() })
const delivered = (event: StoredEvent | null): boolean =>
  event !== null && event.deliveries.length > 0 && event.deliveries.every(({ status }) => status === 'sent')
const statuses = (event: StoredEvent | null) => event?.deliveries.map(({ status }) => status)

describe('delivery', () => {
  test('an accepted event reaches its platform, and the journal says how', async () => {
    await using server = await platform()
    await using engine = await startEngine([someIntegration({ endpoint: server.url })])
    await engine.intake.accept([
      captured({ id: 'a' as EventId, occurredAt: Date.now() }, { email: 'ann@example.com' }),
    ])
    const event = await until(() => engine.event('a'), delivered)
    expect(server.taken.map(({ id }) => id)).toEqual(['a'])
    const [line] = event!.deliveries[0]!.journal
    expect(line).toMatchObject({ outcome: 'delivered', httpStatus: 200, batchSize: 1 })
    expect(line!.request).toContain('/events')
    expect(line!.request).not.toContain('top-secret-token')
    expect(line!.request).not.toContain('ann@example.com')
    expect(event!.holdsPersonalData).toBe(false)
  })

  test('a platform that quotes what it was sent puts neither secret nor person into journal and log', async () => {
    const quoting = simplePlatform({
      read: ({ body }, events) =>
        events.map(() => ({ kind: 'rejected', reason: `no good: ${body}`, trace: body })),
    })
    await using server = await startServer((request, response, body) => {
      response.writeHead(200).end(`${request.headers.authorization} ${body}`)
    })
    await using engine = await startEngine([someIntegration({ endpoint: server.url }, quoting)])
    await engine.intake.accept([
      captured({ id: 'a' as EventId, occurredAt: Date.now() }, { email: 'ann@example.com' }),
    ])
    const event = await until(
      () => engine.event('a'),
      (seen) => statuses(seen)?.[0] === 'failed',
    )
    const told = JSON.stringify([event, engine.news])
    expect(told).toContain('no good: Bearer ***')
    expect(told).not.toContain('top-secret-token')
    expect(told).not.toMatch(/[0-9a-f]{64}/)
  })

  test('the same event twice is one event, counted', async () => {
    await using server = await platform()
    await using engine = await startEngine([someIntegration({ endpoint: server.url })])
    await engine.intake.accept([recent('a')])
    await engine.intake.accept([recent('a'), recent('b')])
    await until(() => engine.event('b'), delivered)
    const first = await until(() => engine.event('a'), delivered)
    expect(first!.duplicates).toBe(1)
    expect(server.taken.map(({ id }) => id).sort()).toEqual(['a', 'b'])
  })

  test('what was withheld for want of consent goes when the visitor has granted', async () => {
    await using server = await platform()
    await using engine = await startEngine([someIntegration({ endpoint: server.url })])
    await engine.intake.accept([
      captured({ id: 'a' as EventId, occurredAt: Date.now(), consent: noConsentSignal }),
    ])
    expect(statuses(await engine.event('a'))).toEqual(['consent_denied'])
    await engine.intake.accept([recent('a')])
    await until(() => engine.event('a'), delivered)
    expect(server.taken).toHaveLength(1)
  })

  test('a platform that is down for a while gets the event when it is back, once', async () => {
    await using server = await platform([{ status: 503 }, { status: 500 }])
    await using engine = await startEngine([someIntegration({ endpoint: server.url })])
    await engine.intake.accept([recent('a')])
    const event = await until(() => engine.event('a'), delivered)
    expect(event!.deliveries[0]!.journal.map(({ outcome }) => outcome)).toEqual([
      'unavailable',
      'unavailable',
      'delivered',
    ])
    expect(server.taken).toHaveLength(1)
  })

  test('a platform that stays down uses up the budget; the event is dead, kept, and can be replayed', async () => {
    let up = false
    await using server = await platform([() => (up ? 200 : 503)])
    await using engine = await startEngine([someIntegration({ endpoint: server.url })])
    await engine.intake.accept([recent('a')])
    const dead = await until(
      () => engine.event('a'),
      (event) => statuses(event)?.[0] === 'failed',
    )
    expect(dead!.deliveries[0]!.attempts).toBe(4)
    expect(dead!.holdsPersonalData).toBe(true)
    up = true
    expect(await engine.store.replay({ dryRun: false, now: Date.now() })).toBe(1)
    engine.lanes.wake('shop/simple', 'realtime')
    await until(() => engine.event('a'), delivered)
  })

  test('being asked to slow down costs no retry', async () => {
    const slow = { status: 429, headers: { 'retry-after': '1' } }
    await using server = await platform([slow])
    await using engine = await startEngine([someIntegration({ endpoint: server.url })])
    await engine.intake.accept([recent('a')])
    const event = await until(() => engine.event('a'), delivered)
    expect(event!.deliveries[0]!.journal[0]!.outcome).toBe('throttled')
    expect(event!.deliveries[0]!.attempts).toBe(1)
  })

  test('in a batch refused whole, only the guilty events die and the others arrive once', async () => {
    const guilty = new Set(['e3', 'e17'])
    await using server = await platform([(events) => (events.some(({ id }) => guilty.has(id)) ? 400 : 200)])
    const destination = simplePlatform({
      limits: {
        eventsPerSecond: 10_000,
        batchSize: 20,
        maxBodyBytes: 1_000_000,
        maxAgeMs: 1e9,
        timeoutMs: 5_000,
      },
    })
    await using engine = await startEngine([someIntegration({ endpoint: server.url }, destination)])
    await engine.intake.accept(Array.from({ length: 20 }, (_, index) => recent(`e${index}`)))
    for (let index = 0; index < 20; index += 1) {
      const id = `e${index}`
      const wanted = guilty.has(id) ? 'failed' : 'sent'
      await until(
        () => engine.event(id),
        (event) => statuses(event)?.[0] === wanted,
      )
    }
    expect(server.taken.map(({ id }) => id).sort()).toEqual(
      Array.from({ length: 20 }, (_, index) => `e${index}`)
        .filter((id) => !guilty.has(id))
        .sort(),
    )
  })

  test('one bad event of a batch does not cost its neighbours', async () => {
    const body = JSON.stringify({
      results: [{ ok: true }, { ok: false, reason: 'no such currency' }, { ok: true }],
    })
    await using server = await platform([{ status: 200, body }])
    await using engine = await startEngine([someIntegration({ endpoint: server.url })])
    await engine.intake.accept(['a', 'b', 'c'].map(recent))
    const bad = await until(
      () => engine.event('b'),
      (event) => statuses(event)?.[0] === 'failed',
    )
    expect(bad!.deliveries[0]!.reason).toBe('no such currency')
    await until(() => engine.event('a'), delivered)
    await until(() => engine.event('c'), delivered)
  })

  test('refused credentials park the lane: one request, the events stay, and a mended token sends them', async () => {
    let token = 'bad'
    await using server = await platform([() => (token === 'bad' ? 401 : 200)])
    await using engine = await startEngine([
      someIntegration({ endpoint: server.url, rateLimit: { batchSize: 1 } }),
    ])
    await engine.intake.accept([recent('a')])
    await until(
      () => engine.lanes.parked(),
      (parked) => parked.length === 1,
    )
    await engine.intake.accept(['b', 'c', 'd'].map(recent))
    expect(engine.lanes.parked()[0]).toMatchObject({ integration: 'shop/simple', reason: 'bad token' })
    const asked = server.requests.length
    token = 'good'
    engine.configure([someIntegration({ endpoint: server.url, name: 'mended' })])
    for (const id of ['b', 'c', 'd']) await until(() => engine.event(id), delivered)
    expect(asked).toBe(1)
    expect(engine.lanes.parked()).toEqual([])
  })

  test('a hanging platform does not delay another', async () => {
    await using hanging = await startServer(() => undefined)
    await using healthy = await platform()
    await using engine = await startEngine([
      someIntegration({ id: 'hanging', endpoint: hanging.url }),
      someIntegration({ id: 'healthy', endpoint: healthy.url }),
    ])
    await engine.intake.accept(Array.from({ length: 30 }, (_, index) => recent(`e${index}`)))
    await until(
      () => healthy.taken.length,
      (count) => count === 30,
    )
    const event = await engine.event('e0')
    expect(event!.deliveries.find(({ integration }) => integration === 'shop/hanging')!.status).toBe(
      'claimed',
    )
  })

  test('a destination that cannot build one event loses that one, with the word internal', async () => {
    await using server = await platform()
    const sound = simplePlatform()
    const faulty = simplePlatform({
      build: (events, settings, context) => {
        if (events.some(({ event }) => event.id === 'bad')) throw new Error('a bug')
        return sound.build(events, settings, context)
      },
    })
    await using engine = await startEngine([someIntegration({ endpoint: server.url }, faulty)])
    await engine.intake.accept(['a', 'bad', 'c'].map(recent))
    await until(() => engine.event('a'), delivered)
    await until(() => engine.event('c'), delivered)
    const bad = await until(
      () => engine.event('bad'),
      (event) => statuses(event)?.[0] === 'failed',
    )
    expect(bad!.deliveries[0]!.reason).toContain('internal')
  })

  test('stopping releases what has not begun, and the next start delivers it', async () => {
    await using server = await platform()
    const slow = someIntegration({ endpoint: server.url, rateLimit: { eventsPerSecond: 1, batchSize: 1 } })
    const first = await startEngine([slow])
    await first.intake.accept(Array.from({ length: 5 }, (_, index) => recent(`e${index}`)))
    await until(
      () => server.taken.length,
      (count) => count >= 1,
    )
    await first.lanes.stop(AbortSignal.timeout(2_000))
    await first.store.close()
    const sentBefore = server.taken.length
    expect(sentBefore).toBeLessThan(5)
    await using second = await startEngine([someIntegration({ endpoint: server.url })], {
      folder: first.folder,
    })
    for (let index = 0; index < 5; index += 1) await until(() => second.event(`e${index}`), delivered)
    expect(server.taken.map(({ id }) => id).sort()).toEqual(['e0', 'e1', 'e2', 'e3', 'e4'])
  })

  test('two ingested events of one order, for different platforms, are one event with two deliveries', async () => {
    await using server = await platform()
    await using engine = await startEngine([
      someIntegration({ id: 'one', endpoint: server.url }),
      someIntegration({ id: 'two', endpoint: server.url }),
    ])
    const at = { id: 'a' as EventId, occurredAt: Date.now() }
    const [first, second] = await engine.intake.accept([captured(at, {}, ['one']), captured(at, {}, ['two'])])
    expect([first!.appended, second!.appended]).toEqual(['stored', 'extended'])
    const event = await until(() => engine.event('a'), delivered)
    expect(event!.deliveries).toHaveLength(2)
  })
})
