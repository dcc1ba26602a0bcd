import { once } from 'node:events'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect, createSecureContext, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { ProxyOptions } from '../../src/proxy/proxy.ts'
import type { RoutedSite } from '../../src/proxy/router.ts'
import type { Certificates } from '../../src/proxy/tls-listener.ts'
import certificates from '../certificates/certificates.json' with { type: 'json' }
import { listenTo, type RawConnection } from '../origins/raw-origin.ts'
import { startGateway, type Gateway } from './support.ts'

/** A gateway that serves `shop.test` over TLS, and clients that trust it. */

export const authority = certificates.authority

const shop = createSecureContext(certificates.shop)

/** `shop.test` and the names below it; whoever names nobody gets nothing. */
export const shopCertificates: Certificates = {
  find: (name) => (/(^|\.)shop\.test$/.test(name) ? shop : null),
  followNameless: () => {},
}

export interface TlsGateway extends Gateway {
  readonly tlsPort: number
  /** A handshake as `shop.test`, unless the options say otherwise. */
  handshake(options?: ConnectionOptions): Promise<TLSSocket>
  /** Bytes over TLS. */
  visitTls(options?: ConnectionOptions): Promise<RawConnection>
  /** An ordinary client of HTTP/2; closed with the gateway. */
  http2(): ClientHttp2Session
}

export const startTlsGateway = async (
  site: string | readonly RoutedSite[],
  options: Partial<ProxyOptions> = {},
): Promise<TlsGateway> => {
  const gateway = await startGateway(site, { certificates: shopCertificates, ...options })
  const { port: tlsPort } = await gateway.proxy.listenTls({ host: '127.0.0.1', port: 0 })
  const handshake = async (more: ConnectionOptions = {}): Promise<TLSSocket> => {
    const socket = connect({
      port: tlsPort,
      host: '127.0.0.1',
      servername: 'shop.test',
      ca: authority,
      ALPNProtocols: ['http/1.1'],
      ...more,
    })
    await once(socket, 'secureConnect')
    return socket
  }
  const sessions: ClientHttp2Session[] = []
  return {
    ...gateway,
    tlsPort,
    handshake,
    visitTls: async (more) => listenTo(await handshake(more)),
    http2() {
      const session = connectHttp2('https://shop.test', {
        createConnection: () =>
          connect({
            port: tlsPort,
            host: '127.0.0.1',
            servername: 'shop.test',
            ca: authority,
            ALPNProtocols: ['h2'],
          }),
      })
      session.on('error', () => {})
      sessions.push(session)
      return session
    },
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy()
      await gateway[Symbol.asyncDispose]()
    },
  }
}
