import type { ContentItem, ConversionEvent } from '../../event/event.ts'
import { roundAmount } from '../../event/money.ts'
import { withoutClickIds } from '../../event/page-url.ts'
import { cleanProperties, cleanText, cut, known } from '../clean.ts'
import { permitsAdvertising } from '../google-consent.ts'
import { parameterName } from './names.ts'
import type { Ga4Settings } from './settings.ts'
import { sessionIdOf } from './visit.ts'

/**
 * An event's parameters within GA4's limits, which it enforces by forgetting what exceeds them.
 * https://support.google.com/analytics/answer/9267744 (2026-11-20)
 */
const maxParameters = 25
const maxItems = 200
const longestValue = 100
const longestTitle = 300
const longestReferrer = 420
const longestLocation = 1000

type Parameters = Readonly<Record<string, unknown>>

const itemOf = (item: ContentItem, currency: string | undefined): Parameters =>
  known({
    item_id: cut(item.id, longestValue),
    item_name: cleanText(item.name, longestValue),
    item_brand: cleanText(item.brand, longestValue),
    item_category: cleanText(item.category, longestValue),
    price: item.price === undefined ? undefined : roundAmount(item.price, currency),
    quantity: item.quantity,
  })

/** Products whose ids are known; a name alone makes no item, for it would be a product of its own in every report. */
const itemsOf = ({ custom }: ConversionEvent): readonly Parameters[] => {
  const { contents, contentIds = [], contentName, contentCategory, currency } = custom
  if (contents !== undefined && contents.length > 0)
    return contents.slice(0, maxItems).map((item) => itemOf(item, currency))
  return contentIds.slice(0, maxItems).map((id) =>
    itemOf(
      {
        id,
        // What is said of the whole event is said of its product only where there is one.
        ...(contentIds.length === 1 && contentName !== undefined ? { name: contentName } : {}),
        ...(contentIds.length === 1 && contentCategory !== undefined ? { category: contentCategory } : {}),
      },
      currency,
    ),
  )
}

const addressFor = (
  event: ConversionEvent,
  address: string | undefined,
  longest: number,
): string | undefined => {
  if (address === undefined) return undefined
  return (permitsAdvertising(event.consent) ? address : withoutClickIds(address)).slice(0, longest)
}

const money = ({ custom: { value, currency } }: ConversionEvent): Parameters =>
  // A value without its currency counts as no revenue at all.
  value !== undefined && Number.isFinite(value) && currency !== undefined
    ? { currency, value: roundAmount(value, currency) }
    : {}

const propertiesOf = (event: ConversionEvent, taken: Parameters): readonly (readonly [string, unknown])[] =>
  cleanProperties(event.custom.properties).flatMap(([written, value]) => {
    const name = parameterName(written)
    if (name === null || Object.hasOwn(taken, name)) return []
    const text = typeof value === 'string' ? cleanText(value, longestValue) : value
    return text === undefined ? [] : [[name, text] as const]
  })

export interface ParameterContext {
  /** Milliseconds since the epoch of this attempt. */
  readonly now: number
  /** Said where the event happened at another time than the request's. */
  readonly timestampMicros: number | null
}

export const parametersOf = (
  event: ConversionEvent,
  settings: Ga4Settings,
  { now, timestampMicros }: ParameterContext,
): Parameters => {
  const { custom, page, id } = event
  const own = known({
    session_id: sessionIdOf(event, settings, now),
    // Without a duration the event is missing from reports of activity.
    engagement_time_msec: 1,
    timestamp_micros: timestampMicros,
    transaction_id: custom.orderId === undefined ? undefined : cut(custom.orderId, longestValue),
    ...money(event),
    items: itemsOf(event),
    search_term: cleanText(custom.searchString, longestValue),
    page_location: addressFor(event, page.url, longestLocation),
    page_referrer: addressFor(event, page.referrer, longestReferrer),
    page_title: cleanText(page.title, longestTitle),
    // GA4 does not deduplicate on it; people who compare systems do.
    event_id: cut(id, longestValue),
    debug_mode: settings.debug ? true : undefined,
  })
  const further = propertiesOf(event, own).slice(0, maxParameters - Object.keys(own).length)
  return { ...own, ...Object.fromEntries(further) }
}
