import type { Capture } from './capture/capture.ts'
import { createCapture } from './capture/observe.ts'
import { compileTrust, type Trust } from './capture/client-address.ts'
import { createDomPool } from './capture/page/dom-pool.ts'
import { createProductCache } from './capture/product-cache.ts'
import { systemClock, type Clock } from './clock.ts'
import type { Config, Environment } from './config.ts'
import { compileConfiguration, type Configuration } from './configuration.ts'
import { createAddressGuard } from './delivery/address-guard.ts'
import { createHandover } from './delivery/handover.ts'
import { startHousekeeping } from './delivery/housekeeping.ts'
import { createTransport, type Transport } from './delivery/http.ts'
import { createIntake, type Intake } from './delivery/intake.ts'
import { createLanes, type Lanes } from './delivery/lanes.ts'
import type { LaneNews } from './delivery/sending.ts'
import type { Log } from './log.ts'
import { loadOrRefuse, openStore, sealerOf, type RulesSource } from './preconditions.ts'
import { rulesDeps } from './rules-deps.ts'
import { watchRules } from './rules-file/watch.ts'
import type { Integration } from './sites/configure.ts'
import { createManagedIntegrations, withManaged, type ManagedIntegrations } from './sites/managed.ts'
import type { Sealer } from './sites/secrets.ts'
import type { SqliteStore } from './store/sqlite/index.ts'
import type { StoreNews } from './store/store.ts'

/**
 * The wiring behind whatever carries the traffic: from what capture sees to what a platform gets. The standalone gateway
 * and the plugin run the same one; they differ in who shows it the pages.
 */
export interface Engine {
  readonly clock: Clock
  readonly trust: Trust
  /** In force now; replaced as a whole by a reload. */
  readonly configuration: Configuration
  /** `listener` is called with each that a reload puts in force. */
  onReload(listener: (configuration: Configuration) => void): void
  /** Shown every request by whoever carries it. */
  readonly capture: Capture
  readonly store: SqliteStore
  readonly back: Back
  counts(): EngineCounts
  /** Reads the rules file again, now. */
  reload(): void
  /**
   * Called when no page is under way any more. Events of pages that have passed are committed, deliveries that have begun
   * are finished or given back, up to the signal.
   */
  close(deadline: AbortSignal): Promise<void>
}

/** What the admin API works on. */
export interface Back {
  readonly intake: Intake
  readonly lanes: Lanes
  readonly transport: Transport
  readonly sealer: Sealer | null
  readonly managed: ManagedIntegrations
  /** Those of the rules file and those made through the API, as they are in force now. */
  integrationsOf(site: string): readonly Integration[]
  /** Told of every attempt from now on. */
  onAttempt(listener: (news: LaneNews) => void): void
}

/** Since the start; plain numbers for whoever shows them. */
export interface EngineCounts {
  /** Requests that a rule's address matches and that did not count, by `site/reason`. */
  readonly skipped: Readonly<Record<string, number>>
  /** Events that wait in memory because the store cannot take them, and those that found no place. */
  readonly waiting: number
  readonly lost: number
}

export type EngineConfig = Pick<
  Config,
  'store' | 'trustedProxies' | 'allowPrivateNetworks' | 'secretKeys' | 'retentionDays'
> & { readonly rules: RulesSource }

const appName = 'sluice/0.1'

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

const signalled = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** @throws ConfigurationError in words; nothing is left half-started. */
export const startEngine = async (
  config: EngineConfig,
  { log, env }: { readonly log: Log; readonly env: Environment },
): Promise<Engine> => {
  await using started = new AsyncDisposableStack()
  const clock = systemClock
  const deps = rulesDeps(env)
  const loaded = await loadOrRefuse(config.rules, deps, log)
  const sealer = sealerOf(config.secretKeys)
  let current = compileConfiguration(loaded.sites, loaded.acme)
  const reloaded: ((configuration: Configuration) => void)[] = []

  const store = started.adopt(await openStore(config.store, tellStoreNews(log)), (one) => one.close())
  const interrupted = await store.recover(clock.now())
  if (interrupted > 0) log.info({ deliveries: interrupted }, 'took up deliveries that the last run had begun')

  const transport = started.adopt(
    createTransport({
      guard: createAddressGuard({ allow: config.allowPrivateNetworks }),
      userAgent: appName,
    }),
    (one) => one.close(),
  )
  const listeners: ((news: LaneNews) => void)[] = [tellDelivery(log)]
  const lanes = createLanes({
    store,
    transport,
    sealer,
    clock,
    random: Math.random,
    report: (news) => {
      for (const listen of listeners) listen(news)
    },
  })
  const managed = createManagedIntegrations({
    store,
    sealer,
    sites: () => current.sites.map(({ traffic }) => traffic),
    now: clock.now,
    onProblem: (problem) => log.warn(problem, 'an integration made through the API cannot be used'),
  })
  await managed.load()
  let inForce = new Map<string, readonly Integration[]>()
  const follow = (): void => {
    const all = withManaged(current.integrations, managed.current())
    inForce = Map.groupBy(all, ({ site }) => site)
    lanes.follow(all)
  }
  const integrationsOf = (site: string): readonly Integration[] => inForce.get(site) ?? []
  const intake = createIntake({
    store,
    clock,
    sealer,
    integrationsOf,
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
      const key = `${site}/${reason}`
      skipped[key] = (skipped[key] ?? 0) + 1
      log.debug({ site, rule, reason }, 'not counted')
    },
    onFault: (error) => log.error({ err: error }, 'a page could not be captured'),
  })

  follow()
  managed.onChange(follow)
  const housekeeping = startHousekeeping({
    store,
    clock,
    retentionDays: config.retentionDays,
    report: (news) =>
      'problem' in news ? log.warn(news, 'housekeeping failed') : log.info(news, 'housekeeping'),
  })
  const rules =
    typeof config.rules === 'string'
      ? watchRules(config.rules, deps, {
          hash: loaded.hash,
          onLoaded: (fresh) => {
            current = compileConfiguration(fresh.sites, fresh.acme)
            follow()
            for (const tell of reloaded) tell(current)
            log.info(current.summary, 'new rules are in force')
          },
          onRefused: (problems) =>
            log.error({ problems }, 'the new rules are refused; the old ones stay in force'),
        })
      : null
  const rest = started.move()

  return {
    clock,
    trust,
    get configuration() {
      return current
    },
    onReload: (listener) => void reloaded.push(listener),
    capture,
    store,
    back: {
      intake,
      lanes,
      transport,
      sealer,
      managed,
      integrationsOf,
      onAttempt: (listener) => listeners.push(listener),
    },
    counts: () => ({ skipped, waiting: handover.waiting, lost: handover.lost }),
    reload: () => void rules?.reload(),
    close: async (deadline) => {
      rules?.close()
      // From the page inwards: what has passed is read and committed, and only then do the lanes stop.
      await Promise.race([capture.idle(), signalled(deadline)])
      await handover.close(deadline)
      await Promise.all([lanes.stop(deadline), housekeeping.stop()])
      await rest.disposeAsync()
    },
  }
}
