import { BlockList, isIP, SocketAddress } from 'node:net'
import { headerList, headerValue, headerValues } from './headers.ts'

/** Which address a request came from, when proxies that we trust stand before us. */

/** The compiled list of proxies whose word counts, and of the addresses that can be a visitor's. */
export interface Trust {
  /** Whether a canonical address belongs to a configured proxy. */
  has(address: string): boolean
  /** Whether a canonical address can be a visitor's on the internet. */
  isPublic(address: string): boolean
}

const privateRanges = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  '64:ff9b:1::/48',
  '100::/64',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

const documentationRanges = [
  '192.0.2.0/24',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '2001:db8::/32',
  '3fff::/20',
]

type Family = 'ipv4' | 'ipv6'
const familyOf = (address: string): Family => (address.includes(':') ? 'ipv6' : 'ipv4')

/**
 * The one spelling of an address: zone cut off, IPv4 in IPv6 as IPv4, IPv6 shortened (RFC 5952). `null` when the text is
 * no address.
 */
export const canonicalAddress = (text: string): string | null => {
  const zone = text.indexOf('%')
  const address = zone < 0 ? text : text.slice(0, zone)
  const version = isIP(address)
  if (version === 4) return address
  if (version === 0) return null
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address
  const mapped = canonical.startsWith('::ffff:') ? canonical.slice(7) : ''
  return isIP(mapped) === 4 ? mapped : canonical
}

const toBlockList = (cidrs: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [network = '', length, ...rest] = cidr.trim().split('/')
    const address = network.includes('%') ? null : canonicalAddress(network)
    const bits = isIP(network) === 4 ? 32 : 128
    // A mapped network (`::ffff:10.0.0.0/104`) counts its prefix in IPv6.
    const shift = address !== null && bits === 128 && familyOf(address) === 'ipv4' ? 96 : 0
    const prefix = (length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1) - shift
    if (address === null || rest.length > 0 || prefix < 0 || prefix > bits - shift) {
      throw new RangeError(`no address or CIDR range: ${JSON.stringify(cidr)}`)
    }
    list.addSubnet(address, prefix, familyOf(address))
  }
  return list
}

/**
 * @param cidrs Addresses and ranges of the proxies before us; none means that nobody's headers count.
 * @param options `allowDocumentationRanges` lets the addresses reserved for examples pass as visitors', for tests.
 * @throws RangeError naming the entry that is no address or range.
 */
export const compileTrust = (
  cidrs: readonly string[],
  options: { readonly allowDocumentationRanges?: boolean } = {},
): Trust => {
  const trusted = toBlockList(cidrs)
  const unusable = toBlockList(
    options.allowDocumentationRanges === true ? privateRanges : [...privateRanges, ...documentationRanges],
  )
  return {
    has: (address) => cidrs.length > 0 && trusted.check(address, familyOf(address)),
    isPublic: (address) => !unusable.check(address, familyOf(address)),
  }
}

/** One hop as proxies write it: `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]:80`; `null` for anything else. */
const parseHop = (text: string): string | null => {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)
  if (bracketed !== null) return canonicalAddress(bracketed[1] ?? '')
  return canonicalAddress(text) ?? canonicalAddress(text.replace(/:\d{1,5}$/, ''))
}

/** The values of a parameter of `Forwarded` (RFC 7239), one per hop that gave it. A quoted text is taken whole. */
const forwardedParameter = (rawHeaders: readonly string[], name: 'for' | 'proto'): string[] => {
  const parameter = /(?:^|[;,])\s*([a-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(?=[;,]|$)/gi
  return headerValues(rawHeaders, 'forwarded').flatMap((value) =>
    [...value.matchAll(parameter)]
      .filter(([, key]) => key?.toLowerCase() === name)
      .map(([, , quoted, token]) => quoted ?? token ?? ''),
  )
}

/** A proxy that hides its neighbour says so (RFC 7239 sections 6.2 and 6.3); it is a hop without an address. */
const isHidden = (hop: string): boolean => /^(unknown|_[\w.-]+)(:[\w.-]+)?$/i.test(hop)

/**
 * Without a setting, `X-Forwarded-For`, which nearly every proxy writes, and `Forwarded` only where that is missing: a
 * proxy passes on what it does not write itself, so reading both would let the visitor fill in the other.
 */
const readHops = (rawHeaders: readonly string[], header: string | undefined): string[] => {
  const name = header?.toLowerCase() ?? 'x-forwarded-for'
  if (name === 'forwarded') return forwardedParameter(rawHeaders, 'for')
  const hops = headerList(rawHeaders, name)
  return hops.length > 0 || header !== undefined ? hops : forwardedParameter(rawHeaders, 'for')
}

export interface ClientAddressInput {
  /** The socket's own peer. */
  readonly peer: string
  readonly rawHeaders: readonly string[]
  readonly trust: Trust
  /** The one header that the trusted proxies write, such as `CF-Connecting-IP`; no other is then read. */
  readonly header?: string | undefined
}

/**
 * The visitor's address, canonical and public, or `null`. Hops are walked from the right, where our own proxies write,
 * to the first that is not ours: what stands left of it is the visitor's own invention. Where that hop is no public
 * address there is none: better no address than a proxy's.
 */
export const clientAddress = ({ peer, rawHeaders, trust, header }: ClientAddressInput): string | null => {
  const nearest = canonicalAddress(peer)
  const visitor =
    nearest === null || !trust.has(nearest) ? nearest : firstUntrusted(readHops(rawHeaders, header), trust)
  return visitor !== null && trust.isPublic(visitor) ? visitor : null
}

const firstUntrusted = (hops: readonly string[], trust: Trust): string | null => {
  for (const hop of hops.toReversed()) {
    if (isHidden(hop)) continue
    const address = parseHop(hop)
    if (address === null || !trust.has(address)) return address
  }
  return null
}

/**
 * Whether the visitor's own connection was encrypted: by our socket, or by the word of a trusted proxy that ended the
 * encryption (`X-Forwarded-Proto`, else `Forwarded`; the first of a list is the outermost hop's).
 */
export const wasSecure = (
  peer: string,
  secure: boolean,
  rawHeaders: readonly string[],
  trust: Trust,
): boolean => {
  const nearest = canonicalAddress(peer)
  if (nearest === null || !trust.has(nearest)) return secure
  const said =
    headerValue(rawHeaders, 'x-forwarded-proto')?.split(',', 1)[0] ??
    forwardedParameter(rawHeaders, 'proto')[0]
  const scheme = said?.trim().toLowerCase()
  return scheme === 'https' || scheme === 'wss' || (scheme !== 'http' && scheme !== 'ws' && secure)
}
