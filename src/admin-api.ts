import { createKeys } from './admin/keys.ts'
import { createMetrics, type Counted } from './admin/metrics.ts'
import { adminRoutes } from './admin/routes.ts'
import { startAdmin, type Admin } from './admin/server.ts'
import type { AdminSite } from './admin/sites.ts'
import { ConfigurationError, isLoopback, type AdminConfig } from './config.ts'
import { createCredentials } from './delivery/credentials.ts'
import type { Engine } from './engine.ts'
import { listenProblem } from './preconditions.ts'
import type { Log } from './log.ts'

/** The wiring of the admin listener: what the engine has, shown to whoever holds a key. */

/** How often changes that other processes made to the settings are looked for. */
const refreshMs = 2_000

export interface AdminApiOptions {
  readonly admin: AdminConfig
  readonly engine: Engine
  readonly log: Log
  /** For whoever wants to change what is declared there. */
  readonly rulesFile: string
  readonly counted: () => Counted
  /** `null`: ready. */
  readonly notReady: () => string | null
}

/** @throws ConfigurationError where it cannot listen. */
export const startAdminApi = async (options: AdminApiOptions): Promise<Admin> => {
  const { admin, engine, log, rulesFile, counted, notReady } = options
  const { clock, store, back } = engine
  const { managed, transport, sealer, intake, lanes } = back
  const now = clock.now
  const keys = createKeys(store, admin.key, now)
  const credentials = createCredentials({ transport, clock })
  const metrics = createMetrics({ counted, store, now, open: isLoopback(admin.listen.host) })
  back.onAttempt(metrics.attempted)

  const sites = (): readonly AdminSite[] =>
    engine.configuration.sites.map(({ traffic }) => ({
      id: traffic.id,
      currency: traffic.currency,
      integrations: back.integrationsOf(traffic.id),
    }))
  const routes = adminRoutes({
    store,
    managed,
    clock,
    sealer,
    transport,
    credentials,
    keys,
    sites,
    now,
    rulesFile,
    intake,
    lanes,
    metrics,
    notReady,
    declared: (site) => engine.configuration.integrationsOf(site),
  })
  const refreshing = setInterval(() => {
    managed.refresh().catch((error: unknown) => log.warn({ err: error }, 'settings could not be read anew'))
  }, refreshMs).unref()

  try {
    const listener = await startAdmin({
      listen: admin.listen,
      keys,
      version: '0.1.0',
      now,
      onFault: ({ requestId, error }) =>
        log.error({ requestId, err: error }, 'a request of the admin API failed'),
      routes,
    })
    return {
      url: listener.url,
      close: async () => {
        clearInterval(refreshing)
        await listener.close()
        credentials.close()
      },
    }
  } catch (error) {
    clearInterval(refreshing)
    throw new ConfigurationError(listenProblem(admin.listen, error), { cause: error })
  }
}
