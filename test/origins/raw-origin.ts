import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'

/** An origin made of bytes: it answers what the test scripts, on a real socket, whether HTTP allows it or not. */
export interface RawOrigin extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Connections made so far. */
  readonly connections: readonly RawConnection[]
}

export interface RawConnection {
  readonly index: number
  readonly socket: Socket
  /** Everything received, as latin1. */
  received(): string
  /** Resolves once what was received contains `text`; answers all of it. */
  until(text: string): Promise<string>
  /** Resolves when the peer has ended or reset the connection. */
  closed(): Promise<void>
}

/** Collects what a socket receives; shared by the raw origin and the raw client. */
export const listenTo = (socket: Socket, index = 0): RawConnection => {
  const chunks: Buffer[] = []
  let gone = false
  const wake = new Set<() => void>()
  const stir = (): void => {
    for (const one of wake) one()
  }
  const received = (): string => Buffer.concat(chunks).toString('latin1')
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    stir()
  })
  socket.on('error', () => {})
  const leave = (): void => {
    gone = true
    stir()
  }
  socket.on('close', leave)
  socket.on('end', leave)
  const when = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!done()) return
        wake.delete(check)
        resolve()
      }
      wake.add(check)
      check()
    })
  return {
    index,
    socket,
    received,
    async until(text) {
      await when(() => received().includes(text) || gone)
      if (!received().includes(text))
        throw new Error(`closed before ${JSON.stringify(text)} came; got ${JSON.stringify(received())}`)
      return received()
    },
    closed: () => when(() => gone),
  }
}

/** `script` runs for each connection; what it throws fails nothing, the test sees the consequence. */
export const startRawOrigin = async (
  script: (connection: RawConnection) => Promise<void> | void,
): Promise<RawOrigin> => {
  const connections: RawConnection[] = []
  const server = createServer((socket) => {
    const connection = listenTo(socket, connections.length)
    connections.push(connection)
    void Promise.resolve(script(connection)).catch(() => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    connections,
    async [Symbol.asyncDispose]() {
      for (const { socket } of connections) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A script that answers every request (up to the end of its head) with the same bytes, keeping the connection. */
export const answering =
  (answer: string | Buffer) =>
  (connection: RawConnection): void => {
    let answered = 0
    connection.socket.on('data', () => {
      const requests = connection.received().split('\r\n\r\n').length - 1
      for (; answered < requests; answered++) connection.socket.write(answer)
    })
  }

/** A small 200 with a length. */
export const ok = (body = 'hello'): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
