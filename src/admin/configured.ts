import type { AnyDestination } from '../destinations/destination.ts'
import type { Integration } from '../sites/configure.ts'
import type { ManagedIntegration, ManagedIntegrations } from '../sites/managed.ts'
import { maskSettings } from '../sites/mask.ts'
import { oneNamed } from './sites.ts'

/** The integrations of a site, wherever they come from, and how they are shown. */

export type Configured =
  | {
      readonly kind: 'declared'
      readonly id: string
      readonly destination: AnyDestination
      readonly integration: Integration
    }
  | ({ readonly kind: 'managed'; readonly shadowed: boolean } & ManagedIntegration)

export interface ConfiguredOptions {
  /** Those of the rules file. */
  readonly declared: (site: string) => readonly Integration[]
  readonly managed: ManagedIntegrations
}

export const configuredOf = (
  { declared, managed }: ConfiguredOptions,
  site: string,
): readonly Configured[] => {
  const own = declared(site)
  const ids = new Set(own.map(({ id }) => id))
  return [
    ...own.map((integration) => ({
      kind: 'declared' as const,
      id: integration.id,
      destination: integration.destination,
      integration,
    })),
    ...managed.of(site).map((one) => ({ ...one, kind: 'managed' as const, shadowed: ids.has(one.id) })),
  ]
}

/** @throws Problem as {@link oneNamed}. What the rules file declares goes before one made under the same name. */
export const configuredNamed = (
  options: ConfiguredOptions,
  site: string,
  provider: string | undefined,
): Configured =>
  oneNamed(
    site,
    configuredOf(options, site).filter((one) => one.kind === 'declared' || !one.shadowed),
    provider,
  )

const declaredShown = ({ integration }: Extract<Configured, { kind: 'declared' }>): object => ({
  id: integration.id,
  platform: integration.destination.name,
  name: integration.title,
  enabled: !integration.paused,
  status: integration.paused ? 'paused' : 'active',
  config: maskSettings(integration.destination.settings, integration.settings),
  consent: integration.consent,
  eventMapping: integration.mapping,
  reverseEventMapping: integration.reverseMapping,
  eventFilters: integration.filters,
  testMode: integration.testMode,
  lane: integration.lane,
  batchWindow: integration.batchWindowMs / 1000,
  routeByClickId: integration.routeByClickId,
  ...(integration.endpoint === undefined ? {} : { endpoint: integration.endpoint }),
  managedBy: 'rules file',
})

/** What people set, without what only the store knows; secrets masked. */
export const settingsShown = ({ id, declaration, destination }: ManagedIntegration): object => {
  const { status = 'active', eventMapping = {}, reverseEventMapping = {}, eventFilters = {} } = declaration
  return {
    ...declaration,
    id,
    platform: destination.name,
    enabled: status === 'active',
    status,
    config: maskSettings(destination.settings, declaration.config),
    eventMapping,
    reverseEventMapping,
    eventFilters,
    testMode: declaration.testMode ?? false,
  }
}

const shadow = 'The rules file declares an integration of this name, which takes its place.'

export const configuredShown = (one: Configured): object => {
  if (one.kind === 'declared') return declaredShown(one)
  const problem = one.shadowed ? shadow : one.problem
  return {
    ...settingsShown(one),
    managedBy: 'api',
    version: one.version,
    changedAt: new Date(one.changedAt).toISOString(),
    ...(problem === null ? {} : { problem }),
  }
}
