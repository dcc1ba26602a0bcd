/** What a page says of what it sells, and of what was bought on it. Contract between `page/` and the rest of capture. */

export interface PageContext {
  /** The `charset` of the Content-Type header, if it named one. */
  readonly charset: string | null
  /** Absolute address of the page as the visitor asked for it. */
  readonly url: string
  /** Milliseconds since the epoch, for prices with a validity. */
  readonly now: number
  /** The site's decimal sign, if configured; ends all ambiguity of written prices. */
  readonly decimal?: '.' | ','
}

export type FactOrigin = 'json-ld' | 'open graph' | 'microdata' | 'rdfa' | 'meta' | 'twitter' | 'data layer'

export interface ProductFacts {
  readonly value: number | null
  readonly currency: string | null
  /** The first is preferred. */
  readonly contentIds: readonly string[]
  readonly contentName: string | null
  readonly contentCategory: string | null
  /** Where the value stands, such as `json-ld: Product.offers.price`. */
  readonly source: string
  readonly origin: FactOrigin
  readonly warnings: readonly string[]
}

export interface OrderLine {
  readonly id: string
  readonly name?: string
  readonly quantity?: number
  readonly price?: number
}

export interface OrderFacts {
  /** What the customer pays in all. */
  readonly value: number | null
  readonly currency: string | null
  readonly orderId: string | null
  readonly lines: readonly OrderLine[]
  readonly source: string
  readonly origin: FactOrigin
  readonly warnings: readonly string[]
}

/** Explicit look-ups of a rule's `extract`; the answer is untyped text or number as the page has it, `null` if absent. */
export type LookupValue = string | number | boolean | readonly (string | number)[] | null

export interface PageLookup {
  /** A path such as `Product.offers.price` or `Order.orderNumber`: a type name, then property names; arrays by first hit. */
  jsonLd(path: string): LookupValue
  /** By `property` or `name`, without regard to case. */
  meta(name: string): LookupValue
  /** A property such as `price`, or a path such as `Product.offers.price`. */
  microdata(path: string): LookupValue
  /** A path in the objects given to `dataLayer.push`, such as `ecommerce.value`; the last push that has it wins. */
  dataLayer(path: string): LookupValue
}

export interface PageFacts extends PageLookup {
  readonly title: string | null
  readonly canonicalUrl: string | null
  /** `null` where the page has no order or invoice in its markup. */
  readonly order: OrderFacts | null
  /** The one main product; `null` on listings, articles and pages without markup. */
  readonly product: ProductFacts | null
  /** Of the page as a whole: `jsonld_invalid`, `multiple_products`, `no_structured_data`, … */
  readonly warnings: readonly string[]
}
