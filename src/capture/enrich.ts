import type { CustomData, FactSource } from '../event/event.ts'
import type { EventType } from '../event/names.ts'
import type { OrderFacts, PageFacts, ProductFacts } from './page/facts.ts'

/** Fills what the rule left open from the page's own markup; what the rule set is never overwritten. */

export type Enrichment = 'auto' | 'order' | 'any' | 'off'

export interface Enriched {
  readonly custom: CustomData
  readonly sources: readonly FactSource[]
  readonly warnings: readonly string[]
}

/** Events whose page may show an order: there a product's price is a recommendation's, not the total. */
const orderLike: ReadonlySet<EventType> = new Set([
  'purchase',
  'lead',
  'subscribe',
  'start_trial',
  'schedule',
])

/** Whether the page's markup may bring an order number, from which the event's id is then made. */
export const mayBringOrder = (type: EventType, mode: Enrichment): boolean =>
  mode !== 'off' && orderLike.has(type)

/** Value and currency come from one node or not at all: a price in one place and a currency in another are two facts. */
const money = (
  custom: CustomData,
  found: { readonly value: number | null; readonly currency: string | null },
): Pick<CustomData, 'value' | 'currency'> => {
  if (custom.value !== undefined || found.value === null)
    return custom.currency === undefined && custom.value === found.value && found.currency !== null
      ? { currency: found.currency }
      : {}
  if (custom.currency !== undefined && found.currency !== null && custom.currency !== found.currency)
    return {}
  return { value: found.value, ...(found.currency === null ? {} : { currency: found.currency }) }
}

const missing = (custom: CustomData, offered: CustomData): CustomData =>
  Object.fromEntries(Object.entries(offered).filter(([field]) => !Object.hasOwn(custom, field)))

const fromOrder = (custom: CustomData, order: OrderFacts): CustomData => {
  const quantities = order.lines.map(({ quantity }) => quantity ?? 1)
  return {
    ...money(custom, order),
    ...missing(custom, {
      ...(order.orderId === null ? {} : { orderId: order.orderId }),
      ...(order.lines.length === 0
        ? {}
        : {
            contentIds: order.lines.map(({ id }) => id),
            contents: order.lines,
            numItems: quantities.reduce((sum, quantity) => sum + quantity, 0),
          }),
    }),
  }
}

const fromProduct = (custom: CustomData, product: ProductFacts): CustomData => ({
  ...money(custom, product),
  ...missing(custom, {
    ...(product.contentIds.length === 0 ? {} : { contentIds: product.contentIds.slice(0, 1) }),
    ...(product.contentName === null ? {} : { contentName: product.contentName }),
    ...(product.contentCategory === null ? {} : { contentCategory: product.contentCategory }),
  }),
})

const use = (custom: CustomData, added: CustomData, from: string, warnings: readonly string[]): Enriched => ({
  custom: { ...custom, ...added },
  sources: Object.keys(added).map((field) => ({ field, from })),
  warnings,
})

/** `product` may come from the cache where the page itself could not be read. */
export const enrich = (
  type: EventType,
  mode: Enrichment,
  custom: CustomData,
  page: Pick<PageFacts, 'order' | 'warnings'> | null,
  product: ProductFacts | null,
): Enriched => {
  const nothing: Enriched = { custom, sources: [], warnings: page?.warnings ?? [] }
  if (mode === 'off') return { ...nothing, warnings: [] }
  const order = page?.order ?? null
  if (order !== null && orderLike.has(type))
    return use(custom, fromOrder(custom, order), order.source, [...nothing.warnings, ...order.warnings])
  if (mode === 'order' || product === null) return nothing
  // On a page with an order, a product in the markup is a recommendation.
  if (order !== null && mode !== 'any') return nothing
  return use(custom, fromProduct(custom, product), product.source, [...nothing.warnings, ...product.warnings])
}
