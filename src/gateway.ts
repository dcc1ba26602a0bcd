import type { AddressInfo } from 'node:net'
import { createCapture } from './capture/observe.ts'
import { canonicalAddress, compileTrust } from './capture/client-address.ts'
import { createDomPool } from './capture/page/dom-pool.ts'
import { createProductCache } from './capture/product-cache.ts'
import { systemClock } from './clock.ts'
import { ConfigurationError, type Config } from './config.ts'
import { compileConfiguration, type Configuration } from './configuration.ts'
import { createAddressGuard } from './delivery/address-guard.ts'
import { createHandover } from './delivery/handover.ts'
import { startHousekeeping } from './delivery/housekeeping.ts'
import { createTransport } from './delivery/http.ts'
import { createIntake } from './delivery/intake.ts'
import { createLanes } from './delivery/lanes.ts'
import type { LaneNews } from './delivery/sending.ts'
import type { Log } from './log.ts'
import { createProxy, type Proxy } from './proxy/proxy.ts'
import { count, type ProxyStats } from './proxy/stats.ts'
import { loadRules } from './rules-file/load.ts'
import { formatProblems } from './rules-file/problem.ts'
import { watchRules } from './rules-file/watch.ts'
import { rulesDeps } from './rules-deps.ts'
import { createSealer, type Sealer } from './sites/secrets.ts'
import { openSqliteStore } from './store/sqlite/index.ts'
import { StoreError, type Store, type StoreNews } from './store/store.ts'

/** The wiring: every part meets the others here and nowhere else. */

export interface Gateway {
  /** Where visitors are served. */
  readonly url: string
  readonly summary: Configuration['summary']
  counts(): Counts
  readonly store: Store
  /** Reads the rules file again, now. */
  reload(): void
  /** No new requests; what is under way has `deadlineMs` to finish; what is accepted is on the disk when this resolves. */
  close(deadlineMs: number): Promise<void>
}

/** Since the start; plain numbers for whoever shows them. */
export interface Counts {
  readonly proxy: Readonly<ProxyStats>
  /** Requests that a rule's address matches and that did not count, by `site/reason`. */
  readonly skipped: Readonly<Record<string, number>>
  /** Events that wait in memory because the store cannot take them, and those that found no place. */
  readonly waiting: number
  readonly lost: number
}

type Environment = Readonly<Record<string, string | undefined>>

const appName = 'sluice/0.1'

/** @throws ConfigurationError listing every problem of the file. */
const loadOrRefuse = async (config: Config, env: Environment, log: Log) => {
  const loaded = await loadRules(config.rules, rulesDeps(env))
  if (!loaded.ok) throw new ConfigurationError(formatProblems(config.rules, loaded.problems).trimEnd())
  for (const { line, path, message } of loaded.warnings)
    log.warn({ rules: config.rules, line, path }, message)
  return loaded
}

const sealerOf = (keys: readonly string[]): Sealer | null => {
  if (keys.length === 0) return null
  try {
    return createSealer(keys)
  } catch (error) {
    throw new ConfigurationError(
      `SLUICE_SECRET_KEY: ${String(error instanceof Error ? error.message : error)}`,
      { cause: error },
    )
  }
}

const openStore = async (config: Config, onEvent: (news: StoreNews) => void): Promise<Store> => {
  try {
    return await openSqliteStore({ path: config.store.path, onEvent })
  } catch (error) {
    if (error instanceof StoreError) throw new ConfigurationError(`store: ${error.message}`, { cause: error })
    throw error
  }
}

const listenProblems: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there already',
  EACCES: 'this user may not listen there; ports below 1024 need a privilege',
  EADDRNOTAVAIL: 'this machine has no such address',
}

const listenOrRefuse = async (proxy: Proxy, { host, port }: Config['listen']) => {
  try {
    return await proxy.listen({ host, port })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    throw new ConfigurationError(`cannot listen on ${host}:${port}: ${listenProblems[code] ?? code}`, {
      cause: error,
    })
  }
}

const urlOf = ({ address, family, port }: AddressInfo): string => {
  const host =
    address === '::' || address === '0.0.0.0' ? 'localhost' : family === 'IPv6' ? `[${address}]` : address
  return `http://${host}:${port}`
}

/** Store trouble in words for the log; commits are too many to tell. */
const tellStoreNews =
  (log: Log) =>
  (news: StoreNews): void => {
    switch (news.kind) {
      case 'committed':
        return
      case 'failing':
        return log.error(
          { reason: news.message },
          'the store cannot write; pages flow, events wait in memory',
        )
      case 'healed':
        return log.info({ failedForMs: news.failedForMs }, 'the store writes again')
      case 'restarted':
        return log.error({ reason: news.message }, 'the store was restarted')
      case 'fatal':
        return log.fatal({ reason: news.message }, 'the store is gone; restart the gateway')
    }
  }

const tellDelivery =
  (log: Log) =>
  ({ outcome, ...fields }: LaneNews): void => {
    const level = outcome === 'delivered' ? 'debug' : outcome === 'not_attempted' ? 'info' : 'warn'
    log[level]({ outcome, ...fields }, 'delivery attempted')
  }

/** @throws ConfigurationError in words; nothing is left half-started. */
export const startGateway = async (
  config: Config,
  { log, env }: { readonly log: Log; readonly env: Environment },
): Promise<Gateway> => {
  await using started = new AsyncDisposableStack()
  const clock = systemClock
  const loaded = await loadOrRefuse(config, env, log)
  const sealer = sealerOf(config.secretKeys)
  let current = compileConfiguration(loaded.sites)

  const store = started.adopt(await openStore(config, tellStoreNews(log)), (one) => one.close())
  const interrupted = await store.recover(clock.now())
  if (interrupted > 0) log.info({ deliveries: interrupted }, 'took up deliveries that the last run had begun')

  const transport = started.adopt(
    createTransport({
      guard: createAddressGuard({ allow: config.allowPrivateNetworks }),
      userAgent: appName,
    }),
    (one) => one.close(),
  )
  const lanes = createLanes({
    store,
    transport,
    sealer,
    clock,
    random: Math.random,
    report: tellDelivery(log),
  })
  const intake = createIntake({
    store,
    clock,
    sealer,
    integrationsOf: (site) => current.integrationsOf(site),
    wake: lanes.wake,
  })
  const handover = createHandover({
    intake,
    clock,
    onTrouble: (trouble) => log.error(trouble, 'an event could not be committed'),
    onHealed: (waited) => log.info({ waited }, 'waiting events are committed'),
  })
  const dom = started.adopt(createDomPool(), (one) => one.close())
  const trust = compileTrust(config.trustedProxies)
  const skipped: Record<string, number> = {}
  const capture = createCapture({
    matcher: () => current.matcher,
    trust,
    reader: { dom, products: createProductCache() },
    onEvent: handover.give,
    onSkip: ({ site, rule, reason }) => {
      count(skipped, `${site}/${reason}`)
      log.debug({ site, rule, reason }, 'not counted')
    },
    onFault: (error) => log.error({ err: error }, 'a page could not be captured'),
  })
  const proxy = createProxy({
    sites: () => current.router,
    capture,
    now: clock.now,
    trust: (address) => trust.has(canonicalAddress(address) ?? address),
    log: { warn: (fields, message) => log.warn(fields, message) },
  })
  const address = await listenOrRefuse(proxy, config.listen)

  lanes.follow(current.integrations)
  const housekeeping = startHousekeeping({
    store,
    clock,
    retentionDays: config.retentionDays,
    report: (news) =>
      'problem' in news ? log.warn(news, 'housekeeping failed') : log.info(news, 'housekeeping'),
  })
  const rules = watchRules(config.rules, rulesDeps(env), {
    hash: loaded.hash,
    onLoaded: (fresh) => {
      current = compileConfiguration(fresh.sites)
      lanes.follow(current.integrations)
      log.info(current.summary, 'new rules are in force')
    },
    onRefused: (problems) => log.error({ problems }, 'the new rules are refused; the old ones stay in force'),
  })
  const counts = (): Counts => ({
    proxy: proxy.stats,
    skipped,
    waiting: handover.waiting,
    lost: handover.lost,
  })
  const rest = started.move()

  return {
    url: urlOf(address),
    get summary() {
      return current.summary
    },
    counts,
    store,
    reload: () => void rules.reload(),
    close: async (deadlineMs) => {
      const deadline = AbortSignal.timeout(deadlineMs)
      rules.close()
      // From the visitor inwards: whoever still gets a page has its event committed, and only then do the lanes stop.
      await proxy.close(deadlineMs)
      await handover.close(deadline)
      await Promise.all([lanes.stop(deadline), housekeeping.stop()])
      await rest.disposeAsync()
      log.info(counts(), 'stopped')
    },
  }
}
