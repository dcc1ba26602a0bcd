import { METHODS } from 'node:http'

/**
 * A request of HTTP/2 as HTTP/1.1 would have carried it. What cannot be carried over without changing its meaning is
 * refused: behind us stands an origin that reads lines, and a line feed in a value, a second length or a transfer coding
 * would be another request to it (RFC 9113 section 10.3). nghttp2 resets most of these streams by itself; this holds
 * whatever it lets pass.
 */

export interface Http2Head {
  readonly method: string
  readonly target: string
  /** `Host` first, cookies joined, no pseudo fields. */
  readonly rawHeaders: readonly string[]
}

export interface Http2Refusal {
  readonly status: 400 | 405 | 431 | 501
  /** Stable, for counters and logs. */
  readonly code:
    | 'pseudo_field'
    | 'bad_host'
    | 'scheme'
    | 'bad_target'
    | 'connection_field'
    | 'te'
    | 'field_value'
    | 'content_length'
    | 'method'
    | 'extended_connect'
    | 'header_bytes'
}

/** What Node's parser of HTTP/1.1 reads as a method; the origin's parser is asked for no others. */
const methods: ReadonlySet<string> = new Set(METHODS)

const pseudoFields: ReadonlySet<string> = new Set([':method', ':path', ':scheme', ':authority', ':protocol'])

/** They speak of a connection, and HTTP/2 has no such words (RFC 9113 section 8.2.2). */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

// Names are tokens without capitals (RFC 9113 section 8.2.1).
const fieldName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** No control characters but the tab: above all no CR, LF or NUL. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/
/** What HTTP/1.1's parser takes as a target; bytes above ASCII are not among it. */
const targetForm = /^[\x21-\x7e]+$/

const refuse = (status: Http2Refusal['status'], code: Http2Refusal['code']): Http2Refusal => ({
  status,
  code,
})

const sameHost = (a: string, b: string): boolean => a === b || a.toLowerCase() === b.toLowerCase()

/**
 * @param raw Name, value, …, as `http2` gives them, pseudo fields included.
 * @param maxBytes What all of it may come to when written as lines.
 */
export const readHttp2Head = (raw: readonly string[], maxBytes: number): Http2Head | Http2Refusal => {
  const pseudo = new Map<string, string>()
  const rawHeaders = ['Host', '']
  let host: string | null = null
  let cookieAt = -1
  let hasLength = false
  let bytes = 0
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const value = raw[index + 1] ?? ''
    bytes += name.length + value.length + 4
    // At once: a field of kilobytes costs one byte to repeat (RFC 7541).
    if (bytes > maxBytes) return refuse(431, 'header_bytes')
    if (!fieldValue.test(value)) return refuse(400, 'field_value')
    if (name.startsWith(':')) {
      if (!pseudoFields.has(name) || pseudo.has(name)) return refuse(400, 'pseudo_field')
      pseudo.set(name, value)
      continue
    }
    if (!fieldName.test(name)) return refuse(400, 'field_value')
    if (connectionFields.has(name)) return refuse(400, 'connection_field')
    if (name === 'host') {
      if (host !== null) return refuse(400, 'bad_host')
      host = value
      continue
    }
    if (name === 'cookie' && cookieAt >= 0) {
      // Crumbs of one field, split for the sake of compression (RFC 9113 section 8.2.3).
      rawHeaders[cookieAt] += `; ${value}`
      continue
    }
    if (name === 'te' && value.toLowerCase() !== 'trailers') return refuse(400, 'te')
    if (name === 'content-length') {
      if (hasLength || !/^\d{1,15}$/.test(value)) return refuse(400, 'content_length')
      hasLength = true
    }
    if (name === 'cookie') cookieAt = rawHeaders.length + 1
    rawHeaders.push(name, value)
  }

  const method = pseudo.get(':method') ?? ''
  // A WebSocket by extended CONNECT (RFC 8441); our settings do not offer it.
  if (pseudo.has(':protocol')) return refuse(501, 'extended_connect')
  if (method === 'CONNECT' || !methods.has(method)) return refuse(405, 'method')
  if (pseudo.get(':scheme') !== 'https') return refuse(400, 'scheme')
  const target = pseudo.get(':path') ?? ''
  if (!targetForm.test(target)) return refuse(400, 'bad_target')
  // `:authority` is what counts; a Host beside it must say the same (RFC 9113 section 8.3.1).
  const authority = pseudo.get(':authority') ?? host
  if (authority === null || (host !== null && !sameHost(authority, host))) return refuse(400, 'bad_host')
  rawHeaders[1] = authority
  return { method, target, rawHeaders }
}
