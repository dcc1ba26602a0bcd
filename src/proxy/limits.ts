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
  /** Lines of a request's head. */
  readonly requestHeaderCount: number
  readonly answerHeaderBytes: number
  /** From a connection to the end of its header of the PROXY protocol, where one is asked for. */
  readonly proxyHeaderMs: number
  /** From a connection to the end of its TLS handshake. */
  readonly handshakeMs: number
  readonly clientHeadersMs: number
  readonly clientRequestMs: number
  readonly clientKeepAliveMs: number
  /** On HTTP/2: a stream on which no byte passes for so long is ended. More than an origin may take to answer. */
  readonly clientStallMs: number
  /** Requests at a time on one connection of HTTP/2. */
  readonly streamsPerConnection: number
  /** From one address (of IPv6: one /64), proxies of the operator's apart; 0: any number. */
  readonly connectionsPerAddress: number
  /** Compressed pages at a time to which something is added; those beyond it pass as they are. */
  readonly pagesRecoded: number
  /** How often late clients are looked for. */
  readonly clientCheckMs: number
  /** Pooled connections to an origin live this long unless the origin's `Keep-Alive` says otherwise. */
  readonly originKeepAliveMs: number
  /** WebSockets at a time; beyond it handshakes get 503. */
  readonly webSockets: number
  /** A WebSocket through which nothing passes in either direction for so long is ended. */
  readonly webSocketIdleMs: number
}

export const defaultLimits: ProxyLimits = {
  connectMs: 5_000,
  answerMs: 60_000,
  bodyIdleMs: 300_000,
  requestsPerOrigin: 8_192,
  requestHeaderBytes: 32_768,
  requestHeaderCount: 1_000,
  answerHeaderBytes: 65_536,
  proxyHeaderMs: 5_000,
  handshakeMs: 10_000,
  clientHeadersMs: 60_000,
  clientRequestMs: 300_000,
  clientKeepAliveMs: 65_000,
  clientStallMs: 330_000,
  streamsPerConnection: 100,
  connectionsPerAddress: 1_024,
  pagesRecoded: 64,
  clientCheckMs: 5_000,
  originKeepAliveMs: 4_000,
  webSockets: 16_384,
  webSocketIdleMs: 3_600_000,
}
