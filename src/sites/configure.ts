import { createHash } from 'node:crypto'
import type { AnyDestination, Limits } from '../destinations/destination.ts'
import type { ConsentCategory } from '../event/consent.ts'
import type { LaneName } from '../event/names.ts'
import type { EventFilter } from './filter.ts'
import type { IntegrationDeclaration } from './integration.ts'

/** A declared integration made ready for use: settings parsed by its destination, defaults filled in. */
export interface Integration {
  readonly id: string
  /** `site/id`: the owner of lanes in the store. */
  readonly key: string
  readonly site: string
  readonly title: string
  readonly destination: AnyDestination
  /** Parsed by the destination's own schema, secrets resolved. */
  readonly settings: unknown
  readonly paused: boolean
  readonly testMode: boolean
  readonly consent: {
    readonly required: boolean
    readonly category: ConsentCategory
    /** `flag` only where the destination has a form for it. */
    readonly whenDenied: 'drop' | 'flag'
  }
  /** Canonical type to the platform's name. */
  readonly mapping: Readonly<Record<string, string>>
  /** A name as somebody wrote it to the canonical type it means here. */
  readonly reverseMapping: Readonly<Record<string, string>>
  readonly filters: Readonly<Record<string, EventFilter>>
  readonly lane: 'auto' | LaneName
  readonly batchWindowMs: number
  readonly limits: Limits
  /** The same for all integrations that a platform counts as one: a digest, from which no secret can be read. */
  readonly credentialKey: string
  /** Events with click ids go only where one of them belongs. */
  readonly routeByClickId: boolean
  readonly endpoint?: string
  readonly defaultCountry?: string
  /** Values that must never be seen, in any request shown or logged. */
  readonly secrets: readonly string[]
}

export interface SiteOfIntegration {
  readonly id: string
  readonly defaultCountry?: string | undefined
}

const defaultBatchWindowSeconds = 60

const limitsOf = (base: Limits, wish: IntegrationDeclaration['rateLimit']): Limits => ({
  ...base,
  eventsPerSecond:
    wish?.lifted === true ? Number.POSITIVE_INFINITY : (wish?.eventsPerSecond ?? base.eventsPerSecond),
  batchSize: Math.min(wish?.batchSize ?? base.batchSize, base.batchSize),
})

/** Where a request of a destination without hosts of its own goes; a receiver is known by its address. */
const addressIn = (settings: unknown): string | null =>
  typeof settings === 'object' && settings !== null && 'url' in settings && typeof settings.url === 'string'
    ? settings.url
    : null

/**
 * One platform, one address, the same secrets: one credential, whatever else the settings say. Without any secret the
 * settings as a whole must do.
 */
const credentialKeyOf = (
  destination: AnyDestination,
  settings: unknown,
  secrets: readonly string[],
  endpoint: string | undefined,
): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        destination.name,
        endpoint ?? null,
        destination.hosts === null ? addressIn(settings) : null,
        secrets.length > 0 ? [...secrets].sort() : settings,
      ]),
    )
    .digest('hex')

/** `settings` must have come from this destination's schema; `secrets` are the values its secret fields hold. */
export const configureIntegration = (
  site: SiteOfIntegration,
  declaration: IntegrationDeclaration,
  destination: AnyDestination,
  settings: unknown,
  secrets: readonly string[],
): Integration => ({
  id: declaration.id,
  key: `${site.id}/${declaration.id}`,
  site: site.id,
  title: declaration.name ?? destination.title,
  destination,
  settings,
  paused: declaration.status === 'paused',
  testMode: declaration.testMode ?? false,
  consent: {
    required: declaration.consent?.required ?? true,
    category: declaration.consent?.category ?? destination.consentFor?.(settings) ?? destination.consent,
    whenDenied: declaration.consent?.whenDenied ?? 'drop',
  },
  mapping: declaration.eventMapping ?? {},
  reverseMapping: declaration.reverseEventMapping ?? {},
  filters: declaration.eventFilters ?? {},
  lane: declaration.lane ?? 'auto',
  batchWindowMs: (declaration.batchWindow ?? defaultBatchWindowSeconds) * 1000,
  limits: limitsOf(destination.limits, declaration.rateLimit),
  credentialKey: credentialKeyOf(destination, settings, secrets, declaration.endpoint),
  routeByClickId: declaration.routeByClickId ?? false,
  secrets,
  ...(declaration.endpoint === undefined ? {} : { endpoint: declaration.endpoint }),
  ...(site.defaultCountry === undefined ? {} : { defaultCountry: site.defaultCountry }),
})
