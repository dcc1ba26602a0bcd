import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { buildConnector, Pool, type Dispatcher } from 'undici'
import type { ProxyLimits } from './limits.ts'
import type { Route } from './router.ts'

/**
 * One pool of connections per origin, kept as long as a route leads there. Of HTTP/1.1 only: undici's HTTP/2 hands fields over
 * as an object, both ways, in which repeated ones are joined and their order is lost, and does not know `maxHeaderSize`.
 */

export interface Upstream {
  readonly dispatcher: Dispatcher
  inFlight: number
  /**
   * True while undici handles the reset of one of this origin's sockets. undici takes a reset for the clean end of an
   * answer that only the end of the connection delimits; who is told "end" at that moment knows better.
   */
  resetting: boolean
}

export interface Origins {
  of(route: Route): Upstream
  /** Pools that none of these routes needs finish what they carry, then close. */
  retain(routes: readonly Route[]): void
  /** Ends all connections, busy ones too. */
  destroy(): Promise<void>
}

/** What TLS towards origins needs beyond the defaults, such as a private certificate authority. */
export type OriginTls = Pick<ConnectionOptions, 'ca' | 'rejectUnauthorized'>

/**
 * Bytes that wait in an origin's socket for a slow visitor. A quarter of undici's own measure carries as many bytes per
 * second; the option is Node's and missing in undici's types.
 */
const buffering = { highWaterMark: 16_384 }

const createUpstream = (route: Route, limits: ProxyLimits, tls: OriginTls): Upstream => {
  const connect = buildConnector({
    ...tls,
    ...buffering,
    timeout: limits.connectMs,
    allowH2: false,
  })
  // An address is no server name (RFC 6066 section 3); the certificate is then checked against the address itself.
  const servername = isIP(route.serverName) === 0 ? route.serverName : ''
  const upstream: Upstream = {
    inFlight: 0,
    resetting: false,
    dispatcher: new Pool(route.origin.origin, {
      allowH2: false,
      pipelining: 1,
      headersTimeout: limits.answerMs,
      bodyTimeout: limits.bodyIdleMs,
      maxHeaderSize: limits.answerHeaderBytes,
      keepAliveTimeout: limits.originKeepAliveMs,
      connect: (options, callback) => {
        connect({ ...options, servername }, (...result) => {
          // First in line, before undici's own listener: see `resetting`.
          result[1]?.on('error', () => {
            upstream.resetting = true
            queueMicrotask(() => {
              upstream.resetting = false
            })
          })
          callback(...result)
        })
      },
    }),
  }
  return upstream
}

export const createOrigins = (limits: ProxyLimits, tls: OriginTls): Origins => {
  const upstreams = new Map<string, Upstream>()
  const retired = new Set<Dispatcher>()
  const retire = (dispatcher: Dispatcher): void => {
    retired.add(dispatcher)
    const forget = (): void => void retired.delete(dispatcher)
    dispatcher.close().then(forget, forget)
  }
  return {
    of(route) {
      const known = upstreams.get(route.poolKey)
      if (known !== undefined) return known
      const created = createUpstream(route, limits, tls)
      upstreams.set(route.poolKey, created)
      return created
    },
    retain(routes) {
      const needed = new Set(routes.map((route) => route.poolKey))
      for (const [key, { dispatcher }] of upstreams) {
        if (needed.has(key)) continue
        upstreams.delete(key)
        retire(dispatcher)
      }
    },
    async destroy() {
      const all = [...retired, ...[...upstreams.values()].map(({ dispatcher }) => dispatcher)]
      upstreams.clear()
      await Promise.all(all.map((dispatcher) => dispatcher.destroy()))
    },
  }
}
