import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'
import type { Lanes } from './lanes.ts'

/**
 * What waits for an integration that is not there any more. Nobody would ever send it, and what is pending is never
 * deleted, so it is given up: failed, shown, and replayable when the integration is made again.
 *
 * One deleted through the API was meant to be gone: at once. One that has vanished from the rules file may be back with
 * the next edit, so its deliveries wait for it for a day.
 */
export interface Orphans {
  /** After every change of the integrations made through the API. */
  follow(): void
  /** Now and then. Rejects with a `StoreError`. */
  sweep(): Promise<void>
  stop(): void
}

export interface OrphansOptions {
  readonly store: Pick<Store, 'backlog' | 'giveUp'>
  readonly lanes: Pick<Lanes, 'ended'>
  readonly clock: Clock
  /** Keys of those that the rules file declares. */
  readonly declared: () => ReadonlySet<string>
  /** Keys of those that lie in the store, those that cannot be used included. */
  readonly managed: () => ReadonlySet<string>
  readonly report: (
    news: { readonly integration: string; readonly deliveries: number } | { readonly problem: string },
  ) => void
}

export const orphanWaitMs = 24 * 3_600_000

/**
 * A page that was under way when the integration went, or another process that has not heard of it yet, commits an event
 * for it a moment later.
 */
const stragglersMs = 10_000

const deleted = 'the integration was deleted'
const vanished = 'the integration is not configured any more'

export const createOrphans = ({
  store,
  lanes,
  clock,
  declared,
  managed,
  report,
}: OrphansOptions): Orphans => {
  const stopping = new AbortController()
  let known = managed()

  const isThere = (key: string): boolean => declared().has(key) || managed().has(key)

  const giveUp = async (integration: string, dueBy: number, reason: string): Promise<void> => {
    const deliveries = await store.giveUp({ integration, dueBy, reason, now: clock.now() })
    if (deliveries > 0) report({ integration, deliveries })
  }

  /** Once its lanes have let go of what they hold. Who made it again meanwhile has its deliveries go on. */
  const afterItsLanes = async (key: string): Promise<void> => {
    await lanes.ended(key)
    if (isThere(key)) return
    await giveUp(key, Number.MAX_SAFE_INTEGER, deleted)
    await clock.sleep(stragglersMs, stopping.signal)
    if (!stopping.signal.aborted && !isThere(key)) await giveUp(key, Number.MAX_SAFE_INTEGER, deleted)
  }

  return {
    follow: () => {
      const before = known
      known = managed()
      for (const key of before)
        if (!isThere(key)) afterItsLanes(key).catch((error: unknown) => report({ problem: String(error) }))
    },
    sweep: async () => {
      // What a lane takes is attempted when it is due: what was due a day ago has had no lane for a day.
      const dueBy = clock.now() - orphanWaitMs
      const waiting = new Set((await store.backlog()).map(({ integration }) => integration))
      for (const key of waiting) if (!isThere(key)) await giveUp(key, dueBy, vanished)
    },
    stop: () => stopping.abort(),
  }
}
