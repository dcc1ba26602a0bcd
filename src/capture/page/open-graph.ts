/** Prices in meta tags: the `product:` and `og:` families. List prices and prices before tax are not among them. */
import { readCurrency, readCurrencyIn } from './currency.ts'
import { tidy } from './graph.ts'
import type { Markup } from './markup.ts'
import { readWritten } from './price.ts'

export interface MetaQuote {
  readonly readings: readonly number[]
  readonly currency: string | null
  /** The name of the tag. */
  readonly at: string
  readonly family: 'product' | 'og'
}

interface Context {
  readonly now: number
  readonly decimal?: '.' | ','
}

export const metaOf = (markup: Markup, ...names: readonly string[]): string | null => {
  for (const name of names) {
    const [content] = markup.metas.get(name) ?? []
    if (content !== undefined) return tidy(content)
  }
  return null
}

const saleIsOn = (markup: Markup, now: number): boolean => {
  const start = Date.parse(metaOf(markup, 'product:sale_price_dates:start') ?? '')
  const end = Date.parse(metaOf(markup, 'product:sale_price_dates:end') ?? '')
  return !(start > now) && !(end < now)
}

interface Tag {
  readonly amount: string
  readonly currency: readonly string[]
  readonly family: 'product' | 'og'
  /** Names outside of the vocabulary hold what people see. */
  readonly text?: true
}

const productCurrencies = ['product:price:currency', 'product:currency']
const ogCurrencies = ['og:price:currency', 'og:product:price:currency', 'og:currency']
const tags: readonly Tag[] = [
  { amount: 'product:price:amount', currency: productCurrencies, family: 'product' },
  { amount: 'product:price', currency: productCurrencies, family: 'product', text: true },
  { amount: 'og:price:amount', currency: ogCurrencies, family: 'og' },
  { amount: 'og:product:price:amount', currency: ogCurrencies.toReversed(), family: 'og' },
  { amount: 'og:price', currency: ogCurrencies, family: 'og', text: true },
]
const sale: Tag = {
  amount: 'product:sale_price:amount',
  currency: ['product:sale_price:currency', ...productCurrencies],
  family: 'product',
}

const readTag = (markup: Markup, tag: Tag, context: Context): MetaQuote | null => {
  const contents = markup.metas.get(tag.amount) ?? []
  const [first] = contents
  if (first === undefined) return null
  const stated = tag.currency.map((name) => readCurrency(metaOf(markup, name))).find((code) => code !== null)
  const currency = stated ?? readCurrencyIn(first)
  const options = {
    mode: tag.text === undefined ? ('machine' as const) : ('text' as const),
    currency,
    ...(context.decimal === undefined ? {} : { decimal: context.decimal }),
  }
  const readings = readWritten(first, options)
  // Different prices under one name are a page of several products.
  const several = contents.some((content) => readWritten(content, options)[0] !== readings[0])
  return several || readings.length === 0 ? null : { readings, currency, at: tag.amount, family: tag.family }
}

/** One quote per family, `product:` first; a sale price stands for its family while the sale is on. */
export const readMetaPrices = (markup: Markup, context: Context): readonly MetaQuote[] => {
  const all = [...(saleIsOn(markup, context.now) ? [sale] : []), ...tags]
  const quotes = all.map((tag) => readTag(markup, tag, context)).filter((quote) => quote !== null)
  return ['product', 'og'].flatMap((family) => quotes.find((quote) => quote.family === family) ?? [])
}

/** What a card shows beside a label such as "Price": good enough to confirm another price, never to give one. */
export const readCardPrices = (markup: Markup, context: Context): readonly number[] =>
  ['1', '2'].flatMap((number) => {
    const data = metaOf(markup, `twitter:data${number}`)
    return data === null
      ? []
      : readWritten(data, {
          mode: 'text',
          ...(context.decimal === undefined ? {} : { decimal: context.decimal }),
        })
  })

export const isProductPage = (markup: Markup): boolean =>
  (markup.metas.get('og:type') ?? []).some((type) => /^(?:og:)?product(?:\.item|\.group)?$/i.test(type))

/** The catalogue's own ids for the product, the first preferred. */
export const metaIds = (markup: Markup): readonly string[] =>
  ['product:retailer_item_id', 'og:product:retailer_item_id', 'product:retailer_part_no', 'product:sku']
    .map((name) => metaOf(markup, name))
    .filter((id) => id !== null)
