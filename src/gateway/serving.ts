import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { accessLogger, type AccessWriter } from './access-log.ts'
import { createCertificateService, type CertificateService } from '../certificates/service.ts'
import { ConfigurationError, type Config } from '../config.ts'
import type { Configuration } from './configuration.ts'
import type { Front } from './front.ts'
import type { Ground } from './ground.ts'
import { listenProblem } from './preconditions.ts'
import type { Ingest } from '../proxy/ingest.ts'
import { createProxy, type Proxy } from '../proxy/proxy.ts'
import type { ProxyStats } from '../proxy/stats.ts'

/** The listeners where visitors come, before a front. */
export interface Serving {
  readonly url: string
  /** The same over TLS; `null` without a listener for it. */
  readonly tlsUrl: string | null
  readonly stats: Readonly<ProxyStats>
  /** No new requests; what is under way has `deadlineMs` to finish. */
  close(deadlineMs: number): Promise<void>
}

export type ServingConfig = Pick<
  Config,
  'store' | 'listen' | 'tlsListen' | 'connectionsPerAddress' | 'proxyProtocol' | 'accessLog'
>

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

/**
 * Certificates for the sites as they are now and after each reload; what cannot be had then leaves the old ones.
 *
 * @throws ConfigurationError where what is asked for cannot be begun.
 */
const followCertificates = async (service: CertificateService, ground: Ground): Promise<void> => {
  const follow = ({ sites, acme }: Configuration): Promise<void> =>
    service.follow(
      sites.map(({ traffic }) => traffic),
      acme,
    )
  try {
    await follow(ground.configuration)
  } catch (error) {
    throw new ConfigurationError(`certificates: ${String(error)}`, { cause: error })
  }
  ground.onReload((configuration) => {
    follow(configuration).catch((error: unknown) =>
      ground.log.error({ err: error }, 'the old certificates are kept'),
    )
  })
}

/** @throws ConfigurationError in words; nothing is left half-started. */
export const startServing = async (
  config: ServingConfig,
  {
    ground,
    front,
    ingest,
    access,
  }: {
    readonly ground: Ground
    readonly front: Front
    /** Of sites that have it on their own hosts. */
    readonly ingest: Ingest
    /** Where access lines go; absent: among the others. */
    readonly access?: AccessWriter | undefined
  },
): Promise<Serving> => {
  await using started = new AsyncDisposableStack()
  const { clock, log } = ground
  const { trust, capture } = front
  const onRequestDone = accessLogger({
    ...(config.accessLog === undefined ? {} : { wish: config.accessLog }),
    write: access ?? ((line) => log.info(line, 'request')),
    trust,
    clientIpHeaderOf: (site) => ground.configuration.trafficOf(site)?.clientIpHeader,
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
    sites: () => ground.configuration.router,
    capture,
    ingest,
    now: clock.now,
    trust: trust.has,
    proxyProtocol: config.proxyProtocol === true,
    via: viaOf(config.store),
    log: { warn: (fields, message) => log.warn(fields, message) },
    ...(onRequestDone === null ? {} : { onRequestDone }),
  })
  started.defer(() => proxy.close(0))
  const address = await listenOrRefuse(proxy.listen, config.listen)
  const tlsAddress =
    config.tlsListen === undefined ? null : await listenOrRefuse(proxy.listenTls, config.tlsListen)
  if (tlsAddress !== null) await followCertificates(service, ground)
  else if (ground.configuration.sites.some(({ traffic }) => traffic.tls !== undefined))
    log.warn('sites have "tls", and nothing is served over it: there is no --tls-listen')
  started.move()

  return {
    url: urlOf(address),
    tlsUrl: tlsAddress === null ? null : urlOf(tlsAddress, 'https'),
    stats: proxy.stats,
    close: async (deadlineMs) => {
      await Promise.all([proxy.close(deadlineMs), service.close()])
    },
  }
}
