import { readdirSync, readFileSync } from 'node:fs'
import type { ConversionEvent, UserData } from '../../src/event/event.ts'
import {
  nobody,
  platformName,
  type AnyDestination,
  type DeliverableEvent,
  type HttpRequest,
  type SiteContext,
} from '../../src/destinations/destination.ts'
import { strippedFor } from '../../src/destinations/flagged.ts'

/**
 * The golden cases: `test/golden/<destination>/<case>.json`, written by hand from the platform's papers and never from our
 * own output. Times are ISO 8601 there.
 */
export interface GoldenCase {
  readonly title: string
  /** Where the platform says so. */
  readonly source: string
  readonly now: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly context?: Partial<SiteContext>
  /** The integration's event mapping. */
  readonly mapping?: Readonly<Record<string, string>>
  readonly attempt?: number
  /** The visitor refused, and the integration sends such events in the platform's own form. */
  readonly flagged?: true
  readonly events: readonly {
    readonly event: Omit<ConversionEvent, 'occurredAt'> & { readonly occurredAt: string }
    readonly userData?: UserData
  }[]
  readonly request?: Omit<HttpRequest, 'body'> & { readonly body: unknown }
  readonly refusal?: { readonly status: string; readonly reason?: string }
}

const folder = new URL('../golden/', import.meta.url)

export const goldenCasesOf = (
  destination: string,
): readonly { readonly name: string; readonly golden: GoldenCase }[] =>
  readdirSync(new URL(`${destination}/`, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map(({ name }) => ({
      name: name.replace(/\.json$/, ''),
      golden: JSON.parse(readFileSync(new URL(`${destination}/${name}`, folder), 'utf8')) as GoldenCase,
    }))

export const goldenFolders = (): readonly string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => goldenCasesOf(name).length > 0)

/** What the case means, ready for the destination. */
export const prepare = (destination: AnyDestination, golden: GoldenCase) => {
  const now = Date.parse(golden.now)
  const settings = destination.settings.parse(golden.settings)
  const site: SiteContext = { site: 'shop', integration: destination.name, ...golden.context }
  const deliverables = golden.events.map(({ event: written, userData = {} }): DeliverableEvent => {
    const event: ConversionEvent = { ...written, occurredAt: Date.parse(written.occurredAt) }
    const name = platformName(destination, event.type, golden.mapping) ?? ''
    if (golden.flagged !== true)
      return { event, name, identity: destination.identify(userData, settings, site), acceptedAt: now }
    const form = destination.flagged
    if (form === undefined) throw new Error(`${destination.name} has no flagged form`)
    return { event: strippedFor(form, event), name, identity: nobody, acceptedAt: now, flagged: true }
  })
  return { now, settings, deliverables, context: { ...site, now, attempt: golden.attempt ?? 1 } }
}
