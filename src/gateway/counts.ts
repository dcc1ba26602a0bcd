import type { Counted } from '../admin/metrics.ts'
import type { FrontCounts } from './front.ts'
import { createStats, type ProxyStats } from '../proxy/stats.ts'

/** What is counted where the traffic is, brought to where somebody asks. */

export interface Counts extends FrontCounts {
  readonly proxy: Readonly<ProxyStats>
}

export const countedOf = ({
  proxy,
  skipped,
  skippedByRule,
  cookies,
  dataLayer,
  waiting,
  lost,
}: Counts): Counted => ({
  requests: proxy.requests,
  activeRequests: proxy.active,
  unknownHost: proxy.unknownHost,
  refused: proxy.refused,
  originFailed: proxy.originFailed,
  holdExpired: proxy.holdExpired,
  redirected: proxy.redirected,
  connectionsRefused: proxy.connectionsRefused,
  handshakeFailed: proxy.handshakeFailed,
  sessionsEnded: proxy.sessionsEnded,
  webSockets: proxy.webSockets,
  skipped,
  skippedByRule,
  cookies,
  dataLayer,
  eventsWaiting: waiting,
  eventsLost: lost,
})

/** Of nothing. */
export const noCounts: Counted = countedOf({
  proxy: createStats(),
  skipped: {},
  skippedByRule: {},
  cookies: {},
  dataLayer: {},
  waiting: 0,
  lost: 0,
})

type Figures = Readonly<Record<string, number>>

const addFigures = (a: Figures, b: Figures): Figures =>
  Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)]),
  )

/** Of two processes together. */
export const addCounted = (a: Counted, b: Counted): Counted => ({
  requests: a.requests + b.requests,
  activeRequests: a.activeRequests + b.activeRequests,
  unknownHost: a.unknownHost + b.unknownHost,
  refused: addFigures(a.refused, b.refused),
  originFailed: addFigures(a.originFailed, b.originFailed),
  holdExpired: a.holdExpired + b.holdExpired,
  redirected: a.redirected + b.redirected,
  connectionsRefused: a.connectionsRefused + b.connectionsRefused,
  handshakeFailed: addFigures(a.handshakeFailed, b.handshakeFailed),
  sessionsEnded: addFigures(a.sessionsEnded, b.sessionsEnded),
  webSockets: a.webSockets + b.webSockets,
  skipped: addFigures(a.skipped, b.skipped),
  skippedByRule: addFigures(a.skippedByRule, b.skippedByRule),
  cookies: addFigures(a.cookies, b.cookies),
  dataLayer: addFigures(a.dataLayer, b.dataLayer),
  eventsWaiting: a.eventsWaiting + b.eventsWaiting,
  eventsLost: a.eventsLost + b.eventsLost,
})

/**
 * Of a process that is gone: what it had counted stays counted, what it had open is closed. The events that waited in its
 * memory are lost.
 */
export const countedWhenGone = (last: Counted): Counted => ({
  ...last,
  activeRequests: 0,
  webSockets: 0,
  eventsWaiting: 0,
  eventsLost: last.eventsLost + last.eventsWaiting,
})
