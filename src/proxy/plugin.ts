import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Capture, Observation, RequestHead } from '../capture/capture.ts'

/**
 * The other host of capture: a proxy server that somebody else runs. It looks on. No byte, no header and no order of events
 * is other than without it; nothing it does may throw into its host; WebSockets it does not look at.
 */

/** What is used of an http-proxy-3 server; node-http-proxy and its other successors have the same. */
export interface ObservedProxy {
  on(event: 'proxyReq', listener: OnProxyReq): unknown
  on(event: 'proxyRes', listener: OnProxyRes): unknown
  off(event: 'proxyReq', listener: OnProxyReq): unknown
  off(event: 'proxyRes', listener: OnProxyRes): unknown
}

type OnProxyReq = (outgoing: ClientRequest, req: IncomingMessage, res: ServerResponse) => void
type OnProxyRes = (answer: IncomingMessage, req: IncomingMessage, res: ServerResponse) => void

export interface Plugin {
  /** A second server may be attached too; the same one twice is once. */
  attach(server: ObservedProxy): void
  /** Pages that are looked at now. */
  readonly watching: number
  /** Takes no new pages, watches those under way for `deadlineMs` to their end, and leaves no listener behind. */
  close(deadlineMs: number): Promise<void>
}

export interface PluginOptions {
  readonly capture: Capture
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** A fault of ours; the page went on. */
  readonly onFault: (error: unknown) => void
}

/** One request whose page may count. */
interface Watched {
  answered(answer: IncomingMessage): void
  abort(): void
}

/** Frameworks that mount a proxy under a path shorten `url` and keep what the visitor asked for here. */
const targetOf = (req: IncomingMessage): string => {
  const original: unknown = Reflect.get(req, 'originalUrl')
  return typeof original === 'string' ? original : (req.url ?? '')
}

/**
 * Hears every chunk that somebody else reads, and never reads itself: a listener for `data` would set a stream flowing
 * whose reader has yet to come, and the reader would miss what passed. So it comes when the reader comes.
 */
const tap = (answer: IncomingMessage, hear: (chunk: Buffer) => void): void => {
  if (answer.readableFlowing !== null || answer.listenerCount('readable') > 0) {
    answer.on('data', hear)
    return
  }
  const reader = (event: string | symbol): void => {
    if (event !== 'data' && event !== 'readable') return
    answer.off('newListener', reader)
    answer.on('data', hear)
  }
  answer.on('newListener', reader)
}

export const createPlugin = ({ capture, now, onFault }: PluginOptions): Plugin => {
  const begun = new WeakMap<IncomingMessage, Watched | null>()
  const watching = new Set<Watched>()
  const attached = new Set<ObservedProxy>()
  let closing = false
  let onIdle: (() => void) | null = null

  const fault = (error: unknown): void => {
    try {
      onFault(error)
    } catch {
      // Nothing of ours may reach the host, a broken log neither.
    }
  }

  const guard = (what: () => void): void => {
    try {
      what()
    } catch (error) {
      fault(error)
    }
  }

  const watch = (observation: Observation, res: ServerResponse): Watched => {
    let answer: IncomingMessage | null = null
    let whole = false
    let finished = false
    let over = false

    /** A host may answer in the origin's place; then it was not the page that the origin sent. */
    const passed = (): boolean => finished && whole && answer?.statusCode === res.statusCode

    const settle = (complete: boolean): void => {
      if (over) return
      over = true
      watching.delete(watched)
      guard(() => {
        if (complete) observation.end()?.catch(fault)
        else observation.abort()
      })
      if (watching.size === 0) onIdle?.()
    }

    const watched: Watched = {
      answered: (one) => {
        if (answer !== null || over) return
        answer = one
        observation.responseHead({ status: one.statusCode ?? 0, rawHeaders: one.rawHeaders })
        tap(one, (chunk) => {
          if (!over) guard(() => observation.chunk(chunk))
        })
        one.once('end', () => {
          whole = one.complete
        })
      },
      abort: () => settle(false),
    }
    watching.add(watched)
    res.once('finish', () => {
      finished = true
    })
    res.once('close', () => settle(passed()))
    return watched
  }

  const begin = (req: IncomingMessage, res: ServerResponse): Watched | null => {
    const known = begun.get(req)
    // A host that asks again after a failure still serves the one request.
    if (known !== undefined || closing) return known ?? null
    begun.set(req, null)
    const head: RequestHead = {
      method: req.method ?? '',
      target: targetOf(req),
      rawHeaders: req.rawHeaders,
      remoteAddress: req.socket.remoteAddress ?? '',
      secure: 'encrypted' in req.socket,
      receivedAt: now(),
    }
    const observation = capture.begin(head)
    const watched = observation === null ? null : watch(observation, res)
    begun.set(req, watched)
    return watched
  }

  const onProxyReq: OnProxyReq = (_outgoing, req, res) => guard(() => void begin(req, res))
  // Requests with `Expect` are announced here only.
  const onProxyRes: OnProxyRes = (answer, req, res) => guard(() => begin(req, res)?.answered(answer))

  return {
    attach(server) {
      if (closing || attached.has(server)) return
      attached.add(server)
      server.on('proxyReq', onProxyReq)
      server.on('proxyRes', onProxyRes)
    },
    get watching() {
      return watching.size
    },
    async close(deadlineMs) {
      closing = true
      for (const server of attached) server.off('proxyReq', onProxyReq)
      if (watching.size > 0) {
        const idle = Promise.withResolvers<void>()
        onIdle = idle.resolve
        const deadline = setTimeout(idle.resolve, deadlineMs)
        await idle.promise
        clearTimeout(deadline)
      }
      for (const server of attached) server.off('proxyRes', onProxyRes)
      attached.clear()
      for (const watched of watching) watched.abort()
    },
  }
}
