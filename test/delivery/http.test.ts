import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { HttpRequest } from '../../src/destinations/destination.ts'
import { createAddressGuard } from '../../src/delivery/address-guard.ts'
import type { Resolve } from '../../src/delivery/address-guard.ts'
import { createTransport } from '../../src/delivery/http.ts'
import type { Sent, Transport, TransportOptions } from '../../src/delivery/http.ts'

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end()
})

interface Origin {
  readonly port: number
  readonly url: string
  connections: number
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[]
}

const listen = async (server: Server, scheme = 'http'): Promise<Omit<Origin, 'requests'>> => {
  const sockets = new Set<Socket>()
  const origin = { port: 0, url: '', connections: 0 }
  server.on('connection', (socket: Socket) => {
    origin.connections += 1
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin.port = (server.address() as AddressInfo).port
  origin.url = `${scheme}://127.0.0.1:${origin.port}`
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return origin
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const startOrigin = async (
  answer: (response: ServerResponse, request: IncomingMessage, body: string) => void,
): Promise<Origin> => {
  const requests: Origin['requests'] = []
  const listener: RequestListener = (request, response) => {
    void bodyOf(request).then((body) => {
      requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
      answer(response, request, body)
    })
  }
  return Object.assign(await listen(createServer(listener)), { requests })
}

const open = createAddressGuard({ allow: ['127.0.0.0/8'] })

const start = (options: Partial<TransportOptions> = {}): Transport => {
  const transport = createTransport({ guard: open, userAgent: 'Sluice/test', ...options })
  cleanUp.push(() => transport.close())
  return transport
}

const post = (url: string, body = '{"a":1}', headers: HttpRequest['headers'] = {}): HttpRequest => ({
  method: 'POST',
  url,
  headers: { 'content-type': 'application/json', ...headers },
  body,
})

const failure = (sent: Sent): Extract<Sent, { kind: 'failed' }> => {
  if (sent.kind !== 'failed') throw new Error(`expected a failure, got ${sent.response.status}`)
  return sent
}
const response = (sent: Sent): Extract<Sent, { kind: 'answered' }>['response'] => {
  if (sent.kind !== 'answered') throw new Error(`expected an answer, got: ${sent.reason}`)
  return sent.response
}

describe('a request that is answered', () => {
  test.each(['POST', 'PUT', 'PATCH'] as const)(
    '%s arrives byte for byte, and the answer comes back',
    async (method) => {
      const origin = await startOrigin((answer) => {
        answer.writeHead(201, { 'X-Trace': 'abc', 'Set-Cookie': ['a=1', 'b=2'] }).end('{"ok":"ü"}')
      })
      const sent = await start().send(
        { ...post(`${origin.url}/hook?x=1&y=%20`, '{"name":"Zoë"}', { 'x-shop': '1' }), method },
        { timeoutMs: 5_000 },
      )
      expect(sent).toMatchObject({
        kind: 'answered',
        response: {
          status: 201,
          headers: { 'x-trace': 'abc', 'set-cookie': 'a=1, b=2' },
          body: '{"ok":"ü"}',
        },
      })
      expect(sent.durationMs).toBeGreaterThanOrEqual(0)
      expect(origin.requests).toHaveLength(1)
      expect(origin.requests[0]).toMatchObject({
        method,
        url: '/hook?x=1&y=%20',
        body: '{"name":"Zoë"}',
        headers: {
          'user-agent': 'Sluice/test',
          'content-type': 'application/json',
          'content-length': '15',
          'x-shop': '1',
          host: `127.0.0.1:${origin.port}`,
        },
      })
    },
  )

  test('a redirect is an answer like any other and is not followed', async () => {
    const target = await startOrigin((answer) => answer.end('arrived'))
    const origin = await startOrigin((answer) =>
      answer.writeHead(307, { location: `${target.url}/inner` }).end(),
    )
    const sent = await start().send(post(origin.url), { timeoutMs: 5_000 })
    expect(response(sent)).toMatchObject({ status: 307, headers: { location: `${target.url}/inner` } })
    expect(target.connections).toBe(0)
  })

  test('an early hint is not taken for the answer', async () => {
    const origin = await startOrigin((answer) => {
      answer.writeEarlyHints({ link: '</a.css>; rel=preload' })
      answer.end('real')
    })
    expect(response(await start().send(post(origin.url), { timeoutMs: 5_000 }))).toMatchObject({
      status: 200,
      body: 'real',
    })
  })

  test('connections are kept and used again', async () => {
    const origin = await startOrigin((answer) => answer.end('ok'))
    const transport = start()
    for (let n = 0; n < 5; n += 1) await transport.send(post(origin.url), { timeoutMs: 5_000 })
    expect(origin.requests).toHaveLength(5)
    // undici frees a connection a moment after the answer, so the second request may open one more.
    expect(origin.connections).toBeLessThanOrEqual(2)
  })

  test('an endless body is cut at the limit, between two characters', async () => {
    const origin = await startOrigin((answer) => {
      const more = (): void => {
        while (!answer.destroyed && answer.write('ü'.repeat(4096)));
        if (!answer.destroyed) answer.once('drain', more)
      }
      answer.writeHead(200)
      more()
    })
    const sent = await start({ maxResponseBytes: 1001 }).send(post(origin.url), { timeoutMs: 10_000 })
    expect(response(sent).body).toBe('ü'.repeat(500))
  })

  test('a body of exactly the limit is whole', async () => {
    const origin = await startOrigin((answer) => answer.end('x'.repeat(1000)))
    const sent = await start({ maxResponseBytes: 1000 }).send(post(origin.url), { timeoutMs: 10_000 })
    expect(response(sent).body).toBe('x'.repeat(1000))
  })

  test('a header named like a prototype stays a header', async () => {
    const origin = await startOrigin((answer) => answer.writeHead(200, ['__proto__', 'x']).end())
    const { headers } = response(await start().send(post(origin.url), { timeoutMs: 5_000 }))
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype)
    expect(Object.hasOwn(headers, '__proto__')).toBe(true)
  })
})

describe('where a request may go', () => {
  const closed = createAddressGuard({ allow: [] })

  test('a literal inner address is never connected to', async () => {
    const origin = await startOrigin((answer) => answer.end('secret'))
    const transport = start({ guard: closed })
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '[::ffff:127.0.0.1]',
      'localhost',
      'localhost.',
    ]) {
      const sent = failure(await transport.send(post(`http://${host}:${origin.port}/`), { timeoutMs: 5_000 }))
      expect(sent).toMatchObject({ permanent: true, ambiguous: false })
      expect(sent.reason).not.toContain('127.0.0.1')
    }
    expect(origin.connections).toBe(0)
  })

  test('a public name that points inside is never connected to, and the reason does not name the address', async () => {
    const origin = await startOrigin((answer) => answer.end('secret'))
    const resolve: Resolve = (_hostname, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }])
    const transport = start({ guard: createAddressGuard({ allow: [], resolve }) })
    const sent = failure(
      await transport.send(post(`http://hooks.example.com:${origin.port}/`), { timeoutMs: 5_000 }),
    )
    expect(sent).toMatchObject({
      reason: 'the host has no public address',
      permanent: true,
      ambiguous: false,
    })
    expect(origin.connections).toBe(0)
  })

  test('the same name reaches an address the operator opened', async () => {
    const origin = await startOrigin((answer) => answer.end('hello'))
    const resolve: Resolve = (_hostname, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }])
    const transport = start({ guard: createAddressGuard({ allow: ['127.0.0.0/8'], resolve }) })
    const sent = await transport.send(post(`http://hooks.example.com:${origin.port}/`), { timeoutMs: 5_000 })
    expect(response(sent).body).toBe('hello')
    expect(origin.requests[0]?.headers.host).toBe(`hooks.example.com:${origin.port}`)
  })

  test('a name that turns inward between two deliveries stops being reached', async () => {
    const outer = await startOrigin((answer) => answer.writeHead(200, { connection: 'close' }).end('outer'))
    // One port, two loopback addresses: 127.0.0.1 plays the public one, 127.0.0.2 the inner one.
    const answers = ['127.0.0.1', '127.0.0.2']
    const asked: string[] = []
    const resolve: Resolve = (hostname, _options, callback) => {
      asked.push(hostname)
      callback(null, [{ address: answers.shift() ?? '127.0.0.2', family: 4 }])
    }
    const transport = start({ guard: createAddressGuard({ allow: ['127.0.0.1'], resolve }) })
    const url = `http://rebind.example.com:${outer.port}/`
    expect(response(await transport.send(post(url), { timeoutMs: 5_000 })).body).toBe('outer')
    expect(failure(await transport.send(post(url), { timeoutMs: 5_000 }))).toMatchObject({ permanent: true })
    expect(asked).toEqual(['rebind.example.com', 'rebind.example.com'])
    expect(outer.connections).toBe(1)
  })

  test('a platform’s request goes to the platform’s hosts only', async () => {
    const origin = await startOrigin((answer) => answer.end('ok'))
    const transport = start()
    const elsewhere = await transport.send(post(origin.url), {
      timeoutMs: 5_000,
      hosts: ['graph.example.com'],
    })
    expect(failure(elsewhere)).toMatchObject({
      reason: '127.0.0.1 is not a host of this platform',
      permanent: true,
    })
    expect(origin.connections).toBe(0)
    const there = await transport.send(post(origin.url), { timeoutMs: 5_000, hosts: ['127.0.0.1'] })
    expect(response(there).status).toBe(200)
  })

  test.each([
    '',
    'not an address',
    'ftp://example.com/',
    'http://example.com:22/',
    'https://a:b@example.com/',
  ])('"%s" is refused without a connection', async (url) => {
    expect(failure(await start().send(post(url), { timeoutMs: 5_000 }))).toMatchObject({
      permanent: true,
      ambiguous: false,
    })
  })

  test('a header that would break the request in two is refused', async () => {
    const origin = await startOrigin((answer) => answer.end('ok'))
    const sent = await start().send(post(origin.url, '{}', { 'x-a': 'b\r\nx-c: d' }), { timeoutMs: 5_000 })
    expect(failure(sent)).toMatchObject({ reason: 'the request cannot be written as HTTP', permanent: true })
    expect(origin.requests).toHaveLength(0)
  })
})

describe('a request that is not answered', () => {
  test('a closed port: tried again, and certainly not taken', async () => {
    const origin = await listen(createTcpServer())
    await cleanUp.pop()?.()
    const sent = failure(await start().send(post(origin.url), { timeoutMs: 5_000 }))
    expect(sent).toMatchObject({ reason: 'the connection was refused', permanent: false, ambiguous: false })
    expect(sent.cause).toBeInstanceOf(Error)
  })

  test('a name nobody knows: tried again', async () => {
    const resolve: Resolve = (_hostname, _options, callback) =>
      callback(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }), [])
    const transport = start({ guard: createAddressGuard({ allow: [], resolve }) })
    const sent = failure(await transport.send(post('https://gone.example.com/'), { timeoutMs: 5_000 }))
    expect(sent).toMatchObject({
      reason: 'the name of the host could not be resolved',
      permanent: false,
      ambiguous: false,
    })
  })

  test('silence after the request was written: it may have been taken', async () => {
    const origin = await startOrigin(() => {})
    const sent = failure(await start().send(post(origin.url), { timeoutMs: 200 }))
    expect(sent).toMatchObject({
      reason: 'no complete answer within 200 ms',
      permanent: false,
      ambiguous: true,
    })
    expect(origin.requests).toHaveLength(1)
  })

  test('a body that never ends: the deadline covers it', async () => {
    const origin = await startOrigin((answer) => answer.writeHead(200).write('{"half":'))
    const sent = failure(await start().send(post(origin.url), { timeoutMs: 200 }))
    expect(sent).toMatchObject({ permanent: false, ambiguous: true })
  })

  test('a reset after the request was written: it may have been taken', async () => {
    const origin = await startOrigin((answer) => answer.socket?.resetAndDestroy())
    const sent = failure(await start().send(post(origin.url), { timeoutMs: 5_000 }))
    expect(sent).toMatchObject({
      reason: 'the connection was closed before the answer was complete',
      permanent: false,
      ambiguous: true,
    })
  })

  test('an answer that breaks off in its body is no answer', async () => {
    const origin = await startOrigin((answer) => {
      answer.writeHead(200, { 'content-length': '100' }).write('half', () => answer.destroy())
    })
    const sent = failure(await start().send(post(origin.url), { timeoutMs: 5_000 }))
    expect(sent).toMatchObject({ permanent: false, ambiguous: true })
  })

  test('an answer that is not HTTP', async () => {
    const origin = await listen(
      createTcpServer((socket) => socket.once('data', () => socket.end('SSH-2.0-hello\r\n\r\n'))),
    )
    const sent = failure(await start().send(post(origin.url), { timeoutMs: 5_000 }))
    expect(sent).toMatchObject({ reason: 'the answer was not HTTP', permanent: false, ambiguous: true })
  })

  test('waiting for a free connection counts against the deadline, and is not ambiguous', async () => {
    const origin = await startOrigin(() => {})
    const transport = start({ connectionsPerHost: 1 })
    const first = transport.send(post(origin.url, '"first"'), { timeoutMs: 600 })
    const second = await transport.send(post(origin.url, '"second"'), { timeoutMs: 100 })
    expect(failure(second)).toMatchObject({ ambiguous: false, permanent: false })
    expect(failure(await first)).toMatchObject({ ambiguous: true })
    expect(origin.requests.map(({ body }) => body)).toEqual(['"first"'])
  })

  test('a stop ends the wait, before and after the start', async () => {
    const origin = await startOrigin(() => stop.abort())
    const stop = new AbortController()
    const transport = start()
    const cut = failure(await transport.send(post(origin.url), { timeoutMs: 60_000, signal: stop.signal }))
    expect(cut).toMatchObject({ reason: 'the gateway was stopping before the answer came', ambiguous: true })
    const late = failure(await transport.send(post(origin.url), { timeoutMs: 60_000, signal: stop.signal }))
    expect(late).toMatchObject({ ambiguous: false, permanent: false })
    expect(origin.requests).toHaveLength(1)
  })

  test('after close every request fails with words', async () => {
    const transport = start()
    await transport.close()
    cleanUp.pop()
    const sent = failure(await transport.send(post('http://127.0.0.1:9999/'), { timeoutMs: 1_000 }))
    expect(sent).toMatchObject({ ambiguous: false, permanent: false })
  })
})

describe('TLS', () => {
  const file = (name: string): string => readFileSync(new URL(`tls/${name}`, import.meta.url), 'utf8')
  const certificate = { cert: file('self-signed.cert.pem'), key: file('self-signed.key.pem') }

  test('a certificate nobody trusted signed is a fault of the settings, and nothing is sent', async () => {
    const seen: string[] = []
    const server = createTlsServer(certificate, (request, answer) => {
      seen.push(request.url ?? '')
      answer.end()
    })
    const origin = await listen(server, 'https')
    const sent = failure(await start().send(post(origin.url), { timeoutMs: 5_000 }))
    expect(sent).toMatchObject({
      reason: 'the TLS certificate is not accepted: it is self-signed',
      permanent: true,
      ambiguous: false,
    })
    expect(seen).toEqual([])
  })

  test('TLS 1.1 is not spoken', async () => {
    const server = createTlsServer({
      ...certificate,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    const origin = await listen(server, 'https')
    const sent = failure(await start().send(post(origin.url), { timeoutMs: 5_000 }))
    expect(sent).toMatchObject({
      reason: 'no TLS connection could be agreed on',
      permanent: true,
      ambiguous: false,
    })
  })

  test('https to a port that speaks http is a fault of the settings', async () => {
    const origin = await startOrigin((answer) => answer.end('ok'))
    const sent = failure(await start().send(post(`https://127.0.0.1:${origin.port}`), { timeoutMs: 5_000 }))
    expect(sent).toMatchObject({ reason: 'no TLS connection could be agreed on', permanent: true })
  })
})
