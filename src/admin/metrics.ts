import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { LaneNews } from '../delivery/sending.ts'
import type { Store } from '../store/store.ts'
import { ok, type Route } from './route.ts'

/** For Prometheus: names by its conventions, base units, counters that end in `_total`. */
export interface Metrics {
  /** One attempt and kind of outcome. */
  attempted(news: LaneNews): void
  readonly routes: readonly Route[]
}

/** What the gateway counts by itself, read when asked. */
export interface Counted {
  readonly requests: number
  readonly activeRequests: number
  readonly unknownHost: number
  readonly refused: Readonly<Record<string, number>>
  readonly originFailed: Readonly<Record<string, number>>
  readonly holdExpired: number
  readonly redirected: number
  readonly connectionsRefused: number
  readonly handshakeFailed: Readonly<Record<string, number>>
  readonly sessionsEnded: Readonly<Record<string, number>>
  readonly webSockets: number
  /** By `site/reason`. */
  readonly skipped: Readonly<Record<string, number>>
  /** By `site/rule/reason`. */
  readonly skippedByRule: Readonly<Record<string, number>>
  /** By `site/outcome`. */
  readonly cookies: Readonly<Record<string, number>>
  /** By `site/result`. */
  readonly dataLayer: Readonly<Record<string, number>>
  readonly eventsWaiting: number
  readonly eventsLost: number
}

const parted = (key: string): readonly [string, string] => {
  const slash = key.indexOf('/')
  return [key.slice(0, slash), key.slice(slash + 1)]
}

export const createMetrics = (options: {
  readonly counted: () => Counted
  readonly store: Pick<Store, 'backlog'>
  readonly now: () => number
  /** Whoever reaches the listener may read the figures without a key. */
  readonly open: boolean
}): Metrics => {
  const { counted, store, now } = options
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  /** Registered by hand below; the library's default registry is everybody's. */
  const registers: Registry[] = []

  /** A counter kept elsewhere: set to what it is whenever somebody looks. */
  const mirror = (name: string, help: string, read: () => number): void => {
    registry.registerMetric(
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(read())
        },
      }),
    )
  }
  const mirrorBy = <Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    read: () => readonly (readonly [Record<Label, string>, number])[],
  ): void => {
    registry.registerMetric(
      new Counter<Label>({
        name,
        help,
        labelNames: labels,
        registers,
        collect() {
          this.reset()
          for (const [values, count] of read()) this.inc(values, count)
        },
      }),
    )
  }
  const byCode = (
    counts: Readonly<Record<string, number>>,
  ): readonly (readonly [{ code: string }, number])[] =>
    Object.entries(counts).map(([code, count]) => [{ code }, count] as const)

  mirror('sluice_http_requests_total', 'Requests of visitors.', () => counted().requests)
  mirror('sluice_http_unknown_host_total', 'Requests for a host of no site.', () => counted().unknownHost)
  mirrorBy('sluice_http_refused_total', 'Requests the gateway refused, by reason.', ['code'], () =>
    byCode(counted().refused),
  )
  mirrorBy('sluice_origin_failures_total', "Answers given in an origin's place, by reason.", ['code'], () =>
    byCode(counted().originFailed),
  )
  mirror('sluice_http_redirected_total', 'Requests sent on from http to https.', () => counted().redirected)
  mirror(
    'sluice_connections_refused_total',
    'Connections beyond what one address may have.',
    () => counted().connectionsRefused,
  )
  mirrorBy(
    'sluice_tls_handshakes_failed_total',
    'TLS handshakes that came to nothing, by reason.',
    ['code'],
    () => byCode(counted().handshakeFailed),
  )
  mirrorBy('sluice_http2_sessions_ended_total', 'HTTP/2 sessions ended by us, by reason.', ['code'], () =>
    byCode(counted().sessionsEnded),
  )
  mirror(
    'sluice_hold_expired_total',
    'Pages that went before their event was committed.',
    () => counted().holdExpired,
  )
  mirror(
    'sluice_events_lost_total',
    'Events that found no place while the store could not take them.',
    () => counted().eventsLost,
  )
  mirrorBy(
    'sluice_requests_skipped_total',
    'Requests that a rule matches and that do not count.',
    ['site', 'reason'],
    () =>
      Object.entries(counted().skipped).map(([key, count]) => {
        const [site, reason] = parted(key)
        return [{ site, reason }, count] as const
      }),
  )
  mirrorBy(
    'sluice_identity_answers_total',
    'Answers that were to carry cookies with click ids, by what came of it.',
    ['site', 'outcome'],
    () =>
      Object.entries(counted().cookies).map(([key, count]) => {
        const [site, outcome] = parted(key)
        return [{ site, outcome }, count] as const
      }),
  )
  mirrorBy(
    'sluice_data_layer_pages_total',
    'Pages that were to be told of their events, by what became of it.',
    ['site', 'result'],
    () =>
      Object.entries(counted().dataLayer).map(([key, count]) => {
        const [site, result] = parted(key)
        return [{ site, result }, count] as const
      }),
  )
  registry.registerMetric(
    new Gauge({
      name: 'sluice_http_active_requests',
      help: 'Answers not yet finished.',
      registers,
      collect() {
        this.set(counted().activeRequests)
      },
    }),
  )
  registry.registerMetric(
    new Gauge({
      name: 'sluice_websockets',
      help: 'WebSockets open now.',
      registers,
      collect() {
        this.set(counted().webSockets)
      },
    }),
  )
  registry.registerMetric(
    new Gauge({
      name: 'sluice_events_waiting',
      help: 'Events in memory because the store cannot take them.',
      registers,
      collect() {
        this.set(counted().eventsWaiting)
      },
    }),
  )
  const oldest = new Gauge({
    name: 'sluice_deliveries_oldest_pending_seconds',
    help: 'Age of the oldest pending delivery.',
    labelNames: ['site', 'integration', 'lane'],
    registers,
  })
  registry.registerMetric(
    new Gauge({
      name: 'sluice_deliveries_pending',
      help: 'Deliveries owed.',
      labelNames: ['site', 'integration', 'lane'],
      registers,
      async collect() {
        this.reset()
        oldest.reset()
        for (const { integration: key, lane, pending, oldestAcceptedAt } of await store.backlog()) {
          const [site, integration] = parted(key)
          this.set({ site, integration, lane }, pending)
          if (oldestAcceptedAt !== null)
            oldest.set({ site, integration, lane }, Math.max(now() - oldestAcceptedAt, 0) / 1000)
        }
      },
    }),
  )
  const attempts = new Counter({
    name: 'sluice_delivery_attempts_total',
    help: 'Deliveries attempted, by what came of it.',
    labelNames: ['site', 'integration', 'lane', 'outcome'],
    registers,
  })
  const refusedLater = new Counter({
    name: 'sluice_deliveries_refused_later_total',
    help: 'Events that a platform accepted and then refused when it processed them.',
    labelNames: ['site', 'integration', 'code'],
    registers,
  })
  const durations = new Histogram({
    name: 'sluice_delivery_duration_seconds',
    help: 'How long platforms took to answer.',
    labelNames: ['site', 'integration'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })

  for (const metric of [oldest, attempts, refusedLater, durations]) registry.registerMetric(metric)

  return {
    attempted: ({ site, integration, lane, outcome, events, durationMs, code = '' }) => {
      if (outcome === 'refused_later') return refusedLater.inc({ site, integration, code }, events)
      attempts.inc({ site, integration, lane, outcome }, events)
      if (durationMs !== undefined) durations.observe({ site, integration }, durationMs / 1000)
    },
    routes: [
      {
        method: 'GET',
        path: '/metrics',
        summary: 'Figures for Prometheus',
        scope: options.open ? null : 'read',
        answers: { 200: 'In the text format.' },
        handle: async () => ({
          ...ok(await registry.metrics()),
          headers: { 'content-type': registry.contentType },
        }),
      },
    ],
  }
}
