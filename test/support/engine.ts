import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../src/clock.ts'
import { createAddressGuard, type AddressGuard } from '../../src/delivery/address-guard.ts'
import type { BreakerPolicy } from '../../src/delivery/gate.ts'
import { createTransport, type Transport } from '../../src/delivery/http.ts'
import { createIntake, type Intake } from '../../src/delivery/intake.ts'
import { createLanes, type Lanes } from '../../src/delivery/lanes.ts'
import type { LaneNews } from '../../src/delivery/sending.ts'
import type { Integration } from '../../src/sites/configure.ts'
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/index.ts'
import type { Store, StoredEvent } from '../../src/store/store.ts'

/** The delivery half of the gateway on a real database in a folder of its own. */
export interface Engine extends AsyncDisposable {
  readonly store: SqliteStore
  readonly transport: Transport
  readonly intake: Intake
  readonly lanes: Lanes
  readonly news: readonly LaneNews[]
  readonly folder: string
  /** Follows other integrations from now on. */
  configure(integrations: readonly Integration[]): void
  event(id: string): Promise<StoredEvent | null>
}

export const startEngine = async (
  integrations: readonly Integration[],
  options: {
    readonly clock?: Clock
    readonly folder?: string
    readonly breaker?: BreakerPolicy
    /** Stands between the lanes and the store. */
    readonly wrap?: (store: Store) => Store
    readonly guard?: AddressGuard
  } = {},
): Promise<Engine> => {
  const { clock = systemClock } = options
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'sluice-engine-')))
  const store = await openSqliteStore({ path: join(folder, 'sluice.db') })
  await store.recover(clock.now())
  const news: LaneNews[] = []
  const transport = createTransport({
    guard: options.guard ?? createAddressGuard({ allow: ['127.0.0.0/8'] }),
    userAgent: 'sluice-test',
  })
  const lanes = createLanes({
    store: options.wrap?.(store) ?? store,
    inquiries: store,
    transport,
    sealer: null,
    clock,
    random: () => 0.5,
    report: (one) => news.push(one),
    ...(options.breaker === undefined ? {} : { breaker: options.breaker }),
  })
  let current = integrations
  const intake = createIntake({
    store,
    clock,
    integrationsOf: (site) => current.filter((one) => one.site === site),
    sealer: null,
    wake: (integration, lane) => lanes.wake(integration, lane),
  })
  lanes.follow(current)
  return {
    store,
    transport,
    intake,
    lanes,
    news,
    folder,
    configure: (next) => {
      current = next
      lanes.follow(next)
    },
    event: (id) => store.event('shop', id),
    [Symbol.asyncDispose]: async () => {
      await lanes.stop(AbortSignal.timeout(2_000))
      await transport.close()
      await store.close()
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}
