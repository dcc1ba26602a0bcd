import { auditRoutes } from './audit.ts'
import { dataLayerRoutes } from './data-layer.ts'
import { diagnosticsRoutes } from './diagnostics.ts'
import { erasureRoutes } from './erasure.ts'
import { eventRoutes } from './events.ts'
import { healthRoutes } from './health.ts'
import { ingestRoutes } from './ingest-route.ts'
import { integrationRoutes } from './integrations.ts'
import { keyRoutes } from './key-routes.ts'
import { mappingRoutes } from './mappings.ts'
import type { Metrics } from './metrics.ts'
import { replayRoutes } from './replay.ts'
import type { Route } from './route.ts'
import { siteRoutes } from './site-routes.ts'
import { skippedRoutes } from './skipped.ts'
import { testCallRoutes } from './test-call.ts'
import { webhookRoutes } from './webhooks.ts'

type OptionsOf<Factory extends (options: never) => unknown> = Parameters<Factory>[0]

/** What all rows together ask for. */
export type AdminRoutesOptions = OptionsOf<typeof ingestRoutes> &
  OptionsOf<typeof siteRoutes> &
  OptionsOf<typeof integrationRoutes> &
  OptionsOf<typeof testCallRoutes> &
  OptionsOf<typeof eventRoutes> &
  OptionsOf<typeof dataLayerRoutes> &
  OptionsOf<typeof mappingRoutes> &
  OptionsOf<typeof diagnosticsRoutes> &
  OptionsOf<typeof skippedRoutes> &
  OptionsOf<typeof replayRoutes> &
  OptionsOf<typeof erasureRoutes> &
  OptionsOf<typeof keyRoutes> &
  OptionsOf<typeof auditRoutes> &
  OptionsOf<typeof healthRoutes> & { readonly metrics: Metrics }

/** The table of routes: everything the admin listener serves. */
export const adminRoutes = (options: AdminRoutesOptions): readonly Route[] => {
  const common = [...integrationRoutes(options), ...testCallRoutes(options), ...eventRoutes(options)]
  return [
    ...ingestRoutes(options),
    ...siteRoutes(options),
    ...common,
    ...webhookRoutes({ ...options, routes: common }),
    ...mappingRoutes(options),
    ...dataLayerRoutes(options),
    ...diagnosticsRoutes(options),
    ...skippedRoutes(options),
    ...replayRoutes(options),
    ...erasureRoutes(options),
    ...keyRoutes(options),
    ...auditRoutes(options),
    ...healthRoutes(options),
    ...options.metrics.routes,
  ]
}
