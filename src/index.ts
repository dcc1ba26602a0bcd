import { ownEnvironment, readConfig, type Environment } from './config.ts'
import type { Configuration } from './gateway/configuration.ts'
import { startEngine } from './gateway/engine.ts'
import type { FrontCounts } from './gateway/front.ts'
import { createLog, type Log } from './log.ts'
import { createPlugin, type ObservedProxy } from './proxy/plugin.ts'
import type { RulesFile } from './rules-file/schema.ts'

/** The door of the package: the gateway for those who run a proxy server of their own. */

export interface GatewayOptions {
  /** The path of a rules file, watched as the standalone gateway does; or the document itself. `origin` is not used. */
  readonly rules: string | RulesFile
  /** As `--store`: `sqlite:./data/sluice.db` if left out. */
  readonly store?: string
  /** Where secrets and the settings with environment twins (`SLUICE_…`) are read; the process's own if left out. */
  readonly env?: Environment
  /** A pino logger; if left out, warnings and worse go to standard output. */
  readonly log?: Log
}

export interface Gateway {
  /**
   * Looks on at what an http-proxy-3 server carries, from now on. Several servers may be attached; after `close` nothing is
   * attached any more.
   */
  attach(proxyServer: ObservedProxy): void
  counts(): Counts
  /** Reads the rules file again, now. */
  reload(): void
  /**
   * Pages under way are watched to their end, events are committed, deliveries that have begun are finished, all within
   * `deadlineMs` (10 000); what is not delivered by then waits in the store. No listener stays.
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>
}

export interface Counts extends FrontCounts {
  /** Pages looked at now. */
  readonly watching: number
}

export type { Log } from './log.ts'
export type { ObservedProxy } from './proxy/plugin.ts'
export type { RulesFile } from './rules-file/schema.ts'
export { ConfigurationError, UsageError } from './config.ts'

/**
 * Resolves when events can be taken.
 * @throws ConfigurationError listing every problem of the rules, UsageError for a setting that cannot be read.
 */
export const createGateway = async ({
  rules,
  store,
  env = ownEnvironment(),
  log: given,
}: GatewayOptions): Promise<Gateway> => {
  const config = readConfig(store === undefined ? [] : ['--store', store], env)
  const log = given ?? createLog(env['SLUICE_LOG_LEVEL'] === undefined ? 'warn' : config.logLevel)
  const engine = await startEngine({ ...config, rules, looksOn: true }, { log, env })
  const warnOfWishes = ({ sites }: Configuration): void => {
    for (const { traffic, dataLayer } of sites) {
      if (traffic.identity?.setCookies === true)
        log.warn({ site: traffic.id }, 'identity.setCookies has no effect here: the plugin only looks on')
      if (dataLayer?.enabled === true || dataLayer?.serverTiming === true)
        log.warn({ site: traffic.id }, 'dataLayer has no effect here: the plugin only looks on')
    }
  }
  warnOfWishes(engine.ground.configuration)
  engine.ground.onReload(warnOfWishes)
  const plugin = createPlugin({
    capture: engine.front.capture,
    now: engine.ground.clock.now,
    onFault: (error) => log.error({ err: error }, 'a page could not be watched'),
  })
  if (engine.ground.configuration.sites.some(({ traffic }) => traffic.ingest?.public === true))
    log.warn(
      'sites have "ingest.public", and a plugin answers no requests: events go to the standalone gateway',
    )
  let closed: Promise<void> | null = null
  const close = async (deadlineMs: number): Promise<void> => {
    const deadline = AbortSignal.timeout(deadlineMs)
    await plugin.close(deadlineMs)
    await engine.close(deadline)
    log.info({ ...engine.front.counts() }, 'stopped')
  }
  return {
    attach: (proxyServer) => {
      if (closed === null) plugin.attach(proxyServer)
      else log.warn({}, 'the gateway is closed: a proxy server was not attached')
    },
    counts: () => ({ ...engine.front.counts(), watching: plugin.watching }),
    reload: engine.ground.reload,
    close: ({ deadlineMs = 10_000 } = {}) => (closed ??= close(deadlineMs)),
  }
}
