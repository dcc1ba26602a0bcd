/** Counts since the start. Plain numbers: whoever shows them reads them when asked. */
export interface ProxyStats {
  requests: number
  /** Connections closed because their address had too many. */
  connectionsRefused: number
  /** TLS handshakes that came to nothing, by code. */
  handshakeFailed: Record<string, number>
  /** HTTP/2 connections that we or their errors ended, by code. */
  sessionsEnded: Record<string, number>
  /** Answers not yet finished. */
  active: number
  /** Requests the gateway answered itself because of what they were, by code. */
  refused: Record<string, number>
  /** Sent from http to https. */
  redirected: number
  /** Hosts no site answers to. */
  unknownHost: number
  /** Answers the gateway gave in an origin's place, by code. */
  originFailed: Record<string, number>
  /** Answers that broke off after their head had gone out. */
  cutShort: number
  /** Visitors who left before their answer was complete. */
  clientLeft: number
  /** Requests sent a second time because a pooled connection had died. */
  retried: number
  /** WebSockets that are open or shaking hands, and those opened so far. */
  webSockets: number
  upgraded: number
  observed: number
  /** Last bytes that waited for a commit. */
  held: number
  /** Pages that went before their event was committed: patience had ended. */
  holdExpired: number
  /** Pages that are decoded and encoded now, for what is added to them. */
  recoding: number
  /** Calls into capture that threw; the page went on. */
  captureThrew: number
}

export const createStats = (): ProxyStats => ({
  requests: 0,
  connectionsRefused: 0,
  handshakeFailed: {},
  sessionsEnded: {},
  active: 0,
  refused: {},
  redirected: 0,
  unknownHost: 0,
  originFailed: {},
  cutShort: 0,
  clientLeft: 0,
  retried: 0,
  webSockets: 0,
  upgraded: 0,
  observed: 0,
  held: 0,
  holdExpired: 0,
  recoding: 0,
  captureThrew: 0,
})

export const count = (counts: Record<string, number>, code: string): void => {
  counts[code] = (counts[code] ?? 0) + 1
}
