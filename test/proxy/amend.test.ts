import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'
import { request as undiciRequest } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import type { Amendment, Capture } from '../../src/capture/capture.ts'
import { untrue } from '../../src/capture/data-layer/answer.ts'
import { loader } from '../../src/capture/data-layer/script.ts'
import type { Coding } from '../../src/capture/page/collect-decode.ts'
import pages from '../capture/data-layer/pages.json' with { type: 'json' }
import { startHttpOrigin, type HttpOrigin } from '../origins/http-origin.ts'
import { answering, startRawOrigin } from '../origins/raw-origin.ts'
import { eventually, parseRaw, recordingCapture, request, startGateway, type Gateway } from './support.ts'
import { startTlsGateway } from './tls-support.ts'

vi.setConfig({ testTimeout: 30_000 })

const tail = '<script>tail()</script>'

const encoders: Readonly<Record<Coding | 'none', (bytes: Uint8Array) => Buffer>> = {
  none: (bytes) => Buffer.from(bytes),
  gzip: (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
}
const decoders: Readonly<Record<Coding | 'none', (bytes: Uint8Array) => Buffer>> = {
  none: (bytes) => Buffer.from(bytes),
  gzip: (bytes) => gunzipSync(bytes),
  deflate: (bytes) => inflateSync(bytes),
  br: (bytes) => brotliDecompressSync(bytes),
  zstd: (bytes) => zstdDecompressSync(bytes),
}
const codings = ['none', 'gzip', 'deflate', 'br', 'zstd'] as const
const codingOf = (coding: Coding | 'none'): Coding | null => (coding === 'none' ? null : coding)

/** What the host showed of the page, and what it said of it. */
interface Shown {
  readonly passed: Buffer[]
  readonly left: string[]
  tails: number
}

const amending = (
  coding: Coding | null,
  over: {
    readonly tail?: () => Uint8Array | null
    readonly passed?: (bytes: Uint8Array) => void
    readonly commit?: () => Promise<void> | null
  } = {},
): {
  readonly capture: Capture & { readonly seen: ReturnType<typeof recordingCapture>['seen'] }
  readonly shown: Shown
} => {
  const shown: Shown = { passed: [], left: [], tails: 0 }
  const amendment: Amendment = {
    fields: ['Server-Timing', 'sluice-x;desc="1"'],
    page: {
      without: untrue,
      coding,
      passed: (bytes) => {
        over.passed?.(bytes)
        shown.passed.push(Buffer.from(bytes))
      },
      tail: () => {
        shown.tails += 1
        return over.tail === undefined ? Buffer.from(tail) : over.tail()
      },
      leave: (reason) => shown.left.push(reason),
    },
  }
  return { capture: recordingCapture(over.commit ?? (() => null), amendment), shown }
}

/** Text that compresses like a page does, and not into nothing. */
const longPage = (bytes: number): Buffer => {
  let seed = 7
  const lines: string[] = ['<!doctype html><html><body>']
  for (let size = 0; size < bytes; size += 40) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    lines.push(`<p class="c${seed % 97}">${seed.toString(36)}</p>`)
  }
  return Buffer.from(`${lines.join('\n')}</body></html>`)
}

const startOrigin = (
  body: Uint8Array,
  coding: Coding | 'none',
  { headers = {}, pieces = body.length || 1 }: { headers?: Record<string, string>; pieces?: number } = {},
): Promise<HttpOrigin> =>
  startHttpOrigin((_req, res) => {
    res.writeHead(200, {
      'content-type': 'text/html',
      ...(coding === 'none' ? {} : { 'content-encoding': coding }),
      ...headers,
    })
    const send = (at: number): void => {
      if (at >= body.length) return void res.end()
      res.write(body.subarray(at, at + pieces))
      setImmediate(send, at + pieces)
    }
    send(0)
  })

const fetchPage = async (gateway: Gateway) => {
  const answer = await undiciRequest(gateway.url, { headers: { host: 'shop.test' } })
  return { headers: answer.headers, body: Buffer.from(await answer.body.arrayBuffer()) }
}

describe.each(codings)('a page in %s', (coding) => {
  const encode = encoders[coding]
  const decode = decoders[coding]

  test('is byte for byte what the origin sent, and then its tail', async () => {
    const all = [
      ...[...pages.closed, ...pages.open].map((page) => Buffer.from(page)),
      Buffer.from('\ufeff<!doctype html>ü', 'utf16le'),
      Buffer.from([0x3c, 0x68, 0x74, 0x6d, 0x6c, 0x3e, 0xe4, 0xff, 0x00, 0x80]),
      Buffer.alloc(0),
      longPage(300_000),
    ]
    for (const page of all) {
      const { capture, shown } = amending(codingOf(coding))
      await using origin = await startOrigin(encode(page), coding)
      await using gateway = await startGateway(origin.url, { capture })
      const { body } = await fetchPage(gateway)
      expect(decode(body).toString('latin1')).toBe(page.toString('latin1') + tail)
      expect(Buffer.concat(shown.passed).equals(page)).toBe(true)
      expect(Buffer.concat(capture.seen[0]?.chunks ?? []).equals(encode(page))).toBe(true)
      expect([shown.tails, shown.left, gateway.proxy.stats.recoding]).toEqual([1, [], 0])
    }
  })

  test('is the same in whatever pieces it comes', async () => {
    const page = longPage(20_000)
    for (const pieces of [1, 7, 1_000]) {
      const { capture, shown } = amending(codingOf(coding))
      await using origin = await startOrigin(encode(page.subarray(0, pieces * 4_000)), coding, { pieces })
      await using gateway = await startGateway(origin.url, { capture })
      const { body } = await fetchPage(gateway)
      expect(decode(body).toString()).toBe(page.subarray(0, pieces * 4_000).toString() + tail)
      expect(shown.tails).toBe(1)
    }
  })

  test('that gets no tail after all is whole', async () => {
    const { capture } = amending(codingOf(coding), { tail: () => null })
    await using origin = await startOrigin(encode(longPage(5_000)), coding)
    await using gateway = await startGateway(origin.url, { capture })
    expect(decode((await fetchPage(gateway)).body).equals(longPage(5_000))).toBe(true)
  })

  test('passes as it comes: what the origin has sent is with the visitor before the rest', async () => {
    const { capture, shown } = amending(codingOf(coding))
    const [first, rest] = [longPage(3_000), Buffer.from('<p>the rest</p>')]
    const [begun, ended] = await inTwo(coding, first, rest)
    let finish: (() => void) | null = null
    await using origin = await startHttpOrigin((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/html' })
      res.write(begun)
      finish = () => void res.end(ended)
    })
    await using gateway = await startGateway(origin.url, { capture })
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /'))
    await eventually(() => Buffer.concat(shown.passed).length === first.length)
    // An inflated prefix of what the visitor has: the encoder has been flushed.
    await eventually(() => prefixOf(coding, bodyOf(visitor.received())).equals(first))
    finish!()
    await visitor.closed()
    expect(decode(bodyOf(visitor.received())).toString()).toBe(first.toString() + rest.toString() + tail)
  })

  test('a visitor who does not read holds up the origin, and one who leaves leaves nothing behind', async () => {
    let sent = 0
    const { capture } = amending(codingOf(coding))
    await using origin = await startHttpOrigin((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/html' })
      void pourInto(res, coding, () => (sent += 1))
    })
    await using gateway = await startGateway(origin.url, { capture })
    const visitor = await gateway.visit()
    visitor.socket.pause()
    visitor.socket.write(request('GET /'))
    const stopped = await stands(() => sent)
    expect(stopped).toBeGreaterThan(0)
    expect(stopped).toBeLessThan(40)
    expect(gateway.proxy.stats.recoding).toBe(coding === 'none' ? 0 : 1)
    visitor.socket.destroy()
    await eventually(() => gateway.proxy.stats.active === 0)
    expect([gateway.proxy.stats.recoding, capture.seen[0]?.aborted]).toEqual([0, true])
  })
})

/** A number once it has stood still for ten looks in a row. */
const stands = async (read: () => number): Promise<number> => {
  let last = -1
  for (let same = 0; same < 10; same += 1) {
    const now = read()
    if (now !== last) same = 0
    last = now
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return last
}

/** The body of a raw answer in chunks, as far as it has come. */
const bodyOf = (raw: string): Buffer => {
  const parts: Buffer[] = []
  let rest = parseRaw(raw).body
  for (;;) {
    const [line = ''] = rest.split('\r\n', 1)
    const size = Number.parseInt(line, 16)
    const from = line.length + 2
    if (!(size > 0) || rest.length < from) return Buffer.concat(parts)
    parts.push(Buffer.from(rest.slice(from, from + size), 'latin1'))
    rest = rest.slice(from + size + 2)
  }
}

/** What there is of a body whose end has not come. */
const prefixOf = (coding: Coding | 'none', bytes: Buffer): Buffer => {
  if (bytes.length === 0) return bytes
  switch (coding) {
    case 'none':
      return bytes
    case 'gzip':
      return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
    case 'deflate':
      return inflateSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH })
    case 'br':
      return brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH })
    case 'zstd':
      return zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_flush })
  }
}

const compressor = (coding: Coding) => {
  switch (coding) {
    case 'gzip':
      return createGzip({ level: 1 })
    case 'deflate':
      return createDeflate({ level: 1 })
    case 'br':
      return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 0 } })
    case 'zstd':
      return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } })
  }
}

/** One body in two pieces, the first of which says all of its part. */
const inTwo = async (
  coding: Coding | 'none',
  first: Buffer,
  second: Buffer,
): Promise<readonly [Buffer, Buffer]> => {
  if (coding === 'none') return [first, second]
  const stream = compressor(coding)
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.write(first)
  await new Promise<void>((resolve) => stream.flush(resolve))
  const begun = Buffer.concat(chunks.splice(0))
  stream.end(second)
  await once(stream, 'end')
  return [begun, Buffer.concat(chunks)]
}

/** A hundred megabytes that no coding makes fewer, unless somebody stops it. */
const pourInto = async (res: ServerResponse, coding: Coding | 'none', told: () => void): Promise<void> => {
  const made = coding === 'none' ? null : compressor(coding)
  made?.pipe(res)
  const out = made ?? res
  const closed = once(res, 'close')
  res.on('close', () => out.destroy())
  out.on('error', () => {})
  for (let count = 0; count < 100 && !res.destroyed; count += 1) {
    told()
    const drained = out.write(randomBytes(1_000_000))
      ? null
      : new Promise((resolve) => out.once('drain', resolve))
    if (drained !== null) await Promise.race([drained, closed])
  }
  out.end()
}

describe('the head', () => {
  test('says nothing any more that is not true of the longer page, and all else as it came', async () => {
    const { capture } = amending(null)
    const page = '<!doctype html><p>x</p>'
    await using origin = await startRawOrigin(
      answering(
        `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: "1"\r\nLast-Modified: Fri, 20 Nov 2026 10:00:00 GMT\r\nAccept-Ranges: bytes\r\nContent-MD5: x\r\nDigest: a=b\r\nRepr-Digest: a=:b:\r\nX-Own: 1\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
      ),
    )
    await using gateway = await startGateway(origin.url, { capture })
    const { fields, body } = parseRaw(await gateway.exchange(request('GET /')))
    expect(fields).toEqual([
      'Content-Type: text/html',
      'X-Own: 1',
      'Set-Cookie: a=1',
      'set-cookie: b=2',
      'Server-Timing: sluice-x;desc="1"',
      'Connection: close',
      'Transfer-Encoding: chunked',
    ])
    expect(body.replaceAll(/\r\n?/g, '')).toContain(page)
  })

  test('of HTTP/1.0 gives no length: the end of the connection is the end of the page', async () => {
    const { capture } = amending('gzip')
    const page = longPage(2_000)
    await using origin = await startOrigin(gzipSync(page), 'gzip', {
      headers: { 'content-length': String(gzipSync(page).length) },
    })
    await using gateway = await startGateway(origin.url, { capture })
    const { fields, body } = parseRaw(
      await gateway.exchange('GET / HTTP/1.0\r\nHost: shop.test\r\nConnection: keep-alive\r\n\r\n'),
    )
    expect(fields.filter((field) => /length|transfer|etag/i.test(field))).toEqual([])
    expect(gunzipSync(Buffer.from(body, 'latin1')).toString()).toBe(page.toString() + tail)
  })

  test.each(['none', 'br'] as const)('over HTTP/2, in %s, is followed by page and tail', async (coding) => {
    const { capture } = amending(codingOf(coding))
    const page = longPage(50_000)
    await using origin = await startOrigin(encoders[coding](page), coding)
    await using gateway = await startTlsGateway(origin.url, { capture })
    const stream = gateway.http2().request({ ':path': '/', ':authority': 'shop.test' })
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    const [headers] = (await once(stream, 'response')) as [Record<string, string>]
    await once(stream, 'end')
    expect(headers['content-length']).toBeUndefined()
    expect(headers['server-timing']).toBe('sluice-x;desc="1"')
    expect(decoders[coding](Buffer.concat(chunks)).toString()).toBe(page.toString() + tail)
  })

  test('of trailers drops the digests', async () => {
    const { capture } = amending(null)
    await using origin = await startRawOrigin(
      answering(
        'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTrailer: Digest, X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<html>\r\n0\r\nDigest: a=b\r\nX-Sum: 1\r\n\r\n',
      ),
    )
    await using gateway = await startGateway(origin.url, { capture })
    const raw = await gateway.exchange(request('GET /'))
    expect(raw.endsWith('0\r\nX-Sum: 1\r\n\r\n')).toBe(true)
  })
})

describe('the tail', () => {
  test.each(codings)('waits for the commit, and nothing before it does: %s', async (coding) => {
    const commit = Promise.withResolvers<void>()
    const { capture, shown } = amending(codingOf(coding), { commit: () => commit.promise })
    const page = longPage(2_000)
    await using origin = await startOrigin(encoders[coding](page), coding)
    await using gateway = await startGateway(
      [{ id: 'shop', hosts: ['shop.test'], origin: origin.url, holdMs: 10_000 }],
      { capture },
    )
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /'))
    await eventually(() => capture.seen[0]?.ended === true)
    await eventually(() => Buffer.concat(shown.passed).length === page.length)
    if (coding === 'none') await visitor.until('</html>')
    await stands(() => visitor.received().length)
    expect(shown.tails).toBe(0)
    expect(visitor.received().endsWith('0\r\n\r\n')).toBe(false)
    commit.resolve()
    await visitor.until('0\r\n\r\n')
    expect(shown.tails).toBe(1)
    visitor.socket.destroy()
  })

  test('is asked for when patience ends, too', async () => {
    const { capture, shown } = amending('gzip', { commit: () => new Promise(() => {}) })
    await using origin = await startOrigin(gzipSync('<html>x'), 'gzip')
    await using gateway = await startGateway(
      [{ id: 'shop', hosts: ['shop.test'], origin: origin.url, holdMs: 10 }],
      { capture },
    )
    expect(gunzipSync((await fetchPage(gateway)).body).toString()).toBe(`<html>x${tail}`)
    expect([shown.tails, gateway.proxy.stats.holdExpired]).toEqual([1, 1])
  })

  test.each(codings)('does not come where capture throws, and the page does: %s', async (coding) => {
    const page = longPage(100_000)
    for (const over of [{ passed: () => thrown() }, { tail: () => thrown() }]) {
      const { capture } = amending(codingOf(coding), over)
      await using origin = await startOrigin(encoders[coding](page), coding)
      await using gateway = await startGateway(origin.url, { capture })
      expect(decoders[coding]((await fetchPage(gateway)).body).equals(page)).toBe(true)
      expect(gateway.proxy.stats.captureThrew).toBe(1)
    }
  })

  test('does not come where the origin breaks off; the visitor sees that the page is not whole', async () => {
    for (const coding of codings) {
      const { capture, shown } = amending(codingOf(coding))
      const [begun, ended] = await inTwo(coding, longPage(3_000), Buffer.from('x'))
      await using origin = await startRawOrigin(async ({ socket, until }) => {
        await until('\r\n\r\n')
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${begun.length + ended.length}\r\n\r\n`,
        )
        socket.write(begun)
        await eventually(() => shown.passed.length > 0)
        socket.destroy()
      })
      await using gateway = await startGateway(origin.url, { capture })
      const raw = await gateway.exchange(request('GET /'))
      expect(raw).toContain('200 OK')
      expect(raw.endsWith('0\r\n\r\n')).toBe(false)
      expect([shown.tails, capture.seen[0]?.aborted, gateway.proxy.stats.recoding]).toEqual([0, true, 0])
    }
  })
})

const thrown = (): never => {
  throw new Error('of capture')
}

describe('a page that is not what its coding says', () => {
  const page = longPage(200_000)

  test.each<[name: string, coding: Coding, body: Buffer]>([
    ['a wrong checksum', 'gzip', wrongEnd(gzipSync(page))],
    ['a newline behind its end', 'gzip', Buffer.concat([gzipSync(page), Buffer.from('\n')])],
    ['a name and a comment in its header', 'gzip', withName(gzipSync(page))],
    ['no wrapping', 'deflate', deflateRawSync(page)],
    ['bytes behind its end', 'br', Buffer.concat([brotliCompressSync(page), Buffer.from('\r\n')])],
    [
      'several frames',
      'zstd',
      Buffer.concat([zstdCompressSync(page.subarray(0, 99_999)), zstdCompressSync(page.subarray(99_999))]),
    ],
  ])('but that browsers show, is shown: %s in %s', async (_, coding, body) => {
    for (const pieces of [1_000, body.length]) {
      const { capture, shown } = amending(coding)
      await using origin = await startOrigin(body, coding, { pieces })
      await using gateway = await startGateway(origin.url, { capture })
      expect(decoders[coding]((await fetchPage(gateway)).body).toString()).toBe(page.toString() + tail)
      expect(shown.left).toEqual([])
    }
  })

  test.each<[name: string, coding: Coding, body: Buffer]>([
    ['a byte in its middle is another', 'gzip', spoilt(gzipSync(page))],
    ['a byte in its middle is another', 'deflate', spoilt(deflateSync(page))],
    ['a byte in its middle is another', 'br', spoilt(brotliCompressSync(page))],
    ['a byte in its middle is another', 'zstd', spoilt(zstdCompressSync(page))],
    ['its end is missing', 'br', brotliCompressSync(page).subarray(0, -50)],
    ['its end is missing', 'zstd', zstdCompressSync(page).subarray(0, -50)],
    ['it is plain text', 'gzip', page],
    ['it is plain text', 'br', page],
    ['it is plain text', 'zstd', page],
  ])(
    'reaches the visitor as far as it can be read, without a tail and cut: %s (%s)',
    async (_, coding, body) => {
      const { capture, shown } = amending(coding)
      await using origin = await startOrigin(body, coding, { pieces: 16_384 })
      await using gateway = await startGateway(origin.url, { capture })
      const raw = await gateway.exchange(request('GET /'))
      expect(raw).toContain('200 OK')
      expect(raw.endsWith('0\r\n\r\n')).toBe(false)
      expect(shown.left).toEqual(['bad_encoding'])
      expect(shown.tails).toBe(0)
      expect([gateway.proxy.stats.cutShort, gateway.proxy.stats.recoding]).toEqual([1, 0])
      // It ended at the origin, so it is capture's to say what it was.
      expect(capture.seen[0]).toMatchObject({ ended: true, aborted: false })
      // Nothing of what could be read is lost on the way.
      expect(prefixOf(coding, bodyOf(raw)).equals(Buffer.concat(shown.passed))).toBe(true)
      const sure = Buffer.concat(shown.passed).subarray(0, 1_000)
      expect(page.subarray(0, sure.length).equals(sure)).toBe(true)
      expect(sure.length > 0 || coding !== 'gzip' || body === page).toBe(true)
    },
  )
})

function wrongEnd(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.fill(0x55, copy.length - 8)
  return copy
}

function spoilt(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  const middle = copy.length >> 1
  copy.fill(0xff, middle, middle + 64)
  return copy
}

/** RFC 1952, 2.3: the flags for a name and a comment, and both. */
function withName(bytes: Buffer): Buffer {
  const header = Buffer.from(bytes.subarray(0, 10))
  header[3] = 8 | 16
  return Buffer.concat([header, Buffer.from('page.html\0a comment\0'), bytes.subarray(10)])
}

describe('so many compressed pages at a time', () => {
  test('and no more are opened; the next passes as it is, with what stands in its head', async () => {
    const holding: (() => void)[] = []
    const { capture, shown } = amending('gzip')
    await using origin = await startHttpOrigin((req, res) => {
      res.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip', etag: '"1"' })
      res.write(gzipSync('<html>x').subarray(0, 5))
      const finish = (): void => void res.end(gzipSync('<html>x').subarray(5))
      if (req.url === '/held') holding.push(finish)
      else finish()
    })
    await using gateway = await startGateway(origin.url, { capture, limits: { pagesRecoded: 2 } })
    const held = await Promise.all([gateway.visit(), gateway.visit()])
    for (const { socket } of held) socket.write(request('GET /held'))
    await eventually(() => holding.length === 2 && gateway.proxy.stats.recoding === 2)
    const { headers, body } = await fetchPage(gateway)
    expect(gunzipSync(body).toString()).toBe('<html>x')
    expect(headers).toMatchObject({ etag: '"1"', 'server-timing': 'sluice-x;desc="1"' })
    expect(shown.left).toEqual(['busy'])
    for (const finish of holding) finish()
    await Promise.all(held.map(({ closed }) => closed()))
    expect([shown.tails, gateway.proxy.stats.recoding]).toEqual([2, 0])
    expect(gunzipSync((await fetchPage(gateway)).body).toString()).toBe(`<html>x${tail}`)
  })
})

describe('the file that a page’s script is in', () => {
  test('is served on every host, to be kept for ever', async () => {
    await using origin = await startRawOrigin(
      answering('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'),
    )
    await using gateway = await startGateway(origin.url)
    const { line, fields, body } = parseRaw(await gateway.exchange(request(`GET ${loader.path}`)))
    expect([line, body]).toEqual(['HTTP/1.1 200 OK', loader.code])
    expect(fields).toEqual(
      expect.arrayContaining([
        'Content-Type: text/javascript; charset=utf-8',
        'Cache-Control: public, max-age=31536000, immutable',
        'X-Content-Type-Options: nosniff',
      ]),
    )
    expect(parseRaw(await gateway.exchange(request(`HEAD ${loader.path}`))).body).toBe('')
    expect(origin.connections).toHaveLength(0)
    for (const line of [`POST ${loader.path}`, `GET ${loader.path}.map`, 'GET /.well-known/sluice/'])
      expect(await gateway.exchange(request(line))).toContain('404 Not Found')
    expect(await gateway.exchange(request(`GET ${loader.path}`, undefined, '', 'other.test'))).toContain(
      '421',
    )
  })
})
