import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

/**
 * The shape of a platform's stand-in: a real HTTP server that is strict where the platform is strict, keeps what it took,
 * and misbehaves on request. Each platform's module says what it takes; it is written from the platform's papers, never
 * from our own code. Started by hand it prints what arrives: `node test/platforms/meta.ts --port 9001`.
 */

export interface PlatformRequest {
  /** Milliseconds since the epoch at which the last byte of the body was here. */
  readonly at: number
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body read as JSON; `undefined` when it is none. */
  readonly json: unknown
  /** What was answered; `null` while nothing was, and for good when the connection was cut. */
  status: number | null
}

export interface PlatformAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A text as it is, anything else as JSON. */
  readonly body?: unknown
}

/** How the next request fares instead of its ordinary way. */
interface Misbehaviour {
  /** Answered in place of the platform's own answer; without it the own answer is only delayed. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly delayMs?: number
  /** The connection is cut once the whole body was read. */
  readonly resetAfterBody?: boolean
  /** The body is read and nothing is ever answered. */
  readonly hang?: boolean
  /** The platform takes the request all the same: the answer lies. */
  readonly taken?: boolean
}

export interface Platform extends AsyncDisposable {
  /** `http://127.0.0.1:port`, the value for `endpoint`. The same after `down` and `up`. */
  readonly url: string
  readonly requests: readonly PlatformRequest[]
  /** One entry per coming request, in order. */
  next(...misbehaviours: readonly Misbehaviour[]): void
  /** Nobody listens on the port any more, and open connections are cut. */
  down(): Promise<void>
  up(): Promise<void>
}

export interface PlatformOptions {
  /** 0, when absent: any free port. */
  readonly port?: number
  /** Milliseconds since the epoch, for what depends on the age of events. */
  readonly now?: () => number
  /** Told of each request once its answer is known. */
  readonly onRequest?: (request: PlatformRequest, answer: PlatformAnswer | null) => void
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const readText = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

const write = (response: ServerResponse, { status, headers = {}, body }: PlatformAnswer): void => {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const type =
    body === undefined ? {} : { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' }
  response.writeHead(status, { ...type, ...headers }).end(text)
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

/** `take` is asked once per request that reaches the platform, and keeps what it accepts. */
export const startPlatform = async (
  take: (request: PlatformRequest) => PlatformAnswer,
  { port = 0, now = Date.now, onRequest = () => {} }: PlatformOptions = {},
): Promise<Platform> => {
  const requests: PlatformRequest[] = []
  const script: Misbehaviour[] = []

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await readText(incoming)
    const address = new URL(incoming.url ?? '/', 'http://platform.invalid')
    const request: PlatformRequest = {
      at: now(),
      method: incoming.method ?? '',
      path: address.pathname,
      query: address.searchParams,
      headers: incoming.headers,
      text,
      json: jsonOf(text),
      status: null,
    }
    requests.push(request)
    const oddity = script.shift() ?? {}
    const overruled = oddity.status !== undefined || oddity.resetAfterBody === true || oddity.hang === true
    const own = !overruled || oddity.taken === true ? take(request) : null
    if (oddity.delayMs !== undefined) await sleep(oddity.delayMs, undefined, { ref: false })
    if (oddity.hang === true) return onRequest(request, null)
    if (oddity.resetAfterBody === true) {
      incoming.socket.resetAndDestroy()
      return onRequest(request, null)
    }
    const answer: PlatformAnswer =
      oddity.status === undefined ? (own ?? { status: 500 }) : { ...oddity, status: oddity.status }
    request.status = answer.status
    write(response, answer)
    onRequest(request, answer)
  }

  const create = (): Server =>
    createServer((incoming, response) => {
      handle(incoming, response).catch((error: unknown) => {
        // A client that goes away while it speaks is part of the game.
        if (!response.headersSent && response.writable) write(response, { status: 500, body: String(error) })
      })
    })

  let server: Server | null = create()
  await listen(server, port)
  const fixedPort = (server.address() as AddressInfo).port

  const down = async (): Promise<void> => {
    const running = server
    server = null
    if (running !== null) await close(running)
  }
  return {
    url: `http://127.0.0.1:${fixedPort}`,
    requests,
    next: (...misbehaviours) => {
      script.push(...misbehaviours)
    },
    down,
    up: async () => {
      if (server !== null) return
      const fresh = create()
      await listen(fresh, fixedPort)
      server = fresh
    },
    [Symbol.asyncDispose]: down,
  }
}

/** Adds what one platform has besides to the common shape; getters stay getters. */
export const extend = <T extends object>(platform: Platform, more: T): Platform & T =>
  Object.create(platform, Object.getOwnPropertyDescriptors(more)) as Platform & T

/** For the end of each platform's module, behind `import.meta.main`. */
export const runByHand = async (
  name: string,
  start: (options: PlatformOptions) => Promise<Platform>,
): Promise<void> => {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } })
  const platform = await start({
    port: Number(values.port),
    onRequest: ({ method, path, json, text }, answer) => {
      console.log(`${method} ${path} -> ${answer === null ? 'no answer' : answer.status}`)
      console.log(JSON.stringify(json ?? text, null, 2))
      if (answer?.body !== undefined) console.log(JSON.stringify(answer.body))
    },
  })
  console.log(`${name} listens on ${platform.url}`)
}
