import { createHostIndex } from '../capture/hosts.ts'
import type { SiteTraffic } from '../capture/rules.ts'

/** Which site a Host names, and where that site really runs. Compiled once per version of the rules file. */

export interface Route {
  readonly site: string
  readonly origin: URL
  /** Sent as Host in the visitor's place; `null` passes the visitor's on. */
  readonly originHost: string | null
  /** Where requests over http are sent to; `null` serves them. */
  readonly httpsPort: number | null
  /** Whether `/tracking/ingest` is answered here instead of by the origin. */
  readonly ingest: boolean
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

export type RoutedSite = Pick<
  SiteTraffic,
  'id' | 'hosts' | 'origin' | 'originHost' | 'redirectToHttps' | 'ingest' | 'holdMs'
>

const defaultHoldMs = 100

const isAddress = (hostname: string): boolean => /^[\d.]+$|^\[/.test(hostname)

const routeOf = (site: RoutedSite): Route => {
  const origin = new URL(site.origin)
  const originHost = site.originHost ?? null
  const { redirectToHttps = false } = site
  const serverName =
    isAddress(origin.hostname) && originHost !== null
      ? originHost.replace(/:\d+$/, '')
      : origin.hostname.replace(/^\[|\]$/g, '')
  return {
    site: site.id,
    origin,
    originHost,
    httpsPort: redirectToHttps === true ? 443 : redirectToHttps === false ? null : redirectToHttps,
    ingest: site.ingest?.public === true,
    holdMs: site.holdMs ?? defaultHoldMs,
    serverName,
    poolKey: `${origin.origin} ${serverName}`,
  }
}

/** A name beats `*.name`, a longer `*.name` beats a shorter one, and `*` comes last. Throws where two sites claim one host. */
export const createRouter = (sites: readonly RoutedSite[]): SiteRouter => {
  const entries = sites.map((site) => ({ hosts: site.hosts, value: routeOf(site) }))
  const { find } = createHostIndex(entries)
  return { routes: entries.map(({ value }) => value), find }
}
