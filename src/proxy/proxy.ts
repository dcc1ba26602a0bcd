import { randomBytes } from 'node:crypto'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  ServerResponse,
  type Server,
} from 'node:http'
import { Socket, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Capture, Observation, RequestHead } from '../capture/capture.ts'
import { canonicalAddress } from '../capture/client-address.ts'
import type { Client } from './client.ts'
import { Http1Client } from './client-http1.ts'
import { limitConnections } from './connections.ts'
import { Exchange, type Front, type ProxyLog, type RequestDone } from './exchange.ts'
import { addForwarded, type Passage } from './forwarded.ts'
import { isIngest, serveIngest, type Ingest } from './ingest.ts'
import { defaultLimits, type ProxyLimits } from './limits.ts'
import { closeServers, listenOn, type ListenAddress } from './listen.ts'
import { createOrigins, type OriginTls } from './origins.ts'
import { ownFile, sendFile } from './own-file.ts'
import { sendOptions, sendPage, sendProof, sendRedirect, writePage } from './page.ts'
import { proofToken } from './proof.ts'
import { createProxyProtocol } from './proxy-protocol.ts'
import { secureLocation, type Peer } from './redirect.ts'
import { refuse } from './refuse.ts'
import { readRequestFields, type RequestFields } from './request-fields.ts'
import type { Route, SiteRouter } from './router.ts'
import { count, createStats, type ProxyStats } from './stats.ts'
import { createTlsListener, type Certificates, type TlsListener } from './tls-listener.ts'
import { createUpgrades } from './upgrade.ts'

export interface ProxyOptions {
  /** Asked for every request, so that a reload holds from the next one on. Requests under way keep their route. */
  readonly sites: () => SiteRouter
  readonly capture: Capture
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Whether a peer, by its address, is a proxy of the operator's; absent: nobody is. */
  readonly trust?: (address: string) => boolean
  /** Visitors come through balancers that write a header of the PROXY protocol; whom `trust` does not know is turned away. */
  readonly proxyProtocol?: boolean
  readonly log?: ProxyLog
  readonly limits?: Partial<ProxyLimits>
  readonly originTls?: OriginTls
  /** Our name in `Via`, by which loops are known; one name for all processes of a gateway. */
  readonly via?: string
  readonly onRequestDone?: (done: RequestDone) => void
  /** For `listenTls`. */
  readonly certificates?: Certificates
  /** What an authority that tests a name is to find under this token (RFC 8555 section 8.3); `null`: none of ours. */
  readonly proofOf?: (token: string) => string | null
  /** Answers `/tracking/ingest` on the hosts of sites that ask for it. */
  readonly ingest?: Ingest
}

export interface Proxy {
  readonly server: Server
  /** The same front for another listener. */
  readonly handle: RequestListener
  /** The same for WebSockets; the listener must call it for nothing else. */
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void
  readonly stats: ProxyStats
  listen(address: ListenAddress): Promise<AddressInfo>
  /** The same site over TLS, HTTP/2 or HTTP/1.1; at most once, and only with `certificates`. */
  listenTls(address: ListenAddress): Promise<AddressInfo>
  /** Takes no more, lets what is under way finish for `deadlineMs`, then ends it. */
  close(deadlineMs: number): Promise<void>
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
  const peers = new WeakMap<object, Peer>()
  const knownPeer = (connection: object, remoteAddress: string | undefined, secure: boolean): Peer | null => {
    const known = peers.get(connection)
    if (known !== undefined) return known
    if (remoteAddress === undefined) return null
    const canonical = canonicalAddress(remoteAddress)
    const peer = {
      address: canonical ?? remoteAddress,
      trusted: canonical !== null && trust(canonical),
      secure,
    }
    peers.set(connection, peer)
    return peer
  }
  const peerOf = (socket: Socket): Peer | null =>
    knownPeer(socket, socket.remoteAddress, 'encrypted' in socket)

  const turnAway = (client: Client, status: number): void => {
    if (front.draining) client.leaveAfterwards()
    sendPage(client, status)
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
  const countForward = (method: string, fields: RequestFields): boolean => {
    if (fields.maxForwards === null || method !== 'OPTIONS') return false
    const left = Number(fields.maxForwards)
    if (!Number.isInteger(left)) return false
    if (left <= 0) return true
    const at = fields.headers.findIndex((name, index) => index % 2 === 0 && /^max-forwards$/i.test(name))
    fields.headers[at + 1] = String(left - 1)
    return false
  }

  const passageOf = (httpVersion: string, peer: Peer, route: Route, fields: RequestFields): Passage => ({
    peer: peer.address,
    secure: peer.secure,
    httpVersion,
    originHost: route.originHost ?? (fields.host === '' ? route.origin.host : fields.host),
    via,
  })

  /** Answers of our own are requests, too, to who counts them; what we refuse is no failure. */
  const tellOwn = (
    asked: Pick<Client, 'method' | 'target' | 'rawHeaders'>,
    peer: Peer,
    status: number,
    site = '',
  ): void => {
    const { onRequestDone } = front
    if (onRequestDone === null) return
    const { method, target, rawHeaders } = asked
    try {
      const told = { method, target, rawHeaders, peer: peer.address, failure: null, startedAt: now() }
      onRequestDone({ site, status, ...told })
    } catch {
      // Whoever counts requests must not break them.
    }
  }

  const turnDown = (
    client: Client,
    peer: Peer,
    { status, code }: { readonly status: number; readonly code: string },
  ): void => {
    count(stats.refused, code)
    // What was misread by one may be misread by the next: such a connection is not used again.
    client.leaveAfterwards()
    sendPage(client, status)
    tellOwn(client, peer, status)
  }

  const serve = (client: Client, peer: Peer): void => {
    const { method, target, rawHeaders, httpVersion } = client
    if (rawHeaders.length > 2 * limits.requestHeaderCount) {
      turnDown(client, peer, { status: 431, code: 'header_count' })
      return
    }
    const fields = readRequestFields(rawHeaders, peer.trusted, client.hasBody)
    const refusal = refuse(method, target, httpVersion === '1.0' ? 0 : 1, fields, via)
    if (refusal !== null) {
      turnDown(client, peer, refusal)
      return
    }
    // Before any site and any rule: a name is tested before it is served.
    const token = proofToken(method, target)
    const proof = token === null ? null : (options.proofOf?.(token) ?? null)
    if (proof !== null) {
      sendProof(client, proof)
      tellOwn(client, peer, 200)
      return
    }
    const route = currentRouter().find(fields.host)
    if (route === null) {
      stats.unknownHost += 1
      turnAway(client, 421)
      tellOwn(client, peer, 421)
      return
    }
    const elsewhere = secureLocation(route, target, fields, peer, rawHeaders)
    if (elsewhere !== null) {
      stats.redirected += 1
      sendRedirect(client, elsewhere)
      tellOwn(client, peer, 308, route.site)
      return
    }
    if (options.ingest !== undefined && route.ingest && isIngest(target)) {
      serveIngest(front, options.ingest, { client, site: route.site, fields }, (status) =>
        tellOwn(client, peer, status, route.site),
      )
      return
    }
    const file = ownFile(method, target)
    if (file !== null) {
      sendFile(client, file)
      tellOwn(client, peer, 200, route.site)
      return
    }
    if (target === '*' || countForward(method, fields)) {
      sendOptions(client)
      tellOwn(client, peer, 200, route.site)
      return
    }
    const receivedAt = now()
    const { address, secure } = peer
    const observation = observe({
      method,
      target,
      rawHeaders,
      remoteAddress: address,
      secure,
      receivedAt,
    })
    if (observation?.refused === true) {
      sendPage(client, 503)
      tellOwn(client, peer, 503, route.site)
      return
    }
    addForwarded(fields, passageOf(httpVersion, peer, route, fields))
    stats.active += 1
    new Exchange(front, client, route, fields, observation, receivedAt).send()
  }

  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    stats.requests += 1
    const peer = peerOf(req.socket)
    if (peer === null) res.destroy()
    else serve(new Http1Client(req, res), peer)
  }

  const upgrades = createUpgrades(front, options.originTls ?? {})
  const upgrade = (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    stats.requests += 1
    // Node has taken its own listener off by now.
    socket.on('error', () => socket.destroy())
    const peer = socket instanceof Socket ? peerOf(socket) : null
    if (!(socket instanceof Socket) || peer === null) {
      socket.destroy()
      return
    }
    const { rawHeaders } = req
    const target = req.url ?? ''
    const turnAway = (status: number, site = ''): void => {
      writePage(socket, status)
      tellOwn({ method: 'GET', target, rawHeaders }, peer, status, site)
    }
    if (rawHeaders.length > 2 * limits.requestHeaderCount) {
      count(stats.refused, 'header_count')
      turnAway(431)
      return
    }
    const fields = readRequestFields(rawHeaders, peer.trusted)
    const refusal = refuse('GET', target, req.httpVersionMinor, fields, via)
    // A handshake has no body (RFC 6455 section 4.1): its bytes would be frames to one reader and a body to another.
    if (refusal !== null || fields.hasBody) {
      count(stats.refused, refusal?.code ?? 'upgrade_body')
      turnAway(refusal?.status ?? 400)
      return
    }
    const route = currentRouter().find(fields.host)
    if (route === null) {
      stats.unknownHost += 1
      turnAway(421)
      return
    }
    // A page can be sent on to https; a script that opens `ws:` where the site is only to be had encrypted is at fault.
    if (secureLocation(route, target, fields, peer, rawHeaders) !== null) {
      count(stats.refused, 'not_secure')
      turnAway(403, route.site)
      return
    }
    if (options.ingest !== undefined && route.ingest && isIngest(target)) {
      count(stats.refused, 'method')
      turnAway(405, route.site)
      return
    }
    addForwarded(fields, passageOf(req.httpVersion, peer, route, fields))
    const handshake = { req, socket, head, route, fields, peer: peer.address, startedAt: now() }
    if (!upgrades.begin(handshake)) turnAway(503, route.site)
  }

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
  server.on('upgrade', upgrade)
  server.on('connect', (_req, socket: Duplex) => {
    socket.on('error', () => socket.destroy())
    count(stats.refused, 'method')
    writePage(socket, 405)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    refuseUnreadable(error, socket, stats)
  })
  const connections = limitConnections(limits.connectionsPerAddress, trust, () => {
    stats.connectionsRefused += 1
  })
  connections.watch(server)
  const proxyProtocol =
    options.proxyProtocol === true
      ? createProxyProtocol({ trust, headerMs: limits.proxyHeaderMs, stats })
      : null
  proxyProtocol?.guard(server)
  let tls: TlsListener | null = null

  return {
    server,
    handle,
    upgrade,
    stats,
    listen: (address) => listenOn(server, address),
    listenTls: async (address) => {
      const { certificates } = options
      if (certificates === undefined || tls !== null)
        throw new Error('TLS needs certificates, and one listener')
      tls = createTlsListener({
        certificates,
        limits,
        stats,
        now,
        http1: server,
        serve: (client, session, remoteAddress, refusal) => {
          const peer = knownPeer(session, remoteAddress, true)
          if (peer === null) return
          if (refusal === null) serve(client, peer)
          else turnDown(client, peer, refusal)
        },
      })
      connections.watch(tls.server)
      proxyProtocol?.guard(tls.server)
      return listenOn(tls.server, address)
    },
    close: (deadlineMs) => {
      const closed = closeServers(server, tls, front, upgrades, deadlineMs)
      proxyProtocol?.drain()
      return closed
    },
  }
}

const statusOfParserError: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** A message the parser gave up on. Where an answer is already on its way there is nothing more to say. */
const refuseUnreadable = (error: NodeJS.ErrnoException, socket: Duplex, stats: ProxyStats): void => {
  // What comes behind a connection's last request is nobody's (RFC 9112 section 9.6); the request is still answered.
  if (error.code === 'HPE_CLOSED_CONNECTION') return
  const status = statusOfParserError[error.code ?? ''] ?? 400
  count(stats.refused, status === 408 ? 'client_timeout' : 'unreadable')
  // The response whose turn it is on this socket; Node's own handler of this event asks the same field.
  const current: unknown = Reflect.get(socket, '_httpMessage')
  const begun = current instanceof ServerResponse && current.headersSent
  if (socket.writable && error.code !== 'ECONNRESET' && !begun) writePage(socket, status)
  else socket.destroy()
}
