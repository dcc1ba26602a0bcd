/** Orders and invoices: what the customer pays in all, never a line of it. */
import type { FactOrigin, OrderFacts, OrderLine } from './facts.ts'
import { hasType, resolve, textOf, thingsOf } from './graph.ts'
import type { Graph, Thing } from './graph.ts'
import { priceOf } from './offer.ts'
import type { Reading } from './offer.ts'
import { productId } from './product-id.ts'
import { isRetiredCurrency } from '../../event/money.ts'

const orderLike = (thing: Thing): boolean =>
  thing.types.some((type) => type === 'Order' || type === 'OrderConfirmation' || type.endsWith('Reservation'))
const isInvoice = (thing: Thing): boolean => thing.types.includes('Invoice')

/** Ways from a page's top to its order. A list of past orders is not among them. */
const ways = ['mainEntity', 'about', 'object', 'result', 'potentialAction']
const actions: ReadonlySet<string> = new Set(['ConfirmAction', 'BuyAction', 'OrderAction'])

const deepest = 4
const mostLines = 100

const gather = (graph: Graph): { orders: Thing[]; invoices: Thing[] } => {
  const orders: Thing[] = []
  const invoices: Thing[] = []
  const seen = new Set<Thing>()
  const visit = (value: Thing, depth: number): void => {
    const thing = resolve(graph, value)
    if (seen.has(thing) || depth > deepest) return
    seen.add(thing)
    if (orderLike(thing)) orders.push(thing)
    else if (isInvoice(thing)) invoices.push(thing)
    else {
      const page = thing.types.some((type) => type.endsWith('Page') || type === 'EmailMessage')
      if (page || hasType(thing, actions))
        for (const way of ways) for (const inner of thingsOf(graph, thing, way)) visit(inner, depth + 1)
      else for (const inner of thingsOf(graph, thing, 'mainEntity')) visit(inner, depth + 1)
    }
  }
  for (const root of graph.roots) visit(root, 0)
  return { orders, invoices }
}

interface Total {
  readonly readings: readonly number[]
  readonly currency: string | null
  readonly at: string
}

const dueOf = (reading: Reading, thing: Thing, currency: string | null, warnings: string[]): Total | null => {
  for (const due of thingsOf(reading.graph, thing, 'totalPaymentDue')) {
    for (const property of ['price', 'value']) {
      const price = priceOf(reading, due, property, currency, warnings)
      if (price !== null) return { ...price, at: `totalPaymentDue.${property}` }
    }
  }
  const plain = priceOf(reading, thing, 'totalPaymentDue', currency, warnings)
  return plain === null ? null : { ...plain, at: 'totalPaymentDue' }
}

const totalOf = (reading: Reading, thing: Thing, warnings: string[]): Total | null => {
  const stated = ['price', 'totalPrice', 'total'].flatMap((property) => {
    const price = priceOf(reading, thing, property, null, warnings)
    return price === null ? [] : [{ ...price, at: property }]
  })
  const [first] = stated
  if (first !== undefined) return first
  const due = dueOf(reading, thing, null, warnings)
  if (due !== null) return due
  for (const invoice of thingsOf(reading.graph, thing, 'partOfInvoice')) {
    const owed = dueOf(reading, invoice, null, warnings)
    if (owed !== null) return { ...owed, at: `partOfInvoice.${owed.at}` }
  }
  return null
}

interface Line extends OrderLine {
  readonly currency: string | null
}

const quantityOf = (graph: Graph, thing: Thing, ...properties: readonly string[]): number | null => {
  for (const property of properties) {
    const [amount] = thingsOf(graph, thing, property)
    const text = amount === undefined ? textOf(thing, property) : textOf(amount, 'value')
    const quantity = text === null ? NaN : Number(text)
    if (quantity > 0 && quantity <= 1e6) return quantity
  }
  return null
}

const lineOf = (reading: Reading, thing: Thing): Line | null => {
  const { graph } = reading
  const [inner] = [...thingsOf(graph, thing, 'itemOffered'), ...thingsOf(graph, thing, 'orderedItem')]
  const product = inner ?? thing
  const price = priceOf(reading, thing, 'price', null, [])
  const id =
    productId(product) ??
    productId(thing) ??
    textOf(thing, 'orderItemNumber') ??
    product.id ??
    textOf(product, 'name')
  if (id === null) return null
  const name = textOf(product, 'name') ?? textOf(thing, 'name')
  const quantity = quantityOf(graph, thing, 'orderQuantity', 'eligibleQuantity', 'quantity')
  const amount = price?.readings.length === 1 ? price.readings[0] : undefined
  return {
    id,
    ...(name === null ? {} : { name }),
    ...(quantity === null ? {} : { quantity }),
    ...(amount === undefined ? {} : { price: amount }),
    currency: price?.currency ?? null,
  }
}

const linesOf = (reading: Reading, order: Thing, property: string): readonly (Line | null)[] =>
  thingsOf(reading.graph, order, property)
    .slice(0, mostLines)
    .map((thing) => lineOf(reading, thing))

/** What the accepted offers add up to, where every one of them has a price in one currency. */
const sumOf = (lines: readonly (Line | null)[]): Total | null => {
  const [first] = lines
  if (first === undefined || first === null || lines.length === mostLines) return null
  let sum = 0
  for (const line of lines) {
    if (line?.price === undefined || line.currency !== first.currency) return null
    sum += line.price * (line.quantity ?? 1)
  }
  return { readings: [Math.round(sum * 10_000) / 10_000], currency: first.currency, at: 'acceptedOffer' }
}

const publicLine = ({ id, name, quantity, price }: Line): OrderLine => ({
  id,
  ...(name === undefined ? {} : { name }),
  ...(quantity === undefined ? {} : { quantity }),
  ...(price === undefined ? {} : { price }),
})

const orderIdOf = (graph: Graph, thing: Thing): string | null => {
  for (const property of [
    'orderNumber',
    'confirmationNumber',
    'reservationNumber',
    'reservationId',
    'identifier',
  ]) {
    const [nested] = thingsOf(graph, thing, property)
    const id = textOf(thing, property) ?? (nested === undefined ? null : textOf(nested, 'value'))
    if (id !== null) return id.slice(0, 100)
  }
  return null
}

const undone = /(?:OrderCancelled|OrderReturned|OrderProblem|ReservationCancelled)$/

/** The page's order, or `null`. Several orders on one page are a history, in which none is the one just placed. */
export const readOrder = (
  reading: Reading,
  origin: FactOrigin,
): { readonly order: OrderFacts | null; readonly several: boolean } => {
  const { graph } = reading
  const { orders, invoices } = gather(graph)
  const [invoice] = invoices
  const referred = invoices.flatMap((thing) => thingsOf(graph, thing, 'referencesOrder'))
  const known = [...new Set([...orders, ...referred])]
  const numbers = new Set(known.map((thing) => orderIdOf(graph, thing)).filter((id) => id !== null))
  const several = orders.length > 1 && numbers.size > 1
  if (several || invoices.length > 1) return { order: null, several: true }
  const head = orders[0] ?? invoice
  if (head === undefined) return { order: null, several: false }

  const warnings: string[] = []
  const accepted = known.flatMap((thing) => linesOf(reading, thing, 'acceptedOffer'))
  const ordered = known.flatMap((thing) => linesOf(reading, thing, 'orderedItem'))
  const subject = orders.map((thing) => totalOf(reading, thing, warnings)).find((total) => total !== null)
  const total =
    subject ?? (invoice === undefined ? null : totalOf(reading, invoice, warnings)) ?? sumOf(accepted)
  const cancelled = undone.test(textOf(head, 'orderStatus') ?? textOf(head, 'reservationStatus') ?? '')
  if (cancelled) warnings.push('order_not_in_force')
  if (total?.at === 'acceptedOffer') warnings.push('total_summed_from_lines')
  const amount = total?.readings.length === 1 ? (total.readings[0] ?? null) : null
  if (amount === 0) warnings.push('zero_total')
  if (total !== null && total.readings.length > 1) warnings.push('ambiguous_price')
  const value = cancelled || amount === 0 ? null : amount
  const currency = value === null ? null : (total?.currency ?? null)
  if (currency !== null && isRetiredCurrency(currency)) warnings.push('retired_currency')
  const lines = new Map(
    [...accepted, ...ordered].flatMap((line) =>
      line === null ? [] : [[line.id, publicLine(line)] as const],
    ),
  )
  const type = subject === undefined && invoice !== undefined ? 'Invoice' : (head.types[0] ?? 'Order')
  return {
    order: {
      value,
      currency,
      orderId:
        [head, ...known].map((thing) => orderIdOf(graph, thing)).find((id) => id !== null) ??
        (invoice === undefined ? null : orderIdOf(graph, invoice)),
      lines: [...lines.values()],
      source: `${origin}: ${type}${total === null ? '' : `.${total.at}`}`,
      origin,
      warnings: [...new Set(warnings)],
    },
    several: false,
  }
}
