/** The bytes of a page to its facts, in slices between which other visitors are served. */
import { isUtf8 } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { decodeInPieces, declaredCharset, detectCharset, isAsciiCompatible } from './charset.ts'
import { lookUpEntry, readEntries } from './data-layer.ts'
import type { FactOrigin, OrderFacts, PageContext, PageFacts, ProductFacts } from './facts.ts'
import { lookUpPath, tidy } from './graph.ts'
import type { Graph } from './graph.ts'
import { createJsonLdReader } from './json-ld.ts'
import { findMainProduct, isArticle } from './main-product.ts'
import type { Choice, PageNames } from './main-product.ts'
import { parseInPieces, readMarkup } from './markup.ts'
import type { Markup } from './markup.ts'
import { createReading } from './offer.ts'
import { isProductPage, metaIds, metaOf, readCardPrices, readMetaPrices } from './open-graph.ts'
import { readOrder } from './order.ts'
import { boundary } from './price.ts'
import { claimOf, settleProduct } from './product.ts'
import type { Claim } from './product.ts'
import { createSkimmer } from './skim.ts'
import type { Skimmed } from './skim.ts'

/** Work between two turns of the event loop, in bytes of plain walking; about a millisecond. */
const turn = 262_144
/** What a byte costs, against one that is only walked over. */
const cost = { decode: 1, parse: 24, json: 4 }

const createPace = () => {
  let spent = 0
  return async (work: number): Promise<void> => {
    spent += work
    if (spent < turn) return
    spent = 0
    await nextTurn()
  }
}
type Pace = ReturnType<typeof createPace>

const decodePiece = 65_536
const parsePiece = 4096

const decode = async (bytes: Uint8Array, label: string, pace: Pace): Promise<string> => {
  const pieces: string[] = []
  for (const piece of decodeInPieces(bytes, label, decodePiece)) {
    pieces.push(piece)
    await pace(piece.length * cost.decode)
  }
  return pieces.join('')
}

/** The page in an encoding that the walk understands. */
const walkable = async (
  bytes: Uint8Array,
  label: string,
  pace: Pace,
): Promise<{ bytes: Uint8Array; label: string }> => {
  if (isAsciiCompatible(label)) return { bytes, label }
  const pieces: Buffer[] = []
  for (const piece of decodeInPieces(bytes, label, decodePiece)) {
    pieces.push(Buffer.from(piece))
    await pace(piece.length * cost.decode)
  }
  return { bytes: Buffer.concat(pieces), label: 'utf-8' }
}

const walk = async (bytes: Uint8Array, pace: Pace): Promise<Skimmed> => {
  const skimmer = createSkimmer(bytes)
  while (!skimmer.step()) await pace(turn)
  return skimmer.result()
}

const parseRemainder = async (text: string, pace: Pace): Promise<Markup> => {
  const parsing = parseInPieces(text, parsePiece)
  for (;;) {
    const { done, value } = parsing.next()
    if (done === true) {
      await pace(text.length * cost.parse)
      const markup = readMarkup(value)
      await pace(text.length * cost.parse)
      return markup
    }
    await pace(parsePiece * cost.parse)
  }
}

interface Source {
  readonly graph: Graph
  readonly origin: FactOrigin
}

const addressesOf = (context: PageContext, markup: Markup): readonly string[] => {
  const canonical = markup.canonical
  const absolute =
    canonical !== null && URL.canParse(canonical, context.url) ? new URL(canonical, context.url).href : null
  return absolute === null ? [context.url] : [context.url, absolute]
}

const metaClaims = (markup: Markup, context: PageContext): readonly Claim[] => {
  const quotes = readMetaPrices(markup, context)
  const product = isProductPage(markup)
  const about = {
    origin: 'open graph' as const,
    ids: metaIds(markup),
    name: product || quotes.length > 0 ? metaOf(markup, 'og:title') : null,
    category: metaOf(markup, 'product:category'),
    warnings: [],
  }
  const claims = quotes.map(({ readings, currency, at }) => ({ ...about, at, readings, currency }))
  return claims.length > 0 || !product ? claims : [{ ...about, at: 'og:type', readings: [], currency: null }]
}

const readProduct = (
  sources: {
    readonly jsonLd: Source
    readonly microdata: Source
    readonly repaired: Source
    readonly rdfa: Source
  },
  markup: Markup,
  context: PageContext,
): { product: ProductFacts | null; warnings: readonly string[] } => {
  const names: PageNames = {
    urls: addressesOf(context, markup),
    titles: [markup.title, metaOf(markup, 'og:title'), ...markup.headings].filter((title) => title !== null),
    article: isArticle(sources.jsonLd.graph),
  }
  const choose = ({ graph }: Source): Choice => findMainProduct(createReading(graph, context), names)
  const claim = (source: Source, choice: Choice): readonly Claim[] =>
    choice.product === null ? [] : [claimOf(choice.product, source.graph, source.origin)]

  const jsonLd = choose(sources.jsonLd)
  const microdata = choose(sources.microdata)
  const repaired = choose(sources.repaired)
  const rdfa = choose(sources.rdfa)
  const metas = metaClaims(markup, context)
  const claims = [
    ...claim(sources.jsonLd, jsonLd),
    ...claim(sources.microdata, microdata),
    ...metas.filter(({ readings }) => readings.length > 0),
    ...claim(sources.repaired, repaired),
    ...claim(sources.rdfa, rdfa),
    ...metas.filter(({ readings }) => readings.length === 0),
  ]
  const problems = [jsonLd, microdata, repaired, rdfa].flatMap((choice) =>
    choice.problem === null || choice.problem === 'none' ? [] : [choice.problem],
  )
  return { product: settleProduct(claims, readCardPrices(markup, context)), warnings: problems }
}

/**
 * Reads what a page says of what it sells and of what was bought on it. Any bytes will do: it never throws for what a page
 * holds, and lets the event loop turn about every millisecond.
 */
export const readPage = async (page: Uint8Array, context: PageContext): Promise<PageFacts> => {
  const pace = createPace()
  const charset = detectCharset(page, context.charset)
  const readable = await walkable(page.subarray(charset.skip), charset.label, pace)
  const skimmed = await walk(readable.bytes, pace)
  const label = charset.declared
    ? readable.label
    : (declaredCharset(skimmed.remainder) ?? (isUtf8(page) ? 'utf-8' : 'windows-1252'))
  const markup = await parseRemainder(await decode(skimmed.remainder, label, pace), pace)

  const reader = createJsonLdReader()
  const states = new Set<string>()
  for (const block of skimmed.jsonLd) {
    states.add(reader.read(await decode(block, label, pace)))
    await pace(block.length * cost.json)
  }
  const { strict, repaired } = reader.graphs()
  const sources = {
    jsonLd: { graph: strict, origin: 'json-ld' },
    microdata: { graph: markup.microdata, origin: 'microdata' },
    repaired: { graph: repaired, origin: 'json-ld' },
    rdfa: { graph: markup.rdfa, origin: 'rdfa' },
  } satisfies Record<string, Source>

  const { product, warnings } = readProduct(sources, markup, context)
  await pace(turn)
  let order: OrderFacts | null = null
  let several = false
  for (const { graph, origin } of Object.values(sources)) {
    const found = readOrder(createReading(graph, context), origin)
    order ??= found.order
    several ||= found.several
  }

  const bare =
    strict.things.length +
      repaired.things.length +
      markup.microdata.things.length +
      markup.rdfa.things.length ===
    0
  let entries: ReturnType<typeof readEntries> | null = null
  const dataLayer = () =>
    (entries ??= skimmed.dataLayer.flatMap((script) => readEntries(new TextDecoder(label).decode(script))))

  return {
    title: markup.title,
    canonicalUrl: markup.canonical === null ? null : tidy(markup.canonical),
    order: several ? null : order,
    product,
    warnings: [
      ...new Set([
        ...(states.has('invalid') ? ['jsonld_invalid'] : []),
        ...(states.has('repaired') ? ['jsonld_repaired'] : []),
        ...warnings,
        ...(several ? ['multiple_orders'] : []),
        ...(bare && product === null ? ['no_structured_data'] : []),
        ...(skimmed.truncated || states.has('oversized') ? ['page_truncated'] : []),
      ]),
    ],
    jsonLd: (path) => (lookUpPath(strict, path) ?? lookUpPath(repaired, path))?.leaf ?? null,
    meta: (name) => markup.metas.get(name.trim().toLowerCase())?.[0] ?? null,
    microdata: (path) => {
      const plain = path.includes('.') ? undefined : markup.microdataProperties.get(path.trim())
      const leaf =
        plain?.find((value) => value.leaf !== '')?.leaf ?? lookUpPath(markup.microdata, path)?.leaf ?? null
      return typeof leaf === 'string' ? leaf.replaceAll(boundary, '') : leaf
    },
    dataLayer: (path) => lookUpEntry(dataLayer(), path),
  }
}
