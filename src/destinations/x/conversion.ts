import type { ContentItem, ConversionEvent } from '../../event/event.ts'
import { roundAmount } from '../../event/money.ts'
import { cleanText, known } from '../clean.ts'
import type { DeliverableEvent } from '../destination.ts'
import { identifiersOf } from './identifiers.ts'
import type { XSettings } from './settings.ts'
import { tagOf } from './tag.ts'

type Members = Readonly<Record<string, unknown>>

/** X takes counts above zero. */
const countOf = (count: number | undefined): number | undefined => {
  if (count === undefined) return undefined
  const whole = Math.round(count)
  return whole > 0 ? whole : undefined
}

/** X's `content_type` is a category. */
const contentOf = (item: ContentItem, currency: string | undefined): Members =>
  known({
    content_id: cleanText(item.id),
    content_name: cleanText(item.name),
    content_type: cleanText(item.category),
    content_price: item.price === undefined ? undefined : roundAmount(item.price, currency),
    num_items: countOf(item.quantity),
  })

const contentsOf = ({ custom }: ConversionEvent): readonly Members[] => {
  const { contents, contentIds = [], contentName, contentCategory, currency } = custom
  // What is said of the whole event is said of its product only where there is one.
  const [only] = contentIds.length === 1 ? contentIds : []
  const items: readonly ContentItem[] =
    contents !== undefined && contents.length > 0
      ? contents
      : contentIds.map((id) => ({
          id,
          ...(id === only && contentName !== undefined ? { name: contentName } : {}),
          ...(id === only && contentCategory !== undefined ? { category: contentCategory } : {}),
        }))
  return items
    .map((item) => contentOf(item, currency))
    .filter((content) => Object.hasOwn(content, 'content_id'))
}

/** Without its currency a value would be one in US dollars. */
const moneyOf = ({ custom: { value, currency } }: ConversionEvent): Members =>
  value !== undefined && Number.isFinite(value) && currency !== undefined
    ? { value: roundAmount(value, currency), price_currency: currency }
    : {}

const descriptionOf = (event: ConversionEvent): string | undefined => {
  const { description } = event.custom.properties ?? {}
  return typeof description === 'string' ? cleanText(description) : undefined
}

const conversionIdOf = (event: ConversionEvent, { orderIdAsConversionId }: XSettings): string => {
  const order =
    orderIdAsConversionId && event.type === 'purchase' ? cleanText(event.custom.orderId) : undefined
  return order ?? event.id
}

export const conversionOf = (deliverable: DeliverableEvent, settings: XSettings, now: number): Members => {
  const { event } = deliverable
  const tag = tagOf(deliverable, settings)
  return known({
    // A clock that runs ahead somewhere must not cost the batch.
    conversion_time: new Date(Math.min(event.occurredAt, now)).toISOString(),
    ...(typeof tag === 'string' ? {} : tag),
    conversion_id: conversionIdOf(event, settings),
    identifiers: identifiersOf(deliverable),
    ...moneyOf(event),
    number_items: countOf(event.custom.numItems),
    description: descriptionOf(event),
    event_source_url: event.page.url,
    search_string: cleanText(event.custom.searchString),
    contents: contentsOf(event),
  })
}
