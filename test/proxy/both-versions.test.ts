import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:https'
import { describe, expect, test } from 'vitest'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import { eventually, recordingCapture, siteAt } from './support.ts'
import { authority, startTlsGateway, type TlsGateway } from './tls-support.ts'

/** One suite on both versions of HTTP: what is promised of a page does not hang on how its visitor asked. */

interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer on its way; an upload goes through `send` and ends with `finish`. */
interface Visit {
  send(bytes: string): void
  finish(): void
  status(): number
  /** Name, value, …, without pseudo fields, names in lower case. */
  fields(): readonly string[]
  trailers(): readonly string[]
  informed(): readonly number[]
  continued(): boolean
  body(): string
  /** `cut`: it broke off. */
  state(): 'open' | 'ended' | 'cut'
  leave(): void
}

type Ask = (gateway: TlsGateway, asked: Asked, upload?: boolean) => Visit

const lowered = (raw: readonly string[]): readonly string[] =>
  raw.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text))

const overHttp1: Ask = (gateway, { method = 'GET', path = '/', headers = {} }, upload = false) => {
  const chunks: Buffer[] = []
  const informed: number[] = []
  let answer: IncomingMessage | null = null
  let state: 'open' | 'ended' | 'cut' = 'open'
  let continued = false
  const req = httpRequest({
    port: gateway.tlsPort,
    host: '127.0.0.1',
    servername: 'shop.test',
    ca: authority,
    method,
    path,
    headers: { host: 'shop.test', ...headers },
    agent: false,
  })
  const cut = (): void => {
    if (state === 'open') state = 'cut'
  }
  req.on('error', cut)
  req.on('continue', () => (continued = true))
  req.on('information', ({ statusCode }) => informed.push(statusCode))
  req.on('response', (res) => {
    answer = res
    res.on('data', (chunk: Buffer) => chunks.push(chunk))
    res.on('end', () => (state = 'ended'))
    res.on('error', cut)
  })
  if (upload) req.flushHeaders()
  else req.end()
  return {
    send: (bytes) => void req.write(bytes),
    finish: () => void req.end(),
    status: () => answer?.statusCode ?? 0,
    fields: () => lowered(answer?.rawHeaders ?? []),
    trailers: () => lowered(answer?.rawTrailers ?? []),
    informed: () => informed,
    continued: () => continued,
    body: () => Buffer.concat(chunks).toString(),
    state: () => state,
    leave: () => void req.destroy(),
  }
}

const overHttp2: Ask = (gateway, { method = 'GET', path = '/', headers = {} }, upload = false) => {
  const chunks: Buffer[] = []
  const informed: number[] = []
  let status = 0
  let fields: readonly string[] = []
  let trailers: readonly string[] = []
  let state: 'open' | 'ended' | 'cut' = 'open'
  let continued = false
  const stream = gateway
    .http2()
    .request({ ':method': method, ':path': path, ...headers }, { endStream: !upload })
  stream.on('error', () => (state = 'cut'))
  stream.on('continue', () => (continued = true))
  stream.on('headers', ({ ':status': code }) => informed.push(Number(code)))
  stream.on('response', (head, _flags, raw: string[]) => {
    status = Number(head[':status'])
    fields = raw.slice(2)
  })
  stream.on('trailers', (_head, _flags, raw: string[]) => (trailers = raw))
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('end', () => {
    if (state === 'open' && stream.rstCode === 0) state = 'ended'
  })
  stream.on('close', () => {
    if (state === 'open') state = 'cut'
  })
  return {
    send: (bytes) => void stream.write(bytes),
    finish: () => void stream.end(),
    status: () => status,
    fields: () => fields,
    trailers: () => trailers,
    informed: () => informed,
    continued: () => continued,
    body: () => Buffer.concat(chunks).toString(),
    state: () => state,
    // `close` would end an upload before it resets it.
    leave: () => void stream.destroy(new Error('left')),
  }
}

/** Turns of the loop in which whatever was on its way would have arrived. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const done = (visit: Visit): Promise<void> => eventually(() => visit.state() !== 'open')

const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage'
const chunked =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\npag\r\n1\r\ne\r\n0\r\nX-Sum: 1\r\n\r\n'
const open = 'HTTP/1.1 200 OK\r\n\r\npage'
const empty = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: 1\r\n\r\n'

describe.each<[string, Ask, string]>([
  ['HTTP/1.1 over TLS', overHttp1, '1.1'],
  ['HTTP/2', overHttp2, '2.0'],
])('%s', (_version, ask, via) => {
  describe('the page passes', () => {
    test('with the fields the origin gave, in their order, repeated as they were', async () => {
      const answer = `HTTP/1.1 200 Fine\r\nX-B: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nX-Latin: caf\xe9\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Type: text/html\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\npage`
      await using origin = await startRawOrigin(answering(Buffer.from(answer, 'latin1')))
      await using gateway = await startTlsGateway(origin.url)
      const visit = ask(gateway, { path: '/a/../b?x=%41&y="', headers: { cookie: 'c=3', te: 'trailers' } })
      await done(visit)
      expect([visit.state(), visit.status(), visit.body()]).toEqual(['ended', 200, 'page'])
      expect(visit.fields().slice(0, 14)).toEqual([
        'x-b',
        '2',
        'set-cookie',
        'a=1',
        'set-cookie',
        'b=2; Path=/',
        'x-latin',
        'caf\xe9',
        'content-type',
        'text/html',
        'content-type',
        'text/plain',
        'content-length',
        '4',
      ])
      const seen = origin.connections[0]!.received()
      expect(seen).toMatch(/^GET \/a\/\.\.\/b\?x=%41&y=" HTTP\/1\.1\r\n/)
      expect(seen).toMatch(/\r\ncookie: c=3\r\n/i)
      expect(seen).toMatch(/\r\nTE: trailers\r\n/i)
      expect(seen).toContain('X-Forwarded-Proto: https\r\n')
      expect(seen).toContain(`Via: ${via} sluice-test\r\n`)
      expect(seen).toContain('X-Forwarded-For: 127.0.0.1\r\n')
      expect(seen).toMatch(/\r\nForwarded: for=127\.0\.0\.1;host=.*shop\.test.*;proto=https\r\n/)
    })

    test.each([
      ['of a length', sized, []],
      ['in chunks, with trailers', chunked, ['x-sum', '1']],
      ['until its origin hangs up', open, []],
    ])('%s', async (_name, answer, trailers) => {
      await using origin = await startRawOrigin(async ({ socket, until }) => {
        await until('\r\n\r\n')
        if (answer === open) socket.end(answer)
        else socket.write(answer)
      })
      await using gateway = await startTlsGateway(origin.url)
      const visit = ask(gateway, {})
      await done(visit)
      expect([visit.state(), visit.body(), visit.trailers()]).toEqual(['ended', 'page', trailers])
    })

    test.each([
      ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n', 200, '1234'],
      ['GET', 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 12\r\n\r\n', 304, '12'],
      ['GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204, undefined],
      ['GET', empty, 200, '0'],
    ])('%s of %j without a body', async (method, answer, status, length) => {
      await using origin = await startRawOrigin(answering(answer))
      await using gateway = await startTlsGateway(origin.url)
      const visit = ask(gateway, { method })
      await done(visit)
      expect([visit.state(), visit.status(), visit.body()]).toEqual(['ended', status, ''])
      const at = visit.fields().indexOf('content-length')
      expect(at < 0 ? undefined : visit.fields()[at + 1]).toBe(length)
    })

    test('behind hints that come before it', async () => {
      await using origin = await startRawOrigin(
        answering(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n${sized}`),
      )
      await using gateway = await startTlsGateway(origin.url)
      const visit = ask(gateway, {})
      await done(visit)
      expect([visit.informed(), visit.body()]).toEqual([[103], 'page'])
    })

    test('however large, at the pace of who reads it', async () => {
      const large = Buffer.alloc(3_000_000, 'abc')
      await using origin = await startHttpOrigin((_req, res) => res.end(large))
      await using gateway = await startTlsGateway(origin.url)
      const visit = ask(gateway, {})
      await done(visit)
      expect([visit.state(), visit.body() === large.toString()]).toEqual(['ended', true])
    })

    test('as pieces when it comes in pieces', async () => {
      const next = Promise.withResolvers<void>()
      await using origin = await startHttpOrigin((_req, res) => {
        res.write('data: 1\n\n')
        void next.promise.then(() => res.end('data: 2\n\n'))
      })
      await using gateway = await startTlsGateway(origin.url)
      const visit = ask(gateway, {})
      await eventually(() => visit.body() === 'data: 1\n\n')
      next.resolve()
      await done(visit)
      expect(visit.body()).toBe('data: 1\n\ndata: 2\n\n')
    })
  })

  describe('an upload', () => {
    test('of a length and one without are framed as they came', async () => {
      await using origin = await startHttpOrigin((req, res) => {
        const chunks: Buffer[] = []
        req.on('data', (chunk: Buffer) => chunks.push(chunk))
        req.on('end', () => {
          const { 'content-length': length = '', 'transfer-encoding': coding = '' } = req.headers
          res.end(`${length}|${coding}|${Buffer.concat(chunks).toString()}`)
        })
      })
      await using gateway = await startTlsGateway(origin.url)
      const whole = ask(gateway, { method: 'POST', headers: { 'content-length': '10' } }, true)
      whole.send('hello')
      whole.send('world')
      whole.finish()
      await done(whole)
      expect(whole.body()).toBe('10||helloworld')
      const pieces = ask(gateway, { method: 'PUT' }, true)
      pieces.send('hello')
      pieces.finish()
      await done(pieces)
      expect(pieces.body()).toBe('|chunked|hello')
    })

    test('that asks first goes on when the origin is there to take it', async () => {
      await using origin = await startHttpOrigin((req, res) => {
        req.resume().on('end', () => res.end('taken'))
      })
      await using gateway = await startTlsGateway(origin.url)
      const visit = ask(
        gateway,
        { method: 'POST', headers: { expect: '100-continue', 'content-length': '5' } },
        true,
      )
      await eventually(visit.continued)
      visit.send('hello')
      visit.finish()
      await done(visit)
      expect(visit.body()).toBe('taken')
    })

    test('that the origin answers before its end does not hold the answer up', async () => {
      await using origin = await startRawOrigin(async ({ socket, until }) => {
        await until('hello')
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig')
      })
      await using gateway = await startTlsGateway(origin.url)
      const visit = ask(gateway, { method: 'POST' }, true)
      visit.send('hello')
      await eventually(() => visit.body() === 'big')
      expect(visit.status()).toBe(413)
      visit.leave()
      await eventually(() => gateway.proxy.stats.active === 0)
    })

    test('that its visitor breaks off never ends at the origin', async () => {
      await using origin = await startRawOrigin(() => {})
      await using gateway = await startTlsGateway(origin.url)
      const visit = ask(gateway, { method: 'POST' }, true)
      visit.send('hello')
      await eventually(() => origin.connections[0]?.received().includes('hello') === true)
      visit.leave()
      await origin.connections[0]!.closed()
      expect(origin.connections[0]!.received()).not.toContain('0\r\n\r\n')
      await eventually(() => gateway.proxy.stats.clientLeft === 1)
    })
  })

  describe('capture', () => {
    test('is shown the same request and the same answer', async () => {
      await using origin = await startRawOrigin(answering(chunked))
      const capture = recordingCapture()
      await using gateway = await startTlsGateway(origin.url, { capture, now: () => 1_700_000_000_000 })
      const visit = ask(gateway, { path: '/thanks?order=7', headers: { cookie: 'a=1', 'x-a': 'b' } })
      await done(visit)
      const [seen] = capture.seen
      expect(seen).toMatchObject({
        head: {
          method: 'GET',
          target: '/thanks?order=7',
          remoteAddress: '127.0.0.1',
          secure: true,
          receivedAt: 1_700_000_000_000,
        },
        responseHead: { status: 200, rawHeaders: [] },
        ended: true,
        aborted: false,
      })
      const fields = lowered(seen!.head.rawHeaders)
      expect(fields[fields.indexOf('host') + 1]).toMatch(/^shop\.test/)
      expect(fields[fields.indexOf('cookie') + 1]).toBe('a=1')
      expect(fields[fields.indexOf('x-a') + 1]).toBe('b')
      expect(fields.filter((text) => text.startsWith(':'))).toEqual([])
      expect(Buffer.concat(seen!.chunks).toString()).toBe('page')
    })

    test.each([
      ['the last byte of a sized page', sized, 'pag', 200],
      ['the end of a chunked page', chunked, 'page', 200],
      ['the head of an empty page', empty, '', 0],
    ])(
      'holds back %s until the event is committed, and no other byte',
      async (_name, answer, before, status) => {
        await using origin = await startRawOrigin(answering(answer))
        const commit = Promise.withResolvers<void>()
        const capture = recordingCapture(() => commit.promise)
        await using gateway = await startTlsGateway([siteAt(origin.url, { holdMs: 10_000 })], { capture })
        const visit = ask(gateway, {})
        await eventually(() => capture.seen[0]?.ended === true && visit.body() === before)
        await settle()
        expect([visit.body(), visit.status(), visit.state()]).toEqual([before, status, 'open'])
        commit.resolve()
        await done(visit)
        expect([visit.state(), visit.status()]).toEqual(['ended', 200])
        expect(visit.body()).toBe(answer === empty ? '' : 'page')
        expect(gateway.proxy.stats).toMatchObject({ held: 1, holdExpired: 0 })
      },
    )

    test('lets the page go first when patience ends', async () => {
      await using origin = await startRawOrigin(answering(sized))
      const capture = recordingCapture(() => new Promise(() => {}))
      await using gateway = await startTlsGateway([siteAt(origin.url, { holdMs: 20 })], { capture })
      const visit = ask(gateway, {})
      await done(visit)
      expect([visit.state(), visit.body()]).toEqual(['ended', 'page'])
      expect(gateway.proxy.stats).toMatchObject({ held: 1, holdExpired: 1 })
    })

    test('hears of a visitor who leaves, and the origin is let go', async () => {
      await using origin = await startRawOrigin(async ({ socket, until }) => {
        await until('\r\n\r\n')
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart')
      })
      const capture = recordingCapture()
      await using gateway = await startTlsGateway(origin.url, { capture })
      const visit = ask(gateway, {})
      await eventually(() => visit.body() === 'part')
      visit.leave()
      await origin.connections[0]!.closed()
      await eventually(() => gateway.proxy.stats.active === 0)
      expect(capture.seen[0]).toMatchObject({ ended: false, aborted: true })
      expect(gateway.proxy.stats.clientLeft).toBe(1)
    })

    test('hears of a page that breaks off, and the visitor sees it', async () => {
      await using origin = await startRawOrigin(async ({ socket, until }) => {
        await until('\r\n\r\n')
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n')
        await once(socket, 'drain').catch(() => {})
      })
      const capture = recordingCapture()
      await using gateway = await startTlsGateway(origin.url, { capture })
      const visit = ask(gateway, {})
      await eventually(() => visit.body() === 'part')
      origin.connections[0]!.socket.resetAndDestroy()
      await done(visit)
      expect(visit.state()).toBe('cut')
      expect(capture.seen[0]).toMatchObject({ ended: false, aborted: true })
      expect(gateway.proxy.stats.cutShort).toBe(1)
    })
  })

  test.each([
    ['an origin that is down', 502, () => startRawOrigin(({ socket }) => void socket.destroy())],
    [
      'an answer with a status that is none',
      502,
      () => startRawOrigin(answering('HTTP/1.1 099 What\r\nContent-Length: 0\r\n\r\n')),
    ],
  ])('%s is a %i that says little', async (_name, status, start) => {
    await using origin = await start()
    await using gateway = await startTlsGateway(origin.url)
    const visit = ask(gateway, { method: 'POST', headers: { 'content-length': '0' } })
    await done(visit)
    expect([visit.state(), visit.status()]).toEqual(['ended', status])
    expect(visit.body()).toContain('<h1>502 Bad Gateway</h1>')
    expect(visit.body()).not.toMatch(/127\.0\.0\.1|ECONN|UND_/)
  })

  test('who asks to be told of requests is told the same', async () => {
    const told: unknown[] = []
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url, { onRequestDone: (one) => told.push(one) })
    await done(ask(gateway, { path: '/x' }))
    await eventually(() => told.length === 1)
    expect(told[0]).toMatchObject({ site: 'shop', method: 'GET', status: 200, failure: null, target: '/x' })
  })
})
