/** Counts since the start. Plain numbers: whoever shows them reads them when asked. */
export interface ProxyStats {
  requests: number
  /** Answers not yet finished. */
  active: number
  /** Requests the gateway answered itself because of what they were, by code. */
  refused: Record<string, number>
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
  observed: number
  /** Last bytes that waited for a commit. */
  held: number
  /** Pages that went before their event was committed: patience had ended. */
  holdExpired: number
  /** Calls into capture that threw; the page went on. */
  captureThrew: number
}

export const createStats = (): ProxyStats => ({
  requests: 0,
  active: 0,
  refused: {},
  unknownHost: 0,
  originFailed: {},
  cutShort: 0,
  clientLeft: 0,
  retried: 0,
  observed: 0,
  held: 0,
  holdExpired: 0,
  captureThrew: 0,
})

export const count = (counts: Record<string, number>, code: string): void => {
  counts[code] = (counts[code] ?? 0) + 1
}
