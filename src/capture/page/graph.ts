/** The one shape into which JSON-LD, microdata and RDFa are brought, so that prices and orders are read by one code. */
import type { PriceMode } from './price.ts'

/** A leaf, and whether it was written for programs or for people. */
export interface Leaf {
  readonly leaf: string | number | boolean
  readonly mode: PriceMode
}

export interface Thing {
  /** Without vocabulary: `Product`, never `https://schema.org/Product`. */
  readonly types: readonly string[]
  readonly id: string | null
  /** Values in document order, nested lists flattened. A map, so that hostile keys (`__proto__`) are only keys. */
  readonly props: ReadonlyMap<string, readonly Value[]>
}

export type Value = Leaf | Thing

/** Where in the page a thing stands that markup of elements opened. */
export interface Place {
  /** On `html` or `body`: it labels the page, and often repeats what the page itself says better. */
  readonly label: boolean
  /** The page calls it its main entity. */
  readonly main: boolean
  /** The thing whose element it stands in, although it is not said to be a property of it. */
  readonly inside: Thing | null
}

export interface Graph {
  /** Things that no other contains, in document order. */
  readonly roots: readonly Thing[]
  /** Every thing, in document order. */
  readonly things: readonly Thing[]
  readonly byId: ReadonlyMap<string, Thing>
  readonly places: ReadonlyMap<Thing, Place>
}

export const isThing = (value: Value): value is Thing => 'props' in value

/** The name behind the vocabulary of a type or property: `http://schema.org/Product`, `schema:Product`, `Product/`. */
const localName = (name: string): string => {
  const trimmed = name.trim().replace(/[/#]$/, '')
  return trimmed.slice(
    Math.max(trimmed.lastIndexOf('/'), trimmed.lastIndexOf('#'), trimmed.lastIndexOf(':')) + 1,
  )
}

/** GoodRelations and other old names, by the names that replaced them. */
const successors: ReadonlyMap<string, string> = new Map([
  ['hasCurrencyValue', 'price'],
  ['hasCurrency', 'priceCurrency'],
  ['hasPriceSpecification', 'priceSpecification'],
  ['hasMinCurrencyValue', 'lowPrice'],
  ['hasMaxCurrencyValue', 'highPrice'],
  ['productId', 'productID'],
])
export const propertyName = (name: string): string => {
  const local = localName(name)
  return successors.get(local) ?? local
}

const typeSuccessors: ReadonlyMap<string, string> = new Map([
  ['Offering', 'Offer'],
  ['ProductOrServiceModel', 'Product'],
  ['Offer-aggregate', 'AggregateOffer'],
])
export const typeName = (name: string): string => {
  const local = localName(name)
  return typeSuccessors.get(local) ?? local
}

/** Gathers things under caps that keep any page cheap to read. */
export const createGraph = (mostThings = 20_000) => {
  const roots: Thing[] = []
  const things: Thing[] = []
  const byId = new Map<string, Thing>()
  const places = new Map<Thing, Place>()
  return {
    get full(): boolean {
      return things.length >= mostThings
    },
    addRoot(thing: Thing): void {
      roots.push(thing)
    },
    add(thing: Thing): void {
      things.push(thing)
    },
    place(thing: Thing, place: Place): void {
      places.set(thing, place)
    },
    /** Names the thing, once its properties are known. */
    index(thing: Thing): void {
      if (thing.id === null) return
      const known = byId.get(thing.id)
      if (known === undefined || known.props.size < thing.props.size) byId.set(thing.id, thing)
    },
    done: (): Graph => ({ roots, things, byId, places }),
  }
}
export type GraphBuilder = ReturnType<typeof createGraph>

/** A bare `{ "@id": … }` to what it stands for on this page. */
export const resolve = (graph: Graph, thing: Thing): Thing =>
  thing.id !== null && thing.props.size === 0 ? (graph.byId.get(thing.id) ?? thing) : thing

export const valuesOf = (thing: Thing, property: string): readonly Value[] => thing.props.get(property) ?? []

export const thingsOf = (graph: Graph, thing: Thing, property: string): readonly Thing[] =>
  valuesOf(thing, property)
    .filter(isThing)
    .map((value) => resolve(graph, value))

const longestText = 256
// oxlint-disable-next-line no-control-regex -- control characters of a page must not reach a log or a platform
const controls = /[\u0000-\u001f\u007f]+/g

/** Text of a page, safe to hand on: one line, no control characters, bounded. */
export const tidy = (text: string): string =>
  text
    .slice(0, 4 * longestText)
    .replace(controls, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, longestText)

/** The first text that a property has, as tidy text; numbers become text, so that an order number may be either. */
export const textOf = (thing: Thing, property: string): string | null => {
  for (const value of valuesOf(thing, property)) {
    if (isThing(value) || typeof value.leaf === 'boolean') continue
    // In running text the seams between elements are of no interest.
    const text = tidy(String(value.leaf).replaceAll('\u001f', ''))
    if (text !== '') return text
  }
  return null
}

export const hasType = (thing: Thing, types: ReadonlySet<string>): boolean =>
  thing.types.some((type) => types.has(type))

/** Looks a path up (`['offers', 'price']`), first hit in document order. Bare digits choose among several values. */
const lookUp = (graph: Graph, thing: Thing, path: readonly string[], depth = 0): Leaf | null => {
  const [name, ...rest] = path
  if (name === undefined || depth > 16) return null
  const all = valuesOf(resolve(graph, thing), propertyName(name))
  const index = rest[0] !== undefined && /^\d{1,4}$/.test(rest[0]) ? Number(rest.shift()) : null
  for (const value of index === null ? all : all.slice(index, index + 1)) {
    const leaf = !isThing(value) && rest.length === 0 && value.leaf !== '' ? value : null
    const hit = isThing(value) ? lookUp(graph, value, rest, depth + 1) : leaf
    if (hit !== null) return hit
  }
  return null
}

/** `Product.offers.price`: a type, then properties. A path that begins with no known type is tried on the roots. */
export const lookUpPath = (graph: Graph, path: string): Leaf | null => {
  const [head = '', ...rest] = path.split('.').map((segment) => segment.trim())
  const type = head.toLowerCase()
  for (const thing of graph.things) {
    if (!thing.types.some((known) => known.toLowerCase() === type)) continue
    const hit = lookUp(graph, thing, rest)
    if (hit !== null) return hit
  }
  for (const thing of graph.roots) {
    const hit = lookUp(graph, thing, [head, ...rest])
    if (hit !== null) return hit
  }
  return null
}
