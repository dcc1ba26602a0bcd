import type { ContentItem, ConversionEvent } from '../../event/event.ts'
import { roundAmount } from '../../event/money.ts'
import { cleanText, known } from '../clean.ts'

/** The event's `custom_data`. Pinterest takes no key it does not know, so of properties only its own two go along. */

/** Amounts are texts here, and from this number on JavaScript writes an exponent. */
const tooGreat = 1e21

const amountText = (amount: unknown, currency: string | undefined): string | undefined => {
  if (typeof amount !== 'number') return undefined
  const rounded = roundAmount(amount, currency)
  return Math.abs(rounded) < tooGreat ? String(rounded) : undefined
}

const isNamed = (id: string): boolean => id.trim() !== ''

const contentOf = (item: ContentItem, currency: string | undefined): Readonly<Record<string, unknown>> =>
  known({
    id: item.id,
    item_price: amountText(item.price, currency),
    quantity: item.quantity === undefined ? undefined : Math.max(Math.round(item.quantity), 1),
    item_name: cleanText(item.name),
    item_category: cleanText(item.category),
    item_brand: cleanText(item.brand),
  })

/** An amount without its currency would be taken for one in the ad account's. */
const money = ({ custom: { value, currency } }: ConversionEvent): Readonly<Record<string, unknown>> => {
  const text = amountText(value, currency)
  return text === undefined || currency === undefined ? {} : { value: text, currency }
}

export const customDataOf = (event: ConversionEvent): Readonly<Record<string, unknown>> => {
  const { custom } = event
  const { currency, properties = {} } = custom
  const contents = custom.contents?.filter(({ id }) => isNamed(id))
  const brand = properties['content_brand']
  return known({
    ...money(event),
    order_id: cleanText(custom.orderId),
    num_items: custom.numItems === undefined ? undefined : Math.round(custom.numItems),
    content_ids: custom.contentIds?.filter(isNamed) ?? contents?.map(({ id }) => id),
    contents: contents?.map((item) => contentOf(item, currency)),
    content_name: cleanText(custom.contentName),
    content_category: cleanText(custom.contentCategory),
    content_brand: typeof brand === 'string' ? cleanText(brand) : undefined,
    search_string: cleanText(custom.searchString),
    predicted_ltv: amountText(properties['predicted_ltv'], currency),
  })
}
