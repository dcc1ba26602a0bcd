import { isIP } from 'node:net'
import { getDomain } from 'tldts'

/** The domain that cookies of ours are set on. */

export interface CookieScope {
  /** `null`: for the host alone, without a `Domain` attribute. */
  readonly domain: string | null
  /** As Meta counts: the labels of the domain less one, of an address none. */
  readonly subdomainIndex: number
}

const isBelow = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`)

const indexOf = (name: string): number =>
  isIP(name) !== 0 || name.startsWith('[') ? 0 : name.split('.').length - 1

/**
 * `host` is in lower case, without port; `configured` counts for the hosts at it and below. For the rest it is the domain
 * that the public suffix list allows, its private part included: a browser drops a cookie set on `myshopify.com`. An
 * address, `localhost` and a host that is a public suffix itself have none.
 */
export const cookieScope = (host: string, configured?: string): CookieScope => {
  const domain =
    configured !== undefined && isBelow(host, configured)
      ? configured
      : getDomain(host, { allowPrivateDomains: true })
  return { domain, subdomainIndex: indexOf(domain ?? host) }
}
