import type { Lanes, LanesCondition } from '../delivery/lanes.ts'
import { credentialStateOf, lastErrorOf, lastSuccessOf, successOf, type Success } from '../delivery/vitals.ts'
import type { Integration } from '../sites/configure.ts'
import type { Backlog, LatestOutcome, Pulse, Store } from '../store/store.ts'
import { configuredOf, type Configured, type ConfiguredOptions } from './configured.ts'
import { ok, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'
import { orUnavailable } from './store-trouble.ts'

/** `GET …/integrations/health`: what the store has counted, and what the lanes do at this moment. */

export interface IntegrationHealthOptions extends ConfiguredOptions {
  readonly store: Pick<Store, 'backlog' | 'pulse' | 'latest'>
  readonly lanes: Pick<Lanes, 'condition'>
  readonly sites: () => readonly AdminSite[]
  readonly now: () => number
}

const hourMs = 3_600_000

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

interface Waiting {
  readonly pending: number
  readonly oldestPendingAt: string | null
  readonly oldestPendingSeconds: number | null
}

const waitingOf = (backlogs: readonly Backlog[], now: number): Waiting => {
  const accepted = backlogs.flatMap(({ oldestAcceptedAt: at }) => (at === null ? [] : [at]))
  const oldest = accepted.length === 0 ? null : Math.min(...accepted)
  return {
    pending: backlogs.reduce((sum, { pending }) => sum + pending, 0),
    oldestPendingAt: iso(oldest),
    oldestPendingSeconds: oldest === null ? null : Math.max(Math.round((now - oldest) / 1000), 0),
  }
}

const errorShown = (error: LatestOutcome | null): object | null =>
  error === null
    ? null
    : {
        at: iso(error.at),
        outcome: error.outcome,
        reason: error.reason,
        ...(error.code === null ? {} : { code: error.code }),
        ...(error.trace === null ? {} : { trace: error.trace }),
        ...(error.httpStatus === null ? {} : { httpStatus: error.httpStatus }),
      }

const credentialShown = (
  latest: readonly LatestOutcome[],
  integration: Integration,
  condition: LanesCondition | null,
): object => {
  const credential = credentialStateOf(latest, integration)
  const expires = condition?.tokenUsableUntil ?? null
  return {
    state: credential.state,
    ...(credential.state === 'refused' ? { since: iso(credential.since), reason: credential.reason } : {}),
    ...(credential.state === 'never_used' ? {} : { lastUsedAt: iso(credential.at) }),
    /** Of the access token at hand; it is renewed before. */
    ...(expires === null ? {} : { expiresAt: iso(expires) }),
  }
}

/** `open`: nothing is sent until `nextAttemptAt`, then one event knocks (`half_open`). Of two lanes the one parked longer. */
const breakerShown = (condition: LanesCondition | null, now: number): object => {
  const lanes = condition?.lanes ?? []
  const parked = lanes
    .flatMap((one) => (one.parked === null ? [] : [one.parked]))
    .toSorted((a, b) => a.since - b.since)[0]
  const failuresInARow = Math.max(0, ...lanes.map(({ failures }) => failures))
  return parked === undefined
    ? { state: 'closed', failuresInARow }
    : {
        state: parked.until > now ? 'open' : 'half_open',
        failuresInARow,
        cause: parked.cause,
        reason: parked.reason,
        since: iso(parked.since),
        nextAttemptAt: iso(parked.until),
      }
}

const limitsShown = ({ limits }: Integration, condition: LanesCondition | null): object => {
  const { eventsPerSecond, pausedUntil } = condition?.limits ?? { ...limits, pausedUntil: null }
  return {
    /** At this moment: less than configured after a complaint; `null`: lifted. */
    eventsPerSecond: Number.isFinite(eventsPerSecond) ? Math.round(eventsPerSecond * 100) / 100 : null,
    batchSize: limits.batchSize,
    ...(pausedUntil === null ? {} : { pausedUntil: iso(pausedUntil) }),
  }
}

interface Seen {
  readonly backlogs: readonly Backlog[]
  readonly hour: readonly Pulse[]
  readonly day: readonly Pulse[]
  readonly latest: readonly LatestOutcome[]
  readonly now: number
}

/** Of one integration. */
const only = ({ backlogs, hour, day, latest, now }: Seen, key: string): Seen => {
  const ours = (one: { readonly integration: string }): boolean => one.integration === key
  return {
    now,
    backlogs: backlogs.filter(ours),
    hour: hour.filter(ours),
    day: day.filter(ours),
    latest: latest.filter(ours),
  }
}

const historyShown = ({
  latest,
  hour,
  day,
}: Seen): {
  readonly lastSuccessAt: string | null
  readonly lastError: object | null
  readonly success: { readonly lastHour: Success; readonly lastDay: Success }
} => ({
  lastSuccessAt: iso(lastSuccessOf(latest)?.at ?? null),
  lastError: errorShown(lastErrorOf(latest)),
  success: { lastHour: successOf(hour), lastDay: successOf(day) },
})

const usableShown = (integration: Integration, condition: LanesCondition | null, seen: Seen): object => {
  const parked = condition?.lanes.some((one) => one.parked !== null) === true
  const { paused, testMode } = integration
  return {
    id: integration.id,
    platform: integration.destination.name,
    state: paused ? 'paused' : testMode ? 'test' : parked ? 'parked' : 'active',
    ...waitingOf(seen.backlogs, seen.now),
    ...historyShown(seen),
    credential: credentialShown(seen.latest, integration, condition),
    breaker: breakerShown(condition, seen.now),
    limits: limitsShown(integration, condition),
  }
}

const healthOf = (one: Configured, condition: LanesCondition | null, seen: Seen): object => {
  if (one.kind === 'declared') return usableShown(one.integration, condition, seen)
  if (one.integration !== null) return usableShown(one.integration, condition, seen)
  return {
    id: one.id,
    platform: one.destination.name,
    state: 'unusable',
    reason: one.problem,
    ...waitingOf(seen.backlogs, seen.now),
    ...historyShown(seen),
  }
}

/** Nothing sends what waits for these: the rules file does not name them any more. */
const gone = ({ backlogs, now }: Seen, site: string, known: ReadonlySet<string>): readonly object[] => {
  const strays = backlogs.filter(({ integration: key }) => key.startsWith(`${site}/`) && !known.has(key))
  return [...Map.groupBy(strays, ({ integration }) => integration)].map(([key, own]) => ({
    id: key.slice(site.length + 1),
    state: 'gone',
    reason: 'It is not configured any more. What waits for it is given up after a day, unless it comes back.',
    ...waitingOf(own, now),
  }))
}

export const integrationHealthRoutes = (options: IntegrationHealthOptions): readonly Route[] => [
  {
    method: 'GET',
    path: '/api/v1/sites/:siteId/integrations/health',
    summary: 'How each integration is doing',
    scope: 'read',
    answers: {
      200: 'State, last success and error, what waits and for how long, success rates of an hour and a day, credentials, limits and breaker.',
    },
    handle: async ({ params }) => {
      const { store, lanes, sites, now } = options
      const { id: site } = siteNamed(sites(), params['siteId'])
      const at = now()
      const [backlogs, hour, day, latest] = await orUnavailable(
        Promise.all([
          store.backlog(),
          store.pulse({ site, from: at - hourMs }),
          store.pulse({ site, from: at - 24 * hourMs }),
          store.latest(site),
        ]),
      )
      const seen: Seen = { backlogs, hour, day, latest, now: at }
      const all = configuredOf(options, site).filter((one) => one.kind === 'declared' || !one.shadowed)
      const keys = new Set(all.map(({ id }) => `${site}/${id}`))
      return ok({
        site,
        integrations: [
          ...all.map((one) =>
            healthOf(one, lanes.condition(`${site}/${one.id}`), only(seen, `${site}/${one.id}`)),
          ),
          ...gone(seen, site, keys),
        ],
      })
    },
  },
]
