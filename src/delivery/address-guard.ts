import { lookup as systemLookup } from 'node:dns'
import type { LookupAddress, LookupAllOptions } from 'node:dns'
import { BlockList, isIP, isIPv4 } from 'node:net'
import type { LookupFunction } from 'node:net'

/**
 * Keeps outgoing calls away from the network the gateway stands in. An address somebody configured (a webhook, an
 * `endpoint`) must not become a way to ask the machine's own services or the cloud's metadata (server-side request forgery).
 */
export interface AddressGuard {
  /**
   * What is wrong with an address as it is written: its scheme, its port, a literal that is not public, a name that can
   * only mean something inside. `null`: it may be tried. Node calls no `lookup` for literals, so this must be asked too.
   */
  checkUrl(url: URL): string | null
  /**
   * For the `connect` options of a socket. What it answers is what is dialled, so a name that resolves differently a
   * second time (DNS rebinding) gains nothing. Addresses that are not public are left out; with none left it fails with
   * `code` {@link blockedAddressCode}.
   */
  readonly lookup: LookupFunction
}

export const blockedAddressCode = 'ERR_BLOCKED_ADDRESS'

export type Resolve = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** The union of what Svix and Convoy refuse (read 2026-11-20): nothing on the public internet answers at these. */
const specialIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/** Only this block is handed out as global unicast; loopback, link-local, unique-local, NAT64 and the rest lie outside. */
const globalIpv6 = ['2000::/3']

/** Inside the global block, yet either nobody's or a wrapping of an IPv4 address (Teredo, 6to4). */
const specialIpv6 = ['2001::/32', '2001:db8::/32', '2002::/16', '3fff::/20']

const innerName = /(^|\.)(localhost|local|localdomain|internal|home\.arpa)$/

const defaultPorts: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

/** What is wrong with a range as somebody wrote it; `null` when it is an address or a CIDR block. */
export const problemWithRange = (range: string): string | null => {
  const [address = '', prefix, ...rest] = range.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0)
    return `"${range}" is not an address range such as 10.0.0.0/8 or fd00::/8`
  if (prefix === undefined) return null
  const longest = family === 4 ? 32 : 128
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= longest
    ? null
    : `"${range}" needs a prefix length of 0 to ${longest}`
}

const listOf = (ranges: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const range of ranges) {
    const problem = problemWithRange(range)
    if (problem !== null) throw new Error(problem)
    const [address = '', prefix] = range.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    list.addSubnet(address, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family)
  }
  return list
}

const special = listOf([...specialIpv4, ...specialIpv6])
const global = listOf(globalIpv6)

/** `::ffff:127.0.0.1` and `::ffff:7f00:1` are 127.0.0.1 to the kernel. */
const unmapped = (address: string): string => {
  if (isIPv4(address)) return address
  const spelled = URL.parse(`http://[${address}]`)?.hostname ?? ''
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(spelled) ?? []
  if (high === undefined || low === undefined) return address
  const bits = Number.parseInt(high, 16) * 0x10000 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join('.')
}

const isPublic = (address: string): boolean =>
  isIPv4(address)
    ? !special.check(address, 'ipv4')
    : global.check(address, 'ipv6') && !special.check(address, 'ipv6')

/** The host as a socket would take it: no brackets, no trailing dot. */
const bareHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')

/**
 * `allow` are the ranges an operator opened (`--allow-private-networks`): addresses or CIDR blocks, an unreadable one
 * throws. With any, inner names are looked up instead of refused, and their addresses decide.
 */
export const createAddressGuard = (options: {
  readonly allow: readonly string[]
  readonly resolve?: Resolve
}): AddressGuard => {
  const resolve: Resolve = options.resolve ?? systemLookup
  const allowed = listOf(options.allow)
  const innerNamesMayResolve = options.allow.length > 0

  const mayReach = (address: string): boolean => {
    const plain = unmapped(address)
    return isPublic(plain) || allowed.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6')
  }

  const checkUrl = (url: URL): string | null => {
    const defaultPort = defaultPorts[url.protocol]
    if (defaultPort === undefined) return 'only http:// and https:// addresses can be called'
    if (url.username !== '' || url.password !== '')
      return 'an address must not hold a user name or a password'
    // Mail, SSH and name servers can be talked into things by a well-formed HTTP request.
    const port = Number(url.port === '' ? defaultPort : url.port)
    if (port < 1024 && port !== 80 && port !== 443) return `port ${port} is not one for HTTP`
    const host = bareHost(url)
    if (isIP(host) !== 0) return mayReach(host) ? null : 'the address is not a public one'
    if (host === '') return 'the address has no host'
    if (!innerNamesMayResolve && (innerName.test(host) || !host.includes('.')))
      return 'the host is a name of an inner network'
    return null
  }

  const lookup: LookupFunction = (hostname, lookupOptions, callback) => {
    const { all, ...others } = lookupOptions
    resolve(hostname, { ...others, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [])
      const reachable = addresses.filter(({ address }) => mayReach(address))
      const [first] = reachable
      if (first === undefined)
        return callback(
          Object.assign(new Error('the host has no public address'), { code: blockedAddressCode }),
          [],
        )
      // Node asks for all when it may race families, for one otherwise, and expects the answer in that form.
      if (all === true) callback(null, reachable)
      else callback(null, first.address, first.family)
    })
  }

  return { checkUrl, lookup }
}
