import { describe, expect, test } from 'vitest'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { startRawOrigin } from '../origins/raw-origin.ts'
import { recordingCapture, request, startGateway } from './support.ts'

const total = 100 * 1024 * 1024
const megabyte = Buffer.alloc(1024 * 1024, 'x')

/** Waits until a number has stopped moving: ten looks in a row, 20 ms apart, that see the same. */
const settled = async (read: () => number): Promise<number> => {
  let last = -1
  for (let same = 0; same < 10; same++) {
    const now = read()
    if (now !== last) same = 0
    last = now
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return last
}

describe('a slow side stops the other', () => {
  test.each(['unobserved', 'observed'])(
    'a visitor who does not read, %s',
    async (watch) => {
      let sent = 0
      await using origin = await startHttpOrigin((_req, res) => {
        res.writeHead(200, { 'Content-Length': total })
        const more = (): void => {
          while (sent < total) {
            sent += megabyte.length
            if (!res.write(megabyte)) return void res.once('drain', more)
          }
          res.end()
        }
        more()
      })
      const capture = recordingCapture()
      await using gateway = await startGateway(origin.url, watch === 'observed' ? { capture } : {})
      const visitor = await gateway.visit()
      visitor.socket.pause()
      const before = process.memoryUsage().rss
      visitor.socket.write(request('GET /', ['Connection: close']))
      const stopped = await settled(() => sent)
      // What fits the kernel's buffers on the way; the rest has not left the origin.
      expect(stopped).toBeGreaterThan(0)
      expect(stopped).toBeLessThan(32 * 1024 * 1024)
      expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
      const passed = (): number | undefined =>
        capture.seen[0]?.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
      expect(passed() ?? 0).toBeLessThan(32 * 1024 * 1024)
      // Once the visitor reads again, all of it arrives.
      let received = 0
      visitor.socket.removeAllListeners('data')
      visitor.socket.on('data', (chunk: Buffer) => (received += chunk.length))
      visitor.socket.resume()
      await visitor.closed()
      expect(sent).toBe(total)
      expect(received).toBeGreaterThan(total)
      expect(passed()).toBe(watch === 'observed' ? total : undefined)
    },
    30_000,
  )

  test('an origin that does not read an upload', async () => {
    await using origin = await startRawOrigin(({ socket }) => void socket.pause())
    await using gateway = await startGateway(origin.url)
    const visitor = await gateway.visit()
    let sent = 0
    const more = (): void => {
      while (!visitor.socket.destroyed && sent < total) {
        sent += megabyte.length
        if (!visitor.socket.write(megabyte)) return void visitor.socket.once('drain', more)
      }
    }
    visitor.socket.write(request('POST /', [`Content-Length: ${total}`]))
    more()
    const stopped = await settled(() => sent)
    expect(stopped).toBeLessThan(32 * 1024 * 1024)
    visitor.socket.destroy()
    origin.connections[0]?.socket.resume()
    await origin.connections[0]?.closed()
  }, 30_000)
})
