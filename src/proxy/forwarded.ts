import type { RequestFields } from './request-fields.ts'

/** The fields that tell the origin who came, and by which way (RFC 7239, RFC 9110 section 7.6.3). */

export interface Passage {
  /** The socket's peer, as an address without port. */
  readonly peer: string
  readonly secure: boolean
  /** `1.1` or `1.0`: how the request reached us. */
  readonly httpVersion: string
  /** The Host to send to the origin. */
  readonly originHost: string
  /** Our name in `Via`. */
  readonly via: string
}

/** A node name of RFC 7239 section 6: IPv6 in brackets and quotes. */
const nodeName = (address: string): string => (address.includes(':') ? `"[${address}]"` : address)

/** A token needs no quotes; a port's colon does (RFC 7239 section 4). */
const hostParameter = (host: string): string => (/^[\w.-]+$/.test(host) ? host : `"${host}"`)

const portOf = (host: string, secure: boolean): string => /:(\d+)$/.exec(host)?.[1] ?? (secure ? '443' : '80')

/**
 * Adds `Host` and ours to the request's end-to-end fields, in place. It runs after the fields that `Connection` names are
 * gone, so that no client can have ours removed.
 */
export const addForwarded = (fields: RequestFields, passage: Passage): void => {
  const { headers, host, forwarded } = fields
  const { peer, secure, httpVersion, originHost, via } = passage
  const proto = secure ? 'https' : 'http'
  const before = forwarded.element === '' ? '' : `${forwarded.element}, `
  headers.push(
    'Host',
    originHost,
    'X-Forwarded-For',
    forwarded.for === '' ? peer : `${forwarded.for}, ${peer}`,
    'X-Forwarded-Proto',
    forwarded.proto === '' ? proto : forwarded.proto,
    'X-Forwarded-Host',
    forwarded.host === '' ? host : forwarded.host,
    'X-Forwarded-Port',
    forwarded.port === '' ? portOf(host, secure) : forwarded.port,
    'Forwarded',
    `${before}for=${nodeName(peer)};host=${hostParameter(host)};proto=${proto}`,
    'Via',
    `${httpVersion} ${via}`,
  )
  // Trailers of answers are carried, so a client that wants them may say so through us.
  if (fields.takesTrailers) headers.push('TE', 'trailers')
}
