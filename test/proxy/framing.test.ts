import { describe, expect, test } from 'vitest'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import { eventually, parseRaw, request, startGateway, stillServes } from './support.ts'

const bodyless = (line: string, fields: string): string => `HTTP/1.1 ${line}\r\n${fields}\r\n`

describe('answers without a body', () => {
  test.each([
    ['HEAD', bodyless('200 OK', 'Content-Length: 1234\r\n'), ['Content-Length: 1234']],
    ['HEAD', bodyless('200 OK', 'Transfer-Encoding: chunked\r\n'), []],
    [
      'GET',
      bodyless('304 Not Modified', 'ETag: "1"\r\nContent-Length: 1234\r\n'),
      ['ETag: "1"', 'Content-Length: 1234'],
    ],
    ['GET', bodyless('204 No Content', 'X-A: 1\r\n'), ['X-A: 1']],
    ['GET', bodyless('204 No Content', 'Content-Length: 0\r\n'), []],
    ['GET', bodyless('200 OK', 'Content-Length: 0\r\n'), ['Content-Length: 0']],
  ])('to %s of %j keep the fields %j and end at once', async (method, answer, fields) => {
    await using origin = await startRawOrigin(answering(answer))
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request(`${method} /`, []))
    await visitor.until('\r\n\r\n')
    // The next answer on the same connection shows that the visitor was not left waiting for a body.
    visitor.socket.write(request(`${method} /`))
    await visitor.closed()
    const first = parseRaw(visitor.received())
    expect(first.fields).toEqual(fields)
    expect(first.body.startsWith('HTTP/1.1 ')).toBe(true)
  })
})

describe('the body of an answer', () => {
  test('that ends with the connection is sent on in chunks', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.end('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it')
    })
    await using gateway = await startGateway(origin.url)
    const { fields, body } = parseRaw(await gateway.exchange(request('GET /')))
    expect(fields).toContain('Transfer-Encoding: chunked')
    expect(body).toBe('9\r\nall of it\r\n0\r\n\r\n')
  })

  test('in chunks ends with the connection for a client of HTTP/1.0', async () => {
    await using origin = await startRawOrigin(
      answering(
        'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n',
      ),
    )
    await using gateway = await startGateway(origin.url)
    const { fields, body } = parseRaw(await gateway.exchange('GET / HTTP/1.0\r\nHost: shop.test\r\n\r\n'))
    expect(fields).toEqual(['Connection: close'])
    expect(body).toBe('hi')
  })

  test('keeps a client of HTTP/1.0 that asked for it connected', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    const bytes = 'GET / HTTP/1.0\r\nHost: shop.test\r\nConnection: keep-alive\r\n\r\n'
    visitor.socket.write(bytes)
    expect(parseRaw(await visitor.until('hello')).fields).toContain('Connection: keep-alive')
    visitor.socket.write(bytes)
    await eventually(() => visitor.received().split('hello').length === 3)
    visitor.socket.destroy()
  })

  test('of a range stays the range', async () => {
    const partial =
      'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-3/10\r\nContent-Length: 2\r\n\r\n23'
    await using origin = await startRawOrigin(answering(partial))
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /', ['Range: bytes=2-3', 'If-Range: "x"', 'Connection: close']))
    await visitor.closed()
    expect(visitor.received()).toBe(partial.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
    expect(origin.connections[0]!.received()).toContain('\r\nRange: bytes=2-3\r\nIf-Range: "x"\r\n')
  })

  test('flows event by event, and its head before the first of them', async () => {
    let proceed: () => void = () => {}
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n')
      for (let turn = 1; turn <= 3; turn++) {
        await new Promise<void>((resolve) => (proceed = resolve))
        socket.write(`9\r\ndata: ${turn}\n\n\r\n`)
      }
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /events', []))
    await visitor.until('text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (let turn = 1; turn <= 3; turn++) {
      proceed()
      expect(await visitor.until(`data: ${turn}\n\n`)).not.toContain(`data: ${turn + 1}`)
    }
    visitor.socket.destroy()
  })
})

describe('informational answers', () => {
  const withHints =
    'HTTP/1.1 102 Processing\r\nX-Step: 1\r\n\r\n' +
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nlink: </b.js>; rel=preload\r\nConnection: X\r\n\r\n' +
    ok()

  test('pass on as they come, before the answer', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write(withHints.slice(0, -ok().length))
      // The answer only once the hint has been seen on the other side: it was not held back for it.
      await new Promise<void>((resolve) => (seen = resolve))
      socket.write(ok())
    })
    let seen: () => void = () => {}
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /'))
    await visitor.until('link: </b.js>; rel=preload\r\n\r\n')
    seen()
    await visitor.closed()
    expect(visitor.received()).toBe(
      'HTTP/1.1 102 Processing\r\nX-Step: 1\r\n\r\n' +
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nlink: </b.js>; rel=preload\r\n\r\n' +
        ok().replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    )
  })

  test('are no business of HTTP/1.0', async () => {
    await using origin = await startRawOrigin(answering(withHints))
    await using gateway = await startGateway(origin.url)
    const raw = await gateway.exchange('GET / HTTP/1.0\r\nHost: shop.test\r\n\r\n')
    expect(raw).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(raw).not.toContain('103')
  })

  test.each([
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
  ])('that nobody asked for (%j) are a bad answer', async (answer) => {
    await using origin = await startRawOrigin(answering(answer))
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 502 /)
  })

  test('without end are cut off', async () => {
    await using origin = await startRawOrigin(answering('HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000)))
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(request('GET /'))).toContain('HTTP/1.1 502 ')
  })
})

describe('trailers', () => {
  test('of an answer pass on, announced as they were', async () => {
    const answer =
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\nSet-Cookie: late\r\nx-sum: 2\r\n\r\n'
    await using origin = await startRawOrigin(answering(answer))
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request('GET /', []))
    expect(await visitor.until('x-sum: 2\r\n\r\n')).toBe(answer.replace('Set-Cookie: late\r\n', ''))
    visitor.socket.destroy()
  })

  test('of an answer with a length were announced in vain', async () => {
    await using origin = await startRawOrigin(
      answering('HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nhi'),
    )
    await using gateway = await startGateway(origin.url)
    expect(parseRaw(await gateway.exchange(request('GET /'))).fields).toEqual([
      'Content-Length: 2',
      'Connection: close',
    ])
  })

  test('of a request are dropped, with their announcement', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n0\r\n')
      socket.write(ok())
    })
    await using gateway = await startGateway(origin.url)
    await gateway.exchange(
      request(
        'POST /',
        ['Transfer-Encoding: chunked', 'Trailer: X-Sum', 'Connection: close'],
        '2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n',
      ),
    )
    expect(origin.connections[0]!.received()).toMatch(/\r\n\r\n2\r\nhi\r\n0\r\n\r\n$/)
    expect(origin.connections[0]!.received()).not.toContain('X-Sum')
  })
})

describe('the body of a request', () => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'GET'])(
    'of %s stays framed as it was, and nothing of it becomes another request',
    async (method) => {
      await using origin = await startHttpOrigin((req, res) => {
        const chunks: Buffer[] = []
        req.on('data', (chunk: Buffer) => chunks.push(chunk))
        req.on('end', () => {
          const framing = req.headers['transfer-encoding'] ?? `length ${req.headers['content-length']}`
          res.end(`${req.method} ${req.url} ${framing} [${Buffer.concat(chunks).toString()}]`)
        })
      })
      let asked = 0
      origin.server.on('request', () => asked++)
      await using gateway = await startGateway(origin.url)
      const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n'
      const chunk = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`
      const raw = await gateway.exchange(
        request(`${method} /1`, ['Transfer-Encoding: chunked'], chunk) +
          request(`${method} /2`, [`Content-Length: ${smuggled.length}`], smuggled) +
          request('GET /3'),
      )
      expect(raw).toContain(`${method} /1 chunked [${smuggled}]`)
      expect(raw).toContain(`${method} /2 length ${smuggled.length} [${smuggled}]`)
      expect(raw).toContain('GET /3 length undefined []')
      expect(asked).toBe(3)
    },
  )

  test('that is empty stays empty', async () => {
    await using origin = await startHttpOrigin((req, res) => {
      req.resume().on('end', () => res.end(`${req.headers['content-length']}`))
    })
    await using gateway = await startGateway(origin.url)
    expect(await gateway.exchange(request('POST /', ['Content-Length: 0', 'Connection: close']))).toMatch(
      /\r\n\r\n0$/,
    )
    const chunked = request('POST /', ['Transfer-Encoding: chunked', 'Connection: close'], '0\r\n\r\n')
    expect(await gateway.exchange(chunked)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('streams while it is still being sent', async () => {
    let arrived = ''
    await using origin = await startHttpOrigin((req, res) => {
      req.on('data', (chunk: Buffer) => (arrived += chunk.toString()))
      req.on('end', () => res.end('done'))
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(
      request('POST /', ['Transfer-Encoding: chunked', 'Connection: close'], '5\r\nfirst\r\n'),
    )
    await eventually(() => arrived === 'first')
    visitor.socket.write('6\r\nsecond\r\n0\r\n\r\n')
    await visitor.until('done')
    expect(arrived).toBe('firstsecond')
  })

  test('that the origin does not wait for is let go, and the answer arrives whole', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('x'.repeat(100))
      socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig')
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(request('POST /', ['Content-Length: 1000000'], 'x'.repeat(1_000)))
    await visitor.until('\r\n\r\nbig')
    // The rest of the body still fits the connection, and after it the next request.
    visitor.socket.write('x'.repeat(999_000))
    visitor.socket.write(request('TRACE /after'))
    expect(await visitor.until('HTTP/1.1 405 ')).toMatch(/^HTTP\/1\.1 413 /)
    visitor.socket.destroy()
  })
})

describe('Expect: 100-continue', () => {
  test('is met once the origin is there to take the body', async () => {
    await using origin = await startHttpOrigin((req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk))
      req.on('end', () => res.end(`got ${Buffer.concat(chunks).toString()}`))
    })
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.write(
      request('POST /', ['Expect: 100-continue', 'Content-Length: 4', 'Connection: close']),
    )
    expect(await visitor.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    visitor.socket.write('body')
    await visitor.until('got body')
  })

  test('is not met when there is no origin: the visitor keeps the body', async () => {
    const origin = await startRawOrigin(() => {})
    await origin[Symbol.asyncDispose]()
    await using gateway = await startGateway(origin.url)
    const raw = await gateway.exchange(request('POST /', ['Expect: 100-continue', 'Content-Length: 4']))
    expect(raw).toMatch(/^HTTP\/1\.1 502 /)
    expect(raw).toContain('Connection: close')
  })

  test('is ignored of HTTP/1.0, and any other expectation fails', async () => {
    await using origin = await startHttpOrigin((req, res) => req.resume().on('end', () => res.end('fine')))
    await using gateway = await startGateway(origin.url)
    const old = 'POST / HTTP/1.0\r\nHost: shop.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi'
    expect(await gateway.exchange(old)).toMatch(/^HTTP\/1\.1 200 /)
    expect(
      await gateway.exchange(request('POST /', ['Expect: tea', 'Content-Length: 0', 'Connection: close'])),
    ).toMatch(/^HTTP\/1\.1 417 /)
    expect(await stillServes(gateway)).toContain('fine')
  })
})
