import type { SiteTraffic } from '../capture/rules.ts'

/** Which site a Host names, and where that site really runs. Compiled once per version of the rules file. */

export interface Route {
  readonly site: string
  readonly origin: URL
  /** Sent as Host in the visitor's place; `null` passes the visitor's on. */
  readonly originHost: string | null
  /** How long the last byte of an observed answer may wait. */
  readonly holdMs: number
  /**
   * The name the origin's certificate must carry: the origin's own, or for an origin given by address the `originHost`.
   * Never the visitor's Host: undici would tear a pooled connection down at each change of name.
   */
  readonly serverName: string
  /** Routes with equal keys share a pool. */
  readonly poolKey: string
}

export interface SiteRouter {
  /** `host` as the Host header gave it; `null` when no site answers to it. */
  find(host: string): Route | null
  readonly routes: readonly Route[]
}

export type RoutedSite = Pick<SiteTraffic, 'id' | 'hosts' | 'origin' | 'originHost' | 'holdMs'>

const defaultHoldMs = 100

const isAddress = (hostname: string): boolean => /^[\d.]+$|^\[/.test(hostname)

const routeOf = (site: RoutedSite): Route => {
  const origin = new URL(site.origin)
  const originHost = site.originHost ?? null
  const serverName =
    isAddress(origin.hostname) && originHost !== null
      ? originHost.replace(/:\d+$/, '')
      : origin.hostname.replace(/^\[|\]$/g, '')
  return {
    site: site.id,
    origin,
    originHost,
    holdMs: site.holdMs ?? defaultHoldMs,
    serverName,
    poolKey: `${origin.origin} ${serverName}`,
  }
}

/** The name alone: no port, no root dot, lower case. */
const hostName = (host: string): string => {
  const name = host.toLowerCase().replace(/:\d*$/, '')
  return name.endsWith('.') ? name.slice(0, -1) : name
}

/** A name beats `*.name`, a longer `*.name` beats a shorter one, and `*` comes last; of equals the first site wins. */
export const createRouter = (sites: readonly RoutedSite[]): SiteRouter => {
  const names = new Map<string, Route>()
  const suffixes = new Map<string, Route>()
  let any: Route | null = null
  const routes = sites.map(routeOf)
  for (const [index, route] of routes.entries()) {
    for (const host of sites[index]?.hosts ?? []) {
      if (host === '*') any ??= route
      else if (host.startsWith('*.')) {
        const suffix = host.slice(1)
        if (!suffixes.has(suffix)) suffixes.set(suffix, route)
      } else if (!names.has(host)) names.set(host, route)
    }
  }
  const findSuffix = (name: string): Route | null => {
    if (suffixes.size === 0) return null
    for (let dot = name.indexOf('.', 1); dot > 0; dot = name.indexOf('.', dot + 1)) {
      const route = suffixes.get(name.slice(dot))
      if (route !== undefined) return route
    }
    return null
  }
  return {
    routes,
    find(host) {
      const exact = names.get(host)
      if (exact !== undefined) return exact
      const name = hostName(host)
      return names.get(name) ?? findSuffix(name) ?? any
    },
  }
}
