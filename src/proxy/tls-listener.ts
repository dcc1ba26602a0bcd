import type { Server as HttpServer } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { Client } from './client.ts'
import { Http2Client } from './client-http2.ts'
import { readHttp2Head, type Http2Head, type Http2Refusal } from './http2-request.ts'
import { createHttp2Sessions } from './http2-sessions.ts'
import type { ProxyLimits } from './limits.ts'
import { inheritName } from './proxy-protocol.ts'
import { count, type ProxyStats } from './stats.ts'

/** Which certificate a name is served with. Asked for every handshake, so that a new one holds from the next on. */
export interface Certificates {
  /** `null`: no site of this name is served here. */
  find(name: string): SecureContext | null
  /** `use` is called now and at each change: what who names nobody (an address was opened, not a name) is served with. */
  followNameless(use: (pair: { readonly cert: string; readonly key: string } | null) => void): void
  /** The certificate by which a name is proven to an authority (RFC 8737), while it asks. */
  proof?(name: string): SecureContext | null
}

export interface TlsListener {
  readonly server: Http2SecureServer
  /** No new connections, no new streams; what is under way may finish. */
  drain(): void
  /** Ends what is still there. */
  destroy(): void
}

interface Needs {
  readonly certificates: Certificates
  readonly limits: ProxyLimits
  readonly stats: ProxyStats
  readonly now: () => number
  /** Takes what speaks HTTP/1.1, so that there is one parser with one set of limits. */
  readonly http1: HttpServer
  readonly serve: (
    client: Client,
    session: ServerHttp2Session,
    remoteAddress: string,
    refusal: Http2Refusal | null,
  ) => void
}

const acmeProtocol = 'acme-tls/1'

/** A fatal `unrecognized_name` (RFC 6066 section 3) in a record of its own, still in the clear as no key is agreed on. */
const unrecognizedName = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70])

const endStream = 0x1

/**
 * TLS in front: certificates by name, HTTP/2 where the client can, HTTP/1.1 else.
 *
 *     handshake ── h2 ────────────> streams ──> serve
 *         └─────── http/1.1, none ──> http1 ───> serve
 */
export const createTlsListener = (needs: Needs): TlsListener => {
  const { certificates, limits, stats, now, http1, serve } = needs
  const sessions = createHttp2Sessions(limits, stats, now)

  // OpenSSL asks for the protocol before the certificate in TLS 1.3, and after it in TLS 1.2.
  const proven = new WeakSet<TLSSocket>()

  const server = createSecureServer({
    minVersion: 'TLSv1.2',
    handshakeTimeout: limits.handshakeMs,
    SNICallback(this: TLSSocket, name, done) {
      const known = proven.has(this) ? null : certificates.find(name)
      const context = known ?? certificates.proof?.(name) ?? null
      if (context !== null) {
        done(null, context)
        return
      }
      // Node has no way to send this alert; nothing has been said yet on the socket below.
      const below: unknown = Reflect.get(this, '_parent')
      if (isWritable(below)) below.write(unrecognizedName)
      done(new UnknownNameError())
    },
    ALPNCallback(this: TLSSocket, { servername, protocols }) {
      // Of who names nobody it is `false`, whatever Node's types say.
      const name = servername || ''
      // Looked for only where it may be of use: it may cost a look at the disk.
      const asked = protocols.includes(acmeProtocol)
      const wanted = name !== '' && (asked || certificates.find(name) === null)
      const proof = wanted ? (certificates.proof?.(name) ?? null) : null
      if (proof !== null && asked) {
        proven.add(this)
        this.setKeyCert(proof)
        return acmeProtocol
      }
      // A certificate that only proves a name is not for visitors.
      if (proof !== null) return undefined
      return protocols.includes('h2') ? 'h2' : protocols.includes('http/1.1') ? 'http/1.1' : undefined
    },
    settings: {
      maxConcurrentStreams: limits.streamsPerConnection,
      initialWindowSize: streamWindow,
      // What we refuse with words lies below.
      maxHeaderListSize: 2 * limits.requestHeaderBytes,
    },
    // Crumbs of cookies are counted one by one here.
    maxHeaderListPairs: 2 * limits.requestHeaderCount,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    streamResetBurst: 200,
    streamResetRate: 20,
    // Fields that the origin repeats are the origin's business.
    strictSingleValueFields: false,
  })

  // Those still in their handshake belong to nobody else.
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  certificates.followNameless((pair) => server.setSecureContext(pair ?? {}))
  // Node tells of a session while it is being told of its socket.
  let arriving: TLSSocket | null = null
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    inheritName(socket)
    arriving = socket
  })
  server.on('session', (session) => {
    // Node takes whatever is not HTTP/1.1 for HTTP/2; who came for a proof has seen it by now.
    if (arriving === null || arriving.alpnProtocol !== 'h2') session.destroy()
    else sessions.open(session, arriving)
  })
  const onStream = (stream: ServerHttp2Stream, _headers: unknown, flags: number, raw: string[]): void => {
    stats.requests += 1
    const hasBody = (flags & endStream) === 0
    sessions.begin(stream, hasBody)
    const session = stream.session
    const address = session?.destroyed === false ? session.socket.remoteAddress : undefined
    const head = readHttp2Head(raw, limits.requestHeaderBytes)
    const [request, refusal] = 'code' in head ? [unread, head] : [head, null]
    const client = new Http2Client(stream, request, hasBody, address ?? '')
    if (session === undefined || address === undefined) client.destroy()
    else serve(client, session as ServerHttp2Session, address, refusal)
  }
  server.on('stream', onStream)
  server.on('unknownProtocol', (socket: TLSSocket) => {
    http1.emit('connection', socket)
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
    count(stats.handshakeFailed, error.code ?? 'error')
  })
  server.on('sessionError', ignore)

  return {
    server,
    drain() {
      server.close()
      sessions.drain()
    },
    destroy() {
      sessions.destroy()
      for (const socket of sockets) socket.destroy()
    },
  }
}

const streamWindow = 262_144

const unread: Http2Head = { method: '', target: '', rawHeaders: [] }

class UnknownNameError extends Error {
  readonly code = 'UNKNOWN_NAME'
}

const isWritable = (value: unknown): value is { write(bytes: Buffer): unknown } =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, 'write') === 'function'

const ignore = (): void => {}
