import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { createAddressGuard } from '../../src/delivery/address-guard.ts'
import type { EventId } from '../../src/event/brand.ts'
import { StoreError, type Store, type StoredEvent } from '../../src/store/store.ts'
import { shiftingClock } from '../support/clock.ts'
import { simplePlatform } from '../support/destination.ts'
import { startEngine } from '../support/engine.ts'
import { captured, someIntegration } from '../support/events.ts'
import { startScripted, type Answering } from '../support/scripted.ts'
import { until } from '../support/until.ts'

/** Each way in which a platform, a network or a disk fails us, and what becomes of the event. */

const recent = (id: string) => captured({ id: id as EventId, occurredAt: Date.now() })
const firstLine = (event: StoredEvent | null) => event?.deliveries[0]?.journal[0]
const statusOf = (event: StoredEvent | null) => event?.deliveries[0]?.status

const { limits } = simplePlatform()
/** So that each kind of failure leads somewhere of its own. */
const discerning = simplePlatform({
  limits: { ...limits, timeoutMs: 300 },
  retry: (_event, failure) => ({
    maxAttempts: { unsent: 50, unavailable: 50, ambiguous: 1 }[failure],
    delaysMs: [100],
  }),
})

describe('where no request arrives', { timeout: 30_000 }, () => {
  test('a name nobody knows is tried again, because nothing can have been taken', async () => {
    const guard = createAddressGuard({
      allow: [],
      resolve: (_name, _options, callback) =>
        callback(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }), []),
    })
    await using engine = await startEngine(
      [someIntegration({ endpoint: 'https://gone.example.com' }, discerning)],
      { guard },
    )
    await engine.intake.accept([recent('a')])
    const event = await until(
      () => engine.event('a'),
      (one) => (one?.deliveries[0]?.attempts ?? 0) >= 2,
    )
    expect(firstLine(event)).toMatchObject({
      outcome: 'unavailable',
      reason: 'the name of the host could not be resolved',
      httpStatus: null,
    })
    expect(event!.holdsPersonalData).toBe(true)
  })

  test('a refused connection is tried again, and the event arrives when the port opens', async () => {
    const reserved = createTcpServer().listen(0, '127.0.0.1')
    await once(reserved, 'listening')
    const { port } = reserved.address() as AddressInfo
    reserved.close()
    await once(reserved, 'close')
    await using engine = await startEngine(
      [someIntegration({ endpoint: `http://127.0.0.1:${port}` }, discerning)],
      { breaker: { failures: 3, firstMs: 100, longestMs: 200 } },
    )
    await engine.intake.accept([recent('a')])
    const event = await until(
      () => engine.event('a'),
      (one) => (one?.deliveries[0]?.attempts ?? 0) >= 2,
    )
    expect(firstLine(event)).toMatchObject({ outcome: 'unavailable', reason: 'the connection was refused' })

    let arrived = 0
    const opened = createTcpServer((socket) =>
      socket.once('data', () => {
        arrived += 1
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      }),
    ).listen(port, '127.0.0.1')
    await once(opened, 'listening')
    await until(
      () => engine.event('a'),
      (one) => statusOf(one) === 'sent',
    )
    expect(arrived).toBe(1)
    opened.close()
  })

  test('a certificate nobody trusts parks the lane: a person must look, and the event stays', async () => {
    const file = (name: string): string => readFileSync(new URL(`tls/${name}`, import.meta.url), 'utf8')
    const server = createTlsServer(
      { cert: file('self-signed.cert.pem'), key: file('self-signed.key.pem') },
      (_request, answer) => answer.end(),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await using engine = await startEngine([
      someIntegration({ endpoint: `https://127.0.0.1:${port}` }, discerning),
    ])
    await engine.intake.accept([recent('a')])
    const [parked] = await until(
      () => engine.lanes.parked(),
      (lanes) => lanes.length === 1,
    )
    expect(parked).toMatchObject({ cause: 'unauthorized', reason: expect.stringContaining('certificate') })
    const event = await until(
      () => engine.event('a'),
      (one) => statusOf(one) === 'retrying',
    )
    expect(event!.deliveries[0]!.attempts).toBe(0)
    server.close()
  })
})

describe('where the answer is missing or strange', { timeout: 30_000 }, () => {
  /** A platform that may have taken the event is not asked again where a second arrival would count twice. */
  test.each<{ name: string; answering: Answering; reason: string }>([
    {
      name: 'a reset after the body was sent',
      answering: (response) => void response.socket?.resetAndDestroy(),
      reason: 'the connection was closed before the answer was complete',
    },
    { name: 'silence', answering: null, reason: 'no complete answer within 300 ms' },
    {
      name: 'a body that never ends',
      answering: (response) => void response.writeHead(200).write('{"half":'),
      reason: 'no complete answer within 300 ms',
    },
    {
      name: 'a body that breaks off',
      answering: (response) =>
        void response.writeHead(200, { 'content-length': '100' }).write('half', () => response.destroy()),
      reason: 'the connection was closed before the answer was complete',
    },
  ])(
    '$name may have been taken: the destination decides, here against a second try',
    async ({ answering, reason }) => {
      await using server = await startScripted(() => answering)
      await using engine = await startEngine([someIntegration({ endpoint: server.url }, discerning)])
      await engine.intake.accept([recent('a')])
      const event = await until(
        () => engine.event('a'),
        (one) => statusOf(one) === 'failed',
      )
      expect(firstLine(event)).toMatchObject({ outcome: 'unavailable', reason })
      expect(server.requests).toHaveLength(1)
      // Dead, not gone.
      expect(event!.holdsPersonalData).toBe(true)
    },
  )

  test.each<{ name: string; answering: Answering; reason: string; httpStatus: number }>([
    {
      name: 'a redirect',
      answering: { status: 302, headers: { location: 'http://127.0.0.1:1/elsewhere' } },
      reason: 'status 302',
      httpStatus: 302,
    },
    {
      name: 'an HTML error page that calls itself 200',
      answering: {
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: '<!doctype html><h1>We will be back soon</h1>',
      },
      reason: 'the answer could not be read',
      httpStatus: 200,
    },
    {
      name: 'an answer larger than anybody reads',
      answering: { status: 200, body: `{"results":[${'{"ok":true},'.repeat(200_000)}{"ok":true}]}` },
      reason: 'the answer could not be read',
      httpStatus: 200,
    },
    { name: 'a server error', answering: 500, reason: 'status 500', httpStatus: 500 },
  ])(
    '$name is no delivery: the event is sent again with the same id and the same bytes',
    async ({ answering, reason, httpStatus }) => {
      await using server = await startScripted((_events, nth) => (nth === 1 ? answering : 200))
      await using engine = await startEngine([someIntegration({ endpoint: server.url }, discerning)])
      await engine.intake.accept([recent('a')])
      const event = await until(
        () => engine.event('a'),
        (one) => statusOf(one) === 'sent',
      )
      expect(firstLine(event)).toMatchObject({ outcome: 'unavailable', reason, httpStatus })
      expect(server.bodies).toHaveLength(2)
      expect(server.bodies[1]).toBe(server.bodies[0])
    },
  )
})

describe('a clock that is set', { timeout: 30_000 }, () => {
  test.each([
    { name: 'back by a day', shift: -86_400_000 },
    { name: 'ahead by a day', shift: 86_400_000 },
  ])('$name holds up neither what is accepted nor what is to be tried again', async ({ shift }) => {
    const clock = shiftingClock()
    let up = false
    await using server = await startScripted(() => (up ? 200 : 503))
    await using engine = await startEngine(
      [
        someIntegration(
          { endpoint: server.url },
          simplePlatform({ retry: () => ({ maxAttempts: 50, delaysMs: [200] }) }),
        ),
      ],
      { clock, breaker: { failures: 3, firstMs: 200, longestMs: 200 } },
    )
    await engine.intake.accept([recent('before')])
    await until(
      () => server.requests.length,
      (count) => count >= 1,
    )
    clock.shift(shift)
    await engine.intake.accept([recent('after')])
    await until(
      () => server.requests.length,
      (count) => count >= 5,
    )
    up = true
    const taken = await until(
      () => server.taken.map(({ id }) => id),
      (ids) => ids.length === 2,
    )
    expect(new Set(taken)).toEqual(new Set(['before', 'after']))
  })
})

describe('a store that fails', { timeout: 30_000 }, () => {
  /** Fails its first calls of a kind, as on a full disk. */
  const failing =
    (kind: 'settle' | 'release' | 'claim', times: number) =>
    (store: Store): Store => {
      let left = times
      return {
        ...store,
        [kind]: async (input: never) => {
          if (left > 0) {
            left -= 1
            throw new StoreError('failed', 'database or disk is full')
          }
          return store[kind](input)
        },
      }
    }

  test('while refusing what has grown too old: neither it nor those claimed with it are forgotten', async () => {
    await using server = await startScripted()
    let routed = false
    const platform = simplePlatform({
      refuse: ({ event }) =>
        routed && event.id === 'old' ? { status: 'expired', reason: 'too old by now' } : null,
    })
    await using engine = await startEngine(
      [someIntegration({ endpoint: server.url, batchWindow: 0 }, platform)],
      {
        wrap: (store) => failing('release', 1)(failing('settle', 1)(store)),
      },
    )
    const accepting = engine.intake.accept(['a', 'old', 'c'].map(recent))
    routed = true
    await accepting
    const old = await until(
      () => engine.event('old'),
      (event) => statusOf(event) === 'expired',
    )
    expect(old!.deliveries[0]!.reason).toBe('too old by now')
    await until(
      () => server.taken.length,
      (count) => count === 2,
    )
    expect(server.taken.map(({ id }) => id).sort()).toEqual(['a', 'c'])
  })

  test('while settling: the answer is kept until it can be written, and nothing is sent twice', async () => {
    await using server = await startScripted()
    await using engine = await startEngine([someIntegration({ endpoint: server.url })], {
      wrap: failing('settle', 2),
    })
    await engine.intake.accept(['a', 'b', 'c'].map(recent))
    for (const id of ['a', 'b', 'c'])
      await until(
        () => engine.event(id),
        (event) => statusOf(event) === 'sent',
      )
    expect(server.taken.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c'])
    expect(engine.news.filter(({ outcome }) => outcome === 'store_failed')).toHaveLength(2)
  })

  test('while claiming: the lane says so and asks again', async () => {
    await using server = await startScripted()
    await using engine = await startEngine([someIntegration({ endpoint: server.url })], {
      wrap: failing('claim', 2),
    })
    await engine.intake.accept([recent('a')])
    await until(
      () => server.taken.length,
      (count) => count === 1,
    )
    expect(engine.news.filter(({ outcome }) => outcome === 'store_failed')).toHaveLength(2)
  })

  test('while releasing: what a parked lane gives back is not forgotten', async () => {
    let up = false
    await using server = await startScripted(() => (up ? 200 : 503))
    await using engine = await startEngine(
      [
        someIntegration(
          { endpoint: server.url, rateLimit: { batchSize: 1 } },
          simplePlatform({ retry: () => ({ maxAttempts: 50, delaysMs: [100] }) }),
        ),
      ],
      { wrap: failing('release', 3), breaker: { failures: 1, firstMs: 200, longestMs: 200 } },
    )
    const ids = Array.from({ length: 30 }, (_, index) => `e${index}`)
    await engine.intake.accept(ids.map(recent))
    await until(
      () => engine.lanes.parked(),
      (lanes) => lanes.length === 1,
    )
    up = true
    const taken = await until(
      () => server.taken.map(({ id }) => id),
      (seen) => new Set(seen).size === 30,
    )
    expect(taken).toHaveLength(30)
  })
})

describe('a bug of ours', { timeout: 30_000 }, () => {
  test('in deciding about retries costs that event, visibly, and not the lane', async () => {
    await using server = await startScripted((events) => (events.some(({ id }) => id === 'bad') ? 503 : 200))
    const faulty = simplePlatform({
      retry: () => {
        throw new Error('a bug')
      },
    })
    await using engine = await startEngine([
      someIntegration({ endpoint: server.url, rateLimit: { batchSize: 1 } }, faulty),
    ])
    await engine.intake.accept(['a', 'bad', 'c'].map(recent))
    const event = await until(
      () => engine.event('bad'),
      (one) => statusOf(one) === 'failed',
    )
    expect(event!.deliveries[0]!.reason).toBe('internal: a bug')
    for (const id of ['a', 'c'])
      await until(
        () => engine.event(id),
        (one) => statusOf(one) === 'sent',
      )
  })

  test('in one destination’s identify keeps the event from that one alone', async () => {
    await using server = await startScripted()
    const faulty = simplePlatform({
      identify: () => {
        throw new Error('a bug')
      },
    })
    await using engine = await startEngine([
      someIntegration({ id: 'faulty', endpoint: server.url }, faulty),
      someIntegration({ id: 'sound', endpoint: server.url }),
    ])
    await engine.intake.accept([recent('a')])
    await until(
      () => server.taken.length,
      (count) => count === 1,
    )
    const event = await engine.event('a')
    expect(event!.deliveries.find(({ integration }) => integration === 'shop/faulty')).toMatchObject({
      status: 'unmatchable',
      reason: 'internal: Simple failed on it (Error)',
    })
  })
})

describe('stopping', { timeout: 30_000 }, () => {
  test('waits for what is on the wire as long as it may', async () => {
    const answers: (() => void)[] = []
    await using server = await startScripted(() => (response) => {
      answers.push(() => void response.writeHead(200).end())
    })
    await using engine = await startEngine([someIntegration({ endpoint: server.url })])
    await engine.intake.accept([recent('a')])
    await until(
      () => answers.length,
      (count) => count === 1,
    )
    const stopped = engine.lanes.stop(AbortSignal.timeout(60_000))
    answers[0]!()
    await stopped
    expect(statusOf(await engine.event('a'))).toBe('sent')
  })

  test('gives up at the deadline: what may have arrived is tried again, what never left is as it was', async () => {
    await using server = await startScripted(() => null)
    const engine = await startEngine([
      someIntegration({ endpoint: server.url, rateLimit: { eventsPerSecond: 1, batchSize: 1 } }),
    ])
    await engine.intake.accept(['a', 'b', 'c'].map(recent))
    await until(
      () => server.requests.length,
      (count) => count === 1,
    )
    const first = server.requests[0]![0]!.id
    const deadline = new AbortController()
    const stopped = engine.lanes.stop(deadline.signal)
    deadline.abort()
    await stopped
    const events = await Promise.all(['a', 'b', 'c'].map((id) => engine.event(id)))
    for (const event of events) {
      const [delivery] = event!.deliveries
      if (event!.eventId === first) expect(delivery).toMatchObject({ status: 'retrying', attempts: 1 })
      else expect(delivery).toMatchObject({ status: 'queued', attempts: 0, journal: [] })
    }
    await engine.store.close()

    await using healthy = await startScripted()
    await using second = await startEngine([someIntegration({ endpoint: healthy.url })], {
      folder: engine.folder,
    })
    await until(
      () => healthy.taken.map(({ id }) => id).sort(),
      (ids) => ids.join('') === 'abc',
    )
    expect(second.news.every(({ outcome }) => outcome === 'delivered')).toBe(true)
    await rm(engine.folder, { recursive: true, force: true })
  })

  test('twice is stopping once, and whoever is in more of a hurry is heard', async () => {
    await using server = await startScripted(() => null)
    await using engine = await startEngine([someIntegration({ endpoint: server.url })])
    await engine.intake.accept([recent('a')])
    await until(
      () => server.requests.length,
      (count) => count === 1,
    )
    const patient = engine.lanes.stop(new AbortController().signal)
    await engine.lanes.stop(AbortSignal.abort())
    await patient
    expect(statusOf(await engine.event('a'))).toBe('retrying')
    await engine.lanes.stop(AbortSignal.abort())
  })
})
