import { createIngestDoor, type IngestDoor } from '../admin/ingest-door.ts'
import { createKeys, type KeyRing } from '../admin/keys.ts'
import type { AdminSite } from '../admin/sites.ts'
import { createTurnstile, usualRates, type Turnstile } from '../admin/turnstile.ts'
import type { AdminConfig } from '../config.ts'
import type { Intake } from '../delivery/intake.ts'
import type { Ground } from './ground.ts'

/** What the doors of the API share in a process: the admin listener's, and those on the hosts of sites. */
export interface Doors {
  readonly keys: KeyRing
  readonly turnstile: Turnstile
  readonly sites: () => readonly AdminSite[]
  readonly onFault: (fault: { readonly requestId: string; readonly error: unknown }) => void
  /** For requests that came to a site's own host. */
  readonly ingest: IngestDoor
}

export interface DoorsConfig {
  /** Absent, or without a key: only keys of sites are taken. */
  readonly admin?: AdminConfig
  /** Of one key; absent: as usual. */
  readonly ingestRequestsPerSecond?: number
}

export const createDoors = (ground: Ground, intake: Intake, config: DoorsConfig): Doors => {
  const { clock, log, store } = ground
  const now = clock.now
  const shared = {
    keys: createKeys(store, config.admin?.key ?? null, now),
    turnstile: createTurnstile(now, {
      ...usualRates,
      ingest: config.ingestRequestsPerSecond ?? usualRates.ingest,
    }),
    sites: (): readonly AdminSite[] =>
      ground.configuration.sites.map(({ traffic }) => ({
        id: traffic.id,
        currency: traffic.currency,
        hosts: traffic.hosts,
        publicIngest: traffic.ingest?.public === true,
        integrations: ground.integrationsOf(traffic.id),
      })),
    onFault: ({ requestId, error }: { readonly requestId: string; readonly error: unknown }) =>
      log.error({ requestId, err: error }, 'a request of the API failed'),
  }
  return { ...shared, ingest: createIngestDoor({ ...shared, intake, now }) }
}
