import { describe, expect, test } from 'vitest'
import type { Capture } from '../../src/capture/capture.ts'
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

/** A commit that the test settles. */
const pendingCommit = () => Promise.withResolvers<void>()

const chunked =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\npag\r\n1\r\ne\r\n0\r\nX-Sum: 1\r\n\r\n'
const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage'
const empty = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
const unchanged = 'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'

describe('capture is shown', () => {
  test('each request as it came, and its answer', async () => {
    await using origin = await startRawOrigin(answering(chunked))
    const capture = recordingCapture()
    await using gateway = await startGateway(origin.url, { capture, now: () => 1_700_000_000_000 })
    await gateway.exchange(
      request('GET /thanks/../x?a=%41', [
        'Cookie: a',
        'cookie: b',
        'X-Forwarded-For: 1.2.3.4',
        'Connection: close',
      ]),
    )
    expect(capture.seen).toHaveLength(1)
    expect(capture.seen[0]).toMatchObject({
      head: {
        method: 'GET',
        target: '/thanks/../x?a=%41',
        remoteAddress: '127.0.0.1',
        secure: false,
        receivedAt: 1_700_000_000_000,
        rawHeaders: [
          'Host',
          'shop.test',
          'Cookie',
          'a',
          'cookie',
          'b',
          'X-Forwarded-For',
          '1.2.3.4',
          'Connection',
          'close',
        ],
      },
      responseHead: { status: 200, rawHeaders: [] },
      ended: true,
      aborted: false,
    })
    expect(Buffer.concat(capture.seen[0]!.chunks).toString()).toBe('page')
  })

  test('and may add fields behind those of the origin, which itself it is not shown', async () => {
    await using origin = await startRawOrigin(
      answering('HTTP/1.1 200 OK\r\nSet-Cookie: theirs=1\r\nContent-Length: 4\r\n\r\npage'),
    )
    const capture = recordingCapture(() => null, { fields: ['Set-Cookie', 'ours=2', 'Set-Cookie', 'too=3'] })
    await using gateway = await startGateway(origin.url, { capture })
    const { fields, body } = parseRaw(await gateway.exchange(request('GET /', ['Connection: close'])))
    expect(fields.filter((field) => field.startsWith('Set-Cookie'))).toEqual([
      'Set-Cookie: theirs=1',
      'Set-Cookie: ours=2',
      'Set-Cookie: too=3',
    ])
    expect(body).toBe('page')
    expect(capture.seen[0]!.responseHead!.rawHeaders).not.toContain('ours=2')
  })

  test('no more of an answer when it has seen enough: the page goes on as if nobody had asked', async () => {
    await using origin = await startRawOrigin(answering(ok('page')))
    const never = new Promise<void>(() => {})
    const capture = recordingCapture(() => never, { fields: ['Set-Cookie', 'ours=2'], over: true })
    await using gateway = await startGateway(origin.url, { capture })
    const { fields, body } = parseRaw(await gateway.exchange(request('GET /', ['Connection: close'])))
    expect(fields).toContain('Set-Cookie: ours=2')
    expect(body).toBe('page')
    expect(capture.seen).toMatchObject([{ chunks: [], ended: false, aborted: false }])
  })

  test('nothing of what the gateway refuses or answers itself, and abort where it answers for the origin', async () => {
    const origin = await startRawOrigin(answering(ok()))
    const capture = recordingCapture()
    await using gateway = await startGateway(origin.url, { capture })
    await gateway.exchange(request('TRACE /'))
    await gateway.exchange(request('GET /', ['Connection: close'], '', 'other.test'))
    expect(capture.seen).toHaveLength(0)
    await origin[Symbol.asyncDispose]()
    await gateway.exchange(request('GET /'))
    expect(capture.seen[0]).toMatchObject({ responseHead: null, ended: false, aborted: true })
  })

  test('one request once, though it had to be asked twice', async () => {
    await using origin = await startRawOrigin(async ({ socket, until, index }) => {
      await until('\r\n\r\n')
      if (index === 0) socket.resetAndDestroy()
      else socket.write(sized)
    })
    const capture = recordingCapture()
    await using gateway = await startGateway(origin.url, { capture })
    await gateway.exchange(request('GET /'))
    expect(capture.seen).toHaveLength(1)
    expect(capture.seen[0]).toMatchObject({ ended: true, aborted: false })
  })
})

describe('until the event is committed', () => {
  test.each([
    ['the last byte of a sized page', sized, sized.slice(0, -1), 'e'],
    [
      'the last chunk of a chunked page',
      chunked,
      chunked.slice(0, chunked.indexOf('0\r\nX-Sum')),
      '0\r\nX-Sum: 1\r\n\r\n',
    ],
    ['the head of an empty answer', empty, '', empty],
    ['the head of an unchanged page', unchanged, '', unchanged],
  ])('%s waits, and no other byte does', async (_name, answer, before, after) => {
    await using origin = await startRawOrigin(answering(answer))
    const commit = pendingCommit()
    const capture = recordingCapture(() => commit.promise)
    await using gateway = await startGateway([siteAt(origin.url, { holdMs: 10_000 })], { capture })
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /', []))
    await eventually(() => capture.seen[0]?.ended === true)
    await eventually(() => visitor.received().length >= before.length)
    // Turns of the loop in which whatever was on its way would have arrived.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(visitor.received()).toBe(before)
    commit.resolve()
    await eventually(() => visitor.received().length >= before.length + after.length)
    expect(visitor.received()).toBe(answer)
    expect(gateway.proxy.stats).toMatchObject({ held: 1, holdExpired: 0 })
    // And the connection goes on.
    visitor.socket.write(request('GET /again'))
    await eventually(() => capture.seen.length === 2)
    visitor.socket.destroy()
  })

  test('the closing waits where only it ends the page', async () => {
    await using origin = await startRawOrigin(answering(chunked))
    const commit = pendingCommit()
    const capture = recordingCapture(() => commit.promise)
    await using gateway = await startGateway([siteAt(origin.url, { holdMs: 10_000 })], { capture })
    const visitor = await gateway.visit()
    visitor.socket.write('GET / HTTP/1.0\r\nHost: shop.test\r\n\r\n')
    await visitor.until('page')
    await eventually(() => capture.seen[0]?.ended === true)
    let closed = false
    void visitor.closed().then(() => (closed = true))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(closed).toBe(false)
    commit.resolve()
    await visitor.closed()
    expect(visitor.received()).toMatch(/page$/)
  })

  test('the visitor waits holdMs at most: then the page goes first, and it is counted', async () => {
    await using origin = await startRawOrigin(answering(sized))
    const capture = recordingCapture(() => new Promise(() => {}))
    await using gateway = await startGateway([siteAt(origin.url, { holdMs: 20 })], { capture })
    expect(await gateway.exchange(request('GET /'))).toMatch(/page$/)
    expect(gateway.proxy.stats).toMatchObject({ held: 1, holdExpired: 1 })
  })

  test('nobody waits where the site has no patience', async () => {
    await using origin = await startRawOrigin(answering(sized))
    const capture = recordingCapture(() => new Promise(() => {}))
    await using gateway = await startGateway([siteAt(origin.url, { holdMs: 0 })], { capture })
    expect(await gateway.exchange(request('GET /'))).toMatch(/page$/)
    expect(gateway.proxy.stats).toMatchObject({ held: 0, holdExpired: 0 })
  })

  test('a commit that fails lets the page go', async () => {
    await using origin = await startRawOrigin(answering(chunked))
    const capture = recordingCapture(() => Promise.reject(new Error('disk full')))
    await using gateway = await startGateway([siteAt(origin.url, { holdMs: 10_000 })], { capture })
    expect(await gateway.exchange(request('GET /'))).toContain('0\r\nX-Sum: 1\r\n\r\n')
  })

  test('a visitor who leaves while the last byte waits disturbs nothing', async () => {
    await using origin = await startRawOrigin(answering(sized))
    const commit = pendingCommit()
    const capture = recordingCapture(() => commit.promise)
    await using gateway = await startGateway([siteAt(origin.url, { holdMs: 10_000 })], { capture })
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /', []))
    await visitor.until('pag')
    visitor.socket.destroy()
    await eventually(() => gateway.proxy.stats.active === 0)
    commit.resolve()
    expect(capture.seen[0]).toMatchObject({ ended: true, aborted: false })
    expect(await stillServes(gateway)).toContain('200 OK')
  })
})

describe('a capture that throws never hurts the page', () => {
  const fail = (): never => {
    throw new Error('a bug')
  }
  const sound = { responseHead: () => null, chunk: () => {}, end: () => null, abort: () => {} }
  test.each<[string, Capture]>([
    ['at the request', { begin: fail }],
    ['at the head', { begin: () => ({ ...sound, responseHead: fail }) }],
    ['at a chunk', { begin: () => ({ ...sound, chunk: fail }) }],
    ['at the end', { begin: () => ({ ...sound, end: fail }) }],
  ])('%s', async (_name, capture) => {
    for (const answer of [sized, chunked]) {
      await using origin = await startRawOrigin(answering(answer))
      await using gateway = await startGateway(origin.url, { capture })
      const visitor = await gateway.visit()
      visitor.socket.write(request('GET /', []))
      await visitor.until(answer)
      visitor.socket.destroy()
      expect(gateway.proxy.stats.captureThrew).toBe(1)
    }
  })

  test('at an abort', async () => {
    await using origin = await startRawOrigin(({ socket }) => void socket.destroy())
    await using gateway = await startGateway(origin.url, {
      capture: { begin: () => ({ ...sound, abort: fail }) },
    })
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 502 /)
    expect(gateway.proxy.stats.captureThrew).toBe(1)
  })
})
