import { systemClock, type Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Configuration } from './configuration.ts'
import type { Log } from '../log.ts'
import { openStore, sealerOf } from './preconditions.ts'
import type { RulesFeed } from './rules-feed.ts'
import type { Integration } from '../sites/configure.ts'
import { createDataLayers, type DataLayers } from '../sites/data-layers.ts'
import { createManagedIntegrations, withManaged, type ManagedIntegrations } from '../sites/managed.ts'
import type { Sealer } from '../sites/secrets.ts'
import type { SqliteStore } from '../store/sqlite/index.ts'
import type { StoreNews } from '../store/store.ts'

/**
 * What front and back both stand on, in one process or each in its own: the store where they meet, the rules in force, and
 * the integrations and data layers, those of the rules file and those made through the API.
 */
export interface Ground {
  readonly clock: Clock
  readonly log: Log
  readonly store: SqliteStore
  readonly sealer: Sealer | null
  readonly managed: ManagedIntegrations
  readonly dataLayers: DataLayers
  /** In force now; replaced as a whole by a reload. */
  readonly configuration: Configuration
  /** `listener` is called with each that a reload puts in force. */
  onReload(listener: (configuration: Configuration) => void): void
  /** Those of the rules file and those made through the API, as they are in force now. */
  integrationsOf(site: string): readonly Integration[]
  /** `listener` is called now and after every change, with all of them. */
  followIntegrations(listener: (all: readonly Integration[]) => void): void
  /** Reads anew what other processes may have changed through the API. */
  refresh(): void
  /** Reads the rules again, now. */
  reload(): void
  /** No new rules from now on. The store is open until `close`. */
  stopFollowing(): void
  close(): Promise<void>
}

export type GroundConfig = Pick<Config, 'store' | 'secretKeys'>

/** How often changes that other processes made to the settings are looked for. */
const refreshMs = 2_000

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

/** @throws ConfigurationError in words; nothing is left half-started. The feed is closed with the ground. */
export const openGround = async (
  config: GroundConfig,
  { log, rules }: { readonly log: Log; readonly rules: RulesFeed },
): Promise<Ground> => {
  await using opened = new AsyncDisposableStack()
  opened.defer(() => rules.close())
  const clock = systemClock
  const sealer = sealerOf(config.secretKeys)
  let current = rules.first
  const store = opened.adopt(await openStore(config.store, tellStoreNews(log)), (one) => one.close())
  const managed = createManagedIntegrations({
    store,
    sealer,
    sites: () => current.sites.map(({ traffic }) => traffic),
    now: clock.now,
    onProblem: (problem) => log.warn(problem, 'an integration made through the API cannot be used'),
  })
  const dataLayers = createDataLayers({ store, declared: (site) => current.dataLayerOf(site) })
  await Promise.all([managed.load(), dataLayers.load()])

  const onReload: ((configuration: Configuration) => void)[] = []
  const onIntegrations: ((all: readonly Integration[]) => void)[] = []
  let bySite = new Map<string, readonly Integration[]>()
  const inForce = (): readonly Integration[] => withManaged(current.integrations, managed.current())
  const changed = (): void => {
    const all = inForce()
    bySite = Map.groupBy(all, ({ site }) => site)
    for (const tell of onIntegrations) tell(all)
  }
  changed()
  managed.onChange(changed)
  rules.follow((fresh) => {
    current = fresh
    changed()
    for (const tell of onReload) tell(fresh)
  })

  const refresh = (): void => {
    Promise.all([managed.refresh(), dataLayers.refresh()]).catch((error: unknown) =>
      log.warn({ err: error }, 'settings could not be read anew'),
    )
  }
  const refreshing = setInterval(refresh, refreshMs).unref()
  opened.defer(() => clearInterval(refreshing))
  const rest = opened.move()

  return {
    clock,
    log,
    store,
    sealer,
    managed,
    dataLayers,
    get configuration() {
      return current
    },
    onReload: (listener) => void onReload.push(listener),
    integrationsOf: (site) => bySite.get(site) ?? [],
    followIntegrations: (listener) => {
      onIntegrations.push(listener)
      listener(inForce())
    },
    refresh,
    reload: rules.reload,
    stopFollowing: () => {
      rules.close()
      clearInterval(refreshing)
    },
    close: () => rest.disposeAsync(),
  }
}
