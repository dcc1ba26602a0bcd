/** From the claims of a page's several markups to one answer: precedence, confirmation, doubt. */
import { isRetiredCurrency } from '../../event/money.ts'
import type { FactOrigin, ProductFacts } from './facts.ts'
import { textOf, thingsOf, valuesOf, isThing } from './graph.ts'
import type { Graph, Thing } from './graph.ts'
import type { MainProduct } from './main-product.ts'
import { productId } from './product-id.ts'

export interface Claim {
  readonly origin: FactOrigin
  readonly at: string
  /** Empty where the product is known, and its price is not. */
  readonly readings: readonly number[]
  readonly currency: string | null
  readonly ids: readonly string[]
  readonly name: string | null
  readonly category: string | null
  readonly warnings: readonly string[]
}

const idsOf = ({ things, chosen }: MainProduct, graph: Graph): readonly string[] => {
  const [head] = things
  if (head === undefined) return []
  const offerIds = thingsOf(graph, chosen, 'offers').map(productId)
  const group = textOf(head, 'productGroupID')
  const address = head.id?.split(/[/#]/).pop() ?? ''
  return [
    group,
    productId(head),
    productId(chosen),
    ...things.map(productId),
    ...offerIds,
    address === '' ? null : address,
  ].filter((id) => id !== null)
}

const categoryOf = (thing: Thing): string | null => {
  const [category] = valuesOf(thing, 'category')
  return category !== undefined && isThing(category) ? textOf(category, 'name') : textOf(thing, 'category')
}

export const claimOf = (product: MainProduct, graph: Graph, origin: FactOrigin): Claim => {
  const [head] = product.things
  const { quote } = product
  const type = head?.types[0] ?? 'Product'
  const first = (read: (thing: Thing) => string | null): string | null =>
    product.things.map(read).find((text) => text !== null) ?? null
  return {
    origin,
    at: quote === null ? type : `${type}.${quote.at}`,
    readings: quote?.readings ?? [],
    currency: quote?.currency ?? null,
    ids: idsOf(product, graph),
    name: first((thing) => textOf(thing, 'name')),
    category: first(categoryOf),
    warnings: quote?.warnings ?? [],
  }
}

const near = (left: number, right: number): boolean => Math.abs(left - right) < 0.005
const disagree = (left: number, right: number): boolean =>
  Math.abs(left - right) > 0.01 * Math.max(left, right)

const tokens = (name: string): ReadonlySet<string> =>
  new Set(name.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])

/** Whether two names can be of one product: half of the shorter one's words are in the other. */
const alike = (left: string | null, right: string | null): boolean => {
  if (left === null || right === null) return true
  const [a, b] = [tokens(left), tokens(right)]
  const shared = a.intersection(b).size
  return shared * 2 >= Math.min(a.size, b.size)
}

interface Answer {
  readonly value: number | null
  readonly claim: Claim
  readonly currency: string | null
  readonly warnings: readonly string[]
}

const decide = (claims: readonly Claim[], cards: readonly number[]): Answer | null => {
  const [lead] = claims
  if (lead === undefined) return null
  const isZero = (claim: Claim): boolean =>
    claim.readings.length > 0 && claim.readings.every((value) => value === 0)
  const priced = claims.filter((claim) => claim.readings.length > 0 && !isZero(claim))
  const zero = claims.some(isZero) ? ['zero_price'] : []
  const [first] = priced
  if (first === undefined)
    return { value: null, claim: lead, currency: null, warnings: [...lead.warnings, ...zero] }
  const others = priced.filter((claim) => claim !== first)
  let value = first.readings.length === 1 ? (first.readings[0] ?? null) : null
  if (value === null) {
    const witnesses = [
      ...others.filter(({ readings }) => readings.length === 1).flatMap(({ readings }) => readings),
      ...cards,
    ]
    value = first.readings.find((reading) => witnesses.some((witness) => near(witness, reading))) ?? null
  }
  if (value === null)
    return { value, claim: first, currency: null, warnings: [...first.warnings, ...zero, 'ambiguous_price'] }
  const price = value
  const confirming = others.find(
    ({ readings, currency }) => currency !== null && readings.some((reading) => near(reading, price)),
  )
  const differs = others.some(({ readings }) => readings.every((reading) => disagree(reading, price)))
  return {
    value,
    claim: first,
    currency: first.currency ?? confirming?.currency ?? null,
    warnings: [...first.warnings, ...zero, ...(differs ? ['sources_disagree'] : [])],
  }
}

/**
 * `claims` in order of precedence, `cards` prices that may only confirm. Value and currency come from one claim, save that
 * a claim without currency takes that of an equal price.
 */
export const settleProduct = (claims: readonly Claim[], cards: readonly number[]): ProductFacts | null => {
  const named = claims.find((claim) => claim.name !== null)?.name ?? null
  const ofOne = claims.filter((claim) => alike(named, claim.name))
  const answer = decide(ofOne, cards)
  if (answer === null) return null
  const { claim, value, currency } = answer
  const first = <T>(read: (of: Claim) => T | null): T | null =>
    [claim, ...ofOne].map(read).find((found) => found !== null) ?? null
  const id = first((of) => of.ids[0] ?? null)
  const retired = currency !== null && isRetiredCurrency(currency) ? ['retired_currency'] : []
  return {
    value,
    currency,
    // One product has one id; its other numbers would count as further products on the platforms.
    contentIds: id === null ? [] : [id],
    contentName: first((of) => of.name),
    contentCategory: first((of) => of.category),
    source: `${claim.origin}: ${claim.at}`,
    origin: claim.origin,
    warnings: [...new Set([...answer.warnings, ...retired])],
  }
}
