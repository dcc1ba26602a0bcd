import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { startAdminApi } from './admin-api.ts'
import type { Counted } from './admin/metrics.ts'
import { accessLogger, type AccessWriter } from './access-log.ts'
import { createCertificateService, type CertificateService } from './certificates/service.ts'
import { canonicalAddress } from './capture/client-address.ts'
import { ConfigurationError, type Config, type Environment } from './config.ts'
import type { Configuration } from './configuration.ts'
import { startEngine, type Engine, type EngineCounts } from './engine.ts'
import type { Log } from './log.ts'
import { listenProblem } from './preconditions.ts'
import { createProxy, type Proxy } from './proxy/proxy.ts'
import type { ProxyStats } from './proxy/stats.ts'
import type { Store } from './store/store.ts'

/** The standalone gateway: the engine behind a front of its own. */

export interface Gateway {
  /** Where visitors are served. */
  readonly url: string
  /** The same over TLS; `null` without a listener for it. */
  readonly tlsUrl: string | null
  /** Where the admin API is; `null` without one. */
  readonly adminUrl: string | null
  readonly summary: Configuration['summary']
  counts(): Counts
  readonly store: Store
  /** Reads the rules file again, now. */
  reload(): void
  /** No new requests; what is under way has `deadlineMs` to finish; what is accepted is on the disk when this resolves. */
  close(deadlineMs: number): Promise<void>
}

export interface Counts extends EngineCounts {
  readonly proxy: Readonly<ProxyStats>
}

export interface GatewayOptions {
  readonly log: Log
  readonly env: Environment
  /** Where access lines go; absent: among the others. */
  readonly access?: AccessWriter
}

const listenOrRefuse = async (begin: Proxy['listen'], listen: Config['listen']) => {
  try {
    return await begin(listen)
  } catch (error) {
    throw new ConfigurationError(listenProblem(listen, error), { cause: error })
  }
}

const urlOf = ({ address, family, port }: AddressInfo, scheme = 'http'): string => {
  const host =
    address === '::' || address === '0.0.0.0' ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `${scheme}://${host}:${port}`
}

/**
 * Our name in `Via`: one for all processes before one store, so that a request that goes in a circle is known by whichever
 * of them gets it, and another for the next gateway, so that two may stand in a row.
 */
const viaOf = ({ path }: Config['store']): string =>
  `sluice-${createHash('sha256')
    .update(`${hostname()} ${resolve(path)}`)
    .digest('hex')
    .slice(0, 12)}`

const countedOf = ({ proxy, skipped, waiting, lost }: Counts): Counted => ({
  requests: proxy.requests,
  activeRequests: proxy.active,
  unknownHost: proxy.unknownHost,
  refused: proxy.refused,
  originFailed: proxy.originFailed,
  holdExpired: proxy.holdExpired,
  redirected: proxy.redirected,
  connectionsRefused: proxy.connectionsRefused,
  handshakeFailed: proxy.handshakeFailed,
  sessionsEnded: proxy.sessionsEnded,
  webSockets: proxy.webSockets,
  skipped,
  eventsWaiting: waiting,
  eventsLost: lost,
})

/**
 * Certificates for the sites as they are now and after each reload; what cannot be had then leaves the old ones.
 *
 * @throws ConfigurationError where what is asked for cannot be begun.
 */
const followCertificates = async (service: CertificateService, engine: Engine, log: Log): Promise<void> => {
  const follow = ({ sites, acme }: Configuration): Promise<void> =>
    service.follow(
      sites.map(({ traffic }) => traffic),
      acme,
    )
  try {
    await follow(engine.configuration)
  } catch (error) {
    throw new ConfigurationError(`certificates: ${String(error)}`, { cause: error })
  }
  engine.onReload((configuration) => {
    follow(configuration).catch((error: unknown) =>
      log.error({ err: error }, 'the old certificates are kept'),
    )
  })
}

/** @throws ConfigurationError in words; nothing is left half-started. */
export const startGateway = async (
  config: Config,
  { log, env, access }: GatewayOptions,
): Promise<Gateway> => {
  await using started = new AsyncDisposableStack()
  const engine = started.adopt(await startEngine(config, { log, env }), (one) =>
    one.close(AbortSignal.timeout(0)),
  )
  const { clock, trust } = engine
  const onRequestDone = accessLogger({
    ...(config.accessLog === undefined ? {} : { wish: config.accessLog }),
    write: access ?? ((line) => log.info(line, 'request')),
    trust,
    now: clock.now,
    random: Math.random,
  })
  const service = createCertificateService({
    folder: join(dirname(config.store.path), 'certificates'),
    log,
    readText: (path) => readFileSync(path, 'utf8'),
    now: clock.now,
  })
  started.defer(() => service.close())
  const proxy = createProxy({
    certificates: service.certificates,
    proofOf: service.proofOf,
    ...(config.connectionsPerAddress === undefined
      ? {}
      : { limits: { connectionsPerAddress: config.connectionsPerAddress } }),
    sites: () => engine.configuration.router,
    capture: engine.capture,
    now: clock.now,
    trust: (address) => trust.has(canonicalAddress(address) ?? address),
    via: viaOf(config.store),
    log: { warn: (fields, message) => log.warn(fields, message) },
    ...(onRequestDone === null ? {} : { onRequestDone }),
  })
  started.defer(() => proxy.close(0))
  const address = await listenOrRefuse(proxy.listen, config.listen)
  const tlsAddress =
    config.tlsListen === undefined ? null : await listenOrRefuse(proxy.listenTls, config.tlsListen)
  if (tlsAddress !== null) await followCertificates(service, engine, log)
  else if (engine.configuration.sites.some(({ traffic }) => traffic.tls !== undefined))
    log.warn('sites have "tls", and nothing is served over it: there is no --tls-listen')
  const counts = (): Counts => ({ proxy: proxy.stats, ...engine.counts() })
  let stopping = false
  const admin =
    config.admin === undefined
      ? null
      : await startAdminApi({
          admin: config.admin,
          engine,
          log,
          rulesFile: config.rules,
          counted: () => countedOf(counts()),
          notReady: () => (stopping ? 'the gateway is stopping' : null),
        })
  started.move()

  return {
    url: urlOf(address),
    tlsUrl: tlsAddress === null ? null : urlOf(tlsAddress, 'https'),
    adminUrl: admin?.url ?? null,
    get summary() {
      return engine.configuration.summary
    },
    counts,
    store: engine.store,
    reload: engine.reload,
    close: async (deadlineMs) => {
      const deadline = AbortSignal.timeout(deadlineMs)
      stopping = true
      // From the visitor inwards: whoever still gets a page has its event committed.
      await Promise.all([proxy.close(deadlineMs), service.close()])
      await admin?.close()
      await engine.close(deadline)
      log.info(counts(), 'stopped')
    },
  }
}
