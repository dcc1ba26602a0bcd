import type { Counted } from '../admin/metrics.ts'
import type { FrontCounts } from './front.ts'
import type { ProxyStats } from '../proxy/stats.ts'

/** What is counted where the traffic is, brought to where somebody asks. */

export interface Counts extends FrontCounts {
  readonly proxy: Readonly<ProxyStats>
}

export const countedOf = ({ proxy, skipped, waiting, lost }: Counts): Counted => ({
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
  eventsWaiting: waiting,
  eventsLost: lost,
})
