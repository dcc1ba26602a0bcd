import { describe, expect, test } from 'vitest'
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import { parseRaw, request, siteAt, startGateway, stillServes } from './support.ts'

const get = (line: string, ...fields: string[]): string =>
  `${line}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n'

describe('refused, and never seen by the origin', () => {
  test.each([
    ['two Host lines', 400, get('GET / HTTP/1.1', 'Host: shop.test', 'Host: other.test')],
    ['two equal Host lines', 400, get('GET / HTTP/1.1', 'Host: shop.test', 'host: shop.test')],
    ['no Host', 400, get('GET / HTTP/1.1', 'X: 1')],
    ['an empty Host', 400, get('GET / HTTP/1.1', 'Host:')],
    ['a Host with a path', 400, get('GET / HTTP/1.1', 'Host: shop.test/x')],
    ['a Host with credentials', 400, get('GET / HTTP/1.1', 'Host: a@shop.test')],
    ['a Host list', 400, get('GET / HTTP/1.1', 'Host: shop.test, other.test')],
    [
      'identity, chunked',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Transfer-Encoding: identity, chunked') + '0\r\n\r\n',
    ],
    [
      'gzip, chunked',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Transfer-Encoding: gzip, chunked') + '0\r\n\r\n',
    ],
    [
      'two codings on two lines',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked') +
        '0\r\n\r\n',
    ],
    [
      'chunked twice',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') +
        '0\r\n\r\n',
    ],
    [
      'an unknown coding',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Transfer-Encoding: xchunked') + smuggled,
    ],
    [
      'a coding with a form feed',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Transfer-Encoding: \x0bchunked') + smuggled,
    ],
    [
      'a coding under HTTP/1.0',
      400,
      get('POST / HTTP/1.0', 'Host: shop.test', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
    ],
    [
      'length and chunks',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Content-Length: 4', 'Transfer-Encoding: chunked') +
        `0\r\n\r\n${smuggled}`,
    ],
    [
      'chunks and length',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Transfer-Encoding: chunked', 'Content-Length: 4') +
        `0\r\n\r\n${smuggled}`,
    ],
    [
      'two lengths',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Content-Length: 0', 'Content-Length: 44') + smuggled,
    ],
    ['a list of lengths', 400, get('POST / HTTP/1.1', 'Host: shop.test', 'Content-Length: 5, 5') + 'hello'],
    ['a signed length', 400, get('POST / HTTP/1.1', 'Host: shop.test', 'Content-Length: +5') + 'hello'],
    [
      'a space before the colon',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Content-Length : 44') + smuggled,
    ],
    ['a folded line', 400, get('GET / HTTP/1.1', 'Host: shop.test', 'X: 1', ' folded')],
    ['a bare line feed', 400, 'GET / HTTP/1.1\nHost: shop.test\n\n'],
    ['a bare carriage return', 400, get('GET / HTTP/1.1', 'Host: shop.test', 'X: a\rY: b')],
    ['a NUL', 400, get('GET / HTTP/1.1', 'Host: shop.test', 'X: a\0b')],
    ['a DEL', 400, get('GET / HTTP/1.1', 'Host: shop.test', 'X: a\x7fb')],
    [
      'a hexadecimal chunk size',
      400,
      get('POST / HTTP/1.1', 'Host: shop.test', 'Transfer-Encoding: chunked') + '0x5\r\nhello\r\n0\r\n\r\n',
    ],
    ['TRACE', 405, get('TRACE / HTTP/1.1', 'Host: shop.test')],
    ['CONNECT', 405, get('CONNECT shop.test:443 HTTP/1.1', 'Host: shop.test:443')],
    ['an absolute target', 400, get('GET http://shop.test/ HTTP/1.1', 'Host: shop.test')],
    ['an absolute target of another', 400, get('GET http://169.254.169.254/ HTTP/1.1', 'Host: shop.test')],
    ['a target without a slash', 400, get('GET x HTTP/1.1', 'Host: shop.test')],
    ['a fragment', 400, get('GET /a#b HTTP/1.1', 'Host: shop.test')],
    ['an asterisk', 400, get('GET * HTTP/1.1', 'Host: shop.test')],
    ['an 8-bit target', 400, get('GET /\xe9 HTTP/1.1', 'Host: shop.test')],
    ['no request', 400, 'hello there\r\n\r\n'],
    ['a TLS greeting', 400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['HTTP/2 without agreement', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['headers beyond measure', 431, get('GET / HTTP/1.1', 'Host: shop.test', `X: ${'x'.repeat(40_000)}`)],
    ['a circle', 508, get('GET / HTTP/1.1', 'Host: shop.test', 'Via: 1.1 other, 1.1 sluice-test')],
    ['a host of no site', 421, get('GET / HTTP/1.1', 'Host: other.test', 'Connection: close')],
  ])('%s: %i', async (_name, status, bytes) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    const raw = await gateway.exchange(Buffer.from(bytes, 'latin1'))
    const { line, fields, body } = parseRaw(raw)
    expect(line).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(fields).toContain('Connection: close')
    // One answer, and a short one.
    expect(raw.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(fields).toContain(`Content-Length: ${body.length}`)
    expect(origin.connections.map((connection) => connection.received()).join('')).toBe('')
    expect(await stillServes(gateway)).toContain('200 OK')
    expect(origin.connections.at(-1)!.received()).not.toContain('/smuggled')
  })
})

describe('served all the same', () => {
  test.each([
    [
      'an upgrade that is no WebSocket',
      [
        'Connection: Upgrade, close, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
      ],
    ],
    ['an upgrade nobody connected', ['Connection: close', 'Upgrade: websocket']],
    ['a list of upgrades', ['Connection: upgrade, close', 'Upgrade: TLS/1.0, HTTP/2.0']],
  ])('%s, and without it', async (_name, fields) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(request('GET /x', fields))).toMatch(/^HTTP\/1\.1 200 OK/)
    expect(origin.connections[0]!.received()).not.toMatch(/upgrade|HTTP2-Settings/i)
  })

  test('more header lines than Node counts, none of them dropped', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('hello')
      socket.write(ok())
    })
    await using gateway = await startGateway(origin.url, { limits: { requestHeaderCount: 5_000 } })
    const many = Array.from({ length: 2_500 }, () => 'a: 1')
    const raw = await gateway.exchange(
      request('POST /', [...many, 'Content-Length: 5', 'Connection: close'], 'hello'),
    )
    expect(raw).toMatch(/^HTTP\/1\.1 200 OK/)
    expect(origin.connections[0]!.received().match(/\r\na: 1/g)).toHaveLength(2_500)
  })

  test('OPTIONS of the server, by the gateway itself', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(request('OPTIONS *'))).toMatch(
      /^HTTP\/1\.1 200 OK\r\nContent-Length: 0\r\n/,
    )
    expect(await gateway.exchange(request('OPTIONS /', ['Max-Forwards: 0', 'Connection: close']))).toMatch(
      /^HTTP\/1\.1 200 /,
    )
    expect(origin.connections).toHaveLength(0)
    await gateway.exchange(request('OPTIONS /', ['max-forwards: 7', 'Connection: close']))
    expect(origin.connections[0]!.received()).toContain('\r\nmax-forwards: 6\r\n')
  })

  test('HTTP/1.0 without a Host, where a site takes any', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway([siteAt(origin.url, { hosts: ['*'] })])
    expect(await gateway.exchange('GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK/)
    expect(origin.connections[0]!.received()).toContain(`host: 127.0.0.1:${origin.port}\r\n`)
  })
})

test('a chunk that is none ends the upload in the middle, here and at the origin', async () => {
  await using origin = await startRawOrigin(() => {})
  await using gateway = await startGateway(origin.url)
  const visitor = await gateway.visit()
  visitor.socket.write(request('POST /', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n'))
  while (!(origin.connections[0]?.received().includes('hello') ?? false))
    await new Promise((resolve) => setTimeout(resolve, 5))
  visitor.socket.write('zz\r\n')
  await visitor.until('HTTP/1.1 400 ')
  await origin.connections[0]!.closed()
  expect(origin.connections[0]!.received()).not.toContain('\r\n0\r\n')
  expect(gateway.proxy.stats.refused).toEqual({ unreadable: 1 })
})

test('who is slow to say what he wants is told so', async () => {
  await using origin = await startRawOrigin(answering(ok()))
  await using gateway = await startGateway(origin.url, {
    limits: { clientHeadersMs: 50, clientRequestMs: 50, clientCheckMs: 10 },
  })
  expect(await gateway.exchange('GET / HTTP/1.1\r\nHost:')).toMatch(/^HTTP\/1\.1 408 /)
  expect(await stillServes(gateway)).toContain('200 OK')
})
