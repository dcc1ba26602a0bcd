import type { CapturedEvent, CustomData, FactSource } from '../event/event.ts'
import type { EventId, SiteId } from '../event/brand.ts'
import { orderEventId, randomEventId } from '../event/id.ts'
import { isRetiredCurrency } from '../event/money.ts'
import { canonicalName } from '../event/names.ts'
import { enrich } from './enrich.ts'
import { extract, present, type ExtractContext } from './extract.ts'
import type { ProductFacts } from './page/facts.ts'
import { namesPerson } from './personal.ts'
import { repeatIdOf } from './repeat.ts'
import type { Action, ExtractField, Rule, SiteTraffic } from './rules.ts'
import type { Visit } from './visit.ts'

/** Rule, visit and page to an event: a function from values to a value, chance and time handed in. */

export interface Reading {
  readonly site: SiteTraffic
  readonly rule: Rule
  readonly visit: Visit
  readonly context: ExtractContext
  /** The page's main product, or the cache's where the page could not be read. */
  readonly product: ProductFacts | null
  /** Of the whole reading: how the page could not be read, how old the cached product is. */
  readonly warnings: readonly string[]
}

/** The last resort of the public contract; never silent. */
const lastCurrency = 'EUR'

const withCurrency = (
  custom: CustomData,
  site: SiteTraffic,
): {
  readonly custom: CustomData
  readonly sources: readonly FactSource[]
  readonly warnings: readonly string[]
} => {
  if (custom.value === undefined || custom.currency !== undefined)
    return {
      custom,
      sources: [],
      warnings:
        custom.currency !== undefined && isRetiredCurrency(custom.currency) ? ['retired_currency'] : [],
    }
  return site.currency === undefined
    ? {
        custom: { ...custom, currency: lastCurrency },
        sources: [{ field: 'currency', from: 'default' }],
        warnings: ['currency_defaulted'],
      }
    : {
        custom: { ...custom, currency: site.currency },
        sources: [{ field: 'currency', from: 'site' }],
        warnings: [],
      }
}

/** `given`: the id that the visitor has been told already, for an event that has no order's. */
export const assemble = (action: Action, reading: Reading, given?: EventId): CapturedEvent => {
  const { site, rule, visit, context, product } = reading
  const type = canonicalName(action.eventType)
  const extracted = extract(action.extract ?? {}, action.set ?? {}, context)
  const enriched = enrich(type, action.enrich ?? 'auto', extracted.custom, context.page, product)
  const priced = withCurrency(enriched.custom, site)
  const { orderId, searchString } = priced.custom
  // Such a text is not kept, nor sent.
  const withheld = (text: string | undefined): boolean =>
    text !== undefined && namesPerson(text, extracted.userData)
  const title = context.page?.title ?? undefined
  const personal = [
    ...(withheld(title) ? ['person_in_title'] : []),
    ...(withheld(searchString) ? ['person_in_search'] : []),
  ]
  const siteId = site.id as SiteId
  return {
    event: {
      id:
        orderId === undefined
          ? (repeatIdOf({ site: siteId, rule, type, visit }, priced.custom) ??
            given ??
            randomEventId(visit.at))
          : orderEventId(siteId, type, orderId),
      site: siteId,
      type,
      name: action.eventType,
      occurredAt: visit.at,
      source: 'page',
      ruleId: rule.id,
      page: present({
        url: visit.pageUrl ?? undefined,
        referrer: visit.referrer ?? undefined,
        title: withheld(title) ? undefined : title,
      }),
      custom: present({
        ...priced.custom,
        searchString: withheld(searchString) ? undefined : searchString,
      }),
      visitor: visit.visitor,
      consent: visit.consent,
    },
    userData: extracted.userData,
    targets: action.targets ?? null,
    sources: [...extracted.sources, ...enriched.sources, ...priced.sources],
    warnings: [
      ...new Set([
        ...reading.warnings,
        ...extracted.warnings,
        ...enriched.warnings,
        ...priced.warnings,
        ...personal,
      ]),
    ],
  }
}

/** What the action requires and the page did not say. */
export const missingFields = (
  { require = [] }: Action,
  { event, userData }: CapturedEvent,
): readonly ExtractField[] =>
  require.filter((field) => !Object.hasOwn(event.custom, field) && !Object.hasOwn(userData, field))
