import { matcherSteps, type Matcher } from '../capture/match.ts'
import type { SiteTraffic } from '../capture/rules.ts'
import { inOneGo, type Steps } from '../capture/steps.ts'
import { findDestination } from '../destinations/index.ts'
import { createRouter, type SiteRouter } from '../proxy/router.ts'
import type { AcmeSettings, LoadedSite } from '../rules-file/schema.ts'
import { configureIntegration, type Integration } from '../sites/configure.ts'
import type { DataLayerSettings } from '../sites/data-layer.ts'
import { secretValues } from '../sites/mask.ts'

/** One version of the rules file, compiled for everyone who asks it. Swapped whole, never changed. */
export interface Configuration {
  readonly sites: readonly LoadedSite[]
  /** Who issues certificates; `null`: as usual. */
  readonly acme: AcmeSettings | null
  readonly matcher: Matcher
  readonly router: SiteRouter
  readonly integrations: readonly Integration[]
  integrationsOf(site: string): readonly Integration[]
  trafficOf(site: string): SiteTraffic | undefined
  /** `null`: the rules file says nothing of it. */
  dataLayerOf(site: string): DataLayerSettings | null
  readonly summary: Summary
}

/** How much there is, for the log. */
export interface Summary {
  readonly sites: number
  readonly rules: number
  readonly integrations: number
}

export const summaryOf = (sites: readonly LoadedSite[]): Summary => ({
  sites: sites.length,
  rules: sites.reduce((sum, { traffic }) => sum + traffic.rules.length, 0),
  integrations: sites.reduce((sum, { integrations }) => sum + integrations.length, 0),
})

const integrationsIn = ({ traffic, integrations }: LoadedSite): readonly Integration[] =>
  integrations.flatMap(({ declaration, platform, settings }) => {
    const destination = findDestination(platform)
    if (destination === null) return []
    const secrets = secretValues(destination.settings, settings)
    return [configureIntegration(traffic, declaration, destination, settings, secrets)]
  })

/** For whoever carries pages meanwhile. */
export function* configurationSteps(
  sites: readonly LoadedSite[],
  acme: AcmeSettings | null = null,
): Steps<Configuration> {
  const traffic = sites.map((site) => site.traffic)
  const integrations = sites.flatMap(integrationsIn)
  const byId = new Map(traffic.map((one) => [one.id, one]))
  const dataLayers = new Map(sites.map(({ traffic: { id }, dataLayer }) => [id, dataLayer]))
  const bySite = Map.groupBy(integrations, ({ site }) => site)
  return {
    sites,
    acme,
    matcher: yield* matcherSteps(traffic),
    router: createRouter(traffic),
    integrations,
    integrationsOf: (site) => bySite.get(site) ?? [],
    trafficOf: (site) => byId.get(site),
    dataLayerOf: (site) => dataLayers.get(site) ?? null,
    summary: summaryOf(sites),
  }
}

export const compileConfiguration = (
  sites: readonly LoadedSite[],
  acme: AcmeSettings | null = null,
): Configuration => inOneGo(configurationSteps(sites, acme))
