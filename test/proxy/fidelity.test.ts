import { createHash, randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import { eventually, parseRaw, recordingCapture, request, startGateway, siteAt } from './support.ts'

describe('a request reaches the origin', () => {
  test.each([
    '/',
    '/a/../b',
    '/a//b/./c',
    '/%2e%2e/%41?',
    '/x?',
    '/x?a=1&&b=%zz',
    '/\\win',
    '/q?\'"<>{}|^`',
    '/*',
  ])('with its target %s byte for byte', async (target) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(request(`GET ${target}`))).toContain('200 OK')
    expect(parseRaw(origin.connections[0]!.received()).line).toBe(`GET ${target} HTTP/1.1`)
  })

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'PURGE', 'REPORT'])(
    'with its method %s',
    async (method) => {
      await using origin = await startRawOrigin(answering(ok()))
      await using gateway = await startGateway(origin.url)
      expect(await gateway.exchange(request(`${method} /x`))).toContain('200 OK')
      expect(parseRaw(origin.connections[0]!.received()).line).toBe(`${method} /x HTTP/1.1`)
    },
  )

  test('with the order, case, repeats and bytes of its fields, those of one connection left out', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    const endToEnd = [
      'X-b: 2',
      'x-a: 1',
      'Cookie: a=1',
      'X-B: 3',
      'Cookie: b=2',
      'X-Latin: caf\xe9',
      'Empty: ',
    ]
    const bytes = request('GET /', [
      ...endToEnd.slice(0, 3),
      'Connection: close, X-Hop, Cookie',
      'X-Hop: 1',
      'Keep-Alive: 5',
      'X-Real-IP: 203.0.113.9',
      ...endToEnd.slice(3),
    ])
    await gateway.exchange(Buffer.from(bytes, 'latin1'))
    const { fields } = parseRaw(origin.connections[0]!.received())
    expect(fields.slice(0, 2)).toEqual(['host: shop.test', 'connection: keep-alive'])
    expect(fields.slice(2, 2 + endToEnd.length)).toEqual(endToEnd)
    expect(fields.slice(2 + endToEnd.length)).toEqual([
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: shop.test',
      'X-Forwarded-Port: 80',
      'Forwarded: for=127.0.0.1;host=shop.test;proto=http',
      'Via: 1.1 sluice-test',
    ])
  })

  test('from a trusted peer with the addresses it brought', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url, { trust: (address) => address === '127.0.0.1' })
    await gateway.exchange(
      request('GET /', ['X-Forwarded-For: 203.0.113.9', 'X-Real-IP: 203.0.113.9', 'Connection: close']),
    )
    const { fields } = parseRaw(origin.connections[0]!.received())
    expect(fields).toContain('X-Forwarded-For: 203.0.113.9, 127.0.0.1')
    expect(fields).toContain('X-Real-IP: 203.0.113.9')
  })

  test('with the Host that the site names for its origin', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway([siteAt(origin.url, { originHost: 'origin.test' })])
    await gateway.exchange(request('GET /'))
    const { fields } = parseRaw(origin.connections[0]!.received())
    expect(fields[0]).toBe('host: origin.test')
    expect(fields).toContain('X-Forwarded-Host: shop.test')
  })
})

describe('an answer reaches the visitor', () => {
  test('with status, reason, order, case and repeats as they came, and nothing added', async () => {
    const answer =
      'HTTP/1.1 299 Tr\xc3\xa8s bizarre\r\nset-Cookie: a=1\r\nX-Z: 1\r\nSet-Cookie: b=2\r\nServer: caf\xe9\r\nx-z: 2\r\nContent-length: 2\r\nETag: W/"1"\r\n\r\nhi'
    await using origin = await startRawOrigin(answering(Buffer.from(answer, 'latin1')))
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /', []))
    expect(await visitor.until('\r\n\r\nhi')).toBe(answer)
    visitor.socket.destroy()
  })

  test.each([
    ['HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 200 \r\n'],
    ['HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 999 What\r\n'],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 200 OK\r\n'],
  ])('from %j with the line %j', async (answer, line) => {
    await using origin = await startRawOrigin(answering(answer))
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(request('GET /'))).toMatch(new RegExp(`^${line}`))
  })

  test('on a connection that stays, for as many requests as come', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    for (let turn = 1; turn <= 5; turn++) {
      visitor.socket.write(request(`GET /${turn}`, []))
      await eventually(() => visitor.received().split('hello').length - 1 === turn)
    }
    visitor.socket.write(request('GET /last'))
    await visitor.closed()
    expect(visitor.received().split('200 OK').length - 1).toBe(6)
    expect(gateway.proxy.stats.requests).toBe(6)
  })

  test('in the order asked when requests are pipelined', async () => {
    await using origin = await startHttpOrigin((req, res) => {
      const body = `answer to ${req.url}`
      setTimeout(
        () => res.writeHead(200, { 'Content-Length': body.length }).end(body),
        req.url === '/1' ? 40 : 0,
      )
    })
    await using gateway = await startGateway(origin.url)
    const raw = await gateway.exchange(
      request('GET /1', []) + request('GET /2', []) + request('GET /3', ['Connection: close']),
    )
    expect(raw.match(/answer to \/\d/g)).toEqual(['answer to /1', 'answer to /2', 'answer to /3'])
  })
})

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Pieces of odd sizes, so that no boundary falls where a buffer would like it. */
const pieces = (bytes: Buffer): Buffer[] => {
  const out: Buffer[] = []
  const sizes = [1, 2, 3, 997, 4096, 65_537, 13]
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!
    out.push(bytes.subarray(at, at + size))
    at += size
  }
  return out
}

const page = Buffer.concat([Buffer.from('<html>é'.repeat(9_000)), randomBytes(80_000)])
const encodings = {
  identity: page,
  gzip: gzipSync(page),
  br: brotliCompressSync(page),
  zstd: zstdCompressSync(page),
}

describe('bytes are the same on both sides', () => {
  const cases = Object.keys(encodings).flatMap((encoding) =>
    ['sized', 'chunked'].flatMap((framing) =>
      ['unobserved', 'observed', 'held'].map((watch) => ({ encoding, framing, watch })),
    ),
  )
  test.each(cases)('of a $framing $encoding answer, $watch', async ({ encoding, framing, watch }) => {
    const body = encodings[encoding as keyof typeof encodings]
    await using origin = await startHttpOrigin((req, res) => {
      const received: Buffer[] = []
      req.on('data', (chunk: Buffer) => received.push(chunk))
      req.on('end', () => {
        void (async () => {
          const framed = framing === 'sized' ? { 'Content-Length': body.length } : {}
          res.writeHead(200, {
            'Content-Encoding': encoding,
            'X-Received': hash(Buffer.concat(received)),
            'X-Framing': req.headers['transfer-encoding'] ?? req.headers['content-length'] ?? 'none',
            ...framed,
          })
          for (const piece of pieces(body)) {
            res.write(piece)
            await new Promise((resolve) => setImmediate(resolve))
          }
          res.end()
        })()
      })
    })
    const capture = recordingCapture(() =>
      watch === 'held' ? new Promise((resolve) => setTimeout(resolve, 5)) : null,
    )
    await using gateway = await startGateway(origin.url, watch === 'unobserved' ? {} : { capture })
    const upload = encodings[encoding as keyof typeof encodings]
    const answer = await new Promise<{ headers: Record<string, unknown>; body: Buffer }>(
      (resolve, reject) => {
        const outgoing = httpRequest(
          gateway.url,
          {
            method: 'POST',
            headers: {
              Host: 'shop.test',
              ...(framing === 'sized'
                ? { 'Content-Length': upload.length }
                : { 'Transfer-Encoding': 'chunked' }),
            },
          },
          (res) => {
            const chunks: Buffer[] = []
            res.on('data', (chunk: Buffer) => chunks.push(chunk))
            res.on('end', () => resolve({ headers: res.headers, body: Buffer.concat(chunks) }))
            res.on('error', reject)
          },
        )
        outgoing.on('error', reject)
        for (const piece of pieces(upload)) outgoing.write(piece)
        outgoing.end()
      },
    )
    expect(hash(answer.body)).toBe(hash(body))
    expect(answer.headers['x-received']).toBe(hash(upload))
    expect(answer.headers['x-framing']).toBe(framing === 'sized' ? String(upload.length) : 'chunked')
    expect(answer.headers['content-encoding']).toBe(encoding)
    expect(answer.headers['content-length']).toBe(framing === 'sized' ? String(body.length) : undefined)
    const [seen] = capture.seen
    expect(seen?.ended).toBe(watch === 'unobserved' ? undefined : true)
    expect(seen === undefined ? hash(body) : hash(Buffer.concat(seen.chunks))).toBe(hash(body))
  })
})
