import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { ProxyOptions } from '../../src/proxy/proxy.ts'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { answering, listenTo, ok, startRawOrigin, type RawConnection } from '../origins/raw-origin.ts'
import {
  block,
  data,
  errorOf,
  errors,
  flags,
  frame,
  headers,
  ping,
  requestFields,
  reset,
  settings,
  speakHttp2,
  statusOf,
  types,
  windowUpdate,
  type RawHttp2,
} from './http2-frames.ts'
import { eventually, request, siteAt, stillServes } from './support.ts'
import { startTlsGateway, type TlsGateway } from './tls-support.ts'

const speak = async (gateway: TlsGateway): Promise<{ client: RawHttp2; connection: RawConnection }> => {
  const connection = await gateway.visitTls({ ALPNProtocols: ['h2'] })
  return { client: speakHttp2(connection), connection }
}

/** Streams of a client are odd. */
const streams = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => 2 * index + 1)

describe('a client that asks for too much too often is told to calm down, and costs the origin little', () => {
  test('requests that are dropped at once (CVE-2023-44487)', async () => {
    let asked = 0
    await using origin = await startHttpOrigin(() => void (asked += 1))
    await using gateway = await startTlsGateway(origin.url)
    const { client, connection } = await speak(gateway)
    for (const stream of streams(2_000))
      client.send(headers(stream, requestFields()), reset(stream, errors.cancel))
    const goaway = await client.until(({ type }) => type === types.goaway)
    await connection.closed()
    if (goaway !== null) expect([errors.calm, errors.internal]).toContain(errorOf(goaway))
    expect(gateway.proxy.stats.requests).toBeLessThan(600)
    await eventually(() => gateway.proxy.stats.active === 0)
    expect(asked).toBeLessThan(600)
    await eventually(() => Object.keys(gateway.proxy.stats.sessionsEnded).length === 1)
  })

  test('requests that make us reset them (CVE-2025-8671)', async () => {
    await using origin = await startHttpOrigin(() => {})
    await using gateway = await startTlsGateway(origin.url)
    const { client, connection } = await speak(gateway)
    // An increment of nothing is an error of the stream (RFC 9113 section 6.9.1).
    for (const stream of streams(2_000))
      client.send(headers(stream, requestFields('POST'), flags.endHeaders), windowUpdate(stream, 0))
    await connection.closed()
    expect(gateway.proxy.stats.requests).toBeLessThan(600)
    await eventually(() => gateway.proxy.stats.active === 0)
  })

  test.each<[string, () => Buffer]>([
    ['pings', ping],
    ['settings', () => settings([3, 100])],
  ])('%s', async (_name, one) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url)
    const { client, connection } = await speak(gateway)
    for (let sent = 0; sent < 500; sent++) client.send(one())
    await connection.closed()
    const goaway = client.frames().find(({ type }) => type === types.goaway)
    expect(errorOf(goaway!)).toBe(errors.calm)
    await eventually(() => gateway.proxy.stats.sessionsEnded['control_flood'] === 1)
  })

  test.each<[string, readonly Buffer[]]>([
    [
      'header blocks without an end',
      [
        frame(types.headers, flags.endStream, 1, block(requestFields())),
        ...Array.from({ length: 2_000 }, (_, index) =>
          frame(types.continuation, 0, 1, block([[`x-${index}`, 'y']])),
        ),
      ],
    ],
    [
      'frames of data that hold nothing',
      [
        headers(1, requestFields('POST'), flags.endHeaders),
        ...Array.from({ length: 5_000 }, () => frame(types.data, 0, 1)),
      ],
    ],
    [
      'settings beyond number in one frame',
      [settings(...Array.from({ length: 500 }, () => [3, 100] as const))],
    ],
  ])('%s', async (_name, frames) => {
    await using origin = await startHttpOrigin((req, res) => {
      if (req.url === '/alive') res.end('fine')
    })
    await using gateway = await startTlsGateway(origin.url)
    const { client, connection } = await speak(gateway)
    client.send(...frames)
    await connection.closed()
    await eventually(() => gateway.proxy.stats.active === 0)
    await eventually(() => Object.keys(gateway.proxy.stats.sessionsEnded).length === 1)
    expect(await stillServes(gateway)).toContain('fine')
  })

  test('and a person who goes from page to page is not', async () => {
    await using origin = await startHttpOrigin((req, res) => {
      if (req.url === '/alive') res.end('fine')
    })
    await using gateway = await startTlsGateway(origin.url)
    const { client } = await speak(gateway)
    for (const stream of streams(100)) client.send(headers(stream, requestFields()))
    await eventually(() => gateway.proxy.stats.active === 100)
    for (const stream of streams(100)) client.send(reset(stream, errors.cancel))
    await eventually(() => gateway.proxy.stats.active === 0)
    client.send(...Array.from({ length: 20 }, ping), headers(301, requestFields('GET', '/alive')))
    const answer = await client.until(({ type, stream }) => type === types.headers && stream === 301)
    expect(statusOf(answer!)).toBe(200)
    expect(gateway.proxy.stats.sessionsEnded).toEqual({})
  })
})

describe('time runs out for', () => {
  const limits: ProxyOptions['limits'] = {
    handshakeMs: 100,
    clientHeadersMs: 100,
    clientKeepAliveMs: 100,
    clientCheckMs: 20,
    clientStallMs: 200,
    clientRequestMs: 200,
  }

  test('who connects and does not shake hands', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url, { limits })
    const socket = connect(gateway.tlsPort, '127.0.0.1')
    await listenTo(socket).closed()
    await eventually(() => Object.keys(gateway.proxy.stats.handshakeFailed).length === 1)
    expect(gateway.proxy.stats.handshakeFailed).toEqual({ ERR_TLS_HANDSHAKE_TIMEOUT: 1 })
  })

  test('a connection that carries nothing, with a farewell', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url, { limits })
    const { client, connection } = await speak(gateway)
    client.send(headers(1, requestFields()))
    const goaway = await client.until(({ type }) => type === types.goaway)
    expect(errorOf(goaway!)).toBe(errors.none)
    expect(client.frames().some(({ type, stream }) => type === types.data && stream === 1)).toBe(true)
    await connection.closed()
  })

  test('a head that never ends', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url, { limits })
    const { client, connection } = await speak(gateway)
    client.send(frame(types.headers, flags.endStream, 1, block(requestFields())))
    await connection.closed()
    expect(gateway.proxy.stats.requests).toBe(0)
  })

  test('who does not take the answer', async () => {
    await using origin = await startHttpOrigin((_req, res) => res.end(Buffer.alloc(1_000_000)))
    await using gateway = await startTlsGateway(origin.url, { limits })
    const { client } = await speak(gateway)
    client.send(headers(1, requestFields()))
    const over = await client.until(({ type }) => type === types.reset)
    expect(errorOf(over!)).toBe(errors.cancel)
    expect(gateway.proxy.stats).toMatchObject({ active: 0, clientLeft: 1, refused: { client_stalled: 1 } })
  })

  test('an upload that trickles', async () => {
    await using origin = await startRawOrigin(() => {})
    await using gateway = await startTlsGateway(origin.url, { limits })
    const { client } = await speak(gateway)
    client.send(headers(1, requestFields('POST'), flags.endHeaders))
    const trickle = setInterval(() => client.send(data(1, 'x')), 20)
    const over = await client.until(({ type }) => type === types.reset)
    clearInterval(trickle)
    expect(errorOf(over!)).toBe(errors.cancel)
    expect(gateway.proxy.stats.refused).toEqual({ client_timeout: 1 })
    await origin.connections[0]!.closed()
    expect(origin.connections[0]!.received()).not.toContain('0\r\n\r\n')
  })
})

describe('connections from one address', () => {
  test('are closed beyond the limit, over TLS or not, until one ends', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url, { limits: { connectionsPerAddress: 2 } })
    const first = await gateway.visitTls()
    const second = await gateway.visit()
    const third = await gateway.visit()
    await third.closed()
    const fourth = connect(gateway.tlsPort, '127.0.0.1')
    await listenTo(fourth).closed()
    expect(gateway.proxy.stats.connectionsRefused).toBe(2)
    // Those within the limit are served: a TLS connection counts once, though two listeners see it.
    first.socket.write(request('GET /'))
    await first.closed()
    expect(first.received()).toContain('200 OK')
    second.socket.destroy()
    await eventually(() => gateway.proxy.server.listening)
    expect(await stillServes(gateway)).toContain('200 OK')
  })

  test('of a proxy of ours are as many as it likes', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    const trust = (address: string): boolean => address === '127.0.0.1'
    await using gateway = await startTlsGateway(origin.url, { trust, limits: { connectionsPerAddress: 1 } })
    const held = [await gateway.visit(), await gateway.visit(), await gateway.visitTls()]
    expect(await stillServes(gateway)).toContain('200 OK')
    expect(gateway.proxy.stats.connectionsRefused).toBe(0)
    for (const { socket } of held) socket.destroy()
  })
})

describe('when the gateway stops', () => {
  test('clients of HTTP/2 get what is under way, and are told to ask elsewhere', async () => {
    const answer = Promise.withResolvers<void>()
    await using origin = await startHttpOrigin((_req, res) => {
      res.write('first ')
      void answer.promise.then(() => res.end('second'))
    })
    await using gateway = await startTlsGateway([siteAt(origin.url)])
    const session = gateway.http2()
    const stream = session.request({ ':path': '/' })
    await once(stream, 'response')
    const told = once(session, 'goaway')
    const closing = gateway.proxy.close(10_000)
    const [code] = (await told) as [number]
    expect(code).toBe(errors.none)
    answer.resolve()
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    await once(stream, 'end')
    expect(Buffer.concat(chunks).toString()).toBe('first second')
    await closing
  })

  test('what does not end by the deadline is ended, handshakes among it', async () => {
    await using origin = await startHttpOrigin(() => {})
    await using gateway = await startTlsGateway(origin.url)
    const silent = connect(gateway.tlsPort, '127.0.0.1')
    await once(silent, 'connect')
    const silence = listenTo(silent)
    const { client } = await speak(gateway)
    client.send(headers(1, requestFields()))
    const http1 = await gateway.visitTls()
    http1.socket.write(request('GET /', []))
    await eventually(() => gateway.proxy.stats.active === 2)
    await gateway.proxy.close(50)
    await Promise.all([silence.closed(), http1.closed()])
    await eventually(() => gateway.proxy.stats.active === 0)
    expect(gateway.proxy.server.listening).toBe(false)
  })
})
