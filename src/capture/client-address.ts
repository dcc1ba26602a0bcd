import { BlockList, isIP, SocketAddress } from 'node:net'
import { isCountry } from '../event/country.ts'
import { forwardedElements } from './forwarded-field.ts'
import { headerList, headerValue, headerValues } from './headers.ts'

/** Which address a request came from, and which country, when proxies that we trust stand before us. */

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
  // Of IPv6 only 2000::/3 is given to the internet (iana.org/assignments/ipv6-unicast-address-assignments); in it are
  // ranges for measurements and for hashes that look like addresses (RFC 5180, RFC 4843, RFC 7343).
  '::/3',
  '4000::/2',
  '8000::/1',
  '2001:2::/48',
  '2001:10::/28',
  '2001:20::/28',
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

/** A compiled list of addresses and ranges; it is asked with canonical addresses. */
export interface AddressList {
  has(address: string): boolean
}

/** @throws RangeError naming the entry that is no address or range. */
export const compileAddresses = (cidrs: readonly string[]): AddressList => {
  // One list of both would find every IPv4 address in `::/0`.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
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
    lists[familyOf(address)].addSubnet(address, prefix, familyOf(address))
  }
  return {
    has: (address) => {
      const family = familyOf(address)
      return cidrs.length > 0 && lists[family].check(address, family)
    },
  }
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
  const trusted = compileAddresses(cidrs)
  const unusable = compileAddresses(
    options.allowDocumentationRanges === true ? privateRanges : [...privateRanges, ...documentationRanges],
  )
  return { has: trusted.has, isPublic: (address) => !unusable.has(address) }
}

/** One hop as proxies write it: `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]:80`; `null` for anything else. */
const parseHop = (text: string): string | null => {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)
  if (bracketed !== null) return canonicalAddress(bracketed[1] ?? '')
  return canonicalAddress(text) ?? canonicalAddress(text.replace(/:\d{1,5}$/, ''))
}

/** More proxies of one operator do not stand in a row; what is beyond was sent to keep us busy. */
const maxHops = 64
const maxText = 8192

/** One hop, from left to right: `null` where it is hidden (RFC 7239 sections 6.2 and 6.3) or cannot be read. */
type Hop = string | null

/** Each copy of a list is cut on the left, where the visitor writes. */
const listedHops = (rawHeaders: readonly string[], name: string): readonly Hop[] =>
  headerValues(rawHeaders, name)
    .flatMap((value) => value.slice(-maxText).split(','))
    .map((member) => member.trim())
    .filter((member) => member !== '')
    .slice(-maxHops)
    .map(parseHop)

const forwardedHops = (rawHeaders: readonly string[]): readonly Hop[] =>
  forwardedElements(rawHeaders)
    .slice(-maxHops)
    .map(({ node }) => (node === null ? null : parseHop(node)))

/**
 * Without a setting, `X-Forwarded-For`, which nearly every proxy writes, and `Forwarded` only where that is missing: a
 * proxy passes on what it does not write itself, so reading both would let the visitor fill in the other.
 */
const readHops = (rawHeaders: readonly string[], header: string | undefined): readonly Hop[] => {
  const name = header?.toLowerCase() ?? 'x-forwarded-for'
  if (name === 'forwarded') return forwardedHops(rawHeaders)
  const hops = listedHops(rawHeaders, name)
  return hops.length > 0 || header !== undefined ? hops : forwardedHops(rawHeaders)
}

export interface ClientAddressInput {
  /** The socket's own peer. */
  readonly peer: string
  readonly rawHeaders: readonly string[]
  readonly trust: Trust
  /** The one header that the trusted proxies write, such as `CF-Connecting-IP`; no other is then read. */
  readonly header?: string | undefined
}

/** A page loaded ahead through a proxy of the browser's maker, so that the site learns nothing of who may visit it. */
const isSentByBrowsersProxy = (rawHeaders: readonly string[]): boolean =>
  headerList(rawHeaders, 'sec-purpose').some((purpose) => /;\s*anonymous-client-ip\b/i.test(purpose))

/**
 * Who sent the request, canonical, in whatever network: the peer, or where that is a proxy of ours, whom it names. Hops are
 * walked from the right, where our own proxies write, to the first that is not ours: what stands left of it is the visitor's
 * own invention. A proxy of ours that names nobody spoke for itself, as a balancer does that looks whether we live. `null`
 * where the browser hides it, and where the first stranger is hidden: who hides its neighbour may be anybody's, so its word
 * for others counts for nothing.
 */
export const senderAddress = ({ peer, rawHeaders, trust, header }: ClientAddressInput): string | null => {
  if (isSentByBrowsersProxy(rawHeaders)) return null
  const nearest = canonicalAddress(peer)
  if (nearest === null || !trust.has(nearest)) return nearest
  const hops = readHops(rawHeaders, header)
  const stranger = hops.findLast((hop) => hop === null || !trust.has(hop))
  return stranger === undefined ? (hops[0] ?? nearest) : stranger
}

/** The sender's address where it can be a visitor's on the internet, else `null`: better no address than a proxy's. */
export const clientAddress = (input: ClientAddressInput): string | null => {
  const sender = senderAddress(input)
  const { trust } = input
  return sender !== null && !trust.has(sender) && trust.isPublic(sender) ? sender : null
}

/**
 * The visitor's country, ISO 3166-1 alpha-2 in upper case, by the word of a trusted proxy. `null` without one, where it was
 * said twice, and for what names no country: `XX` and `T1` are Cloudflare's for unknown and Tor.
 */
export const clientCountry = ({ peer, rawHeaders, trust, header }: ClientAddressInput): string | null => {
  const nearest = canonicalAddress(peer)
  if (header === undefined || nearest === null || !trust.has(nearest)) return null
  const [said = '', ...others] = headerList(rawHeaders, header.toLowerCase())
  const country = said.toUpperCase()
  return others.length === 0 && isCountry(country) ? country : null
}

/**
 * Whether the visitor's own connection was encrypted: by our socket, or by the word of a trusted proxy that ended the
 * encryption (`X-Forwarded-Proto`, where the first of a list is the outermost hop's; else `Forwarded`, where it is the word
 * of the proxy that met the visitor).
 */
export const wasSecure = (
  peer: string,
  secure: boolean,
  rawHeaders: readonly string[],
  trust: Pick<Trust, 'has'>,
): boolean => {
  const nearest = canonicalAddress(peer)
  if (nearest === null || !trust.has(nearest)) return secure
  const said =
    headerValue(rawHeaders, 'x-forwarded-proto')?.split(',', 1)[0] ?? forwardedProto(rawHeaders, trust)
  const scheme = said?.trim().toLowerCase()
  return scheme === 'https' || scheme === 'wss' || (scheme !== 'http' && scheme !== 'ws' && secure)
}

const forwardedProto = (rawHeaders: readonly string[], trust: Pick<Trust, 'has'>): string | null => {
  const elements = forwardedElements(rawHeaders).slice(-maxHops)
  const met = elements.findLast(({ node }) => {
    const hop = node === null ? null : parseHop(node)
    return hop === null || !trust.has(hop)
  })
  return (met ?? elements[0])?.proto ?? null
}
