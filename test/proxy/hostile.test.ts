import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { answering, ok, startRawOrigin, type RawConnection, type RawOrigin } from '../origins/raw-origin.ts'
import { nothingLeft } from './leftovers.ts'
import { eventually, parseRaw, request, startGateway, stillServes, type Gateway } from './support.ts'

/** Slow, rude and broken, on either side. After each the gateway serves as before and has let go of every socket. */

/** The next visitor is served, nobody's socket stays, and a gateway that stops leaves the origin none either. */
const unharmed = async (gateway: Gateway, origin: RawOrigin): Promise<boolean> => {
  const served = (await stillServes(gateway)).includes('200 OK')
  const left = await nothingLeft(gateway)
  await gateway.proxy.close(0)
  await Promise.all(origin.connections.map((connection) => connection.closed()))
  return served && left
}

/** `/alive` is answered as it should be, anything else as the test scripts. */
const startOrigin = (script: (connection: RawConnection) => Promise<void> | void) =>
  startRawOrigin(async (connection) => {
    const { socket, until, received } = connection
    socket.on('data', (bytes: Buffer) => {
      if (bytes.includes('GET /alive ')) socket.write(ok())
    })
    await until('\r\n\r\n')
    if (!received().startsWith('GET /alive ')) await script(connection)
  })

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))

const drip = async ({ socket }: RawConnection, bytes: string | (() => string)): Promise<void> => {
  for (let index = 0; !socket.destroyed && socket.writable; index += 1) {
    const byte = typeof bytes === 'string' ? bytes[index] : bytes()
    if (byte === undefined) return
    socket.write(byte, 'latin1')
    await pause()
  }
}

describe('a visitor', () => {
  test('who drips his head is told that it took too long', async () => {
    await using origin = await startOrigin(() => {})
    await using gateway = await startGateway(origin.url, {
      limits: { clientHeadersMs: 100, clientRequestMs: 100, clientCheckMs: 10 },
    })
    const visitor = await gateway.visit()
    visitor.socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\nX: ')
    void drip(visitor, () => 'x')
    await visitor.closed()
    expect(visitor.received()).toMatch(/^HTTP\/1\.1 408 /)
    expect(origin.connections).toHaveLength(0)
    visitor.socket.destroy()
    expect(await unharmed(gateway, origin)).toBe(true)
  })

  test('who drips his body is told the same, and the origin never takes it for whole', async () => {
    await using origin = await startOrigin(() => {})
    await using gateway = await startGateway(origin.url, {
      limits: { clientHeadersMs: 200, clientRequestMs: 200, clientCheckMs: 10 },
    })
    const visitor = await gateway.visit()
    visitor.socket.write(request('POST /', ['Content-Length: 100000']))
    void drip(visitor, () => 'x')
    await visitor.closed()
    expect(visitor.received()).toMatch(/^HTTP\/1\.1 408 /)
    await origin.connections[0]!.closed()
    expect(parseRaw(origin.connections[0]!.received()).body.length).toBeLessThan(100_000)
    visitor.socket.destroy()
    expect(await unharmed(gateway, origin)).toBe(true)
  })

  test('who hangs up his side once he has asked has left', async () => {
    await using origin = await startOrigin(() => {})
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /'))
    await eventually(() => origin.connections[0]?.received().includes('\r\n\r\n') ?? false)
    visitor.socket.end()
    await visitor.closed()
    await origin.connections[0]!.closed()
    expect(gateway.proxy.stats.clientLeft).toBe(1)
    expect(await unharmed(gateway, origin)).toBe(true)
  })

  test.each([
    ['before a word', ''],
    ['in the middle of his head', 'GET / HTTP/1.1\r\nHost: sh'],
    ['in the middle of his body', request('POST /', ['Content-Length: 10'], 'half')],
    ['in the middle of a chunk', request('POST /', ['Transfer-Encoding: chunked'], 'ff\r\nhalf')],
    ['between two requests', request('GET /one', []) + request('GET /two', []).slice(0, 20)],
  ])('who closes early, %s, leaves nothing behind', async (_name, bytes) => {
    for (const how of ['end', 'reset'] as const) {
      await using origin = await startOrigin(({ socket }) => void socket.write(ok()))
      await using gateway = await startGateway(origin.url)
      const visitor = await gateway.visit()
      visitor.socket.write(bytes)
      if (how === 'end') visitor.socket.end()
      else visitor.socket.resetAndDestroy()
      expect(await unharmed(gateway, origin)).toBe(true)
    }
  })

  test('who goes on after his last request is answered that one, and not heard further', async () => {
    await using origin = await startOrigin(({ socket }) => void socket.write(ok()))
    await using gateway = await startGateway(origin.url)
    const raw = await gateway.exchange(request('GET /first') + request('GET /second'))
    expect(raw.match(/HTTP\/1\.1 200/g)).toHaveLength(1)
    expect(origin.connections.map((one) => one.received()).join('')).not.toContain('/second')
    expect(await unharmed(gateway, origin)).toBe(true)
  })

  test('whose large upload meets an origin that reads slowly waits for it, and all of it arrives', async () => {
    const body = Buffer.alloc(24 * 1024 * 1024, Buffer.from('a large upload, '))
    const hash = createHash('sha256')
    let length = 0
    await using origin = await startHttpOrigin((req, res) => {
      req.on('data', (chunk: Buffer) => {
        hash.update(chunk)
        length += chunk.length
        // A little at a time.
        req.pause()
        setImmediate(() => req.resume())
      })
      req.on('end', () => res.end(hash.digest('hex')))
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request('PUT /', [`Content-Length: ${body.length}`, 'Connection: close']))
    visitor.socket.write(body)
    await visitor.closed()
    expect(length).toBe(body.length)
    expect(visitor.received()).toContain(createHash('sha256').update(body).digest('hex'))
    visitor.socket.destroy()
    expect(await nothingLeft(gateway)).toBe(true)
  }, 30_000)

  test('whose upload is answered before its end gets the answer, and the origin need not read the rest', async () => {
    await using origin = await startOrigin(({ socket }) => {
      socket.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nless')
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(
      request('POST /', ['Content-Length: 1000000', 'Connection: close'], 'x'.repeat(1_000)),
    )
    await visitor.until('less')
    expect(visitor.received()).toMatch(/^HTTP\/1\.1 413 /)
    visitor.socket.destroy()
    expect(await unharmed(gateway, origin)).toBe(true)
  })
})

describe('an origin', () => {
  test('that drips its head has until the deadline, for all of it', async () => {
    await using origin = await startOrigin(async (connection) => {
      connection.socket.write('HTTP/1.1 200 OK\r\nX: ')
      await drip(connection, () => 'x')
    })
    await using gateway = await startGateway(origin.url, { limits: { answerMs: 200 } })
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 504 /)
    expect(gateway.warnings[0]!.fields).toMatchObject({ code: 'answer_timeout' })
    expect(await unharmed(gateway, origin)).toBe(true)
  })

  test('that drips its body is passed on byte by byte, and let go when the visitor leaves', async () => {
    await using origin = await startOrigin(async (connection) => {
      connection.socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      await drip(connection, () => '1\r\n.\r\n')
    })
    await using gateway = await startGateway(origin.url, { limits: { answerMs: 100, bodyIdleMs: 1_000 } })
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /', []))
    // Longer than an answer may take to begin.
    await eventually(() => visitor.received().split('1\r\n.\r\n').length > 40)
    visitor.socket.destroy()
    await origin.connections[0]!.closed()
    expect(await unharmed(gateway, origin)).toBe(true)
  })

  const length = 'Content-Length: 5\r\n\r\nhello'
  test.each([
    ['a reason in Latin-1', `HTTP/1.1 200 Tr\xe8s bien\r\n${length}`, 'HTTP/1.1 200 Trs bien'],
    ['a reason in UTF-8', `HTTP/1.1 200 Tr\xc3\xa8s bien\r\n${length}`, 'HTTP/1.1 200 Tr\xc3\xa8s bien'],
    ['a reason with a tab', `HTTP/1.1 200 a\tb\r\n${length}`, 'HTTP/1.1 200 a\tb'],
    ['a reason of one space', `HTTP/1.1 200  \r\n${length}`, 'HTTP/1.1 200  '],
    ['no reason', `HTTP/1.1 200\r\n${length}`, 'HTTP/1.1 200 '],
    ['a long reason', `HTTP/1.1 200 ${'o'.repeat(8_000)}\r\n${length}`, `HTTP/1.1 200 ${'o'.repeat(8_000)}`],
    ['a status nobody knows', `HTTP/1.1 799 Well\r\n${length}`, 'HTTP/1.1 799 Well'],
  ])('that sends %s is understood', async (_name, answer, line) => {
    await using origin = await startOrigin(({ socket }) => void socket.write(answer, 'latin1'))
    await using gateway = await startGateway(origin.url)
    const raw = await gateway.exchange(request('GET /'))
    expect(parseRaw(raw)).toMatchObject({ line, body: 'hello' })
    expect(await unharmed(gateway, origin)).toBe(true)
  })

  test.each([
    ['a reason with an escape', `HTTP/1.1 200 \x1b[31m\r\n${length}`],
    ['a reason with a NUL', `HTTP/1.1 200 a\0b\r\n${length}`],
    ['a reason with a bare CR', `HTTP/1.1 200 a\rX: b\r\n${length}`],
    ['a status of two digits', `HTTP/1.1 20 OK\r\n${length}`],
    ['a status of four digits', `HTTP/1.1 2000 OK\r\n${length}`],
    ['a status with a sign', `HTTP/1.1 +20 OK\r\n${length}`],
    ['another protocol', `ICY 200 OK\r\n${length}`],
    ['another version', `HTTP/3.0 200 OK\r\n${length}`],
    ['a folded field', `HTTP/1.1 200 OK\r\nX: a\r\n b\r\n${length}`],
    ['a space before a colon', `HTTP/1.1 200 OK\r\nX : a\r\n${length}`],
    ['a field without a name', `HTTP/1.1 200 OK\r\n: a\r\n${length}`],
    ['a line that is no field', `HTTP/1.1 200 OK\r\nhello\r\n${length}`],
    ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello'],
    ['a length beyond numbers', `HTTP/1.1 200 OK\r\nContent-Length: 1${'0'.repeat(30)}\r\n\r\nhello`],
    ['a list of lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello'],
    [
      'an unasked switch of protocols',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
    // undici ends the connection of an origin that says so unasked.
    ['an unasked leave to continue', `HTTP/1.1 100 Continue\r\n\r\n${ok()}`],
    ['more hints than answers', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)],
    ['nothing but a hint', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
  ])('that sends %s is never passed on as it is', async (name, answer) => {
    await using origin = await startOrigin(({ socket }) => {
      socket.write(answer, 'latin1')
      if (name === 'nothing but a hint') socket.end()
    })
    await using gateway = await startGateway(origin.url)
    const raw = await gateway.exchange(request('GET /'))
    const last = raw.slice(raw.lastIndexOf('HTTP/1.1 '))
    // A reason that cannot be written is left out; what cannot be understood is a 502.
    expect(last).toMatch(/^HTTP\/1\.1 (502 Bad Gateway|200 [\x20-\x7e]*)\r\n/)
    // oxlint-disable-next-line no-control-regex
    expect(raw.slice(0, raw.lastIndexOf('\r\n\r\n')).replaceAll('\r\n', '')).not.toMatch(/[\0-\x1f]/)
    expect(raw.length).toBeLessThan(10_000)
    expect(await unharmed(gateway, origin)).toBe(true)
  })

  test('whose hints nobody asked for is passed on with them, to those who can read them', async () => {
    const hints = 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'
    await using origin = await startRawOrigin(answering(hints + ok()))
    await using gateway = await startGateway(origin.url)
    const raw = await gateway.exchange(request('GET /'))
    expect(raw).toContain('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n')
    expect(raw).toMatch(/HTTP\/1\.1 200 OK[^]*hello$/)
    const old = await gateway.exchange('GET / HTTP/1.0\r\nHost: shop.test\r\n\r\n')
    expect(old).toMatch(/^HTTP\/1\.1 200 OK/)
    expect(await unharmed(gateway, origin)).toBe(true)
  })

  test.each([
    ['a sized page', 'GET', ok()],
    ['a chunked page', 'GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
    ['a head alone', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['nothing new', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 5\r\n\r\n'],
    ['no content', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ])('that says more than its answer, %s: the rest is nobody’s', async (_name, method, answer) => {
    const extra = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'
    for (const behind of [extra, 'evil', '\r\nevil']) {
      let asked = 0
      await using origin = await startRawOrigin(async ({ socket }) => {
        socket.on('data', (bytes: Buffer) => {
          if (bytes.includes('/alive')) socket.write(ok())
          else {
            asked += 1
            socket.write(answer + behind)
          }
        })
      })
      await using gateway = await startGateway(origin.url)
      for (let turn = 0; turn < 3; turn += 1) {
        const raw = await gateway.exchange(request(`${method} /${turn}`))
        expect(raw).not.toContain('evil')
        expect(raw.match(/HTTP\/1\.1 /g)).toHaveLength(1)
      }
      expect(asked).toBeGreaterThanOrEqual(3)
      expect(await unharmed(gateway, origin)).toBe(true)
    }
  })

  test('that speaks while nobody listens reaches nobody', async () => {
    await using origin = await startRawOrigin(({ socket }) => {
      socket.on('data', () => {
        socket.write(ok())
        setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'), 10)
      })
    })
    await using gateway = await startGateway(origin.url)
    for (let turn = 0; turn < 5; turn += 1) {
      const raw = await gateway.exchange(request(`GET /${turn}`))
      expect(raw).toContain('hello')
      expect(raw).not.toContain('evil')
      // It has spoken, and is hung up on.
      await origin.connections[turn]!.closed()
    }
    expect(await unharmed(gateway, origin)).toBe(true)
  })

  test('that hangs up on a connection nobody uses costs the next visitor nothing', async () => {
    await using origin = await startRawOrigin(({ socket }) => {
      socket.on('data', () => socket.end(ok()))
    })
    await using gateway = await startGateway(origin.url)
    for (let turn = 0; turn < 20; turn += 1)
      expect(await gateway.exchange(request(`GET /${turn}`))).toContain('hello')
    expect(gateway.warnings).toEqual([])
    expect(await unharmed(gateway, origin)).toBe(true)
  })
})

test('a thousand visitors of every bad kind leave no socket behind', async () => {
  await using origin = await startRawOrigin(answering(ok()))
  await using gateway = await startGateway(origin.url)
  const kinds = ['', 'GET', 'GET / HTTP/1.1\r\n\r\n', request('GET /', []), 'x'.repeat(40_000), '\0\0\0\0']
  for (let round = 0; round < 10; round += 1) {
    const visitors = await Promise.all(Array.from({ length: 100 }, () => gateway.visit()))
    visitors.forEach(({ socket }, index) => {
      socket.write(kinds[index % kinds.length] ?? '')
      if (index % 2 === 0) socket.resetAndDestroy()
      else socket.end()
    })
    // Whoever only ended his own side is told so by ours.
    await Promise.all(visitors.map((visitor) => visitor.closed()))
    for (const { socket } of visitors) socket.destroy()
  }
  expect(await unharmed(gateway, origin)).toBe(true)
}, 30_000)
