import type { Lanes } from '../delivery/lanes.ts'
import type { Integration } from '../sites/configure.ts'
import type { Backlog, Store } from '../store/store.ts'
import { ok, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'

/** Is it alive, can it work, and how is each integration doing. */

export interface HealthOptions {
  readonly store: Store
  readonly lanes: Pick<Lanes, 'parked'>
  readonly sites: () => readonly AdminSite[]
  readonly now: () => number
  /** `null`: ready. Otherwise why not, in words. */
  readonly notReady: () => string | null
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

const stateOf = ({ paused, testMode }: Integration, parked: boolean): string =>
  paused ? 'paused' : testMode ? 'test' : parked ? 'parked' : 'active'

const limitsOf = ({ limits }: Integration): object => ({
  eventsPerSecond: Number.isFinite(limits.eventsPerSecond) ? limits.eventsPerSecond : null,
  batchSize: limits.batchSize,
})

const integrationHealth = (
  integration: Integration,
  backlogs: readonly Backlog[],
  parked: ReturnType<Lanes['parked']>,
  now: number,
): object => {
  const own = backlogs.filter((one) => one.integration === integration.key)
  const held = parked.find((one) => one.integration === integration.key)
  const oldest = own.reduce<number | null>(
    (earliest, { oldestAcceptedAt: at }) => (at === null ? earliest : Math.min(earliest ?? at, at)),
    null,
  )
  return {
    id: integration.id,
    platform: integration.destination.name,
    state: stateOf(integration, held !== undefined),
    ...(held === undefined
      ? {}
      : { reason: held.reason, since: iso(held.since), nextAttemptAt: iso(held.until) }),
    pending: own.reduce((sum, { pending }) => sum + pending, 0),
    oldestPendingAt: iso(oldest),
    oldestPendingSeconds: oldest === null ? null : Math.max(Math.round((now - oldest) / 1000), 0),
    limits: limitsOf(integration),
  }
}

export const healthRoutes = ({ store, lanes, sites, now, notReady }: HealthOptions): readonly Route[] => [
  {
    method: 'GET',
    path: '/livez',
    summary: 'Does the process run?',
    scope: null,
    answers: { 200: 'It does.' },
    handle: async () => ok({ status: 'alive' }),
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Can it take visitors and events?',
    scope: null,
    answers: { 200: 'It can.', 503: 'It cannot, and says why.' },
    handle: async () => {
      const reason = notReady()
      return reason === null
        ? ok({ status: 'ready' })
        : { status: 503, body: { status: 'not ready', reason } }
    },
  },
  {
    method: 'GET',
    path: '/api/v1/sites/:siteId/integrations/health',
    summary: 'How each integration is doing',
    scope: 'read',
    answers: { 200: 'State, what waits and for how long, the limits in force.' },
    handle: async ({ params }) => {
      const site = siteNamed(sites(), params['siteId'])
      const backlogs = await store.backlog()
      const parked = lanes.parked()
      return ok({
        site: site.id,
        integrations: site.integrations.map((one) => integrationHealth(one, backlogs, parked, now())),
      })
    },
  },
]
