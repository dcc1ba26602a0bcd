import type { Server } from 'node:http'
import type { AddressInfo, Server as NetServer } from 'node:net'
import type { Front } from './exchange.ts'
import type { TlsListener } from './tls-listener.ts'
import type { Upgrades } from './upgrade.ts'

/** The beginning and the end of listeners. */

export interface ListenAddress {
  readonly host: string
  readonly port: number
  /** Beside other processes that say so too; the system deals out the connections. */
  readonly reusePort?: boolean
}

/** Begins; rejects as `listen` fails. */
export const listenOn = (
  server: NetServer,
  { host, port, reusePort = false }: ListenAddress,
): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, reusePort }, () => {
      server.off('error', reject)
      resolve(server.address() as AddressInfo)
    })
  })

const closed = (server: NetServer): Promise<void> =>
  new Promise((resolve) => {
    if (server.listening) server.once('close', resolve)
    else resolve()
  })

/** Takes no more, lets what is under way finish for `deadlineMs`, then ends it. */
export const closeServers = async (
  server: Server,
  tls: TlsListener | null,
  front: Front,
  upgrades: Upgrades,
  deadlineMs: number,
): Promise<void> => {
  front.draining = true
  upgrades.drain()
  const allClosed = Promise.all([closed(server), tls === null ? null : closed(tls.server)])
  tls?.drain()
  server.close()
  server.closeIdleConnections()
  // Answers whose heads had gone out leave a connection open that is idle afterwards.
  const idle = setInterval(() => server.closeIdleConnections(), 50)
  const deadline = setTimeout(() => {
    server.closeAllConnections()
    tls?.destroy()
    upgrades.destroy()
  }, deadlineMs)
  await allClosed
  clearInterval(idle)
  clearTimeout(deadline)
  // Their visitors are gone; ends towards origins may still linger.
  upgrades.destroy()
  await front.origins.destroy()
}
