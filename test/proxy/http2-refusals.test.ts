import { describe, expect, test } from 'vitest'
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import {
  data,
  errorOf,
  errors,
  flags,
  frame,
  headers,
  requestFields,
  reset,
  speakHttp2,
  statusOf,
  types,
  type Frame,
  type RawHttp2,
} from './http2-frames.ts'
import { eventually, recordingCapture, siteAt, stillServes } from './support.ts'
import { startTlsGateway, type TlsGateway } from './tls-support.ts'

type Field = readonly [string, string]

const speak = async (gateway: TlsGateway): Promise<RawHttp2> =>
  speakHttp2(await gateway.visitTls({ ALPNProtocols: ['h2'] }))

/** A status, or `reset`: nothing was said on this stream but that it is over. */
const outcome = async (client: RawHttp2, stream: number): Promise<number | 'reset' | 'goaway' | 'closed'> => {
  const found = await client.until(
    (one) =>
      (one.stream === stream && (one.type === types.headers || one.type === types.reset)) ||
      one.type === types.goaway,
  )
  if (found === null) return 'closed'
  if (found.type === types.headers) return statusOf(found)
  return found.type === types.reset ? 'reset' : 'goaway'
}

const get = (...more: readonly Field[]): readonly Field[] => [...requestFields(), ...more]
const without = (name: string, ...more: readonly Field[]): readonly Field[] => [
  ...requestFields().filter(([one]) => one !== name),
  ...more,
]

describe('what would be another request to an origin that reads lines is refused, and never seen by it', () => {
  const smuggled = '\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n'
  test.each<[string, number | 'reset', readonly Field[]]>([
    ['capitals in a name', 'reset', get(['X-A', 'a'])],
    ['CR and LF in the path', 'reset', without(':path', [':path', `/ HTTP/1.1${smuggled}`])],
    ['a space in the path', 'reset', without(':path', [':path', '/ HTTP/1.1'])],
    ['an 8-bit path', 400, without(':path', [':path', '/\xe9'])],
    ['a path without a slash', 'reset', without(':path', [':path', 'x'])],
    ['an empty path', 'reset', without(':path', [':path', ''])],
    ['an absolute path', 'reset', without(':path', [':path', 'http://169.254.169.254/'])],
    ['an asterisk', 'reset', without(':path', [':path', '*'])],
    ['a fragment', 400, without(':path', [':path', '/a#b'])],
    ['no path', 'reset', without(':path')],
    ['two paths', 'reset', get([':path', '/other'])],
    ['CR and LF in the method', 'reset', without(':method', [':method', `GET / HTTP/1.1${smuggled}`])],
    ['a space in the method', 'reset', without(':method', [':method', 'GET /x'])],
    ['a method that HTTP/1.1 parsers do not know', 405, without(':method', [':method', 'SMUGGLE'])],
    ['TRACE', 405, without(':method', [':method', 'TRACE'])],
    [
      'CONNECT',
      405,
      [
        [':method', 'CONNECT'],
        [':authority', 'shop.test:443'],
      ],
    ],
    [
      // Only who was offered it may ask (RFC 8441 section 3), and nghttp2 sees to that.
      'a WebSocket by extended CONNECT',
      'reset',
      [...without(':method', [':method', 'CONNECT']), [':protocol', 'websocket']],
    ],
    ['no method', 'reset', without(':method')],
    ['a scheme of another transport', 400, without(':scheme', [':scheme', 'http'])],
    ['no scheme', 'reset', without(':scheme')],
    ['a scheme that is a request', 'reset', without(':scheme', [':scheme', `https://x/${smuggled}`])],
    ['CR and LF in the authority', 'reset', without(':authority', [':authority', `shop.test${smuggled}`])],
    ['userinfo in the authority', 'reset', without(':authority', [':authority', 'a@shop.test'])],
    ['a path in the authority', 'reset', without(':authority', [':authority', 'shop.test/x'])],
    ['an authority beside another Host', 400, get(['host', 'other.test'])],
    ['two Hosts', 'reset', without(':authority', ['host', 'shop.test'], ['host', 'shop.test'])],
    ['neither authority nor Host', 'reset', without(':authority')],
    ['a host of no site', 421, without(':authority', [':authority', 'other.test'])],
    ['a pseudo field nobody knows', 'reset', get([':x', 'y'])],
    ['a pseudo field behind the others', 'reset', [...get(['x-a', 'b']), [':method', 'POST']]],
    ['connection', 'reset', get(['connection', 'close'])],
    ['keep-alive', 'reset', get(['keep-alive', 'timeout=1'])],
    ['proxy-connection', 'reset', get(['proxy-connection', 'close'])],
    ['upgrade', 'reset', get(['upgrade', 'websocket'])],
    ['http2-settings', 400, get(['http2-settings', 'AAMAAABk'])],
    ['transfer-encoding', 'reset', get(['transfer-encoding', 'chunked'])],
    ['te of another kind', 'reset', get(['te', 'gzip'])],
    ['two lengths', 'reset', get(['content-length', '0'], ['content-length', '5'])],
    ['a list of lengths', 'reset', get(['content-length', '5, 5'])],
    ['a signed length', 'reset', get(['content-length', '+5'])],
    ['a length and no body', 'reset', get(['content-length', '5'])],
    ['a circle', 508, get(['via', '1.1 sluice-test'])],
  ])('%s: %s', async (_name, expected, fields) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url)
    const client = await speak(gateway)
    client.send(headers(1, fields))
    expect(await outcome(client, 1)).toBe(expected)
    expect(origin.connections.map((connection) => connection.received()).join('')).toBe('')
    // The connection is of use all the same.
    client.send(headers(3, requestFields('GET', '/alive')))
    expect(await outcome(client, 3)).toBe(200)
    expect(origin.connections[0]!.received()).toMatch(/^GET \/alive HTTP\/1\.1\r\n/)
    expect(origin.connections[0]!.received()).not.toContain('smuggled')
  })

  // nghttp2 leaves such a field out and says nothing, so there is nothing to refuse.
  test.each<[string, Field]>([
    ['CR and LF in its value', ['x-a', `b${smuggled}`]],
    ['a line feed in its value', ['x-a', 'b\nx-b: y']],
    ['a carriage return in its value', ['x-a', 'b\rx-b: y']],
    ['a NUL in its value', ['x-a', 'b\0x-b: y']],
    ['CR and LF in its name', ['x-a\r\nx-b: y\r\nz', 'a']],
    ['a colon in its name', ['x-a: y', 'a']],
    ['a space in its name', ['x-a y', 'a']],
    ['no name', ['', 'x-a']],
  ])('a field with %s is not carried', async (_name, field) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url)
    const client = await speak(gateway)
    client.send(headers(1, get(field, ['x-last', '1'])))
    expect([200, 400]).toContain(await outcome(client, 1))
    const seen = origin.connections[0]?.received() ?? ''
    expect(seen).not.toMatch(/smuggled|x-a|x-b/)
    expect(seen.match(/HTTP\/1\.1\r\n/g) ?? []).toHaveLength(seen === '' ? 0 : 1)
  })

  const post = (...more: readonly Field[]): Buffer =>
    headers(1, [...requestFields('POST', '/up'), ...more], flags.endHeaders)
  test.each<[string, readonly Buffer[]]>([
    ['more bytes than its length', [post(['content-length', '5']), data(1, `hello${smuggled}`, true)]],
    ['fewer bytes than its length', [post(['content-length', '50']), data(1, 'hello', true)]],
    ['bytes after a length of none', [post(['content-length', '0']), data(1, smuggled, true)]],
    [
      'trailers that are pseudo fields',
      [post(), data(1, 'hello'), headers(1, [[':path', '/smuggled']], flags.endHeaders | flags.endStream)],
    ],
    ['a reset that calls it whole', [post(), data(1, 'hello'), reset(1, errors.none)]],
    ['a reset', [post(), data(1, 'hello'), reset(1, errors.cancel)]],
  ])('a body with %s never ends at the origin', async (_name, frames) => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('/alive')
      socket.write(ok())
    })
    const capture = recordingCapture()
    await using gateway = await startTlsGateway(origin.url, { capture })
    const client = await speak(gateway)
    // The request is at its origin before its body goes wrong.
    const [first = Buffer.alloc(0), ...rest] = frames
    client.send(first)
    await eventually(() => origin.connections.length === 1)
    client.send(...rest)
    await eventually(() => gateway.proxy.stats.active === 0 && gateway.proxy.stats.requests === 1)
    await origin.connections[0]?.closed()
    const seen = origin.connections.map((connection) => connection.received()).join('')
    expect(seen).not.toContain('smuggled')
    expect(seen).not.toMatch(/\r\n0\r\n\r\n$/)
    const [, length, body = ''] = /content-length: (\d+)[\s\S]*?\r\n\r\n([\s\S]*)$/i.exec(seen) ?? []
    if (length !== undefined && length !== '0') expect(body.length).toBeLessThan(Number(length))
    expect(capture.seen).toMatchObject([{ ended: false, aborted: true }])
    // What overflows its length costs the connection, the rest the stream.
    const next = await speak(gateway)
    next.send(headers(1, requestFields('GET', '/alive')))
    expect(await outcome(next, 1)).toBe(200)
  })

  test('an upload whose connection is lost never ends at the origin', async () => {
    await using origin = await startRawOrigin(() => {})
    await using gateway = await startTlsGateway(origin.url)
    const connection = await gateway.visitTls({ ALPNProtocols: ['h2'] })
    speakHttp2(connection).send(post(), data(1, 'hello'))
    await eventually(() => origin.connections[0]?.received().includes('hello') === true)
    connection.socket.destroy()
    await origin.connections[0]!.closed()
    expect(origin.connections[0]!.received()).not.toContain('0\r\n\r\n')
    await eventually(() => gateway.proxy.stats.clientLeft === 1)
  })
})

describe('what a browser says of its connection', () => {
  test.each<[string, readonly Field[], RegExp]>([
    [
      'crumbs of cookies are one field',
      get(['cookie', 'a=1'], ['x-a', 'b'], ['cookie', 'b=2']),
      /\r\ncookie: a=1; b=2\r\nx-a: b\r\n/,
    ],
    ['te: trailers goes on', get(['te', 'trailers']), /\r\nte: trailers\r\n/i],
    ['a Host beside an equal authority is one', get(['host', 'Shop.Test']), /\r\nhost: shop\.test\r\n/i],
    [
      'a Host does where there is no authority',
      without(':authority', ['host', 'shop.test']),
      /\r\nhost: shop\.test\r\n/i,
    ],
    ['bytes above ASCII stay as they are', get(['x-a', 'caf\xe9']), /\r\nx-a: caf\xe9\r\n/],
    [
      'it came over https and HTTP/2',
      get(),
      /\r\nX-Forwarded-Proto: https\r\n[\s\S]*;proto=https\r\nVia: 2\.0 sluice-test\r\n/,
    ],
  ])('%s', async (_name, fields, expected) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url)
    const client = await speak(gateway)
    client.send(headers(1, fields))
    expect(await outcome(client, 1)).toBe(200)
    const seen = origin.connections[0]!.received()
    expect(seen).toMatch(expected)
    expect(seen.match(/\r\nhost: /gi)).toHaveLength(1)
    expect(seen).not.toMatch(/\r\n:/)
  })
})

describe('too much', () => {
  test('of a head is told so, and of far more the stream is reset', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url)
    const client = await speak(gateway)
    const long = 'x'.repeat(9_000)
    const big = Array.from({ length: 4 }, (_, index): Field => [`x-${index}`, long])
    const sent = headers(1, get(...big), flags.endStream)
    // In frames of the size that is agreed upon.
    const whole = sent.subarray(9)
    client.send(
      frame(types.headers, flags.endStream, 1, whole.subarray(0, 16_384)),
      frame(types.continuation, 0, 1, whole.subarray(16_384, 32_768)),
      frame(types.continuation, flags.endHeaders, 1, whole.subarray(32_768)),
    )
    expect(await outcome(client, 1)).toBe(431)
    expect(gateway.proxy.stats.refused).toMatchObject({ header_bytes: 1 })
    client.send(headers(3, requestFields()))
    expect(await outcome(client, 3)).toBe(200)
    // From when the limit has been acknowledged.
    client.send(frame(types.settings, flags.ack, 0))
    const huge = headers(
      5,
      get(...Array.from({ length: 8 }, (_, index): Field => [`x-${index}`, long])),
    ).subarray(9)
    client.send(frame(types.headers, flags.endStream, 5, huge.subarray(0, 16_384)))
    for (let at = 16_384; at < huge.length; at += 16_384)
      client.send(
        frame(
          types.continuation,
          at + 16_384 < huge.length ? 0 : flags.endHeaders,
          5,
          huge.subarray(at, at + 16_384),
        ),
      )
    expect(await outcome(client, 5)).toBe('reset')
    expect(origin.connections[0]!.received().match(/HTTP\/1\.1\r\n/g)).toHaveLength(1)
  })

  test.each([
    ['HTTP/2', ['h2']],
    ['HTTP/1.1', ['http/1.1']],
  ])('of header lines is a 431 on %s', async (_name, ALPNProtocols) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url, { limits: { requestHeaderCount: 20 } })
    const visitor = await gateway.visitTls({ ALPNProtocols })
    const many = Array.from({ length: 30 }, (_, index): Field => [`x-${index}`, '1'])
    if (ALPNProtocols[0] === 'h2') {
      const client = speakHttp2(visitor)
      client.send(headers(1, get(...many)))
      expect(await outcome(client, 1)).toBe(431)
      // Crumbs count as the one field they are.
      client.send(headers(3, get(...Array.from({ length: 30 }, (): Field => ['cookie', 'a=1']))))
      expect(await outcome(client, 3)).toBe(200)
    } else {
      visitor.socket.write(
        `GET / HTTP/1.1\r\nHost: shop.test\r\n${many.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
      )
      await visitor.closed()
      expect(visitor.received()).toMatch(/^HTTP\/1\.1 431 /)
    }
    expect(gateway.proxy.stats.refused).toMatchObject({ header_count: 1 })
  })

  test('of streams at a time are refused so that they may be sent again', async () => {
    await using origin = await startRawOrigin(() => {})
    await using gateway = await startTlsGateway(origin.url, { limits: { streamsPerConnection: 2 } })
    const client = await speak(gateway)
    client.send(...[1, 3, 5].map((stream) => headers(stream, requestFields())))
    const refused = await client.until(({ type }) => type === types.reset)
    expect([refused!.stream, errorOf(refused!)]).toEqual([5, errors.refused])
    await eventually(() => gateway.proxy.stats.active === 2)
  })
})

test('an answer that breaks off is reset and never ends', async () => {
  await using origin = await startRawOrigin(async ({ socket, until }) => {
    await until('\r\n\r\n')
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart')
    socket.end()
  })
  await using gateway = await startTlsGateway([siteAt(origin.url)])
  const client = await speak(gateway)
  client.send(headers(1, requestFields()))
  const broken = await client.until(({ type, stream }) => type === types.reset && stream === 1)
  expect(errorOf(broken!)).toBe(errors.internal)
  const ends = (one: Frame): boolean =>
    (one.type === types.data || one.type === types.headers) && (one.flags & flags.endStream) !== 0
  expect(client.frames().some(ends)).toBe(false)
  expect(gateway.proxy.stats.cutShort).toBe(1)
  expect(await stillServes(gateway)).toBeDefined()
})
