import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import { eventually, request, siteAt, startGateway, stillServes } from './support.ts'

describe('a reload', () => {
  test('holds from the next request on, leaves what is under way alone and closes the pool nobody needs', async () => {
    const nothing = (): void => {}
    let proceed = nothing
    await using before = await startHttpOrigin((req, res) => {
      if (req.url === '/slow') proceed = () => res.end('from before')
      else res.end('from before')
    })
    const connections: Socket[] = []
    before.server.on('connection', (socket) => connections.push(socket))
    await using after = await startRawOrigin(answering(ok('from after')))
    await using gateway = await startGateway(before.url)
    expect(await gateway.exchange(request('GET /quick'))).toContain('from before')
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /slow'))
    await eventually(() => gateway.proxy.stats.active === 1)
    await eventually(() => proceed !== nothing)
    gateway.use([siteAt(after.url)])
    expect(await gateway.exchange(request('GET /'))).toContain('from after')
    proceed()
    expect(await visitor.until('from before')).toContain('200 OK')
    await eventually(() => connections.every((socket) => socket.destroyed))
  })

  test('keeps the pool of an origin that stays', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    await stillServes(gateway)
    gateway.use([siteAt(origin.url, { id: 'renamed', holdMs: 5 })])
    await stillServes(gateway)
    expect(origin.connections).toHaveLength(1)
  })

  test('can take a host away', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    gateway.use([])
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 421 /)
    expect(gateway.proxy.stats.unknownHost).toBe(1)
  })
})

describe('closing', () => {
  test('takes no more, ends idle connections, and lets answers under way finish', async () => {
    let proceed: () => void = () => {}
    await using origin = await startHttpOrigin((req, res) => {
      if (req.url === '/quick') return void res.end('quick')
      proceed = () => res.end('whole')
    })
    const gateway = await startGateway(origin.url)
    const idle = await gateway.visit()
    idle.socket.write(request('GET /quick', []))
    await idle.until('quick')
    const busy = await gateway.visit()
    busy.socket.write(request('GET /slow', []))
    await eventually(() => gateway.proxy.stats.active === 1)
    const closing = gateway.proxy.close(10_000)
    await idle.closed()
    await expect(gateway.visit()).rejects.toThrow('ECONNREFUSED')
    proceed()
    await busy.until('whole')
    expect(busy.received()).toContain('Connection: close')
    await closing
  })

  test('ends an answer whose head had gone out before, and its connection after it', async () => {
    let proceed: () => void = () => {}
    await using origin = await startHttpOrigin((_req, res) => {
      res.write('part')
      proceed = () => res.end('whole')
    })
    const gateway = await startGateway(origin.url)
    const busy = await gateway.visit()
    busy.socket.write(request('GET /', []))
    await busy.until('part')
    const closing = gateway.proxy.close(10_000)
    proceed()
    await closing
    expect(busy.received()).toMatch(/whole\r\n0\r\n\r\n$/)
  })

  test('ends at the deadline what would not end, never as if it were whole', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n')
    })
    const gateway = await startGateway(origin.url)
    const busy = await gateway.visit()
    busy.socket.write(request('GET /', []))
    await busy.until('part')
    await gateway.proxy.close(30)
    await busy.closed()
    expect(busy.received()).toMatch(/part\r\n$/)
    await origin.connections[0]!.closed()
  })
})

test('who asks to be told of each request is told, and cannot hurt it', async () => {
  await using origin = await startHttpOrigin((req, res) => {
    if (req.url === '/bad') req.socket.destroy()
    else res.end('good')
  })
  const done: unknown[] = []
  await using gateway = await startGateway(origin.url, {
    now: () => 7,
    onRequestDone: (one) => {
      done.push(one)
      throw new Error('a bug')
    },
  })
  await gateway.exchange(request('GET /good'))
  await gateway.exchange(request('POST /bad', ['Content-Length: 0', 'Connection: close']))
  await eventually(() => done.length === 2)
  expect(done).toEqual([
    {
      site: 'shop',
      method: 'GET',
      status: 200,
      startedAt: 7,
      failure: null,
      target: '/good',
      rawHeaders: ['Host', 'shop.test', 'Connection', 'close'],
      peer: '127.0.0.1',
    },
    expect.objectContaining({
      method: 'POST',
      status: 502,
      failure: 'reset',
      target: '/bad',
      peer: '127.0.0.1',
    }),
  ])
})

test('who asks to be told is told of what the gateway answered itself, and that it failed nowhere', async () => {
  await using origin = await startRawOrigin(answering(ok()))
  const done: unknown[] = []
  await using gateway = await startGateway(origin.url, { onRequestDone: (one) => done.push(one) })
  await gateway.exchange(request('GET /x', undefined, '', 'other.test'))
  await gateway.exchange(request('TRACE /y'))
  await gateway.exchange(request('OPTIONS *'))
  await gateway.exchange(
    request('GET /z', ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 1'], 'x'),
  )
  expect(done).toMatchObject([
    { site: '', method: 'GET', status: 421, target: '/x', failure: null, peer: '127.0.0.1' },
    { site: '', method: 'TRACE', status: 405, target: '/y', failure: null },
    { site: 'shop', method: 'OPTIONS', status: 200, target: '*', failure: null },
    { site: '', method: 'GET', status: 400, target: '/z', failure: null },
  ])
})
