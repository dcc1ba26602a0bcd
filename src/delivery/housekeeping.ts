import type { Clock } from '../clock.ts'
import type { Store } from '../store/store.ts'

/** Keeps the journal as long as asked and no longer. What is pending is never touched: the store sees to that. */

const hourMs = 3_600_000

export const startHousekeeping = (options: {
  readonly store: Store
  readonly clock: Clock
  readonly retentionDays: number
  /** Done before each round. */
  readonly first?: () => Promise<void>
  readonly report: (news: { readonly deletedEvents: number } | { readonly problem: string }) => void
}): { readonly stop: () => Promise<void> } => {
  const { store, clock, retentionDays, first = async () => {}, report } = options
  const stopping = new AbortController()

  const sweep = async (): Promise<void> => {
    const olderThan = clock.now() - retentionDays * 24 * hourMs
    let deleted = 0
    // In bites, so that nobody waits long behind it.
    for (;;) {
      const { deletedEvents } = await store.sweep(olderThan)
      deleted += deletedEvents
      if (deletedEvents === 0 || stopping.signal.aborted) break
    }
    if (deleted > 0) report({ deletedEvents: deleted })
  }

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      for (const work of [first, sweep])
        await work().catch((error: unknown) => report({ problem: String(error) }))
      await clock.sleep(hourMs, stopping.signal)
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
