import { errors } from 'undici'
import { blockedAddressCode } from './address-guard.ts'

/** Why no answer came. */
export interface TransportFailure {
  /** For the journal: words that hold no payload and no address of the inner network. */
  readonly reason: string
  /** The request was begun on a connection, so it may have been taken. */
  readonly ambiguous: boolean
  /** It will fail in the same way until somebody changes the settings: a forbidden address, an untrusted certificate. */
  readonly permanent: boolean
  /** The original. May name inner addresses: not for the journal, the API or the log. */
  readonly cause: unknown
}

/** OpenSSL's verification results, as Node spells them in `code`. */
const untrusted: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_REVOKED: 'it was revoked',
  CERT_UNTRUSTED: 'nobody trusted signed it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'nobody trusted signed it',
  UNABLE_TO_GET_ISSUER_CERT: 'its chain is incomplete',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its chain is incomplete, or nobody trusted signed it',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its chain is incomplete, or nobody trusted signed it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host',
}

/** When both families were tried, Node wraps their errors; the first says enough. */
const innermost = (error: unknown): unknown =>
  error instanceof AggregateError && error.errors.length > 0 ? innermost(error.errors[0]) : error

/** undici's parser leaves `code` undefined when the first byte is already wrong. */
const codeOf = (error: unknown): string => {
  if (error instanceof errors.HTTPParserError) return 'HPE'
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : ''
}

const describe = (
  code: string,
  connectTimeoutMs: number,
): { readonly reason: string; readonly permanent: boolean } => {
  const certificate = untrusted[code] ?? (code.startsWith('CERT_') ? 'it could not be verified' : undefined)
  if (certificate !== undefined)
    return { reason: `the TLS certificate is not accepted: ${certificate}`, permanent: true }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_'))
    return { reason: 'no TLS connection could be agreed on', permanent: true }
  if (code === 'HPE') return { reason: 'the answer was not HTTP', permanent: false }
  switch (code) {
    case blockedAddressCode:
      return { reason: 'the host has no public address', permanent: true }
    case 'UND_ERR_INVALID_ARG':
      return { reason: 'the request cannot be written as HTTP', permanent: true }
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
      return { reason: 'the name of the host could not be resolved', permanent: false }
    case 'ECONNREFUSED':
      return { reason: 'the connection was refused', permanent: false }
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return { reason: `no connection within ${connectTimeoutMs} ms`, permanent: false }
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return { reason: 'there is no route to the host', permanent: false }
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return { reason: 'the connection was closed before the answer was complete', permanent: false }
    case 'UND_ERR_CLOSED':
    case 'UND_ERR_DESTROYED':
      return { reason: 'the gateway was stopping', permanent: false }
    case 'UND_ERR_HEADERS_OVERFLOW':
      return { reason: 'the headers of the answer were too large', permanent: false }
    default:
      return {
        reason: code === '' ? 'the connection failed' : `the connection failed (${code})`,
        permanent: false,
      }
  }
}

/** The one place where errors of sockets, TLS and undici become words. */
export const transportFailure = (
  error: unknown,
  connectTimeoutMs: number,
): Omit<TransportFailure, 'ambiguous'> => ({
  ...describe(codeOf(innermost(error)), connectTimeoutMs),
  cause: error,
})
