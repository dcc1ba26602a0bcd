import { platformName, type AnyDestination } from '../destinations/destination.ts'
import { findDestination } from '../destinations/index.ts'
import { standardNames } from '../event/names.ts'
import { configuredNamed, type ConfiguredOptions } from './configured.ts'
import { Problem } from './problem.ts'
import { ok, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'

/** What an event is called on the other side. */

interface Mapped {
  readonly id: string | null
  readonly destination: AnyDestination
  readonly eventMapping: Readonly<Record<string, string>>
  readonly reverseEventMapping: Readonly<Record<string, string>>
}

const shown = ({ id, destination, eventMapping, reverseEventMapping }: Mapped): object => ({
  integration: id,
  platform: destination.name,
  aliases: destination.aliases,
  /** `null`: not sent unless eventMapping names it. */
  defaults: destination.eventNames,
  eventMapping,
  reverseEventMapping,
  effective: Object.fromEntries(
    [...new Set([...standardNames, ...Object.keys(eventMapping)])].map((type) => [
      type,
      platformName(destination, type, eventMapping),
    ]),
  ),
})

export const mappingRoutes = (
  options: ConfiguredOptions & { readonly sites: () => readonly AdminSite[] },
): readonly Route[] => {
  /** A platform that the site does not use yet has its defaults all the same. */
  const mapped = (site: string, provider: string): Mapped => {
    try {
      const one = configuredNamed(options, site, provider)
      const { destination, id } = one
      return one.kind === 'declared'
        ? {
            id,
            destination,
            eventMapping: one.integration.mapping,
            reverseEventMapping: one.integration.reverseMapping,
          }
        : {
            id,
            destination,
            eventMapping: one.declaration.eventMapping ?? {},
            reverseEventMapping: one.declaration.reverseEventMapping ?? {},
          }
    } catch (error) {
      const destination = findDestination(provider)
      if (destination === null || !(error instanceof Problem) || error.code !== 'not_found') throw error
      return { id: null, destination, eventMapping: {}, reverseEventMapping: {} }
    }
  }
  return [
    {
      method: 'GET',
      path: '/api/v1/sites/:siteId/integrations/:provider/mappings',
      summary: "Names of events: the platform's own, the integration's, and what comes of both",
      scope: 'read',
      answers: { 200: 'The names; null where an event is not sent.' },
      handle: async ({ params }) => {
        const site = siteNamed(options.sites(), params['siteId'])
        return ok(shown(mapped(site.id, params['provider'] ?? '')))
      },
    },
  ]
}
