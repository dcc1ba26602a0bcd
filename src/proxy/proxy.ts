import { randomBytes } from 'node:crypto'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  ServerResponse,
  type Server,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Capture, Observation, RequestHead } from '../capture/capture.ts'
import { canonicalAddress } from '../capture/client-address.ts'
import { Exchange, type Front, type ProxyLog, type RequestDone } from './exchange.ts'
import { addForwarded } from './forwarded.ts'
import { defaultLimits, type ProxyLimits } from './limits.ts'
import { createOrigins, type OriginTls } from './origins.ts'
import { sendOptions, sendPage, writePage } from './page.ts'
import { refuse } from './refuse.ts'
import { readRequestFields, type RequestFields } from './request-fields.ts'
import type { SiteRouter } from './router.ts'
import { count, createStats, type ProxyStats } from './stats.ts'

export interface ProxyOptions {
  /** Asked for every request, so that a reload holds from the next one on. Requests under way keep their route. */
  readonly sites: () => SiteRouter
  readonly capture: Capture
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Whether a peer, by its address, is a proxy of the operator's; absent: nobody is. */
  readonly trust?: (address: string) => boolean
  readonly log?: ProxyLog
  readonly limits?: Partial<ProxyLimits>
  readonly originTls?: OriginTls
  /** Our name in `Via`, by which loops are known; one name for all processes of a gateway. */
  readonly via?: string
  readonly onRequestDone?: (done: RequestDone) => void
  /** Takes over WebSocket handshakes; without it they are answered 501. */
  readonly upgrade?: (req: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export interface Proxy {
  readonly server: Server
  /** The same front for another listener. */
  readonly handle: RequestListener
  readonly stats: ProxyStats
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo>
  /** Takes no more, lets what is under way finish for `deadlineMs`, then ends it. */
  close(deadlineMs: number): Promise<void>
}

interface Peer {
  readonly address: string
  readonly trusted: boolean
  readonly secure: boolean
}

/** Only WebSockets are upgraded; any other `Upgrade` (h2c, say) is served as if it were not there (RFC 9110 section 7.8). */
const asksForWebSocket = (req: IncomingMessage): boolean =>
  req.method === 'GET' &&
  req.httpVersionMinor > 0 &&
  /(^|,)\s*websocket\s*($|,)/i.test(req.headers.upgrade ?? '')

const nobody = (): boolean => false

export const createProxy = (options: ProxyOptions): Proxy => {
  const limits: ProxyLimits = { ...defaultLimits, ...options.limits }
  const { sites, capture, now, trust = nobody } = options
  const via = options.via ?? `sluice-${randomBytes(4).toString('hex')}`
  const origins = createOrigins(limits, options.originTls ?? {})
  const stats = createStats()
  const front: Front = {
    origins,
    limits,
    stats,
    log: options.log ?? null,
    onRequestDone: options.onRequestDone ?? null,
    draining: false,
  }

  let router = sites()
  const currentRouter = (): SiteRouter => {
    const current = sites()
    if (current !== router) {
      router = current
      origins.retain(current.routes)
    }
    return current
  }

  // One connection carries many requests of the same peer.
  const peers = new WeakMap<Socket, Peer>()
  const peerOf = (socket: Socket): Peer | null => {
    const known = peers.get(socket)
    if (known !== undefined) return known
    if (socket.remoteAddress === undefined) return null
    const address = canonicalAddress(socket.remoteAddress) ?? socket.remoteAddress
    const peer = { address, trusted: trust(address), secure: 'encrypted' in socket }
    peers.set(socket, peer)
    return peer
  }

  const turnAway = (res: ServerResponse, status: number): void => {
    if (front.draining) res.shouldKeepAlive = false
    sendPage(res, status)
  }

  const observe = (head: RequestHead): Observation | null => {
    try {
      const observation = capture.begin(head)
      if (observation !== null) stats.observed += 1
      return observation
    } catch {
      stats.captureThrew += 1
      return null
    }
  }

  /** `Max-Forwards` counts the gateways an OPTIONS may pass (RFC 9110 section 7.6.2); true: it stops here. */
  const countForward = (req: IncomingMessage, fields: RequestFields): boolean => {
    if (fields.maxForwards === null || req.method !== 'OPTIONS') return false
    const left = Number(fields.maxForwards)
    if (!Number.isInteger(left)) return false
    if (left <= 0) return true
    const at = fields.headers.findIndex((name, index) => index % 2 === 0 && /^max-forwards$/i.test(name))
    fields.headers[at + 1] = String(left - 1)
    return false
  }

  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    stats.requests += 1
    const peer = peerOf(req.socket)
    if (peer === null) {
      res.destroy()
      return
    }
    const method = req.method ?? ''
    const target = req.url ?? ''
    const fields = readRequestFields(req.rawHeaders, peer.trusted)
    const refusal = refuse(method, target, req.httpVersionMinor, fields, via)
    if (refusal !== null) {
      count(stats.refused, refusal.code)
      // What was misread by one may be misread by the next: such a connection is not used again.
      res.shouldKeepAlive = false
      sendPage(res, refusal.status)
      return
    }
    const route = currentRouter().find(fields.host)
    if (route === null) {
      stats.unknownHost += 1
      turnAway(res, 421)
      return
    }
    if (target === '*' || countForward(req, fields)) {
      sendOptions(res)
      return
    }
    const receivedAt = now()
    const { address, secure } = peer
    const observation = observe({
      method,
      target,
      rawHeaders: req.rawHeaders,
      remoteAddress: address,
      secure,
      receivedAt,
    })
    addForwarded(fields, {
      peer: address,
      secure,
      httpVersion: req.httpVersion,
      originHost: route.originHost ?? (fields.host === '' ? route.origin.host : fields.host),
      via,
    })
    stats.active += 1
    new Exchange(front, req, res, route, fields, observation, receivedAt).send()
  }

  const upgrade =
    options.upgrade ??
    ((_req: IncomingMessage, socket: Duplex): void => {
      count(stats.refused, 'upgrade')
      writePage(socket, 501)
    })

  const server = createServer(
    {
      maxHeaderSize: limits.requestHeaderBytes,
      headersTimeout: limits.clientHeadersMs,
      requestTimeout: limits.clientRequestMs,
      keepAliveTimeout: limits.clientKeepAliveMs,
      connectionsCheckingInterval: limits.clientCheckMs,
      shouldUpgradeCallback: asksForWebSocket,
      // Refused here like the other faults of Host, in the same words.
      requireHostHeader: false,
    },
    handle,
  )
  // 0: none is dropped silently, for a dropped Content-Length or second Host is one we would not see.
  server.maxHeadersCount = 0
  server.on('checkContinue', handle)
  server.on('upgrade', (req, socket, head) => {
    // Node has taken its own listener off by now.
    socket.on('error', () => socket.destroy())
    upgrade(req, socket, head)
  })
  server.on('connect', (_req, socket: Duplex) => {
    socket.on('error', () => socket.destroy())
    count(stats.refused, 'method')
    writePage(socket, 405)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    refuseUnreadable(error, socket, stats)
  })

  return {
    server,
    handle,
    stats,
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          server.off('error', reject)
          resolve(server.address() as AddressInfo)
        })
      }),
    close: (deadlineMs) => closeServer(server, front, deadlineMs),
  }
}

const statusOfParserError: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** A message the parser gave up on. Where an answer is already on its way there is nothing more to say. */
const refuseUnreadable = (error: NodeJS.ErrnoException, socket: Duplex, stats: ProxyStats): void => {
  const status = statusOfParserError[error.code ?? ''] ?? 400
  count(stats.refused, status === 408 ? 'client_timeout' : 'unreadable')
  // The response whose turn it is on this socket; Node's own handler of this event asks the same field.
  const current: unknown = Reflect.get(socket, '_httpMessage')
  const begun = current instanceof ServerResponse && current.headersSent
  if (socket.writable && error.code !== 'ECONNRESET' && !begun) writePage(socket, status)
  else socket.destroy()
}

const closeServer = async (server: Server, front: Front, deadlineMs: number): Promise<void> => {
  front.draining = true
  const closed = new Promise<void>((resolve) => {
    // It reports an error when it never listened; closed is closed.
    server.close(() => resolve())
  })
  server.closeIdleConnections()
  // Answers whose heads had gone out leave a connection open that is idle afterwards.
  const idle = setInterval(() => server.closeIdleConnections(), 50)
  const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs)
  await closed
  clearInterval(idle)
  clearTimeout(deadline)
  await front.origins.destroy()
}
