import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { ProxyOptions } from '../../src/proxy/proxy.ts'
import { startHttpOrigin, type HttpOrigin } from '../origins/http-origin.ts'
import { listenTo } from '../origins/raw-origin.ts'
import { binary, field, line, tcp4, tcp6 } from './proxy-protocol-bytes.ts'
import { eventually, recordingCapture, request } from './support.ts'
import { authority, startTlsGateway, type TlsGateway } from './tls-support.ts'

/** An origin that answers with who it was told had come. */
const startTellingOrigin = (): Promise<HttpOrigin> =>
  startHttpOrigin((req, res) => res.end(`for ${String(req.headers['x-forwarded-for'])};`))

const balancers = (address: string): boolean => address === '127.0.0.1'

const startBehind = (origin: string, options: Partial<ProxyOptions> = {}): Promise<TlsGateway> =>
  startTlsGateway(origin, { proxyProtocol: true, trust: balancers, ...options })

const dial = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

const plain = async (gateway: TlsGateway, header: Buffer): Promise<string> => {
  const visitor = listenTo(await dial(gateway.port))
  visitor.socket.write(header)
  visitor.socket.write(request('GET /'))
  await visitor.closed()
  return visitor.received()
}

const encrypted = (socket: Socket, protocol: string) =>
  connectTls({ socket, servername: 'shop.test', ca: authority, ALPNProtocols: [protocol] })

const overTls = async (gateway: TlsGateway, header: Buffer): Promise<string> => {
  const socket = await dial(gateway.tlsPort)
  socket.write(header)
  const visitor = listenTo(encrypted(socket, 'http/1.1'))
  visitor.socket.write(request('GET /'))
  await visitor.closed()
  return visitor.received()
}

const overHttp2 = async (gateway: TlsGateway, header: Buffer): Promise<string> => {
  const socket = await dial(gateway.tlsPort)
  socket.write(header)
  const session = connectHttp2('https://shop.test', { createConnection: () => encrypted(socket, 'h2') })
  const stream = session.request({ ':path': '/' }).setEncoding('utf8')
  let body = ''
  for await (const chunk of stream) body += String(chunk)
  session.destroy()
  return body
}

const doors = [
  ['over http', plain],
  ['over TLS', overTls],
  ['over TLS and HTTP/2', overHttp2],
] as const

describe.each(doors)('%s', (_name, ask) => {
  test.each([
    ['a line', line('TCP4 203.0.113.7 192.0.2.1 50000 443'), '203.0.113.7'],
    ['a line of IPv6', line('TCP6 2001:db8::7 2001:db8::1 50000 443'), '2001:db8::7'],
    ['a binary header', tcp4('203.0.113.7'), '203.0.113.7'],
    ['a binary header of IPv6', tcp6('20010db8000000000000000000000007'), '2001:db8::7'],
    ['a binary header with fields', tcp4('203.0.113.7', field(4, '...'), field(2, 'x')), '203.0.113.7'],
    ["the balancer's own connection", binary(0x20, 0, Buffer.alloc(0)), '127.0.0.1'],
    ['a visitor nobody knows', line('UNKNOWN'), 'unknown'],
  ])('the visitor is who %s names', async (_header, header, address) => {
    await using origin = await startTellingOrigin()
    const capture = recordingCapture()
    const peers: string[] = []
    await using gateway = await startBehind(origin.url, {
      capture,
      onRequestDone: ({ peer }) => peers.push(peer),
    })
    expect(await ask(gateway, header)).toContain(`for ${address};`)
    expect(capture.seen.map(({ head }) => head.remoteAddress)).toEqual([address])
    await eventually(() => peers.length > 0)
    expect(peers).toEqual([address])
  })
})

test.each(doors.slice(0, 2))('header and request may come in one packet: %s', async (name) => {
  await using origin = await startTellingOrigin()
  await using gateway = await startBehind(origin.url)
  const header = tcp4('203.0.113.7')
  if (name === 'over http') {
    const visitor = listenTo(await dial(gateway.port))
    visitor.socket.write(Buffer.concat([header, Buffer.from(request('GET /'))]))
    await visitor.closed()
    expect(visitor.received()).toContain('for 203.0.113.7;')
    return
  }
  const socket = await dial(gateway.tlsPort)
  // Both leave when the socket is uncorked: the header and the greeting of the handshake.
  socket.cork()
  socket.write(header)
  const visitor = listenTo(encrypted(socket, 'http/1.1'))
  setImmediate(() => socket.uncork())
  visitor.socket.write(request('GET /'))
  await visitor.closed()
  expect(visitor.received()).toContain('for 203.0.113.7;')
})

test.each([
  ['a line', line('TCP4 203.0.113.7 192.0.2.1 50000 443')],
  ['a binary header', tcp4('203.0.113.7', field(4, 'padding'))],
])('%s may come byte by byte, and the request too', async (_name, header) => {
  await using origin = await startTellingOrigin()
  await using gateway = await startBehind(origin.url)
  const socket = await dial(gateway.port)
  socket.setNoDelay(true)
  const visitor = listenTo(socket)
  for (const byte of Buffer.concat([header, Buffer.from(request('GET /'))])) {
    socket.write(Buffer.from([byte]))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await visitor.closed()
  expect(visitor.received()).toContain('for 203.0.113.7;')
})

test('a connection is kept, and all its requests are of the same visitor', async () => {
  await using origin = await startTellingOrigin()
  await using gateway = await startBehind(origin.url)
  const visitor = listenTo(await dial(gateway.port))
  visitor.socket.write(tcp4('203.0.113.7'))
  for (const length of [1, 2, 3]) {
    visitor.socket.write(request('GET /', []))
    await eventually(() => visitor.received().split(';').length === length + 1)
  }
  expect(visitor.received().match(/for [\d.]+;/g)).toEqual(Array(3).fill('for 203.0.113.7;'))
  visitor.socket.destroy()
})

test('what a visitor says of itself is not believed: only the balancer is', async () => {
  await using origin = await startTellingOrigin()
  await using gateway = await startBehind(origin.url)
  const invented = request('GET /', ['X-Forwarded-For: 198.51.100.9', 'Connection: close'])
  for (const header of [tcp4('203.0.113.7'), line('UNKNOWN')]) {
    const visitor = listenTo(await dial(gateway.port))
    visitor.socket.write(Buffer.concat([header, Buffer.from(invented)]))
    await visitor.closed()
    expect(visitor.received()).not.toContain('198.51.100.9')
  }
})

test('limits hold for the visitor, not for the balancer', async () => {
  await using origin = await startTellingOrigin()
  await using gateway = await startBehind(origin.url, { limits: { connectionsPerAddress: 1 } })
  const first = listenTo(await dial(gateway.port))
  first.socket.write(tcp4('203.0.113.7'))
  first.socket.write(request('GET /', []))
  await first.until('for 203.0.113.7;')
  expect(await plain(gateway, tcp4('203.0.113.7'))).toBe('')
  expect(gateway.proxy.stats.connectionsRefused).toBe(1)
  expect(await plain(gateway, tcp4('203.0.113.8'))).toContain('for 203.0.113.8;')
  // Of them nobody knows whether they are one.
  const unknown = listenTo(await dial(gateway.port))
  unknown.socket.write(line('UNKNOWN'))
  unknown.socket.write(request('GET /', []))
  await unknown.until('for unknown;')
  expect(await plain(gateway, line('UNKNOWN'))).toContain('for unknown;')
  first.socket.destroy()
  unknown.socket.destroy()
})

describe.each(['port', 'tlsPort'] as const)('turned away at the %s, and counted', (port) => {
  test.each([
    ['a request without a header', Buffer.from(request('GET /'))],
    ['a TLS greeting without a header', Buffer.from('16030100c8010000c40303', 'hex')],
    ['a header that is wrong', line('TCP4 shop.test 192.0.2.1 50000 443')],
  ])('%s', async (_name, bytes) => {
    await using gateway = await startBehind('http://127.0.0.1:9')
    const visitor = listenTo(await dial(gateway[port]))
    visitor.socket.write(bytes)
    await visitor.closed()
    expect(visitor.received()).toBe('')
    expect(gateway.proxy.stats.refused).toEqual({ proxy_header: 1 })
  })

  test('a peer that is no proxy of ours, whatever it says', async () => {
    await using gateway = await startBehind('http://127.0.0.1:9', { trust: () => false })
    const visitor = listenTo(await dial(gateway[port]))
    visitor.socket.write(tcp4('203.0.113.7'))
    await visitor.closed()
    expect(gateway.proxy.stats.refused).toEqual({ proxy_untrusted: 1 })
  })

  test('who begins a header and does not end it in time', async () => {
    await using gateway = await startBehind('http://127.0.0.1:9', { limits: { proxyHeaderMs: 30 } })
    const visitor = listenTo(await dial(gateway[port]))
    visitor.socket.write('PROXY TCP4 203.0')
    await visitor.closed()
    expect(gateway.proxy.stats.refused).toEqual({ proxy_timeout: 1 })
  })

  test('not who leaves in the middle of it: that is no fault', async () => {
    await using gateway = await startBehind('http://127.0.0.1:9')
    const visitor = listenTo(await dial(gateway[port]))
    visitor.socket.end('PROXY TCP4 203.0')
    await visitor.closed()
    expect(gateway.proxy.stats.refused).toEqual({})
  })
})

test('who has not said yet who comes does not hold up the end', async () => {
  const gateway = await startBehind('http://127.0.0.1:9', { limits: { proxyHeaderMs: 600_000 } })
  const visitors = [listenTo(await dial(gateway.port)), listenTo(await dial(gateway.tlsPort))]
  const arrived = (server: { getConnections(done: (error: unknown, count: number) => void): unknown }) =>
    new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)))
  while ((await arrived(gateway.proxy.server)) < 1) await new Promise((resolve) => setImmediate(resolve))
  await gateway.proxy.close(600_000)
  for (const visitor of visitors) await visitor.closed()
  expect(gateway.proxy.stats.refused).toEqual({})
})

test('an idle connection is ended at once when the gateway stops, as any other is', async () => {
  await using origin = await startTellingOrigin()
  const gateway = await startBehind(origin.url)
  const visitor = listenTo(await dial(gateway.port))
  visitor.socket.write(tcp4('203.0.113.7'))
  visitor.socket.write(request('GET /', []))
  await visitor.until('for 203.0.113.7;')
  await gateway.proxy.close(600_000)
  await visitor.closed()
  expect(gateway.proxy.stats.cutShort).toBe(0)
})

test('a slow request after a quick header is ended in time, as any other is', async () => {
  const limits = { clientHeadersMs: 50, clientCheckMs: 10 }
  await using gateway = await startBehind('http://127.0.0.1:9', { limits })
  const visitor = listenTo(await dial(gateway.port))
  visitor.socket.write(tcp4('203.0.113.7'))
  visitor.socket.write('GET / HTTP/1.1\r\nHost: shop')
  await visitor.closed()
  expect(visitor.received()).toMatch(/^HTTP\/1\.1 408 /)
})
