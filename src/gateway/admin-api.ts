import { createMetrics, type Counted } from '../admin/metrics.ts'
import { adminRoutes } from '../admin/routes.ts'
import { startAdmin, type Admin } from '../admin/server.ts'
import { ConfigurationError, isLoopback, type AdminConfig } from '../config.ts'
import type { Back } from './back.ts'
import { createCredentials } from '../delivery/credentials.ts'
import type { Doors } from './doors.ts'
import type { Intake } from '../delivery/intake.ts'
import type { Ground } from './ground.ts'
import { listenProblem } from './preconditions.ts'
import { skipsOf } from './skips.ts'

/** The wiring of the admin listener: what the back has, shown to whoever holds a key. */

export interface AdminApiOptions {
  readonly admin: AdminConfig
  readonly ground: Ground
  readonly back: Back
  readonly intake: Intake
  readonly doors: Doors
  /** For whoever wants to change what is declared there. */
  readonly rulesFile: string
  readonly counted: () => Counted
  /** `null`: ready. */
  readonly notReady: () => string | null
}

/** @throws ConfigurationError where it cannot listen. */
export const startAdminApi = async (options: AdminApiOptions): Promise<Admin> => {
  const { admin, ground, back, intake, doors, rulesFile, counted, notReady } = options
  const { clock, store, managed, dataLayers, sealer } = ground
  const { transport, lanes } = back
  const now = clock.now
  const { keys, turnstile, sites, onFault } = doors
  const credentials = createCredentials({ transport, clock })
  const metrics = createMetrics({ counted, store, now, open: isLoopback(admin.listen.host) })
  back.onAttempt(metrics.attempted)

  const routes = adminRoutes({
    store,
    managed,
    dataLayers,
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
    startedAt: now(),
    skippedOf: (site) => skipsOf(counted().skippedByRule, site),
    declared: (site) => ground.configuration.integrationsOf(site),
  })

  try {
    const listener = await startAdmin({
      listen: admin.listen,
      keys,
      turnstile,
      version: '0.1.0',
      onFault,
      routes,
    })
    return {
      url: listener.url,
      close: async () => {
        await listener.close()
        credentials.close()
      },
    }
  } catch (error) {
    throw new ConfigurationError(listenProblem(admin.listen, error), { cause: error })
  }
}
