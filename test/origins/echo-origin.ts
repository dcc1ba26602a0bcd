import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { frame, readFrames } from '../support/frames.ts'

/** An origin that says every WebSocket message back, and answers pages with `fine`. */
export interface EchoOrigin extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Handshakes as they arrived. */
  readonly handshakes: readonly IncomingMessage[]
  /** Upgraded connections that are open. */
  readonly open: ReadonlySet<Socket>
}

const acceptOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

export interface EchoOptions {
  /** Said at once, in the same bytes as the 101. */
  readonly greeting?: string
  readonly protocol?: string
}

export const startEchoOrigin = async ({ greeting, protocol }: EchoOptions = {}): Promise<EchoOrigin> => {
  const handshakes: IncomingMessage[] = []
  const open = new Set<Socket>()
  const server = createServer((_req, res) => res.end('fine'))
  server.on('upgrade', (req: IncomingMessage, socket: Socket, head: Buffer) => {
    handshakes.push(req)
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Sec-WebSocket-Accept: ${acceptOf(req.headers['sec-websocket-key'] ?? '')}`,
      ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ]
    const first = greeting === undefined ? Buffer.alloc(0) : frame(greeting)
    socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), first]))
    let rest = head
    const hear = (bytes: Buffer): void => {
      const read = readFrames(Buffer.concat([rest, bytes]))
      rest = read.rest
      for (const { opcode, payload } of read.frames) {
        socket.write(frame(payload, { opcode }))
        if (opcode === 8) socket.end()
      }
    }
    socket.on('data', hear)
    socket.on('end', () => socket.end())
    hear(Buffer.alloc(0))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    handshakes,
    open,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
