import { nominatedBy, withoutFields } from './hop-by-hop.ts'

/** One walk over a request's raw headers: what goes on to the origin, and what decides about the request. */

export interface RequestFields {
  /** End-to-end fields as they came: order, case and repeats. Neither hop-by-hop nor forwarding fields. */
  readonly headers: string[]
  readonly host: string
  readonly hostLines: number
  /** Values of `Transfer-Encoding`; the parser has seen to it that `Content-Length` is not there too. */
  readonly transferEncodings: readonly string[] | null
  /** Above 0, or chunked. */
  readonly hasBody: boolean
  readonly upgrade: string | null
  readonly expectsContinue: boolean
  readonly takesTrailers: boolean
  /** All lines joined; empty when there are none. */
  readonly via: string
  readonly maxForwards: string | null
  /** What the peer says of those before it; kept only of a trusted peer, else empty. */
  readonly forwarded: ForwardedFields
}

interface ForwardedFields {
  readonly for: string
  readonly proto: string
  readonly host: string
  readonly port: string
  readonly element: string
}

const nothingForwarded: ForwardedFields = { for: '', proto: '', host: '', port: '', element: '' }

type Kind =
  | 'host'
  | 'connection'
  | 'hop'
  | 'transfer-encoding'
  | 'content-length'
  | 'upgrade'
  | 'expect'
  | 'te'
  | 'via'
  | 'max-forwards'
  | 'forwarding'

/**
 * `Trailer` is here because a request's trailers are not carried (undici cannot send them), so they must not be announced.
 */
const kinds = new Map<string, Kind>([
  ['host', 'host'],
  ['connection', 'connection'],
  ['keep-alive', 'hop'],
  ['proxy-connection', 'hop'],
  ['proxy-authorization', 'hop'],
  ['proxy-authenticate', 'hop'],
  ['trailer', 'hop'],
  ['transfer-encoding', 'transfer-encoding'],
  ['content-length', 'content-length'],
  ['upgrade', 'upgrade'],
  ['expect', 'expect'],
  ['te', 'te'],
  ['via', 'via'],
  ['max-forwards', 'max-forwards'],
  ['forwarded', 'forwarding'],
  ['x-forwarded-for', 'forwarding'],
  ['x-forwarded-proto', 'forwarding'],
  ['x-forwarded-host', 'forwarding'],
  ['x-forwarded-port', 'forwarding'],
  ['x-forwarded-server', 'forwarding'],
  ['x-forwarded-scheme', 'forwarding'],
  ['x-forwarded-ssl', 'forwarding'],
  ['x-forwarded-prefix', 'forwarding'],
  ['x-forwarded-by', 'forwarding'],
  ['x-original-forwarded-for', 'forwarding'],
  ['x-real-ip', 'forwarding'],
  ['x-client-ip', 'forwarding'],
  ['x-cluster-client-ip', 'forwarding'],
  ['true-client-ip', 'forwarding'],
  ['cf-connecting-ip', 'forwarding'],
  ['cf-connecting-ipv6', 'forwarding'],
  ['fastly-client-ip', 'forwarding'],
  ['fly-client-ip', 'forwarding'],
  ['x-azure-clientip', 'forwarding'],
  ['cloudfront-viewer-address', 'forwarding'],
])

const kindOf = (name: string): Kind | undefined => {
  const lower = name.toLowerCase()
  if (!lower.includes('_')) return kinds.get(lower)
  // CGI-like origins read `X_Forwarded_For` as `X-Forwarded-For`: the spelling must not carry a client's claim past us.
  return kinds.get(lower.replaceAll('_', '-')) === 'forwarding' ? 'forwarding' : undefined
}

const joined = (before: string, value: string): string => (before === '' ? value : `${before}, ${value}`)

const withForwarded = (fields: ForwardedFields, name: string, value: string): ForwardedFields | null => {
  switch (name.toLowerCase()) {
    case 'x-forwarded-for':
      return { ...fields, for: joined(fields.for, value) }
    case 'x-forwarded-proto':
      return { ...fields, proto: value }
    case 'x-forwarded-host':
      return { ...fields, host: value }
    case 'x-forwarded-port':
      return { ...fields, port: value }
    case 'forwarded':
      return { ...fields, element: joined(fields.element, value) }
    default:
      return null
  }
}

/**
 * @param trusted The peer is a configured proxy, so what it says of the visitor is kept.
 * @param framed Whether a body follows, where it is not the fields that say so but the frames of HTTP/2.
 */
export const readRequestFields = (
  rawHeaders: readonly string[],
  trusted: boolean,
  framed: boolean | null = null,
): RequestFields => {
  const headers: string[] = []
  let host = ''
  let hostLines = 0
  let connection = ''
  let transferEncodings: string[] | null = null
  let hasBody = false
  let upgrade: string | null = null
  let expectsContinue = false
  let takesTrailers = false
  let via = ''
  let maxForwards: string | null = null
  let forwarded = nothingForwarded
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const value = rawHeaders[index + 1] ?? ''
    switch (kindOf(name)) {
      case undefined:
        headers.push(name, value)
        break
      case 'host':
        if (hostLines++ === 0) host = value
        break
      case 'connection':
        connection = joined(connection, value)
        break
      case 'hop':
        break
      case 'transfer-encoding':
        transferEncodings ??= []
        transferEncodings.push(value)
        hasBody = true
        break
      case 'content-length':
        if (Number(value) > 0) hasBody = true
        headers.push(name, value)
        break
      case 'upgrade':
        upgrade = value
        break
      case 'expect':
        expectsContinue ||= /^100-continue$/i.test(value.trim())
        break
      case 'te':
        takesTrailers ||= /(^|,)\s*trailers\s*($|,|;)/i.test(value)
        break
      case 'via':
        via = joined(via, value)
        headers.push(name, value)
        break
      case 'max-forwards':
        maxForwards = value
        headers.push(name, value)
        break
      case 'forwarding': {
        if (!trusted) break
        const kept = withForwarded(forwarded, name, value)
        if (kept === null) headers.push(name, value)
        else forwarded = kept
        break
      }
    }
  }
  const nominated = connection === '' ? null : nominatedBy(connection)
  return {
    headers: nominated === null ? headers : withoutFields(headers, nominated),
    host,
    hostLines,
    transferEncodings,
    hasBody: framed ?? hasBody,
    upgrade,
    expectsContinue,
    takesTrailers,
    via,
    maxForwards,
    forwarded,
  }
}
