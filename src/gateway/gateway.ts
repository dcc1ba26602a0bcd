import { startAdminApi } from './admin-api.ts'
import type { AccessWriter } from './access-log.ts'
import type { Config, Environment } from '../config.ts'
import type { Summary } from './configuration.ts'
import { countedOf, type Counts } from './counts.ts'
import { createDoors } from './doors.ts'
import { startEngine } from './engine.ts'
import type { Log } from '../log.ts'
import { startServing } from './serving.ts'
import type { Store } from '../store/store.ts'

/** The standalone gateway in one process: the engine behind listeners of its own. */

/** What runs it need not know how many processes it is. */
export interface RunningGateway {
  /** Where visitors are served. */
  readonly url: string
  /** The same over TLS; `null` without a listener for it. */
  readonly tlsUrl: string | null
  /** Where the admin API is; `null` without one. */
  readonly adminUrl: string | null
  readonly summary: Summary
  /** Reads the rules file again, now. */
  reload(): void
  /** No new requests; what is under way has `deadlineMs` to finish; what is accepted is on the disk when this resolves. */
  close(deadlineMs: number): Promise<void>
}

export interface Gateway extends RunningGateway {
  counts(): Counts
  readonly store: Store
}

export interface GatewayOptions {
  readonly log: Log
  readonly env: Environment
  /** Where access lines go; absent: among the others. */
  readonly access?: AccessWriter
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
  const { ground, front, back, intake } = engine
  const doors = createDoors(ground, intake, config)
  started.defer(() => doors.ingest.close())
  const visible = { ground, front, ingest: doors.ingest.answer, access }
  const serving = started.adopt(await startServing(config, visible), (one) => one.close(0))
  const counts = (): Counts => ({ proxy: serving.stats, ...front.counts() })
  let stopping = false
  const admin =
    config.admin === undefined
      ? null
      : await startAdminApi({
          admin: config.admin,
          ground,
          back,
          intake,
          doors,
          rulesFile: config.rules,
          counted: () => countedOf(counts()),
          notReady: () => (stopping ? 'the gateway is stopping' : null),
        })
  started.move()

  return {
    url: serving.url,
    tlsUrl: serving.tlsUrl,
    adminUrl: admin?.url ?? null,
    get summary() {
      return ground.configuration.summary
    },
    counts,
    store: ground.store,
    reload: ground.reload,
    close: async (deadlineMs) => {
      const deadline = AbortSignal.timeout(deadlineMs)
      stopping = true
      // From the visitor inwards: whoever still gets a page has its event committed.
      await serving.close(deadlineMs)
      await Promise.all([admin?.close(), doors.ingest.close()])
      await engine.close(deadline)
      log.info(counts(), 'stopped')
    },
  }
}
