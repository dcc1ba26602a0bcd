/** Which of the things on a page is the one it sells. Where the page does not say so, none: a list has no price. */
import { hasType, isThing, resolve, textOf, thingsOf, valuesOf } from './graph.ts'
import type { Graph, Thing } from './graph.ts'
import { bestQuote, isAddress, quotesOf } from './offer.ts'
import type { Quote, Reading } from './offer.ts'

export interface MainProduct {
  /** The product first, then its twins and variants. */
  readonly things: readonly Thing[]
  readonly chosen: Thing
  readonly quote: Quote | null
}

export type Choice =
  | { readonly product: MainProduct; readonly problem: null }
  | {
      readonly product: null
      readonly problem: 'none' | 'multiple_products' | 'article_page'
    }

export interface PageNames {
  /** The page's own address, as asked for and as canonical. */
  readonly urls: readonly string[]
  /** Title, Open Graph title and headings. */
  readonly titles: readonly string[]
  /** Another markup of the page calls it an article, which sells nothing in its sidebar. */
  readonly article: boolean
}

const setOf = (names: string): ReadonlySet<string> => new Set(names.split(' '))

const products = setOf(
  'Product ProductGroup IndividualProduct ProductModel SomeProducts Vehicle Car Motorcycle MotorizedBicycle BusOrCoach ' +
    'Book Audiobook SoftwareApplication MobileApplication WebApplication VideoGame Course CourseInstance product',
)
const articles = setOf(
  'Article NewsArticle BlogPosting TechArticle ScholarlyArticle SocialMediaPosting LiveBlogPosting Report Recipe Guide ' +
    'AdvertiserContentArticle OpinionNewsArticle ReviewNewsArticle AnalysisNewsArticle SatiricalArticle',
)
const lists = setOf('ItemList OfferCatalog CollectionPage SearchResultsPage')
const neverSold = setOf(
  'Organization Corporation OnlineStore Store Person Place WebSite WebPage ItemPage BreadcrumbList SearchAction Review ' +
    'AggregateRating ImageObject VideoObject FAQPage Question',
)
const offerTypes = setOf('Offer AggregateOffer')

const isProduct = (thing: Thing): boolean =>
  hasType(thing, products) || thing.types.some((type) => type.toLowerCase() === 'product')
const isEvent = (thing: Thing): boolean => thing.types.some((type) => type.endsWith('Event'))

/** Properties through which a page points at products that are not its own. */
const elsewhere = [
  'hasVariant',
  'itemListElement',
  'item',
  'isRelatedTo',
  'isSimilarTo',
  'isAccessoryOrSparePartFor',
  'isConsumableFor',
  'addOn',
  'hasOfferCatalog',
]

interface Candidate {
  readonly thing: Thing
  readonly offers: readonly Thing[]
  readonly main: boolean
}

interface Found {
  readonly candidates: Candidate[]
  listed: boolean
}

const mentionedElsewhere = (graph: Graph): ReadonlySet<string> => {
  const ids = new Set<string>()
  // The last crumb of a trail is the page itself.
  const crumbs = new Set(
    graph.things.flatMap((thing) =>
      thing.types.includes('BreadcrumbList') ? [thing, ...thingsOf(graph, thing, 'itemListElement')] : [],
    ),
  )
  for (const thing of graph.things) {
    if (crumbs.has(thing)) continue
    for (const property of elsewhere) {
      for (const value of valuesOf(thing, property))
        if (isThing(value) && value.id !== null) ids.add(value.id)
    }
  }
  return ids
}

/** Whether the page, by this graph, is an article or a recipe. */
export const isArticle = (graph: Graph): boolean =>
  graph.roots.some(
    (root) =>
      hasType(root, articles) ||
      thingsOf(graph, root, 'mainEntity').some((thing) => hasType(thing, articles)),
  )

const gather = (graph: Graph): Found => {
  const found: Found = { candidates: [], listed: false }
  const elsewhereIds = mentionedElsewhere(graph)
  const seen = new Set<Thing>()
  const visit = (value: Thing, main: boolean, depth: number): void => {
    const thing = resolve(graph, value)
    if (depth > 4 || seen.has(thing)) return
    seen.add(thing)
    if (isProduct(thing) || (main && isEvent(thing))) {
      if (main || thing.id === null || !elsewhereIds.has(thing.id))
        found.candidates.push({ thing, offers: [], main })
      return
    }
    if (hasType(thing, lists)) found.listed = true
    for (const inner of thingsOf(graph, thing, 'mainEntity')) visit(inner, true, depth + 1)
    if (thing.types.includes('AggregateRating')) {
      for (const inner of thingsOf(graph, thing, 'itemReviewed')) visit(inner, false, depth + 1)
    } else if (hasType(thing, offerTypes)) {
      const offered = thingsOf(graph, thing, 'itemOffered')
      for (const inner of offered) found.candidates.push({ thing: inner, offers: [thing], main: false })
      if (offered.length === 0) found.candidates.push({ thing, offers: [thing], main: false })
    } else if (thing.props.has('offers') && !hasType(thing, neverSold) && !hasType(thing, articles)) {
      found.candidates.push({ thing, offers: [], main })
    }
  }
  // What is named as the main thing is known as such, wherever else it stands.
  for (const root of graph.roots)
    for (const inner of thingsOf(graph, root, 'mainEntity')) visit(inner, true, 1)
  for (const root of graph.roots) visit(root, graph.places.get(root)?.main === true, 0)
  return found
}

const rankOf = ({ thing }: Candidate): number =>
  isProduct(thing) ? 0 : isEvent(thing) ? 1 : hasType(thing, offerTypes) ? 3 : 2

const normal = (name: string | null): string =>
  (name ?? '').normalize('NFKC').replace(/\s+/g, ' ').trim().toLowerCase()

const groupId = (graph: Graph, thing: Thing): string | null => {
  const [group] = thingsOf(graph, thing, 'isVariantOf')
  return (
    textOf(thing, 'inProductGroupWithID') ??
    (group === undefined ? null : (textOf(group, 'productGroupID') ?? group.id)) ??
    textOf(thing, 'productGroupID')
  )
}

/** Keys under which two mentions are the same product; the second list holds only where their names do not differ. */
const keysOf = (graph: Graph, thing: Thing): { sure: string[]; likely: string[] } => {
  const key = (kind: string, value: string | null): string[] =>
    value === null || value === '' ? [] : [`${kind}\n${value}`]
  return {
    sure: [
      ...key('name', normal(textOf(thing, 'name'))),
      ...key('id', thing.id),
      ...key('group', groupId(graph, thing)),
    ],
    likely: ['sku', 'productID', 'url', 'gtin13', 'mpn'].flatMap((name) => key(name, textOf(thing, name))),
  }
}

const gatherTwins = (graph: Graph, candidates: readonly Candidate[]): Candidate[][] => {
  const groups: { members: Candidate[]; name: string }[] = []
  const bySure = new Map<string, (typeof groups)[number]>()
  const byLikely = new Map<string, (typeof groups)[number]>()
  for (const candidate of candidates) {
    const { sure, likely } = keysOf(graph, candidate.thing)
    const name = normal(textOf(candidate.thing, 'name'))
    const known =
      sure.map((key) => bySure.get(key)).find((group) => group !== undefined) ??
      likely
        .map((key) => byLikely.get(key))
        .find((group) => group !== undefined && (name === '' || group.name === '' || group.name === name))
    const group = known ?? { members: [], name }
    if (known === undefined) groups.push(group)
    group.members.push(candidate)
    for (const key of sure) if (!bySure.has(key)) bySure.set(key, group)
    for (const key of likely) if (!byLikely.has(key)) byLikely.set(key, group)
  }
  return groups.map(({ members }) => members)
}

/** A title is the name, or the name and the shop's, parted by a sign. */
const titleKeys = (titles: readonly string[]): ReadonlySet<string> =>
  new Set(
    titles
      .flatMap((title) => [title, ...title.split(/\s+[|–—·:»-]\s+/)])
      .map(normal)
      .filter((key) => key !== ''),
  )

const only = <T>(items: readonly T[]): T | null => (items.length === 1 ? (items[0] ?? null) : null)

/** The variant that the address asks for, if exactly one. */
const askedFor = (reading: Reading, variants: readonly Thing[]): Thing | null => {
  const byUrl = only(
    variants.filter(
      (variant) =>
        isAddress(reading, textOf(variant, 'url')) ||
        thingsOf(reading.graph, variant, 'offers').some((offer) => isAddress(reading, textOf(offer, 'url'))),
    ),
  )
  if (byUrl !== null) return byUrl
  const asked = new Set(URL.canParse(reading.url) ? new URL(reading.url).searchParams.values() : [])
  return only(
    variants.filter((variant) =>
      ['sku', 'productID'].some((name) => {
        const id = textOf(variant, name)
        return id !== null && asked.has(id)
      }),
    ),
  )
}

const mostVariants = 1024
/** A page with more has no main one, or names it first. */
const mostCandidates = 512

const quoteOf = (reading: Reading, members: readonly Candidate[]): MainProduct => {
  const [head, ...twins] = members as [Candidate, ...Candidate[]]
  const group = members.find(({ thing }) => thing.types.includes('ProductGroup')) ?? head
  const things = [group, ...[head, ...twins].filter((member) => member !== group)].map(({ thing }) => thing)
  const variants = members
    .flatMap(({ thing }) => [
      ...thingsOf(reading.graph, thing, 'hasVariant'),
      ...(thing === group.thing || thing.props.has('hasVariant') ? [] : [thing]),
    ])
    .slice(0, mostVariants)
  const isGrouped = members.some(({ thing }) => thing.props.has('hasVariant'))
  const asked = askedFor(reading, variants)
  const priced = (thing: Thing, offers: readonly Thing[]) =>
    quotesOf(reading, thing, offers).map((quote) => ({ quote, thing }))
  const own = members.filter(({ thing }) => !isGrouped || thing === group.thing)
  const all =
    asked !== null && priced(asked, []).length > 0
      ? priced(asked, [])
      : own.some(({ thing, offers }) => quotesOf(reading, thing, offers).length > 0)
        ? own.flatMap(({ thing, offers }) => priced(thing, offers))
        : variants.flatMap((variant) => priced(variant, []))
  const fallback =
    all.length > 0 ? all : thingsOf(reading.graph, group.thing, 'isVariantOf').flatMap((of) => priced(of, []))
  const severally =
    new Set(fallback.map(({ thing }) => thing)).size > 1 ? 'variant_unknown' : 'several_offers'
  const quote = bestQuote(
    fallback.map((entry) => entry.quote),
    severally,
  )
  const chosen = fallback.find(
    (entry) => quote !== null && entry.quote.at === quote.at && entry.quote.readings === quote.readings,
  )
  return { things, chosen: chosen?.thing ?? group.thing, quote }
}

/** Whether the thing stands inside a list, or inside another product that has a price. */
const isSurrounded = (reading: Reading, thing: Thing): boolean => {
  let outer = reading.graph.places.get(thing)?.inside ?? null
  for (let depth = 0; outer !== null && depth < 16; depth += 1) {
    if (hasType(outer, lists) || (isProduct(outer) && quotesOf(reading, outer).length > 0)) return true
    outer = reading.graph.places.get(outer)?.inside ?? null
  }
  return false
}

/** The one main product of a graph. */
export const findMainProduct = (reading: Reading, page: PageNames): Choice => {
  const found = gather(reading.graph)
  const article = page.article || isArticle(reading.graph)
  const every = found.candidates.slice(0, mostCandidates)
  const best = Math.min(...every.map(rankOf))
  let candidates = every.filter((candidate) => rankOf(candidate) === best)
  const told = candidates.filter(
    ({ thing, offers }) =>
      offers.length > 0 || textOf(thing, 'name') !== null || quotesOf(reading, thing).length > 0,
  )
  if (told.length > 0) candidates = told
  const { places } = reading.graph
  if (candidates.length > 1) {
    // A label of the page does not compete with what the page holds, unless it has a price of its own.
    candidates = candidates.filter(
      ({ thing }) => places.get(thing)?.label !== true || quotesOf(reading, thing).length > 0,
    )
  }
  const free = candidates.filter(({ thing }) => !isSurrounded(reading, thing))
  if (free.length < candidates.length) found.listed = true
  candidates = free
  const groups = gatherTwins(reading.graph, candidates)
  if (groups.length === 0) return { product: null, problem: found.listed ? 'multiple_products' : 'none' }
  const accept = (members: readonly Candidate[]): Choice => ({
    product: quoteOf(reading, members),
    problem: null,
  })

  const main = only(groups.filter((members) => members.some((member) => member.main)))
  if (main !== null) return accept(main)
  const addressed = only(
    groups.filter((members) =>
      members.some(({ thing }) =>
        page.urls.some((url) =>
          [textOf(thing, 'url'), thing.id].some((address) => isAddress({ ...reading, url }, address)),
        ),
      ),
    ),
  )
  if (addressed !== null && (groups.length > 1 || !article)) return accept(addressed)
  const titles = titleKeys(page.titles)
  const titled = only(
    groups.filter((members) => members.some(({ thing }) => titles.has(normal(textOf(thing, 'name'))))),
  )
  if (titled !== null) return accept(titled)
  const single = only(groups)
  if (single === null) return { product: null, problem: 'multiple_products' }
  if (article) return { product: null, problem: 'article_page' }
  const collection = reading.graph.roots.some((root) =>
    root.types.some((type) => type === 'CollectionPage' || type === 'SearchResultsPage'),
  )
  return collection ? { product: null, problem: 'multiple_products' } : accept(single)
}
