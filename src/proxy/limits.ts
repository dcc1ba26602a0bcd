/** How long and how much. Times in milliseconds. */
export interface ProxyLimits {
  readonly connectMs: number
  /** From the whole request sent to the first head of the answer. */
  readonly answerMs: number
  /** Silence within a body. */
  readonly bodyIdleMs: number
  /** Requests on their way to one origin at a time; beyond it visitors get 503 instead of an endless wait. */
  readonly requestsPerOrigin: number
  readonly requestHeaderBytes: number
  readonly answerHeaderBytes: number
  readonly clientHeadersMs: number
  readonly clientRequestMs: number
  readonly clientKeepAliveMs: number
  /** How often late clients are looked for. */
  readonly clientCheckMs: number
  /** Pooled connections to an origin live this long unless the origin's `Keep-Alive` says otherwise. */
  readonly originKeepAliveMs: number
}

export const defaultLimits: ProxyLimits = {
  connectMs: 5_000,
  answerMs: 60_000,
  bodyIdleMs: 300_000,
  requestsPerOrigin: 8_192,
  requestHeaderBytes: 32_768,
  answerHeaderBytes: 65_536,
  clientHeadersMs: 60_000,
  clientRequestMs: 300_000,
  clientKeepAliveMs: 65_000,
  clientCheckMs: 5_000,
  originKeepAliveMs: 4_000,
}
