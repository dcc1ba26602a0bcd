import type { ContentItem, CustomData } from '../../event/event.ts'
import { minorUnits, roundAmount } from '../../event/money.ts'
import { cleanProperties, cleanText, known } from '../clean.ts'

/**
 * What was bought or looked at, as Snapchat's `custom_data`.
 * Snapchat/business-sdk-v3-java, api/openapi.yaml (2026-11-20), which types a line's quantity and price as texts.
 */

type Members = Readonly<Record<string, unknown>>

const isText = (value: unknown): boolean => typeof value === 'string' && value.trim() !== ''
/** What a rule or a sender may set besides our own fields; all else goes to `custom_fields`. */
const settable: Readonly<Record<string, (value: unknown) => boolean>> = {
  sign_up_method: isText,
  status: isText,
  delivery_category: isText,
  predicted_ltv: (value) => typeof value === 'number',
}

/** Written by us alone; a property of the same name would say something else. */
const ours: ReadonlySet<string> = new Set([
  'value',
  'currency',
  'order_id',
  'content_ids',
  'content_type',
  'content_category',
  'contents',
  'num_items',
  'search_string',
])

const isId = (id: string): boolean => id.trim() !== ''

const asText = (value: number, places: number): string | undefined =>
  Number.isFinite(value) && Math.abs(value) < 1e15 ? value.toFixed(places) : undefined

const contentOf = (item: ContentItem, currency: string | undefined): Members =>
  known({
    id: item.id,
    quantity: item.quantity === undefined ? undefined : asText(Math.max(Math.round(item.quantity), 1), 0),
    // A text that is no price costs the batch, and nothing costs less than nothing.
    item_price:
      item.price === undefined || item.price < 0
        ? undefined
        : asText(roundAmount(item.price, currency), currency === undefined ? 2 : minorUnits(currency)),
    brand: cleanText(item.brand),
  })

const propertiesOf = ({ properties }: CustomData): Members => {
  const direct: Record<string, unknown> = {}
  const further: Record<string, string> = {}
  for (const [name, value] of cleanProperties(properties)) {
    const fits = Object.hasOwn(settable, name) ? settable[name] : undefined
    if (fits !== undefined) {
      if (fits(value)) direct[name] = value
    } else if (!ours.has(name) && name.trim() !== '') {
      const text = cleanText(String(value))
      if (text !== undefined) further[name] = text
    }
  }
  return { ...direct, custom_fields: Object.keys(further).length === 0 ? undefined : further }
}

export const customDataOf = (custom: CustomData): Members => {
  const { value, currency, contents, contentIds } = custom
  return known({
    ...propertiesOf(custom),
    // An amount without its currency says nothing.
    ...(value !== undefined && Number.isFinite(value) && currency !== undefined
      ? { value: roundAmount(value, currency), currency }
      : {}),
    order_id: cleanText(custom.orderId),
    content_ids: (contentIds ?? contents?.map(({ id }) => id))?.filter(isId),
    content_type: cleanText(custom.contentType),
    content_category: cleanText(custom.contentCategory),
    contents: contents?.filter(({ id }) => isId(id)).map((item) => contentOf(item, currency)),
    num_items: custom.numItems === undefined ? undefined : Math.round(custom.numItems),
    search_string: cleanText(custom.searchString),
  })
}
