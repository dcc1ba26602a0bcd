import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { block, frame, headers, requestFields, speakHttp2, types } from './http2-frames.ts'
import { eventually, stillServes } from './support.ts'
import { startTlsGateway } from './tls-support.ts'

/** Frames of any kind in any order: nearly right, so that they get far. */
const anyFrame = fc.oneof(
  fc
    .tuple(fc.nat({ max: 12 }), fc.nat({ max: 255 }), fc.nat({ max: 9 }), fc.uint8Array({ maxLength: 40 }))
    .map(([type, flag, stream, payload]) => frame(type, flag, stream, Buffer.from(payload))),
  fc
    .tuple(fc.constantFrom('GET', 'POST', 'HEAD', 'CONNECT'), fc.nat({ max: 20 }), fc.nat({ max: 5 }))
    .map(([method, stream, flag]) => headers(stream, requestFields(method), flag)),
  fc
    .tuple(fc.nat({ max: 20 }), fc.nat({ max: 5 }))
    .map(([stream, flag]) => frame(types.continuation, flag, stream, block([['x-a', 'b']]))),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
)

test('whatever a client of HTTP/2 sends, the others are served and nothing is left over', async () => {
  await using origin = await startHttpOrigin((req, res) => {
    req.resume()
    res.end('fine')
  })
  await using gateway = await startTlsGateway(origin.url)
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyFrame, { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      async (frames, abrupt) => {
        const connection = await gateway.visitTls({ ALPNProtocols: ['h2'] })
        speakHttp2(connection).send(...frames)
        if (abrupt) connection.socket.destroy()
        else connection.socket.end()
        await connection.closed()
      },
    ),
    { numRuns: 150 },
  )
  await eventually(() => gateway.proxy.stats.active === 0)
  expect(await stillServes(gateway)).toContain('fine')
  const session = gateway.http2()
  const stream = session.request({ ':path': '/' })
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  expect(Buffer.concat(chunks).toString()).toBe('fine')
})
