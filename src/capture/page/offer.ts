/** What a product costs, from its offers: never a list price, a member's price, a price per kilogram or for shipping. */
import { readCurrency, readCurrencyIn } from './currency.ts'
import { isThing, resolve, textOf, thingsOf, valuesOf } from './graph.ts'
import type { Graph, Thing } from './graph.ts'
import { readWritten } from './price.ts'

export interface Reading {
  readonly graph: Graph
  /** Address of the page, without fragment. */
  readonly url: string
  readonly now: number
  readonly decimal?: '.' | ','
  /** Visits left: things refer to each other at will, and a page must not make us walk its references for ever. */
  readonly budget: { left: number }
  readonly memo: Map<Thing, readonly Quote[]>
}

const mostVisits = 20_000

export const createReading = (
  graph: Graph,
  page: { readonly url: string; readonly now: number; readonly decimal?: '.' | ',' },
): Reading => ({
  graph,
  url: page.url,
  now: page.now,
  ...(page.decimal === undefined ? {} : { decimal: page.decimal }),
  budget: { left: mostVisits },
  memo: new Map(),
})

/** A price found, with every number it can mean. */
export interface Quote {
  /** One, or two where the writing is ambiguous (the smaller first). */
  readonly readings: readonly number[]
  readonly currency: string | null
  /** Path from the product, such as `offers.priceSpecification.price`. */
  readonly at: string
  readonly warnings: readonly string[]
  readonly available: boolean
  /** `used`, `new` or unknown. */
  readonly used: boolean
  /** Whether the offer is for exactly this page's address; `null` where it gives none. */
  readonly addressed: boolean | null
}

const deepest = 6

const same = (left: readonly number[], right: readonly number[]): boolean =>
  left.length === right.length && left.every((value, index) => Math.abs(value - (right[index] ?? 0)) < 0.005)

const lowest = (quotes: readonly Quote[]): Quote | null =>
  quotes.reduce<Quote | null>(
    (best, quote) => (best === null || (quote.readings[0] ?? 0) < (best.readings[0] ?? 0) ? quote : best),
    null,
  )

const gone: ReadonlySet<string> = new Set(['outofstock', 'soldout', 'discontinued'])
const tail = (text: string | null): string =>
  (text ?? '')
    .split(/[/#:]/)
    .pop()
    ?.replace(/[\s_-]/g, '')
    .toLowerCase() ?? ''

/** Text of a property that may also be a thing with an address (`availability: { "@id": … }`). */
const term = (thing: Thing, property: string): string => {
  const [first] = valuesOf(thing, property)
  return tail(first !== undefined && isThing(first) ? first.id : textOf(thing, property))
}

const currencyOf = (thing: Thing, warnings: string[]): string | null => {
  const stated = readCurrency(textOf(thing, 'priceCurrency'))
  if (stated !== null) return stated
  const misspelled = readCurrency(textOf(thing, 'currency'))
  if (misspelled !== null && thing.props.has('price')) warnings.push('currency_misspelled')
  return misspelled
}

/** Every reading of a price property; where it is written several times (old and new), the lowest counts. */
export const priceOf = (
  reading: Reading,
  thing: Thing,
  property: string,
  inherited: string | null,
  warnings: string[],
): { readings: readonly number[]; currency: string | null } | null => {
  const currency = currencyOf(thing, warnings) ?? inherited
  const found: { readings: readonly number[]; currency: string | null }[] = []
  for (const value of valuesOf(thing, property).slice(0, 16)) {
    if (isThing(value)) {
      const amount = resolve(reading.graph, value)
      for (const inner of ['value', 'price']) {
        if (amount.props.has(property) && inner === property) continue
        const nested = leafPrice(reading, amount, inner, currency)
        if (nested !== null) found.push(nested)
      }
      continue
    }
    const named = currency ?? readCurrencyIn(value.leaf)
    const options = {
      mode: value.mode,
      currency: named,
      ...(reading.decimal === undefined ? {} : { decimal: reading.decimal }),
    }
    const readings = typeof value.leaf === 'boolean' ? [] : readWritten(value.leaf, options)
    if (readings.length > 0) found.push({ readings, currency: named })
  }
  const positive = found.filter(({ readings }) => (readings[0] ?? 0) > 0)
  const [first, ...others] = positive.length > 0 ? positive : found
  if (first === undefined) return null
  if (others.every(({ readings }) => same(readings, first.readings))) return first
  // A text price and its machine twin (`1.299` beside `1299`) are one price, and the sure one says which.
  const sure = positive.find(({ readings }) => readings.length === 1)
  if (
    sure !== undefined &&
    positive.every(({ readings }) => readings.some((value) => value === sure.readings[0]))
  )
    return sure
  warnings.push('several_prices')
  return [first, ...others].reduce((best, next) =>
    (next.readings[0] ?? 0) < (best.readings[0] ?? 0) ? next : best,
  )
}

const leafPrice = (reading: Reading, thing: Thing, property: string, inherited: string | null) => {
  const [value] = valuesOf(thing, property)
  if (value === undefined || isThing(value) || typeof value.leaf === 'boolean') return null
  const currency = currencyOf(thing, []) ?? inherited
  const readings = readWritten(value.leaf, {
    mode: value.mode,
    currency,
    ...(reading.decimal === undefined ? {} : { decimal: reading.decimal }),
  })
  return readings.length === 0 ? null : { readings, currency }
}

const crossedOut = /(?:strikethroughprice|listprice|srp|msrp|regularprice|minimumadvertisedprice)$/
/** UN/CEFACT codes for one piece: a price per piece is a price. */
const pieces: ReadonlySet<string> = new Set(['', 'c62', 'ea', 'h87', 'pce', 'nmp', 'pr', 'set'])

const forMembers = (thing: Thing): boolean => thing.props.has('validForMemberTier')

const perUnit = (reading: Reading, specification: Thing): boolean => {
  const [quantity] = thingsOf(reading.graph, specification, 'referenceQuantity')
  if (specification.props.has('billingIncrement') || specification.props.has('billingDuration')) return true
  if (quantity === undefined) return false
  const unit = (textOf(quantity, 'unitCode') ?? textOf(quantity, 'unitText') ?? '').toLowerCase()
  return !pieces.has(unit) || (textOf(quantity, 'value') ?? '1') !== '1'
}

/** `null` where there is no date, or none that can be read. */
const dateOf = (thing: Thing, property: string): number | null => {
  const time = Date.parse(textOf(thing, property) ?? '')
  return Number.isNaN(time) ? null : time
}
const dayMs = 86_400_000

const inForce = (reading: Reading, thing: Thing): boolean => {
  const from = dateOf(thing, 'validFrom')
  const through = dateOf(thing, 'validThrough')
  // A date without a time of day means the whole day, wherever the shop is.
  return (
    (from === null || from <= reading.now + dayMs) && (through === null || through + dayMs >= reading.now)
  )
}

const specified = (reading: Reading, offer: Thing, currency: string | null, warnings: string[]) => {
  const entries = thingsOf(reading.graph, offer, 'priceSpecification').filter(
    (entry) =>
      !crossedOut.test(term(entry, 'priceType')) &&
      !forMembers(entry) &&
      !perUnit(reading, entry) &&
      !entry.types.some(
        (type) => type === 'DeliveryChargeSpecification' || type === 'PaymentChargeSpecification',
      ) &&
      inForce(reading, entry),
  )
  const prices = entries.flatMap((entry) => {
    const price =
      priceOf(reading, entry, 'price', currency, warnings) ??
      priceOf(reading, entry, 'minPrice', currency, warnings)
    return price === null ? [] : [price]
  })
  const [first] = prices
  if (first === undefined) return null
  if (prices.some((price) => !same(price.readings, first.readings)))
    warnings.push('several_price_specifications')
  return prices.reduce((best, next) => ((next.readings[0] ?? 0) < (best.readings[0] ?? 0) ? next : best))
}

const pageAddress = (url: string): string =>
  url
    .replace(/#.*$/s, '')
    .replace(/^https?:\/\//i, '')
    .replace(/\/$/, '')
export const isAddress = (reading: Reading, address: string | null): boolean => {
  if (address === null || address === '') return false
  if (!URL.canParse(address, reading.url)) return false
  return pageAddress(new URL(address, reading.url).href) === pageAddress(reading.url)
}

const offerQuotes = (
  reading: Reading,
  offer: Thing,
  inherited: string | null,
  at: string,
  depth: number,
  seen: Set<Thing>,
): readonly Quote[] => {
  if (depth > deepest || seen.has(offer) || reading.budget.left <= 0 || forMembers(offer)) return []
  seen.add(offer)
  reading.budget.left -= 1 + valuesOf(offer, 'offers').length + valuesOf(offer, 'priceSpecification').length
  const warnings: string[] = []
  const currency = currencyOf(offer, warnings) ?? inherited
  const state = {
    available: !gone.has(term(offer, 'availability')),
    used: /^(?:used|refurbished|damaged)/.test(term(offer, 'itemCondition')),
    addressed: offer.props.has('url') ? isAddress(reading, textOf(offer, 'url')) : null,
  }
  const until = dateOf(offer, 'priceValidUntil')
  if (until !== null && until + dayMs < reading.now) warnings.push('price_expired')
  const quote = (price: { readings: readonly number[]; currency: string | null }, path: string): Quote[] => [
    { ...price, at: `${at}.${path}`, warnings, ...state },
  ]
  const price = priceOf(reading, offer, 'price', currency, warnings)
  if (price !== null && (price.readings[0] ?? 0) > 0) return quote(price, 'price')
  const specification = specified(reading, offer, currency, warnings)
  if (specification !== null) return quote(specification, 'priceSpecification.price')
  const low = priceOf(reading, offer, 'lowPrice', currency, warnings)
  if (low !== null) {
    const high = priceOf(reading, offer, 'highPrice', currency, [])
    if (high !== null && !same(high.readings, low.readings)) warnings.push('price_range')
    return quote(low, 'lowPrice')
  }
  const nested = thingsOf(reading.graph, offer, 'offers').flatMap((inner) =>
    offerQuotes(reading, inner, currency, `${at}.offers`, depth + 1, seen),
  )
  return nested.length > 0 || price === null ? nested : quote(price, 'price')
}

/** The quotes of a thing that is sold; `extra` are offers that name it (`itemOffered`) rather than being named by it. */
export const quotesOf = (
  reading: Reading,
  product: Thing,
  extra: readonly Thing[] = [],
): readonly Quote[] => {
  const known = extra.length === 0 ? reading.memo.get(product) : undefined
  if (known !== undefined) return known
  const quotes = findQuotes(reading, product, extra)
  if (extra.length === 0) reading.memo.set(product, quotes)
  return quotes
}

const findQuotes = (reading: Reading, product: Thing, extra: readonly Thing[]): readonly Quote[] => {
  const warnings: string[] = []
  const currency = currencyOf(product, warnings)
  const seen = new Set<Thing>()
  const offers = [...thingsOf(reading.graph, product, 'offers'), ...extra].flatMap((offer) =>
    offerQuotes(reading, offer, currency, 'offers', 0, seen),
  )
  if (offers.length > 0) return offers
  const price = priceOf(reading, product, 'price', currency, warnings)
  const own = price ?? specified(reading, product, currency, warnings)
  if (own === null) return []
  const at = price === null ? 'priceSpecification.price' : 'price'
  return [
    {
      ...own,
      at,
      warnings: [...warnings, 'price_without_offer'],
      available: true,
      used: false,
      addressed: false,
    },
  ]
}

/** What a visitor pays: the lowest that can be had, new before used, in stock before sold out. */
export const bestQuote = (quotes: readonly Quote[], whenSeveral: string): Quote | null => {
  const narrow = (all: readonly Quote[], keep: (quote: Quote) => boolean): readonly Quote[] => {
    const kept = all.filter(keep)
    return kept.length > 0 ? kept : all
  }
  let left = narrow(quotes, (quote) => (quote.readings[0] ?? 0) > 0)
  left = narrow(left, (quote) => !quote.used)
  left = narrow(left, (quote) => quote.available)
  // An offer stands out by its address only where every other has one of its own.
  const addressed = left.filter((quote) => quote.addressed !== false)
  const [only] = addressed
  if (addressed.length === 1 && only?.addressed === true) return only
  const best = lowest(left)
  if (best === null || left.every((quote) => same(quote.readings, best.readings))) return best
  return { ...best, warnings: [...best.warnings, whenSeveral] }
}
