import type { Integration } from '../sites/configure.ts'
import { Problem } from './problem.ts'

/** A site as the API shows it. */
export interface AdminSite {
  readonly id: string
  readonly currency?: string | undefined
  readonly hosts?: readonly string[]
  /** Whether its own hosts take events, too. */
  readonly publicIngest?: boolean
  readonly integrations: readonly Integration[]
}

/** @throws Problem `not_found`. */
export const siteNamed = (sites: readonly AdminSite[], id: string | undefined): AdminSite => {
  const site = sites.find((one) => one.id === id)
  if (site === undefined) throw new Problem('not_found', `There is no site "${id}".`)
  return site
}

/**
 * `:provider` is an integration's id or a platform's name.
 *
 * @throws Problem `not_found`, or `conflict` where a platform's name means several.
 */
export const integrationNamed = (site: AdminSite, provider: string | undefined): Integration =>
  oneNamed(site.id, site.integrations, provider)

/** The same among anything that has an id and a destination. */
export const oneNamed = <T extends Pick<Integration, 'id' | 'destination'>>(
  id: string,
  integrations: readonly T[],
  provider: string | undefined,
): T => {
  const wanted = (provider ?? '').toLowerCase()
  const byId = integrations.find((one) => one.id === provider)
  if (byId !== undefined) return byId
  const ofPlatform = integrations.filter(
    ({ destination }) => destination.name === wanted || destination.aliases.includes(wanted),
  )
  const [only, ...others] = ofPlatform
  if (only === undefined) throw new Problem('not_found', `The site "${id}" has no integration "${provider}".`)
  if (others.length > 0)
    throw new Problem(
      'conflict',
      `The site "${id}" has several integrations of ${only.destination.name}; name one of ${ofPlatform.map((one) => one.id).join(', ')}.`,
    )
  return only
}
