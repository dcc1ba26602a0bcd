import { connect, type Socket } from 'node:net'
import { percentile } from './numbers.ts'
import { visitor } from './wrk.ts'

/**
 * Visitors who come when they come and not when the server is ready for them: requests are due at a fixed rate, and each
 * is timed from when it was due, so that a server that stalls is charged for everybody who had to wait ("coordinated
 * omission" is what it is called to leave them out). `node open-load.ts <port> <path> <requests per second> <seconds>`;
 * prints JSON.
 */
export interface OpenRound {
  readonly requests: number
  /** From when it was due to the last byte, in ms. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  /** How late the load itself was with its turn to send them; the 99th percentile. Where it is not small nothing is known. */
  readonly lateMs: number
}

const [port = '', path = '', perSecond = '', seconds = ''] = process.argv.slice(2)
const head = Buffer.from(
  `GET ${path} HTTP/1.1\r\n${Object.entries(visitor)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`,
)
const total = Number(perSecond) * Number(seconds)
const gapMs = 1_000 / Number(perSecond)
const took: number[] = []
const late: number[] = []
const free = new Set<Socket>()
/** When the requests were due that wait for a connection; they wait on the server's account. */
const waiting: number[] = []
/** More at a time would be a flood, which servers turn away, and not a load. */
const maxConnections = 256
let connections = 0
const done = Promise.withResolvers<void>()

const open = (): Socket => {
  connections += 1
  const socket = connect(Number(port), '127.0.0.1')
  socket.setNoDelay(true)
  const fail = (error: Error): void => {
    // A server may end what nobody used for a while.
    if (!free.delete(socket)) done.reject(error)
  }
  socket.once('error', fail)
  socket.once('close', () => {
    connections -= 1
    if (!socket.errored) fail(new Error('the server closed a connection in use'))
  })
  return socket
}

/** A connection carries one request at a time. */
const ask = (socket: Socket, due: number): void => {
  let received = 0
  let expected = -1
  const onData = (chunk: Buffer): void => {
    if (expected < 0) {
      // The head comes whole with the first bytes on a loopback.
      const end = chunk.indexOf('\r\n\r\n')
      const length = /^HTTP\/1\.1 200 [\s\S]*?\r\ncontent-length: (\d+)\r\n/i.exec(
        chunk.toString('latin1', 0, end + 2),
      )
      if (length === null) return done.reject(new Error(`no answer: ${chunk.toString('latin1', 0, 200)}`))
      expected = end + 4 + Number(length[1])
    }
    received += chunk.length
    if (received < expected) return
    socket.off('data', onData)
    took.push(performance.now() - due)
    if (took.length === total) done.resolve()
    const next = waiting.shift()
    if (next === undefined) free.add(socket)
    else ask(socket, next)
  }
  socket.on('data', onData)
  socket.write(head)
}

const begun = performance.now() + 100
let sent = 0
const tick = (): void => {
  const now = performance.now()
  for (; sent < total && begun + sent * gapMs <= now; sent += 1) {
    late.push(now - (begun + sent * gapMs))
    const due = begun + sent * gapMs
    const [idle] = free
    if (idle !== undefined) {
      free.delete(idle)
      ask(idle, due)
    } else if (connections < maxConnections) ask(open(), due)
    else waiting.push(due)
  }
  // A timer of Node's sleeps a millisecond at the least, which would be in every number.
  if (sent < total) setImmediate(tick)
}
tick()
await done.promise
const round: OpenRound = {
  requests: took.length,
  p50Ms: percentile(took, 0.5),
  p99Ms: percentile(took, 0.99),
  p999Ms: percentile(took, 0.999),
  lateMs: percentile(late, 0.99),
}
process.stdout.write(JSON.stringify(round))
process.exit()
