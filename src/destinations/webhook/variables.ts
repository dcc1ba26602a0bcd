import { clickIdNames } from '../../event/click-ids.ts'
import { consentCategories } from '../../event/consent.ts'
import { userDataFields } from '../../event/event.ts'
import type { DeliverableEvent, Identity } from '../destination.ts'
import { customOf } from './custom.ts'
import { wireNames } from './identify.ts'
import type { CheckPath } from './parse-template.ts'
import type { Variables } from './template.ts'

/** What a template can name. */

const personNames = userDataFields.map((field) => wireNames[field])

/**
 * `email` and its kin are the hash, unless the integration asked for plain data: then they are the plain value, and nothing
 * where only a hash is known, because a field that is sometimes the one and sometimes the other helps nobody.
 */
const personOf = (identity: Identity, allowPlain: boolean): Variables =>
  Object.fromEntries(
    personNames.flatMap((name) => {
      const hashed = identity.keys[`${name}_sha256`]
      return [
        [name, allowPlain ? identity.plain[name] : hashed],
        [`${name}_sha256`, hashed],
      ] as const
    }),
  )

const consentOf = ({ event: { consent } }: DeliverableEvent): Variables => ({
  granted: consentCategories.filter((category) => consent[category] === 'granted'),
  analytics: consent.analytics,
  marketing: consent.marketing,
  personalization: consent.personalization,
  source: consent.source,
  raw: consent.raw,
})

/** Missing facts are `undefined`. */
export const variablesOf = (
  deliverable: DeliverableEvent,
  { integration, allowPlain }: { readonly integration: string; readonly allowPlain: boolean },
): Variables => {
  const { event, identity } = deliverable
  const { visitor } = event
  const custom = customOf(event, allowPlain)
  const page = event.page.url === undefined ? null : URL.parse(event.page.url)
  const person: Variables = {
    ...personOf(identity, allowPlain),
    ip_address: visitor.ip,
    user_agent: visitor.userAgent,
  }
  return {
    event_id: event.id,
    event_type: event.type,
    event_name: deliverable.name,
    event_time: Math.floor(event.occurredAt / 1000),
    event_time_ms: event.occurredAt,
    event_time_iso: new Date(event.occurredAt).toISOString(),
    site_id: event.site,
    integration_id: integration,
    rule_id: event.ruleId,
    source: event.source === 'page' ? 'gateway' : 'ingest',
    test: custom.properties?.['test'] === true,
    url: event.page.url,
    path: page?.pathname,
    host: page?.host,
    referrer: event.page.referrer,
    title: event.page.title,
    value: custom.value,
    currency: custom.currency,
    order_id: custom.orderId,
    content_ids: custom.contentIds,
    content_name: custom.contentName,
    content_type: custom.contentType,
    content_category: custom.contentCategory,
    contents: custom.contents,
    num_items: custom.numItems,
    search_term: custom.searchString,
    custom: custom.properties,
    ...person,
    user: person,
    click_ids: Object.fromEntries(clickIdNames.map((name) => [name, visitor.clickIds[name]?.value])),
    cookies: {
      fbp: visitor.browserIds.fbp,
      fbc: visitor.browserIds.fbc,
      ttp: visitor.browserIds.ttp,
      scid: visitor.browserIds.scid,
      rdt_uuid: visitor.browserIds.rdtUuid,
      ga_client_id: visitor.browserIds.gaClientId,
    },
    consent: consentOf(deliverable),
  }
}

const personal = [...personNames, ...personNames.map((name) => `${name}_sha256`), 'ip_address', 'user_agent']

/** Names below a name; `null` where anything may stand below it. */
const known: ReadonlyMap<string, readonly string[] | null> = new Map<string, readonly string[] | null>([
  ...'event_id event_type event_name event_time event_time_ms event_time_iso site_id integration_id rule_id source test url path host referrer title value currency order_id content_name content_type content_category num_items search_term'
    .split(' ')
    .map((name) => [name, []] as const),
  ...personal.map((name) => [name, []] as const),
  ['user', personal],
  ['click_ids', clickIdNames],
  ['cookies', ['fbp', 'fbc', 'ttp', 'scid', 'rdt_uuid', 'ga_client_id']],
  ['consent', ['granted', ...consentCategories, 'source', 'raw']],
  ['content_ids', null],
  ['contents', null],
  ['custom', null],
])

const variableNames: readonly string[] = [...known.keys()]

const fold = (name: string): string => name.toLowerCase().replaceAll('_', '')

/** Levenshtein's distance. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n)
  for (const [i, letter] of a.split('').entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j += 1)
      next.push(
        Math.min((row[j] ?? 0) + (letter === b[j] ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1),
      )
    row = next
  }
  return row[b.length] ?? 0
}

const nearest = (name: string, candidates: readonly string[]): string => {
  const ranked = candidates
    .map((candidate) => ({ candidate, away: distance(fold(name), fold(candidate)) }))
    .sort((a, b) => a.away - b.away)
  const [best] = ranked
  return best !== undefined && best.away <= 2 ? `; did you mean "${best.candidate}"?` : ''
}

/** Catches at once what would else be an empty field in every event. */
export const checkVariable: CheckPath = ([root = '', child], written) => {
  const name = String(root)
  const children = known.get(name)
  if (children === undefined) return `there is no variable "${name}"${nearest(name, variableNames)}`
  if (children === null || child === undefined) return null
  if (children.length === 0) return `"${name}" has nothing below it, so "${written}" is always empty`
  return children.includes(String(child))
    ? null
    : `there is no variable "${name}.${child}"${nearest(String(child), children)}`
}
