import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'undici'
import { startEchoOrigin } from '../origins/echo-origin.ts'
import certificate from '../origins/origin-test-certificate.json' with { type: 'json' }
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import { frame } from '../support/frames.ts'
import { nothingLeft } from './leftovers.ts'
import {
  eventually,
  parseRaw,
  recordingCapture,
  request,
  siteAt,
  startGateway,
  stillServes,
  type Gateway,
} from './support.ts'
import { startTlsGateway } from './tls-support.ts'

const handshakeFields = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]
const handshake = (line = 'GET /chat', more: readonly string[] = [], host = 'shop.test'): string =>
  request(line, [...handshakeFields, ...more], '', host)

const accepted = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
const switching =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n'

const anyHost = (url: string) => [siteAt(url, { hosts: ['*'] })]

/** TCP connections of this process, both ends of those it makes to itself. */
const socketsHere = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length

/** A browser's WebSocket through the gateway; collects what it hears. */
const openSocket = async (gateway: Gateway, path = '/chat', protocols: string[] = []) => {
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, protocols)
  socket.binaryType = 'arraybuffer'
  const heard: string[] = []
  socket.addEventListener('message', ({ data }) => {
    heard.push(typeof data === 'string' ? data : `${(data as ArrayBuffer).byteLength} bytes`)
  })
  const opened = new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', ({ message }) => reject(new Error(message)))
  })
  const closed = new Promise<{ code: number; clean: boolean }>((resolve) => {
    socket.addEventListener('close', ({ code, wasClean }) => resolve({ code, clean: wasClean }))
  })
  await opened
  return { socket, heard, closed }
}

describe('a WebSocket', () => {
  test('is carried both ways, small and large, and its close is the origin’s own', async () => {
    await using origin = await startEchoOrigin()
    await using gateway = await startGateway(anyHost(origin.url))
    const { socket, heard, closed } = await openSocket(gateway)
    socket.send('hello')
    socket.send(Buffer.alloc(300_000, 7))
    await eventually(() => heard.length === 2)
    expect(heard).toEqual(['hello', '300000 bytes'])
    expect(gateway.proxy.stats).toMatchObject({ webSockets: 1, upgraded: 1 })
    socket.close(4001, 'done')
    expect(await closed).toEqual({ code: 4001, clean: true })
    await eventually(() => origin.open.size === 0)
    expect(await nothingLeft(gateway)).toBe(true)
  })

  test('agrees on a sub-protocol with the origin', async () => {
    await using origin = await startEchoOrigin({ protocol: 'chat.v2' })
    await using gateway = await startGateway(anyHost(origin.url))
    const { socket, closed } = await openSocket(gateway, '/chat', ['chat.v1', 'chat.v2'])
    expect(socket.protocol).toBe('chat.v2')
    expect(origin.handshakes[0]!.headers['sec-websocket-protocol']).toBe('chat.v1, chat.v2')
    socket.close()
    await closed
  })

  test('hears what the origin says in one breath with its 101, and is heard before it', async () => {
    await using origin = await startEchoOrigin({ greeting: 'welcome' })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(Buffer.concat([Buffer.from(handshake()), frame('early', { masked: true })]))
    const received = await visitor.until('early')
    expect(received).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(received).toContain(accepted)
    expect(received.slice(received.indexOf('\r\n\r\n') + 4)).toBe(
      Buffer.concat([frame('welcome'), frame('early')]).toString('latin1'),
    )
    visitor.socket.destroy()
    await eventually(() => origin.open.size === 0)
    expect(await nothingLeft(gateway)).toBe(true)
  })

  test('gets the fields of the 101 as the origin sent them', async () => {
    const answer = switching.replace(
      '\r\n\r\n',
      '\r\nX-Name: \xe9t\xe9\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n',
    )
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write(answer, 'latin1')
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(handshake())
    expect((await visitor.until('\r\n\r\n')).toLowerCase()).toBe(answer.toLowerCase())
    visitor.socket.destroy()
  })

  test('is one of many, and none hears another', async () => {
    await using origin = await startEchoOrigin()
    await using gateway = await startGateway(anyHost(origin.url))
    const all = await Promise.all(Array.from({ length: 200 }, () => openSocket(gateway)))
    expect(gateway.proxy.stats.webSockets).toBe(200)
    all.forEach(({ socket }, index) => socket.send(`I am ${index}`))
    await eventually(() => all.every(({ heard }) => heard.length === 1))
    expect(all.map(({ heard }) => heard[0])).toEqual(all.map((_, index) => `I am ${index}`))
    for (const { socket } of all) socket.close()
    await Promise.all(all.map(({ closed }) => closed))
    await eventually(() => origin.open.size === 0)
    expect(await nothingLeft(gateway)).toBe(true)
    expect(gateway.warnings).toEqual([])
    expect(await stillServes(gateway)).toContain('fine')
  }, 20_000)

  test('reaches the origin with its target byte for byte, its fields in their case, and the forwarding fields ours', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write(switching)
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(
      handshake('GET /a/../b//c/%7e"{}?x=?&y=', [
        'X-Forwarded-For: 6.6.6.6',
        'X-Real-IP: 6.6.6.6',
        'Forwarded: for=6.6.6.6',
        'Connection: X-Private',
        'X-Private: 1',
        'Proxy-Authorization: Basic eHh4',
        'Expect: 100-continue',
        'X-TWICE: a',
        'x-twice: b',
        'Cookie: a=1',
        'cookie: b=2',
        '__proto__: polluted',
        'constructor: 1',
      ]),
    )
    await visitor.until('101')
    const { line, fields } = parseRaw(origin.connections[0]!.received())
    expect(line).toBe('GET /a/../b//c/%7e"{}?x=?&y= HTTP/1.1')
    expect(
      fields.filter((field) => /^(x-|forw|via|proxy|expect|host|conn|upg|__|constr)/i.test(field)),
    ).toEqual([
      'X-TWICE: a',
      'X-TWICE: b',
      '__proto__: polluted',
      'constructor: 1',
      'Host: shop.test',
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: shop.test',
      'X-Forwarded-Port: 80',
      'Forwarded: for=127.0.0.1;host=shop.test;proto=http',
      'Via: 1.1 sluice-test',
      'connection: Upgrade',
      'upgrade: websocket',
    ])
    expect(fields).toContain('Cookie: a=1; b=2')
    expect(fields).toContain('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
    visitor.socket.destroy()
    expect(await nothingLeft(gateway)).toBe(true)
  })

  test.each(['/chat?', '/?', '//[', '//a', '/%', '/?a=//b/../c', '/\\\\a'])(
    'keeps the target %s',
    async (target) => {
      await using origin = await startEchoOrigin()
      await using gateway = await startGateway(origin.url)
      const visitor = await gateway.visit()
      visitor.socket.write(handshake(`GET ${target}`))
      await visitor.until('101')
      expect(origin.handshakes[0]!.url).toBe(target)
      visitor.socket.destroy()
    },
  )

  test('goes to the host the site names for its origin', async () => {
    await using origin = await startEchoOrigin()
    await using gateway = await startGateway([siteAt(origin.url, { originHost: 'inner.test' })])
    const visitor = await gateway.visit()
    visitor.socket.write(handshake())
    await visitor.until('101')
    expect(origin.handshakes[0]!.headers).toMatchObject({
      host: 'inner.test',
      'x-forwarded-host': 'shop.test',
    })
    visitor.socket.destroy()
  })

  test('is a request like any other to who counts them, and no page to capture', async () => {
    await using origin = await startEchoOrigin()
    const capture = recordingCapture()
    const done: unknown[] = []
    await using gateway = await startGateway(origin.url, {
      capture,
      now: () => 7,
      onRequestDone: (one) => {
        done.push(one)
        throw new Error('a bug')
      },
    })
    const visitor = await gateway.visit()
    visitor.socket.write(handshake())
    await visitor.until('101')
    visitor.socket.destroy()
    await eventually(() => done.length === 1)
    expect(done[0]).toMatchObject({
      site: 'shop',
      method: 'GET',
      status: 101,
      startedAt: 7,
      failure: null,
      target: '/chat',
      peer: '127.0.0.1',
    })
    expect(capture.seen).toEqual([])
  })

  test('is carried over TLS, on the same terms', async () => {
    await using origin = await startEchoOrigin()
    await using gateway = await startTlsGateway(origin.url)
    const visitor = await gateway.visitTls()
    visitor.socket.write(Buffer.concat([Buffer.from(handshake()), frame('hello', { masked: true })]))
    await visitor.until('hello')
    expect(origin.handshakes[0]!.headers).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
    })
    visitor.socket.destroy()
    await eventually(() => origin.open.size === 0)
    expect(await nothingLeft(gateway)).toBe(true)
  })

  test('to an origin over TLS is made with the name its certificate carries', async () => {
    const { key, cert } = certificate
    const server = createTlsServer({ key, cert })
    const names: unknown[] = []
    server.on('secureConnection', ({ servername }) => names.push(servername))
    server.on('upgrade', (_req, socket) => socket.write(switching))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const site = siteAt(`https://127.0.0.1:${port}`, { originHost: 'origin.test' })
    await using trusting = await startGateway([site], { originTls: { ca: cert } })
    const visitor = await trusting.visit()
    visitor.socket.write(handshake())
    await visitor.until('101')
    expect(names).toEqual(['origin.test'])
    visitor.socket.destroy()
    await using doubting = await startGateway([site])
    expect(await doubting.exchange(handshake())).toMatch(/^HTTP\/1\.1 502 /)
    expect(doubting.warnings[0]!.fields).toMatchObject({ code: 'certificate' })
    server.closeAllConnections()
    server.close()
  })

  test('whose visitor does not read stops the origin', async () => {
    let sent = 0
    const megabyte = Buffer.alloc(1024 * 1024)
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write(switching)
      const more = (): void => {
        while (sent < 200 * megabyte.length && !socket.destroyed) {
          sent += megabyte.length
          if (!socket.write(megabyte)) return void socket.once('drain', more)
        }
      }
      more()
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(handshake())
    await visitor.until('101')
    visitor.socket.pause()
    let before = -1
    while (before !== sent) {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(sent).toBeLessThan(32 * megabyte.length)
    visitor.socket.destroy()
    await origin.connections[0]!.closed()
    expect(await nothingLeft(gateway)).toBe(true)
  })
})

describe('the origin declines', () => {
  test.each([
    [
      'with a length',
      'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 11\r\n\r\nmembers onl',
    ],
    [
      'in chunks',
      'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\nKeep-Alive: timeout=5\r\n\r\n7\r\nmembers\r\n4\r\n onl\r\n0\r\n\r\n',
    ],
    [
      'until it closes',
      'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nmembers onl',
    ],
  ])('%s: its answer arrives whole, and the connection ends', async (name, answer) => {
    await using origin = await startRawOrigin(async ({ socket, until, received }) => {
      await until('\r\n\r\n')
      if (received().includes('/alive')) return void socket.write(ok())
      if (name === 'until it closes') socket.end(answer)
      else socket.write(answer)
    })
    await using gateway = await startGateway(origin.url)
    // Frames sent in good faith behind the handshake do not cost the visitor the answer.
    const raw = await gateway.exchange(`${handshake()}${'x'.repeat(200_000)}`)
    const { line, fields, body } = parseRaw(raw)
    expect(line).toBe('HTTP/1.1 403 Forbidden')
    expect(body).toBe('members onl')
    expect(fields.filter((field) => !field.startsWith('Content-Length'))).toEqual([
      'Content-Type: text/plain',
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      'Connection: close',
    ])
    expect(gateway.warnings).toEqual([])
    expect(await nothingLeft(gateway)).toBe(true)
    expect(await stillServes(gateway)).toContain('200 OK')
  })

  test.each([
    ['Verbot\xe9n', 'Verbot\xe9n'],
    ['Verbot\xc3\xa9n', 'Verbot\xc3\xa9n'],
    ['a\x1b[31m\x7f', 'a[31m'],
    ['', ''],
  ])('with the reason %j: what can be written of it is', async (reason, written) => {
    const answer = Buffer.from(`HTTP/1.1 403 ${reason}\r\nContent-Length: 2\r\n\r\nno`, 'latin1')
    await using origin = await startRawOrigin(answering(answer))
    await using gateway = await startGateway(origin.url)
    expect(parseRaw(await gateway.exchange(handshake())).line).toBe(`HTTP/1.1 403 ${written}`)
  })

  test('asking for another version: it can be read which', async () => {
    await using origin = await startRawOrigin(
      answering(
        'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n',
      ),
    )
    await using gateway = await startGateway(origin.url)
    const { line, fields } = parseRaw(await gateway.exchange(handshake()))
    expect(line).toBe('HTTP/1.1 426 Upgrade Required')
    expect(fields).toEqual([
      'Sec-WebSocket-Version: 13',
      'Content-Length: 0',
      'Connection: close, Upgrade',
      'Upgrade: websocket',
    ])
  })

  test.each([
    ['a sized refusal', 'HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\npart', ''],
    ['a chunked refusal', 'HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', 'ECONNRESET'],
  ])('and breaks off %s: the visitor never sees a clean end', async (_name, answer, expected) => {
    let proceed: () => void = () => {}
    await using origin = await startRawOrigin(async ({ socket, until, received }) => {
      await until('\r\n\r\n')
      if (received().includes('/alive')) return void socket.write(ok())
      socket.write(answer)
      await new Promise<void>((resolve) => (proceed = resolve))
      socket.end()
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    let failed = ''
    visitor.socket.on('error', ({ code }: NodeJS.ErrnoException) => (failed = code ?? ''))
    visitor.socket.write(handshake())
    await visitor.until('part')
    proceed()
    await eventually(() => visitor.socket.destroyed || visitor.socket.readableEnded)
    expect(failed).toBe(expected)
    visitor.socket.destroy()
    expect(gateway.proxy.stats.cutShort).toBe(1)
    expect(await nothingLeft(gateway)).toBe(true)
    expect(await stillServes(gateway)).toContain('200 OK')
  })

  test('at length, to a visitor who does not read: it waits for him', async () => {
    let sent = 0
    const megabyte = Buffer.alloc(1024 * 1024)
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write('HTTP/1.1 403 No\r\n\r\n')
      const more = (): void => {
        while (sent < 200 * megabyte.length && !socket.destroyed) {
          sent += megabyte.length
          if (!socket.write(megabyte)) return void socket.once('drain', more)
        }
      }
      more()
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(handshake())
    await visitor.until('403')
    visitor.socket.pause()
    let before = -1
    while (before !== sent) {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(sent).toBeLessThan(32 * megabyte.length)
    visitor.socket.destroy()
    await origin.connections[0]!.closed()
    expect(await nothingLeft(gateway)).toBe(true)
  })
})

describe('the origin fails', () => {
  test.each([
    ['closes at once', '', 'end'],
    ['resets at once', '', 'reset'],
    ['speaks no HTTP', 'SSH-2.0-OpenSSH_9\r\n', 'keep'],
    ['sends a status below 100', 'HTTP/1.1 099 What\r\nContent-Length: 0\r\n\r\n', 'keep'],
    ['switches to nothing', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'keep'],
    ['sends a NUL in a field', 'HTTP/1.1 101 Switching Protocols\r\nX: a\0b\r\n\r\n', 'keep'],
    [
      'sends length and chunks',
      'HTTP/1.1 403 No\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'keep',
    ],
    ['sends a coding nobody asked for', 'HTTP/1.1 403 No\r\nTransfer-Encoding: gzip\r\n\r\nxx', 'keep'],
    ['sends a head beyond measure', `HTTP/1.1 101 X\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 'keep'],
  ])('it %s: the visitor gets a 502 that says little', async (_name, bytes, then) => {
    await using origin = await startRawOrigin(async ({ socket, until, received }) => {
      await until('\r\n\r\n')
      if (received().includes('/alive')) return void socket.write(ok())
      if (then === 'reset') return void socket.resetAndDestroy()
      if (then === 'end') socket.end(bytes, 'latin1')
      else socket.write(bytes, 'latin1')
    })
    await using gateway = await startGateway(origin.url)
    const { line, fields, body } = parseRaw(await gateway.exchange(handshake()))
    expect(line).toBe('HTTP/1.1 502 Bad Gateway')
    expect(fields).toContain('Connection: close')
    expect(body).not.toMatch(/127\.0\.0\.1|ECONN|HPE/)
    expect(gateway.warnings).toHaveLength(1)
    expect(await nothingLeft(gateway)).toBe(true)
    expect(await stillServes(gateway)).toContain('200 OK')
  })

  test('it refuses to connect: 502, and the log knows why', async () => {
    const origin = await startRawOrigin(() => {})
    await origin[Symbol.asyncDispose]()
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(handshake())).toMatch(/^HTTP\/1\.1 502 /)
    expect(gateway.warnings[0]!.fields).toMatchObject({ code: 'connect_refused', status: 502 })
    expect(gateway.proxy.stats.originFailed).toEqual({ connect_refused: 1 })
  })

  test.each([
    ['says nothing', ''],
    ['says only that it is working on it', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
  ])('it takes the handshake and %s: 504', async (_name, bytes) => {
    await using origin = await startRawOrigin(({ socket }) => void socket.write(bytes))
    await using gateway = await startGateway(origin.url, { limits: { answerMs: 100 } })
    expect(await gateway.exchange(handshake())).toMatch(/^HTTP\/1\.1 504 /)
    expect(gateway.warnings[0]!.fields).toMatchObject({ code: 'answer_timeout' })
    await origin.connections[0]!.closed()
    expect(await nothingLeft(gateway)).toBe(true)
  })

  test('it drips its answer: the deadline is for the whole of it', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      const drip = setInterval(() => socket.write('H'), 5)
      socket.write('HTTP/1.1 101 Switching Protocols\r\nX: ')
      socket.on('close', () => clearInterval(drip))
    })
    await using gateway = await startGateway(origin.url, { limits: { answerMs: 100 } })
    expect(await gateway.exchange(handshake())).toMatch(/^HTTP\/1\.1 504 /)
    await origin.connections[0]!.closed()
    expect(await nothingLeft(gateway)).toBe(true)
  })
})

describe('a handshake is refused', () => {
  test.each([
    ['for a host of no site', 421, handshake('GET /', [], 'other.test')],
    ['with two Hosts', 400, handshake('GET /', ['Host: other.test'])],
    ['that goes in a circle', 508, handshake('GET /', ['Via: 1.1 sluice-test'])],
    ['with an absolute target', 400, handshake('GET http://other.test/')],
    ['with a fragment', 400, handshake('GET /#x')],
    ['with a body', 400, `${handshake('GET /', ['Content-Length: 5'])}hello`],
    ['with chunks', 400, `${handshake('GET /', ['Transfer-Encoding: chunked'])}0\r\n\r\n`],
  ])('%s: %i, and the origin never sees it', async (_name, status, bytes) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(origin.connections).toHaveLength(0)
    expect(await nothingLeft(gateway)).toBe(true)
    expect(await stillServes(gateway)).toContain('200 OK')
  })

  test('that came in the clear to a site that is only served encrypted: 403', async () => {
    await using origin = await startEchoOrigin()
    const site = siteAt(origin.url, { redirectToHttps: true })
    await using gateway = await startGateway([site], { trust: () => true })
    expect(await gateway.exchange(handshake())).toMatch(/^HTTP\/1\.1 403 [^]*encrypted/)
    const visitor = await gateway.visit()
    visitor.socket.write(handshake('GET /', ['X-Forwarded-Proto: https']))
    await visitor.until('101')
    visitor.socket.destroy()
  })

  test('when there are as many as there may be: 503, and the next finds room again', async () => {
    await using origin = await startEchoOrigin()
    await using gateway = await startGateway(origin.url, { limits: { webSockets: 1 } })
    const first = await gateway.visit()
    first.socket.write(handshake())
    await first.until('101')
    expect(await gateway.exchange(handshake())).toMatch(/^HTTP\/1\.1 503 /)
    first.socket.destroy()
    expect(await nothingLeft(gateway)).toBe(true)
    const second = await gateway.visit()
    second.socket.write(handshake())
    await second.until('101')
    second.socket.destroy()
  })
})

describe('hostile visitors leave the gateway as it was', () => {
  const half = handshake().slice(0, -20)
  test.each([
    ['half a handshake and a reset', half],
    ['a handshake without a key', request('GET /', ['Connection: Upgrade', 'Upgrade: websocket'])],
    ['many upgrades', handshake('GET /', ['Upgrade: websocket', 'Upgrade: h2c'])],
    ['a target that is no address', handshake('GET //[/\\\\%zz')],
    ['8-bit fields', handshake('GET /', ['X-Name: \xff\xfe'])],
    [
      'a thousand fields',
      handshake(
        'GET /',
        Array.from({ length: 1_000 }, (_, index) => `a${index}: 1`),
      ),
    ],
    ['frames that are none', `${handshake()}${'\xff'.repeat(10_000)}`],
  ])('%s', async (_name, bytes) => {
    await using origin = await startEchoOrigin()
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(bytes, 'latin1')
    if (bytes !== half) await eventually(() => visitor.received() !== '')
    visitor.socket.resetAndDestroy()
    expect(await nothingLeft(gateway)).toBe(true)
    await eventually(() => origin.open.size === 0)
    expect(await stillServes(gateway)).toContain('fine')
  })

  test('who leaves during the handshake leaves nothing at the origin', async () => {
    await using origin = await startRawOrigin(() => {})
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(handshake())
    await eventually(() => origin.connections[0]?.received().includes('\r\n\r\n') ?? false)
    visitor.socket.resetAndDestroy()
    await origin.connections[0]!.closed()
    expect(await nothingLeft(gateway)).toBe(true)
    expect(gateway.proxy.stats.clientLeft).toBe(1)
    expect(gateway.warnings).toEqual([])
  })
})

describe('no half is left over', () => {
  test('when the visitor is gone, though the origin would stay', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      // It takes the end for no reason to end, and goes on talking.
      socket.allowHalfOpen = true
      await until('\r\n\r\n')
      socket.write(switching)
      const talk = setInterval(() => socket.write('.'), 5)
      socket.on('close', () => clearInterval(talk))
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(handshake())
    await visitor.until('101')
    visitor.socket.resetAndDestroy()
    await eventually(() => origin.connections[0]!.socket.destroyed)
    expect(await nothingLeft(gateway)).toBe(true)
  })

  test.each(['end', 'reset'])('when the origin is gone (%s), though the visitor would stay', async (how) => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write(switching)
      await until('bye')
      if (how === 'end') socket.end('last words')
      else socket.resetAndDestroy()
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    // A visitor's own half stays open: it is the gateway that ends it.
    visitor.socket.allowHalfOpen = true
    visitor.socket.write(handshake())
    await visitor.until('101')
    visitor.socket.write('bye')
    await visitor.closed()
    if (how === 'end') expect(visitor.received()).toMatch(/last words$/)
    expect(await nothingLeft(gateway)).toBe(true)
    visitor.socket.destroy()
  })

  test('when nothing passes for too long', async () => {
    await using origin = await startEchoOrigin()
    await using gateway = await startGateway(origin.url, { limits: { webSocketIdleMs: 300 } })
    const busy = await gateway.visit()
    busy.socket.write(handshake())
    await busy.until('101')
    const chatter = setInterval(() => busy.socket.write(frame('.', { masked: true })), 20)
    const silent = await gateway.visit()
    silent.socket.write(handshake())
    await silent.until('101')
    await silent.closed()
    expect(busy.socket.destroyed || busy.socket.readableEnded).toBe(false)
    clearInterval(chatter)
    await busy.closed()
    expect(await nothingLeft(gateway)).toBe(true)
    await eventually(() => origin.open.size === 0)
  })
})

describe('when the gateway stops', () => {
  test('what is on its way arrives, both sides are told, and nobody waits for the deadline', async () => {
    await using origin = await startEchoOrigin()
    const gateway = await startGateway(anyHost(origin.url))
    const { socket, heard, closed } = await openSocket(gateway)
    socket.send('hello')
    await eventually(() => heard.length === 1)
    await gateway.proxy.close(60_000)
    // A browser that gets no such word says 1006, a fault.
    expect(await closed).toEqual({ code: 1001, clean: true })
    await eventually(() => origin.open.size === 0)
    expect(await nothingLeft(gateway)).toBe(true)
  })

  test('a handshake under way is answered, then told the same', async () => {
    let proceed: () => void = () => {}
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      await new Promise<void>((resolve) => (proceed = resolve))
      socket.write(switching)
    })
    const gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(handshake())
    await eventually(() => origin.connections[0]?.received().includes('\r\n\r\n') ?? false)
    const closing = gateway.proxy.close(60_000)
    proceed()
    await visitor.closed()
    expect(visitor.received()).toContain('101')
    await closing
  })

  test('the origin’s end of a WebSocket whose visitor has just left is not waited for either', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      // It takes the end for no reason to end.
      socket.allowHalfOpen = true
      await until('\r\n\r\n')
      socket.write(switching)
    })
    const gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(handshake())
    await visitor.until('101')
    visitor.socket.resetAndDestroy()
    expect(await nothingLeft(gateway)).toBe(true)
    // The origin's end of that connection, and ours, which lingers.
    expect(socketsHere()).toBe(2)
    await gateway.proxy.close(60_000)
    // Far less than it lingers by itself.
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(socketsHere()).toBe(1)
  })

  test('at the deadline, whatever will not end is ended', async () => {
    await using origin = await startRawOrigin(() => {})
    const gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(handshake())
    await eventually(() => origin.connections[0]?.received().includes('\r\n\r\n') ?? false)
    await gateway.proxy.close(20)
    await visitor.closed()
    await origin.connections[0]!.closed()
    expect(await nothingLeft(gateway)).toBe(true)
  })
})
