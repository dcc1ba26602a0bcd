import { once, type EventEmitter } from 'node:events'
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { createProxyServer, type ProxyServer, type ServerOptions } from 'http-proxy-3'
import { WebSocket } from 'undici'
import { describe, expect, test } from 'vitest'
import type { Capture } from '../../src/capture/capture.ts'
import { createPlugin, type Plugin } from '../../src/proxy/plugin.ts'
import { startEchoOrigin } from '../origins/echo-origin.ts'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { answering, listenTo, ok, startRawOrigin, type RawConnection } from '../origins/raw-origin.ts'
import { eventually, recordingCapture, request } from './support.ts'

/** Somebody's own server, with or without us looking on. */
const startHost = async (
  target: string,
  options: ServerOptions = {},
  handle?: (proxy: ProxyServer, req: IncomingMessage, res: ServerResponse) => void,
) => {
  const agent = new Agent({ keepAlive: true })
  const proxy = createProxyServer({ target, agent, ...options })
  proxy.on('error', (_error, _req, res) => void res.destroy())
  const server = createServer((req, res) => (handle ? handle(proxy, req, res) : proxy.web(req, res)))
  server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const visit = (): Promise<RawConnection> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(listenTo(socket)))
    })
  return {
    proxy,
    server,
    port,
    visit,
    async exchange(bytes: string): Promise<string> {
      const visitor = await visit()
      visitor.socket.write(bytes)
      await visitor.closed()
      visitor.socket.destroy()
      return visitor.received()
    },
    async [Symbol.asyncDispose]() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const pluginFor = (capture: Capture): Plugin & { readonly faults: unknown[] } => {
  const faults: unknown[] = []
  return Object.assign(createPlugin({ capture, now: () => 7, onFault: (error) => faults.push(error) }), {
    faults,
  })
}

const listeners = (emitter: unknown): number => {
  const one = emitter as EventEmitter
  return one.eventNames().reduce((sum, name) => sum + one.listenerCount(name), 0)
}

const head = 'HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 10:00:00 GMT\r\nContent-Type: text/html\r\n'

describe('what the visitor gets is the same, byte for byte', () => {
  test.each([
    ['a sized page', 'GET', `${head}Content-Length: 5\r\n\r\nhello`],
    ['a chunked page', 'GET', `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
    [
      'repeated and odd fields',
      'GET',
      `${head}Set-Cookie: a=1\r\nset-cookie: b=2\r\nX-Odd:  spaced \r\nX-Empty:\r\nContent-Length: 0\r\n\r\n`,
    ],
    [
      'bytes that are no text',
      'GET',
      `${head}Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\0\xff`,
    ],
    ['a redirect', 'GET', 'HTTP/1.1 302 Found\r\nDate: x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n'],
    ['nothing new', 'GET', 'HTTP/1.1 304 Not Modified\r\nDate: x\r\nETag: "1"\r\n\r\n'],
    ['no content', 'GET', 'HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n'],
    ['a head alone', 'HEAD', `${head}Content-Length: 5\r\n\r\n`],
    ['an upload', 'POST', `${head}Content-Length: 5\r\n\r\nhello`],
    ['an error', 'GET', `${head.replace('200 OK', '503 Gone Fishing')}Content-Length: 5\r\n\r\nhello`],
  ])('%s', async (_name, method, answer) => {
    await using origin = await startRawOrigin(answering(Buffer.from(answer, 'latin1')))
    await using plain = await startHost(origin.url)
    await using watched = await startHost(origin.url)
    const capture = recordingCapture()
    const plugin = pluginFor(capture)
    plugin.attach(watched.proxy)
    const bytes = request(`${method} /x`, [
      'Connection: close',
      ...(method === 'POST' ? ['Content-Length: 0'] : []),
    ])
    expect(await watched.exchange(bytes)).toBe(await plain.exchange(bytes))
    // And the origin was asked the same.
    const [one, other] = origin.connections.map((connection) => connection.received())
    expect(one).toBe(other)
    await eventually(() => capture.seen[0]?.ended === true)
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
    const heard = Buffer.concat(capture.seen[0]!.chunks).toString('latin1')
    expect(heard).toBe(answer.includes('chunked') ? 'hello' : body)
    expect(plugin.faults).toEqual([])
    await plugin.close(0)
  })
})

test('capture is shown the request as it came, and the answer as the origin gave it', async () => {
  await using origin = await startRawOrigin(
    answering(
      'HTTP/1.1 200 OK\r\nContent-TYPE: text/html\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 4\r\n\r\npage',
    ),
  )
  // A framework that mounts the proxy under /shop.
  await using host = await startHost(origin.url, {}, (proxy, req, res) => {
    Reflect.set(req, 'originalUrl', req.url)
    req.url = req.url?.replace('/shop', '') ?? '/'
    req.headers['x-added'] = 'by the host'
    proxy.web(req, res)
  })
  const capture = recordingCapture()
  const plugin = pluginFor(capture)
  plugin.attach(host.proxy)
  await host.exchange(request('GET /shop/thanks?a=%41', ['Cookie: a', 'cookie: b', 'Connection: close']))
  await eventually(() => capture.seen[0]?.ended === true)
  expect(capture.seen[0]).toMatchObject({
    head: {
      method: 'GET',
      target: '/shop/thanks?a=%41',
      remoteAddress: '127.0.0.1',
      secure: false,
      receivedAt: 7,
      rawHeaders: ['Host', 'shop.test', 'Cookie', 'a', 'cookie', 'b', 'Connection', 'close'],
    },
    responseHead: {
      status: 200,
      rawHeaders: ['Content-TYPE', 'text/html', 'Set-Cookie', 'a', 'set-cookie', 'b', 'Content-Length', '4'],
    },
    aborted: false,
  })
  await plugin.close(0)
})

describe('a host that handles answers itself', () => {
  const page = `${head}Content-Length: 5\r\n\r\nhello`

  test.each<[string, (answer: IncomingMessage, res: ServerResponse) => Promise<void>]>([
    [
      'and pipes late',
      async (answer, res) => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        answer.pipe(res)
      },
    ],
    [
      'and reads late',
      async (answer, res) => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        for await (const chunk of answer) res.write(chunk)
        res.end()
      },
    ],
    [
      'and listens at once',
      async (answer, res) => {
        answer.on('data', (chunk) => res.write(chunk)).on('end', () => res.end())
      },
    ],
  ])('%s misses nothing, and neither do we', async (_name, handle) => {
    for (const order of ['before', 'after'] as const) {
      await using origin = await startRawOrigin(answering(page))
      await using host = await startHost(origin.url, { selfHandleResponse: true })
      const capture = recordingCapture()
      const plugin = pluginFor(capture)
      if (order === 'before') plugin.attach(host.proxy)
      host.proxy.on('proxyRes', (answer, _req, res) => void handle(answer, res))
      if (order === 'after') plugin.attach(host.proxy)
      expect(await host.exchange(request('GET /'))).toContain('hello')
      await eventually(() => capture.seen[0]?.ended === true)
      expect(Buffer.concat(capture.seen[0]!.chunks).toString()).toBe('hello')
      await plugin.close(0)
    }
  })

  test.each<[string, (answer: IncomingMessage, res: ServerResponse) => void]>([
    ['throws the page away', (answer, res) => (answer.resume(), res.writeHead(503).end('closed'))],
    ['never reads it', (_answer, res) => void res.end('another')],
  ])('and %s: then the visitor did not get it, and it does not count', async (_name, handle) => {
    await using origin = await startRawOrigin(answering(page))
    await using host = await startHost(origin.url, { selfHandleResponse: true })
    const capture = recordingCapture()
    const plugin = pluginFor(capture)
    plugin.attach(host.proxy)
    host.proxy.on('proxyRes', (answer, _req, res) => handle(answer, res))
    await host.exchange(request('GET /'))
    await eventually(() => capture.seen[0]?.aborted === true)
    expect(capture.seen[0]!.ended).toBe(false)
    await plugin.close(0)
  })

  test('and asks again after a failure: one request, one page', async () => {
    await using origin = await startRawOrigin(async ({ socket, until, index }) => {
      await until('\r\n\r\n')
      if (index === 0) socket.resetAndDestroy()
      else socket.write(page)
    })
    await using host = await startHost(origin.url, {}, (proxy, req, res) =>
      proxy.web(req, res, {}, () => proxy.web(req, res)),
    )
    const capture = recordingCapture()
    const plugin = pluginFor(capture)
    plugin.attach(host.proxy)
    expect(await host.exchange(request('GET /'))).toContain('hello')
    await eventually(() => capture.seen[0]?.ended === true)
    expect(capture.seen).toHaveLength(1)
    await plugin.close(0)
  })
})

test('a visitor who does not read stops the origin, watched or not', async () => {
  let sent = 0
  const megabyte = Buffer.alloc(1024 * 1024, 'x')
  await using origin = await startHttpOrigin((_req, res) => {
    const more = (): void => {
      while (sent < 200 * megabyte.length && !res.destroyed) {
        sent += megabyte.length
        if (!res.write(megabyte)) return void res.once('drain', more)
      }
    }
    more()
  })
  await using host = await startHost(origin.url)
  const capture = recordingCapture()
  const plugin = pluginFor(capture)
  plugin.attach(host.proxy)
  const visitor = await host.visit()
  visitor.socket.write(request('GET /', []))
  await visitor.until('200 OK')
  visitor.socket.pause()
  let before = -1
  while (before !== sent) {
    before = sent
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  expect(sent).toBeLessThan(64 * megabyte.length)
  visitor.socket.destroy()
  await eventually(() => capture.seen[0]?.aborted === true)
  await plugin.close(0)
})

describe('a capture that throws never reaches the host', () => {
  const fail = (): never => {
    throw new Error('a bug')
  }
  const sound = { responseHead: () => null, chunk: () => {}, end: () => null, abort: () => {} }
  test.each<[string, Capture]>([
    ['at the request', { begin: fail }],
    ['at the head', { begin: () => ({ ...sound, responseHead: fail }) }],
    ['at a chunk', { begin: () => ({ ...sound, chunk: fail }) }],
    ['at the end', { begin: () => ({ ...sound, end: fail }) }],
    ['in the commit', { begin: () => ({ ...sound, end: () => Promise.reject(new Error('a bug')) }) }],
  ])('%s', async (_name, capture) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using host = await startHost(origin.url)
    const faults: unknown[] = []
    const plugin = createPlugin({
      capture,
      now: Date.now,
      onFault: (error) => {
        faults.push(error)
        throw error
      },
    })
    plugin.attach(host.proxy)
    expect(await host.exchange(request('GET /'))).toMatch(/hello$/)
    await eventually(() => faults.length > 0)
    expect(await host.exchange(request('GET /'))).toMatch(/hello$/)
    await plugin.close(0)
  })
})

describe('attaching', () => {
  test('several servers, each once, and WebSockets pass unseen', async () => {
    await using origin = await startEchoOrigin()
    await using one = await startHost(origin.url)
    await using other = await startHost(origin.url)
    const capture = recordingCapture()
    const plugin = pluginFor(capture)
    plugin.attach(one.proxy)
    plugin.attach(one.proxy)
    plugin.attach(other.proxy)
    for (const { proxy } of [one, other]) {
      const server = proxy as unknown as EventEmitter
      expect(server.listenerCount('proxyReq') + server.listenerCount('proxyRes')).toBe(2)
    }
    const socket = new WebSocket(`ws://127.0.0.1:${one.port}/chat`)
    socket.addEventListener('open', () => socket.send('hello'))
    const [said] = (await once(socket, 'message')) as [{ data: unknown }]
    expect(said.data).toBe('hello')
    socket.close()
    await once(socket, 'close')
    expect(capture.seen).toEqual([])
    await one.exchange(request('GET /a'))
    await other.exchange(request('GET /b'))
    await eventually(() => capture.seen.length === 2 && capture.seen.every(({ ended }) => ended))
    expect(capture.seen.map(({ head }) => head.target)).toEqual(['/a', '/b'])
    await plugin.close(0)
  })

  test('leaves nothing behind once closed, and what comes then is not watched', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using host = await startHost(origin.url)
    const before = listeners(host.proxy)
    const capture = recordingCapture()
    const plugin = pluginFor(capture)
    plugin.attach(host.proxy)
    expect(listeners(host.proxy)).toBe(before + 2)
    await host.exchange(request('GET /'))
    await eventually(() => capture.seen[0]?.ended === true)
    await plugin.close(10_000)
    expect(listeners(host.proxy)).toBe(before)
    plugin.attach(host.proxy)
    expect(listeners(host.proxy)).toBe(before)
    expect(await host.exchange(request('GET /'))).toMatch(/hello$/)
    expect(capture.seen).toHaveLength(1)
  })

  test('closing waits for the page under way, whose answer has yet to begin', async () => {
    let proceed: () => void = () => {}
    await using origin = await startHttpOrigin((_req, res) => {
      proceed = () => res.end('whole')
    })
    await using host = await startHost(origin.url)
    const before = listeners(host.proxy)
    const capture = recordingCapture()
    const plugin = pluginFor(capture)
    plugin.attach(host.proxy)
    const answer = host.exchange(request('GET /'))
    await eventually(() => plugin.watching === 1)
    const closing = plugin.close(60_000)
    proceed()
    await closing
    expect(await answer).toContain('whole')
    expect(capture.seen[0]).toMatchObject({ ended: true, aborted: false })
    expect(listeners(host.proxy)).toBe(before)
  })

  test('closing gives up a page that takes too long; the visitor gets it all the same', async () => {
    let proceed: () => void = () => {}
    await using origin = await startHttpOrigin((_req, res) => {
      res.write('first')
      proceed = () => res.end('last')
    })
    await using host = await startHost(origin.url)
    const capture = recordingCapture()
    const plugin = pluginFor(capture)
    plugin.attach(host.proxy)
    const visitor = await host.visit()
    visitor.socket.write(request('GET /'))
    await visitor.until('first')
    await plugin.close(20)
    expect(capture.seen[0]).toMatchObject({ ended: false, aborted: true })
    proceed()
    await visitor.until('last')
    expect(Buffer.concat(capture.seen[0]!.chunks).toString()).toBe('first')
    visitor.socket.destroy()
  })
})
