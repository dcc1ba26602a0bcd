/** The remainder of a page, parsed: meta tags, titles, and what microdata and RDFa say. */
import { stringStream } from 'cheerio'
import type { CheerioAPI } from 'cheerio'
import { createGraph, propertyName, tidy, typeName } from './graph.ts'
import type { Graph, GraphBuilder, Leaf, Thing, Value } from './graph.ts'
import { boundary } from './price.ts'
import { cut, prefix } from './remainder.ts'

export interface Markup {
  /** By lower-cased `property` or `name`: every non-empty content in document order. */
  readonly metas: ReadonlyMap<string, readonly string[]>
  readonly title: string | null
  readonly canonical: string | null
  readonly headings: readonly string[]
  readonly microdata: Graph
  readonly rdfa: Graph
  /** Microdata properties by name wherever they stand, in document order. */
  readonly microdataProperties: ReadonlyMap<string, readonly Leaf[]>
}

type Root = ReturnType<CheerioAPI['root']>[number]
type Node = Root['children'][number]
type Element = Extract<Node, { tagName: string }>

/** Parses in pieces of `pieceLength` characters, so that the caller can let the event loop breathe between them. */
export function* parseInPieces(text: string, pieceLength: number): Generator<undefined, Root | null> {
  let root: Root | null = null
  const stream = stringStream({ xml: { xmlMode: false, decodeEntities: true } }, (error, $) => {
    if (error === null || error === undefined) root = $.root()[0] ?? null
  })
  for (let at = 0; at < text.length; at += pieceLength) {
    stream.write(text.slice(at, at + pieceLength))
    yield
  }
  stream.end()
  return root
}

const isElement = (node: Node): node is Element => 'tagName' in node
const isText = (node: Node): node is Extract<Node, { data: string }> => 'data' in node

/** Nodes visited for text in one page: properties nest, and each would read all that is inside it. */
const mostVisits = 16_384
const longestText = 4096

/** The text inside, with a mark at every seam between elements; none where part of it is missing. */
const innerText = (element: Element, budget: { left: number }): string => {
  const parts: string[] = []
  let length = 0
  let whole = true
  const visit = (node: Node): void => {
    budget.left -= 1
    if (budget.left < 0 || length > longestText) whole = false
    if (!whole) return
    if (isElement(node)) {
      if (node.tagName === prefix + cut) whole = false
      parts.push(boundary)
      for (const child of node.children) visit(child)
      parts.push(boundary)
    } else if (isText(node)) {
      parts.push(node.data)
      length += node.data.length
    }
  }
  for (const child of element.children) visit(child)
  return whole ? parts.join('') : ''
}

const plainText = (element: Element, budget: { left: number }): string =>
  tidy(innerText(element, budget).replaceAll(boundary, ''))

const machine = (leaf: string): Leaf => ({ leaf, mode: 'machine' })

/** The value of a property (HTML, microdata 5.2.4); an empty `content` is a template's gap, not a value. */
const valueOf = (element: Element, name: string, budget: { left: number }): Leaf => {
  const { attribs } = element
  const content = attribs['content']
  if (content !== undefined && content.trim() !== '') return machine(content)
  const attribute =
    name === 'a' || name === 'link' || name === 'area'
      ? attribs['href']
      : name === 'data' || name === 'meter'
        ? attribs['value']
        : name === 'time'
          ? attribs['datetime']
          : name === 'img' || name === 'iframe' || name === 'source' || name === 'embed'
            ? attribs['src']
            : undefined
  if (attribute !== undefined && attribute.trim() !== '') return machine(attribute)
  return { leaf: innerText(element, budget).trim(), mode: 'text' }
}

const wordsOf = (attribute: string | undefined): string[] =>
  (attribute ?? '').split(/\s+/, 16).filter((word) => word !== '')

interface OpenThing extends Thing {
  readonly props: Map<string, Value[]>
}

const put = (thing: OpenThing, property: string, value: Value): void => {
  const values = thing.props.get(property)
  if (values === undefined) thing.props.set(property, [value])
  else values.push(value)
}

const isOffer = (thing: Thing): boolean =>
  thing.types.some((type) => type === 'Offer' || type === 'AggregateOffer')

interface Syntax {
  readonly budget: { left: number }
  readonly graph: GraphBuilder
  /** Names of the property that the element states. */
  readonly properties: (attribs: Element['attribs'], inside: boolean) => string[]
  /** `null`: the element opens no thing. */
  readonly types: (attribs: Element['attribs']) => string[] | null
  readonly id: (attribs: Element['attribs']) => string | undefined
  /** Told of every property with a plain value, inside a thing or not. */
  readonly orphan: (property: string, leaf: Leaf) => void
}

const enter = (syntax: Syntax, element: Element, name: string, outer: OpenThing | null): OpenThing | null => {
  const { graph } = syntax
  const properties = syntax.properties(element.attribs, outer !== null).map(propertyName)
  const types = syntax.types(element.attribs)
  if (types === null) {
    if (properties.length === 0) return outer
    const value = valueOf(element, name, syntax.budget)
    for (const property of properties) {
      syntax.orphan(property, value)
      if (outer !== null) put(outer, property, value)
    }
    return outer
  }
  if (graph.full) return outer
  const thing: OpenThing = {
    types: types.map(typeName),
    id: syntax.id(element.attribs) ?? null,
    props: new Map(),
  }
  graph.add(thing)
  if (outer !== null && properties.length > 0) for (const property of properties) put(outer, property, thing)
  // An offer inside a product that forgot to say so is still that product's.
  else if (outer !== null && isOffer(thing) && !outer.props.has('offers')) put(outer, 'offers', thing)
  if (outer === null || properties.length === 0) {
    graph.addRoot(thing)
    graph.place(thing, {
      label: name === 'html' || name === 'body',
      main: outer === null && properties.some((property) => property.startsWith('mainEntity')),
      inside: outer,
    })
  }
  return thing
}

/** Reads a parsed remainder. */
export const readMarkup = (root: Root | null): Markup => {
  const metas = new Map<string, string[]>()
  const headings: string[] = []
  const microdataProperties = new Map<string, Leaf[]>()
  let title: string | null = null
  let canonical: string | null = null

  const budget = { left: mostVisits }
  const microdata: Syntax = {
    budget,
    graph: createGraph(),
    properties: (attribs) => wordsOf(attribs['itemprop']),
    types: (attribs) => ('itemscope' in attribs ? wordsOf(attribs['itemtype']) : null),
    id: (attribs) => attribs['itemid'],
    orphan: (property, leaf) => {
      const leaves = microdataProperties.get(property) ?? []
      if (leaves.length < 64) leaves.push(leaf)
      microdataProperties.set(property, leaves)
    },
  }
  const rdfa: Syntax = {
    budget,
    graph: createGraph(),
    // Outside of any thing, `property` is Open Graph's.
    properties: (attribs, inside) =>
      inside
        ? wordsOf(attribs['property'] ?? (attribs['typeof'] === undefined ? undefined : attribs['rel']))
        : [],
    types: (attribs) => (attribs['typeof'] === undefined ? null : wordsOf(attribs['typeof'])),
    id: (attribs) => attribs['resource'] ?? attribs['about'],
    orphan: () => {},
  }

  const readMeta = (attribs: Element['attribs']): void => {
    const content = attribs['content']?.trim() ?? ''
    if (content === '') return
    const keys = new Set(
      [attribs['property'], attribs['name']].flatMap((key) => (key === undefined ? [] : [key])),
    )
    for (const key of keys) {
      const name = key.trim().toLowerCase()
      const known = metas.get(name)
      if (known === undefined) metas.set(name, [content])
      else if (known.length < 64) known.push(content)
    }
  }

  const visit = (node: Node, item: OpenThing | null, resource: OpenThing | null): void => {
    if (!isElement(node)) return
    const name = node.tagName.slice(prefix.length)
    if (name === 'meta') readMeta(node.attribs)
    else if (name === 'title') title ??= plainText(node, budget) || null
    else if (name === 'h1' && headings.length < 8) headings.push(plainText(node, budget))
    else if (name === 'link' && wordsOf(node.attribs['rel']?.toLowerCase()).includes('canonical')) {
      canonical ??= node.attribs['href']?.trim() || null
    }
    const innerItem = enter(microdata, node, name, item)
    const innerResource = enter(rdfa, node, name, resource)
    for (const child of node.children) visit(child, innerItem, innerResource)
  }
  for (const child of root?.children ?? []) visit(child, null, null)

  return {
    metas,
    title,
    canonical,
    headings: headings.filter((heading) => heading !== ''),
    microdata: indexed(microdata.graph),
    rdfa: indexed(rdfa.graph),
    microdataProperties,
  }
}

const indexed = (builder: GraphBuilder): Graph => {
  for (const thing of builder.done().things) builder.index(thing)
  return builder.done()
}
