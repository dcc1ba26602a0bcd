import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import type { Ingest } from '../../src/proxy/ingest.ts'
import type { RequestDone } from '../../src/proxy/exchange.ts'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { data, errors, flags, headers, requestFields, reset, speakHttp2 } from './http2-frames.ts'
import {
  eventually,
  parseRaw,
  recordingCapture,
  request,
  siteAt,
  startGateway,
  stillServes,
} from './support.ts'
import { startTlsGateway } from './tls-support.ts'

/** How a request finds the ingest of a site's own host, and how its body gets there. */

const answer = { status: 200, rawHeaders: ['content-type', 'application/json'], body: '{}', last: false }

/** Takes the whole body, as the door does for whoever has a key. */
const taking = () => {
  const taken: { readonly site: string; readonly method: string; readonly body: string }[] = []
  const fields: (readonly string[])[] = []
  const ingest: Ingest = async ({ site, method, rawHeaders, body }) => {
    fields.push(rawHeaders)
    taken.push({ site, method, body: body === null ? '' : await text(body) })
    return { ...answer, rawHeaders: [...answer.rawHeaders, 'content-length', '2'] }
  }
  return { ingest, taken, fields }
}

const startOrigin = async () => {
  const asked: string[] = []
  const origin = await startHttpOrigin((req, res) => {
    asked.push(`${req.method} ${req.url}`)
    req.resume().on('end', () => res.end('the origin'))
  })
  return { asked, url: origin.url, [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose]() }
}

const mounted = (origin: string) => [siteAt(origin, { ingest: { public: true } })]
const length = (body: string) => [`Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close']
const post = (target: string, body = '{"a":1}') => request(`POST ${target}`, length(body), body)

describe('a site that asks for it', () => {
  test.each([
    '/tracking/ingest',
    '/tracking/ingest/',
    '/tracking/ingest?source=crm',
    '//tracking/ingest',
    '/tracking//ingest',
    '/tracking/./ingest',
    '/shop/../tracking/ingest',
    '/%74racking/%69ngest',
  ])('has %s answered here, and its origin never hears of it', async (target) => {
    await using origin = await startOrigin()
    const { ingest, taken } = taking()
    await using gateway = await startGateway(mounted(origin.url), { ingest })
    const raw = parseRaw(await gateway.exchange(post(target)))
    expect([raw.line, raw.body]).toEqual(['HTTP/1.1 200 OK', '{}'])
    expect(taken).toEqual([{ site: 'shop', method: 'POST', body: '{"a":1}' }])
    expect(origin.asked).toEqual([])
  })

  test.each([
    '/tracking/ingest/more',
    '/tracking',
    '/tracking/ingestion',
    '/x/tracking/ingest',
    '/Tracking/ingest',
  ])('has %s forwarded as ever', async (target) => {
    await using origin = await startOrigin()
    const { ingest, taken } = taking()
    await using gateway = await startGateway(mounted(origin.url), { ingest })
    expect(parseRaw(await gateway.exchange(post(target))).body).toContain('the origin')
    expect([taken, origin.asked]).toEqual([[], [`POST ${target}`]])
  })

  test.each(['GET', 'OPTIONS', 'DELETE', 'PROPFIND'])('keeps %s from its origin, too', async (method) => {
    await using origin = await startOrigin()
    const { ingest, taken } = taking()
    await using gateway = await startGateway(mounted(origin.url), { ingest })
    await gateway.exchange(request(`${method} /tracking/ingest`))
    expect([taken, origin.asked]).toMatchObject([[{ method }], []])
  })

  test('has a WebSocket refused there', async () => {
    await using origin = await startOrigin()
    const { ingest, taken } = taking()
    await using gateway = await startGateway(mounted(origin.url), { ingest })
    const fields = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ]
    expect(await gateway.exchange(request('GET /tracking/ingest', fields))).toContain('405')
    expect([taken, origin.asked]).toEqual([[], []])
  })

  test('has it over HTTP/2 and TLS', async () => {
    await using origin = await startOrigin()
    const { ingest, taken } = taking()
    await using gateway = await startTlsGateway(mounted(origin.url), { ingest })
    const stream = gateway.http2().request({ ':method': 'POST', ':path': '/tracking/ingest' })
    const responded = once(stream, 'response')
    stream.write('{"a"')
    stream.end(':1}')
    const [head] = (await responded) as [Record<string, unknown>]
    expect([head[':status'], head['content-type'], await text(stream)]).toEqual([
      200,
      'application/json',
      '{}',
    ])
    const visitor = await gateway.visitTls()
    visitor.socket.write(post('/tracking/ingest', '{"b":2}'))
    await visitor.closed()
    expect(visitor.received()).toContain('200 OK')
    expect(taken.map(({ body }) => body)).toEqual(['{"a":1}', '{"b":2}'])
    expect(origin.asked).toEqual([])
  })

  test('has nothing of it captured, and counts it like any request', async () => {
    await using origin = await startOrigin()
    const capture = recordingCapture()
    const done: RequestDone[] = []
    await using gateway = await startGateway(mounted(origin.url), {
      ingest: taking().ingest,
      capture,
      onRequestDone: (one) => done.push(one),
    })
    await gateway.exchange(post('/tracking/ingest'))
    await eventually(() => gateway.proxy.stats.active === 0 && done.length === 1)
    expect(capture.seen).toEqual([])
    expect(done).toMatchObject([{ site: 'shop', status: 200, target: '/tracking/ingest' }])
  })

  test('is sent to https first, where it asks for that', async () => {
    await using origin = await startOrigin()
    const { ingest, taken } = taking()
    const site = siteAt(origin.url, { ingest: { public: true }, redirectToHttps: true })
    await using gateway = await startGateway([site], { ingest })
    expect(await gateway.exchange(post('/tracking/ingest'))).toContain('308')
    expect(taken).toEqual([])
  })

  test('keeps what peers say of others to itself: no forwarding field reaches the door', async () => {
    await using origin = await startOrigin()
    const { ingest, fields } = taking()
    await using gateway = await startGateway(mounted(origin.url), { ingest })
    const sent = ['X-Forwarded-For: 203.0.113.9', 'Forwarded: for=203.0.113.9', 'Idempotency-Key: k']
    await gateway.exchange(request('POST /tracking/ingest', [...sent, ...length('{}')], '{}'))
    expect(fields.flat().join()).toContain('Idempotency-Key,k')
    expect(fields.flat().join()).not.toContain('203.0.113.9')
  })
})

test.each([
  ['that does not ask', undefined],
  ['that says no', { public: false }],
  ['that says nothing of it', {}],
])('a site %s has it forwarded like any other address', async (_, ingestion) => {
  await using origin = await startOrigin()
  const { ingest, taken } = taking()
  const site = siteAt(origin.url, ingestion === undefined ? {} : { ingest: ingestion })
  await using gateway = await startGateway([site], { ingest })
  expect(parseRaw(await gateway.exchange(post('/tracking/ingest'))).body).toContain('the origin')
  expect([taken, origin.asked]).toEqual([[], ['POST /tracking/ingest']])
})

describe('a body', () => {
  test('in chunks arrives whole', async () => {
    await using origin = await startOrigin()
    const { ingest, taken } = taking()
    await using gateway = await startGateway(mounted(origin.url), { ingest })
    const fields = ['Transfer-Encoding: chunked', 'Connection: close']
    await gateway.exchange(request('POST /tracking/ingest', fields, '2\r\n{"\r\n5\r\na":1}\r\n0\r\n\r\n'))
    expect(taken[0]?.body).toBe('{"a":1}')
  })

  test('is read no faster than it is taken', async () => {
    await using origin = await startOrigin()
    const asked = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    let bytes = 0
    const ingest: Ingest = async ({ body }) => {
      body?.once('readable', () => undefined)
      asked.resolve()
      await goOn.promise
      for await (const chunk of body ?? []) bytes += (chunk as Buffer).length
      return answer
    }
    await using gateway = await startGateway(mounted(origin.url), { ingest })
    const visitor = await gateway.visit()
    const size = 64 * 1024 * 1024
    visitor.socket.write(request('POST /tracking/ingest', [`Content-Length: ${size}`, 'Connection: close']))
    await asked.promise
    const chunk = Buffer.alloc(1024 * 1024)
    let sent = 0
    // Until the system's own buffers are full, and nobody has read.
    while (visitor.socket.write(chunk) && sent < size) sent += chunk.length
    sent += chunk.length
    await new Promise((resolve) => setImmediate(resolve))
    expect(visitor.socket.writableLength).toBeGreaterThan(0)
    goOn.resolve()
    for (; sent < size; sent += chunk.length)
      if (!visitor.socket.write(chunk)) await once(visitor.socket, 'drain')
    await visitor.until('200 OK')
    expect(bytes).toBe(size)
  })

  test('that nobody reads does not keep the connection from its next request', async () => {
    await using origin = await startOrigin()
    await using gateway = await startGateway(mounted(origin.url), {
      ingest: async () => ({ ...answer, status: 401, rawHeaders: ['content-length', '2'] }),
    })
    const visitor = await gateway.visit()
    const body = 'x'.repeat(300_000)
    visitor.socket.write(request('POST /tracking/ingest', [`Content-Length: ${body.length}`], body))
    await visitor.until('401')
    visitor.socket.write(request('GET /page'))
    expect(await visitor.until('the origin')).toContain('200 OK')
  })

  test('is asked for with 100 Continue by whoever reads it, and by nobody else', async () => {
    await using origin = await startOrigin()
    const expectant = ['Expect: 100-continue', ...length('{"a":1}')]
    const { ingest, taken } = taking()
    await using reading = await startGateway(mounted(origin.url), { ingest })
    const visitor = await reading.visit()
    visitor.socket.write(request('POST /tracking/ingest', expectant))
    await visitor.until('100 Continue')
    visitor.socket.write('{"a":1}')
    await visitor.until('200 OK')
    expect(taken[0]?.body).toBe('{"a":1}')

    await using refusing = await startGateway(mounted(origin.url), {
      ingest: async () => ({ ...answer, status: 401, last: true }),
    })
    const stranger = await refusing.visit()
    stranger.socket.write(request('POST /tracking/ingest', expectant))
    expect(await stranger.until('401')).not.toContain('100 Continue')
  })

  test.each([
    ['by a reset of the connection', null],
    ['on HTTP/2 by a reset that says why', errors.cancel],
    ['on HTTP/2 by a reset that says nothing', errors.none],
  ])('that breaks off %s is never taken for whole, and the gateway serves on', async (_, code) => {
    await using origin = await startOrigin()
    const reading = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<unknown>()
    const ingest: Ingest = async ({ body }) => {
      body?.once('data', () => reading.resolve())
      await (body === null ? Promise.resolve('') : text(body)).then(ended.resolve, ended.resolve)
      throw new Error('nobody to answer')
    }
    await using gateway = await startTlsGateway(mounted(origin.url), { ingest })
    if (code === null) {
      const visitor = await gateway.visit()
      visitor.socket.write(request('POST /tracking/ingest', ['Content-Length: 100'], '{"events":['))
      await reading.promise
      visitor.socket.resetAndDestroy()
    } else {
      const client = speakHttp2(await gateway.visitTls({ ALPNProtocols: ['h2'] }))
      const fields = requestFields('POST', '/tracking/ingest')
      client.send(headers(1, fields, flags.endHeaders), data(1, '{"events":['))
      await reading.promise
      client.send(reset(1, code))
    }
    expect(await ended.promise).toBeInstanceOf(Error)
    await eventually(() => gateway.proxy.stats.active === 0)
    expect(await stillServes(gateway)).toContain('200 OK')
  })
})

test('an answer that cannot be made is a page of ours', async () => {
  await using origin = await startOrigin()
  await using gateway = await startGateway(mounted(origin.url), {
    ingest: () => Promise.reject(new Error('a bug')),
  })
  const raw = await gateway.exchange(post('/tracking/ingest'))
  expect(raw).toContain('503')
  expect(raw).not.toContain('a bug')
})
