/** Every way an origin can fail, translated once into what the visitor is told and what the log says. */

export interface Translation {
  readonly status: 400 | 502 | 503 | 504
  /** Stable, for counters and logs. */
  readonly code:
    | 'connect_refused'
    | 'connect_timeout'
    | 'connect_failed'
    | 'unresolved'
    | 'certificate'
    | 'reset'
    | 'answer_timeout'
    | 'bad_answer'
    | 'bad_request'
    | 'overloaded'
    | 'closing'
    | 'failed'
}

/** The origin spoke, and what it said is no answer. */
export class BadAnswerError extends Error {
  readonly code = 'BAD_ANSWER'
}
/** Its connection was reset while only its end could tell where the body ends. */
export class CutOffError extends Error {
  readonly code = 'ECONNRESET'
}
/** The origin took a WebSocket's handshake and said nothing to it. */
export class HandshakeTimeoutError extends Error {
  readonly code = 'HANDSHAKE_TIMEOUT'
}
/** So many requests are on their way to this origin that another would only wait. */
export class OverloadError extends Error {
  readonly code = 'OVERLOAD'
}

const translations: Readonly<Record<string, Translation>> = {
  ECONNREFUSED: { status: 502, code: 'connect_refused' },
  UND_ERR_CONNECT_TIMEOUT: { status: 504, code: 'connect_timeout' },
  // http-proxy-3's
  ECONNECT_TIMEOUT: { status: 504, code: 'connect_timeout' },
  ETIMEDOUT: { status: 504, code: 'connect_timeout' },
  EHOSTUNREACH: { status: 502, code: 'connect_failed' },
  ENETUNREACH: { status: 502, code: 'connect_failed' },
  EADDRNOTAVAIL: { status: 502, code: 'connect_failed' },
  ENOTFOUND: { status: 502, code: 'unresolved' },
  EAI_AGAIN: { status: 502, code: 'unresolved' },
  ECONNRESET: { status: 502, code: 'reset' },
  EPIPE: { status: 502, code: 'reset' },
  UND_ERR_SOCKET: { status: 502, code: 'reset' },
  HANDSHAKE_TIMEOUT: { status: 504, code: 'answer_timeout' },
  UND_ERR_HEADERS_TIMEOUT: { status: 504, code: 'answer_timeout' },
  UND_ERR_BODY_TIMEOUT: { status: 504, code: 'answer_timeout' },
  UND_ERR_HEADERS_OVERFLOW: { status: 502, code: 'bad_answer' },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { status: 502, code: 'bad_answer' },
  BAD_ANSWER: { status: 502, code: 'bad_answer' },
  // undici is stricter than Node's parser about what may be sent on: then it is the request that is wrong.
  UND_ERR_INVALID_ARG: { status: 400, code: 'bad_request' },
  OVERLOAD: { status: 503, code: 'overloaded' },
  UND_ERR_CLOSED: { status: 503, code: 'closing' },
  UND_ERR_DESTROYED: { status: 503, code: 'closing' },
}

const codeOf = (error: unknown): string => {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

export const translate = (error: unknown): Translation => {
  const code = codeOf(error)
  const known = translations[code]
  if (known !== undefined) return known
  if (code.startsWith('HPE_')) return { status: 502, code: 'bad_answer' }
  if (/CERT|TLS|SSL|SIGNATURE/.test(code)) return { status: 502, code: 'certificate' }
  return { status: 502, code: 'failed' }
}

/** The socket died as a pooled one does whose origin had just hung up. */
export const isDeadSocket = (error: unknown): boolean => {
  const code = codeOf(error)
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}

/** An error in words fit for a log: no stack, no bytes of the answer (undici's parser errors carry them). */
export const describeError = (error: unknown): string =>
  error instanceof Error ? `${codeOf(error) || error.name}: ${error.message}` : String(error)
