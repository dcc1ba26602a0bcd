import { describe, expect, test } from 'vitest'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import {
  eventually,
  parseRaw,
  recordingCapture,
  request,
  siteAt,
  startGateway,
  stillServes,
} from './support.ts'

const head = 'HTTP/1.1 200 OK\r\n'

describe('when the origin fails before its answer', () => {
  test.each([
    ['closes at once', '', 'end'],
    ['resets at once', '', 'reset'],
    ['speaks no HTTP', 'SSH-2.0-OpenSSH_9\r\n', 'keep'],
    ['ends in the middle of its head', `${head}X-Half`, 'end'],
    ['sends two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, 'keep'],
    [
      'sends length and chunks',
      `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      'keep',
    ],
    ['sends a coding nobody asked for', `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 'keep'],
    ['sends a status below 100', 'HTTP/1.1 099 What\r\nContent-Length: 0\r\n\r\n', 'keep'],
    ['sends a NUL in a field', `${head}X: a\0b\r\nContent-Length: 0\r\n\r\n`, 'keep'],
    ['sends a head beyond measure', `${head}X: ${'x'.repeat(70_000)}\r\n\r\n`, 'keep'],
  ])('and %s, the visitor gets a 502 that says little', async (_name, bytes, then) => {
    await using origin = await startRawOrigin(async ({ socket, until, received }) => {
      await until('\r\n\r\n')
      if (received().includes('/alive')) return void socket.write(ok())
      if (then === 'reset') return void socket.resetAndDestroy()
      if (then === 'end') socket.end(bytes, 'latin1')
      else socket.write(bytes, 'latin1')
    })
    await using gateway = await startGateway(origin.url)
    const { line, fields, body } = parseRaw(await gateway.exchange(request('GET /x?email=a@b.c')))
    expect(line).toBe('HTTP/1.1 502 Bad Gateway')
    expect(fields).toContain('Cache-Control: no-store')
    expect(body).not.toMatch(/127\.0\.0\.1|ECONN|undici|UND_/)
    expect(gateway.warnings).toHaveLength(1)
    expect(gateway.warnings[0]).toMatchObject({
      fields: { site: 'shop', method: 'GET', status: 502, cut: false },
    })
    expect(JSON.stringify(gateway.warnings)).not.toContain('a@b.c')
    expect(await stillServes(gateway)).toContain('200 OK')
  })

  test('and refuses to connect, it is a 502 with its cause in the log', async () => {
    const origin = await startRawOrigin(() => {})
    await origin[Symbol.asyncDispose]()
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 502 /)
    expect(gateway.warnings[0]!.fields).toMatchObject({ code: 'connect_refused' })
    expect(gateway.warnings[0]!.fields['cause']).toContain('ECONNREFUSED')
    expect(gateway.proxy.stats.originFailed).toEqual({ connect_refused: 1 })
  })

  test('and its name is not known, it is a 502', async () => {
    await using gateway = await startGateway('http://nowhere.invalid')
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 502 /)
    expect(gateway.warnings[0]!.fields).toMatchObject({ code: 'unresolved' })
  })

  test('and never answers, it is a 504', async () => {
    await using origin = await startRawOrigin(() => {})
    await using gateway = await startGateway(origin.url, { limits: { answerMs: 50 } })
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 504 /)
    expect(gateway.warnings[0]!.fields).toMatchObject({ status: 504, code: 'answer_timeout' })
    await origin.connections[0]!.closed()
  })

  test('and is asked too much at once, the next visitor gets a 503 instead of a wait', async () => {
    let asked = 0
    await using origin = await startHttpOrigin((req, res) => {
      asked++
      if (req.url === '/alive') res.end('fine')
    })
    await using gateway = await startGateway(origin.url, { limits: { requestsPerOrigin: 2 } })
    const waiting = [await gateway.visit(), await gateway.visit()]
    for (const { socket } of waiting) socket.write(request('GET /slow', []))
    await eventually(() => asked === 2)
    const raw = await gateway.exchange(request('GET /'))
    expect(raw).toMatch(/^HTTP\/1\.1 503 /)
    expect(raw).toContain('Retry-After: 1')
    for (const { socket } of waiting) socket.destroy()
    await eventually(() => gateway.proxy.stats.active === 0)
    expect(await stillServes(gateway)).toContain('fine')
  })

  test('HEAD is told without a body, and the connection stays of use', async () => {
    await using origin = await startRawOrigin(({ socket }) => void socket.destroy())
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request('HEAD /', []))
    const raw = await visitor.until('\r\n\r\n')
    visitor.socket.write(request('HEAD /'))
    await visitor.closed()
    expect(visitor.received().slice(raw.length)).toMatch(/^HTTP\/1\.1 502 /)
  })
})

describe('when the origin fails in the middle of its answer', () => {
  const sized = `${head}Content-Length: 100\r\n\r\npart`
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n`
  const open = `${head}\r\npart`
  test.each([
    ['a sized answer, by closing', sized, 'end'],
    ['a sized answer, by a reset', sized, 'reset'],
    [
      'a sized answer that was to be its last, by closing',
      sized.replace('\r\n', '\r\nConnection: close\r\n'),
      'end',
    ],
    ['a chunked answer, by closing', chunked, 'end'],
    [
      'a chunked answer that was to be its last, by closing',
      chunked.replace('\r\n', '\r\nConnection: close\r\n'),
      'end',
    ],
    ['a chunked answer, by a reset', chunked, 'reset'],
    ['a chunked answer, by a chunk that is none', `${chunked}zz\r\n`, 'keep'],
    ['an answer that ends with the connection, by a reset', open, 'reset'],
    ['a sized answer, by silence', sized, 'keep'],
  ])('%s, the visitor never sees a clean end', async (_name, bytes, then) => {
    let proceed: () => void = () => {}
    await using origin = await startRawOrigin(async ({ socket, until, received }) => {
      await until('\r\n\r\n')
      if (received().includes('/alive')) return void socket.write(ok())
      socket.write(bytes.slice(0, bytes.indexOf('part') + 4))
      await new Promise<void>((resolve) => (proceed = resolve))
      socket.write(bytes.slice(bytes.indexOf('part') + 4))
      if (then === 'end') socket.end()
      if (then === 'reset') socket.resetAndDestroy()
    })
    const capture = recordingCapture()
    await using gateway = await startGateway(origin.url, { capture, limits: { bodyIdleMs: 100 } })
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /', []))
    await visitor.until('part')
    proceed()
    await visitor.closed()
    expect(visitor.received()).not.toMatch(/0\r\n\r\n$/)
    expect(visitor.received().split('HTTP/1.1')).toHaveLength(2)
    expect(capture.seen[0]).toMatchObject({ ended: false, aborted: true })
    expect(gateway.proxy.stats.cutShort).toBe(1)
    expect(await stillServes(gateway)).toContain('200 OK')
  })

  test('a client of HTTP/1.0, to whom a close is an end, sees a reset', async () => {
    let proceed: () => void = () => {}
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write(chunked)
      await new Promise<void>((resolve) => (proceed = resolve))
      socket.end()
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    let failed = ''
    visitor.socket.on('error', (error: NodeJS.ErrnoException) => (failed = error.code ?? ''))
    visitor.socket.write('GET / HTTP/1.0\r\nHost: shop.test\r\n\r\n')
    await visitor.until('part')
    proceed()
    await eventually(() => visitor.socket.destroyed)
    expect(failed).toBe('ECONNRESET')
  })
})

describe('when the visitor leaves', () => {
  test.each([
    ['before the answer', ''],
    ['in the middle of it', `${head}Content-Length: 100\r\n\r\npart`],
  ])('%s, the origin is let go at once', async (_name, bytes) => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write(bytes)
    })
    const capture = recordingCapture()
    await using gateway = await startGateway(origin.url, { capture })
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /', []))
    await eventually(() => origin.connections[0]?.received().includes('\r\n\r\n') ?? false)
    if (bytes !== '') await visitor.until('part')
    visitor.socket.destroy()
    await origin.connections[0]!.closed()
    await eventually(() => gateway.proxy.stats.active === 0)
    expect(gateway.proxy.stats.clientLeft).toBe(1)
    expect(capture.seen[0]).toMatchObject({ ended: false, aborted: true })
    expect(gateway.warnings).toEqual([])
  })

  test('in the middle of an upload, the origin never sees its end', async () => {
    await using origin = await startRawOrigin(() => {})
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request('POST /', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n'))
    await eventually(() => origin.connections[0]?.received().includes('hello') ?? false)
    visitor.socket.destroy()
    await origin.connections[0]!.closed()
    expect(origin.connections[0]!.received()).not.toContain('0\r\n\r\n')
  })
})

describe('a pooled connection that died', () => {
  /** Answers the first request of each connection, and hangs up on the second without a word. */
  const hangsUpOnSecond = (asked: string[]) =>
    startRawOrigin(async ({ socket, until, received }) => {
      await until('\r\n\r\n')
      asked.push(parseRaw(received()).line)
      socket.write(ok())
      const before = received().length
      socket.on('data', () => {
        asked.push(parseRaw(received().slice(before)).line)
        socket.resetAndDestroy()
      })
    })

  test.each(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PUT'])(
    'costs %s without a body nothing',
    async (method) => {
      const asked: string[] = []
      await using origin = await hangsUpOnSecond(asked)
      await using gateway = await startGateway(origin.url)
      await gateway.exchange(request('GET /first'))
      expect(await gateway.exchange(request(`${method} /second`))).toMatch(/^HTTP\/1\.1 200 OK/)
      expect(asked).toEqual([
        'GET /first HTTP/1.1',
        `${method} /second HTTP/1.1`,
        `${method} /second HTTP/1.1`,
      ])
      expect(gateway.proxy.stats.retried).toBe(1)
      expect(gateway.warnings).toEqual([])
    },
  )

  test.each([
    ['POST', '', 0],
    ['PATCH', '', 0],
    ['POST', 'body', 4],
    ['PUT', 'body', 4],
  ])('is told the visitor for %s with the body %j: it may have been seen', async (method, body, length) => {
    const asked: string[] = []
    await using origin = await hangsUpOnSecond(asked)
    await using gateway = await startGateway(origin.url)
    await gateway.exchange(request('GET /first'))
    const raw = await gateway.exchange(
      request(`${method} /second`, [`Content-Length: ${length}`, 'Connection: close'], body),
    )
    expect(raw).toMatch(/^HTTP\/1\.1 502 /)
    expect(asked.filter((line) => line.includes('/second'))).toHaveLength(1)
    expect(gateway.proxy.stats.retried).toBe(0)
  })

  test('is asked again once only', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.resetAndDestroy()
    })
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 502 /)
    expect(origin.connections).toHaveLength(2)
  })

  test('is not asked again once a byte of an answer has come', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.end('HTTP/1.1 2')
    })
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 502 /)
    expect(origin.connections).toHaveLength(1)
  })
})

test('bytes an origin sends after its answer never become the next one', async () => {
  await using origin = await startRawOrigin(
    answering(`${ok()}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`),
  )
  await using gateway = await startGateway([siteAt(origin.url)])
  for (let turn = 0; turn < 3; turn++) {
    const raw = await gateway.exchange(request(`GET /${turn}`))
    expect(raw).toContain('hello')
    expect(raw).not.toContain('evil')
  }
})
