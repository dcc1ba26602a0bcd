import { canonicalName } from '../event/names.ts'
import type { Reading } from './assemble.ts'
import type { ResponseHead } from './capture.ts'
import type { ExtractContext } from './extract.ts'
import { headerValue } from './headers.ts'
import type { Candidate } from './match.ts'
import { decodeInPieces, detectCharset } from './page/charset.ts'
import type { CollectedPage } from './page/collect.ts'
import type { DomAsk, DomPool } from './page/dom-pool.ts'
import type { PageFacts, ProductFacts } from './page/facts.ts'
import { readPage } from './page/page.ts'
import type { ProductCache } from './product-cache.ts'
import { mayCache, mayReadCache, type CacheQuestion } from './product-cacheable.ts'
import { productKey } from './product-key.ts'
import type { Rule, SiteTraffic, Source } from './rules.ts'
import type { Visit } from './visit.ts'

/** Everything the firing rules ask of one page, read once. */

export interface PageReader {
  readonly dom: DomPool
  readonly products: ProductCache
}

export interface PageSeen {
  readonly site: SiteTraffic
  readonly visit: Visit
  readonly answer: ResponseHead
  /** `null` where no rule asked for it, or where the answer had none (304). */
  readonly collected: CollectedPage | null
  readonly firing: readonly Candidate[]
}

const sourcesOf = (rule: Rule): readonly Source[] =>
  rule.actions.flatMap(({ extract = {} }) => Object.values(extract).flatMap((one) => one ?? []))

const askOf = (source: Source): DomAsk | null => {
  if ('selector' in source)
    return {
      kind: 'selector',
      selector: source.selector,
      ...(source.attribute === undefined ? {} : { attribute: source.attribute }),
    }
  if ('regex' in source)
    return {
      kind: 'regex',
      pattern: source.regex,
      ...(source.flags === undefined ? {} : { flags: source.flags }),
    }
  return null
}

const isMarkupSource = (source: Source): boolean =>
  ['jsonLd', 'meta', 'microdata', 'dataLayer'].some((kind) => kind in source)

/** Whether its value is known only once the page has been read. */
export const isPageSource = (source: Source): boolean => isMarkupSource(source) || askOf(source) !== null

/** Rules that take nothing from the page spare its reading. */
export const needsPage = (rule: Rule): boolean =>
  rule.actions.some(({ enrich }) => enrich !== 'off') || sourcesOf(rule).some(isPageSource)

/** What a rule can read of the request alone. */
export const requestContext = (
  params: Candidate['params'],
  visit: Visit,
  { decimal, currency }: SiteTraffic,
): Omit<ExtractContext, 'page' | 'dom'> => ({
  params,
  query: (name) => visit.query.get(name),
  cookie: (name) => visit.cookies.get(name) ?? null,
  header: (name) => headerValue(visit.rawHeaders, name.toLowerCase()) ?? null,
  ...(decimal === undefined ? {} : { decimal }),
  ...(currency === undefined ? {} : { currency }),
})

export const charsetOf = ({ rawHeaders }: ResponseHead): string | null =>
  /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(headerValue(rawHeaders, 'content-type') ?? '')?.[1] ?? null

interface DomFound {
  readonly found: ReadonlyMap<Source, string | null>
  readonly warnings: readonly string[]
}

/** One trip to the worker for all that the rules want of the whole document. */
const askDom = async (reader: PageReader, { answer, collected, firing }: PageSeen): Promise<DomFound> => {
  const asked = firing
    .flatMap(({ rule }) => sourcesOf(rule.rule))
    .flatMap((source) => {
      const ask = askOf(source)
      return ask === null ? [] : [{ source, ask }]
    })
  if (asked.length === 0 || collected === null) return { found: new Map(), warnings: [] }
  const { label, skip } = detectCharset(collected.bytes, charsetOf(answer))
  const html = [...decodeInPieces(collected.bytes.subarray(skip), label, 262_144)].join('')
  const { values, problem } = await reader.dom.query(
    html,
    asked.map(({ ask }) => ask),
  )
  return {
    found: new Map(asked.map(({ source }, index) => [source, values[index] ?? null])),
    warnings: problem === null ? [] : [`selectors_${problem}`],
  }
}

interface ProductFound {
  readonly product: ProductFacts | null
  readonly warnings: readonly string[]
}

/** The page at hand is fresher than the cache; the cache speaks where the page could not be read. */
const productOf = (
  { products }: PageReader,
  { site, visit, answer, collected }: PageSeen,
  page: PageFacts | null,
  rule: Rule,
): ProductFound => {
  const { productCache } = site
  const question: Omit<CacheQuestion, 'eventType'> = {
    url: visit.fullUrl ?? '',
    requestHeaders: visit.rawHeaders,
    response: answer,
    pageHasOrder: page !== null && page.order !== null,
    varyCookies: productCache?.varyCookies,
  }
  // One action that stands for an order keeps the whole rule from the cache.
  const allowed = (may: (question: CacheQuestion) => boolean): boolean =>
    rule.actions.every(({ eventType }) => may({ ...question, eventType: canonicalName(eventType) }))
  const key = productKey({
    site: site.id,
    url: question.url,
    requestHeaders: visit.rawHeaders,
    responseHeaders: answer.rawHeaders,
    cacheQuery: rule.cacheQuery,
    varyCookies: productCache?.varyCookies,
  })
  if (page !== null) {
    // Half a page says nothing of what stands in the other half.
    const whole = collected?.truncated === false && collected.problem === null
    if (key !== null && whole && allowed(mayCache))
      products.put(key, page.product, visit.at, {
        etag: headerValue(answer.rawHeaders, 'etag'),
        ttlMs: productCache?.ttlHours === undefined ? undefined : productCache.ttlHours * 3_600_000,
      })
    return { product: page.product, warnings: [] }
  }
  const known = key !== null && allowed(mayReadCache) ? products.get(key, visit.at) : null
  return known === null
    ? { product: null, warnings: ['page_not_read'] }
    : { product: known.facts, warnings: [`product_from_cache:${Math.round(known.ageMs / 1000)}s`] }
}

/** What each firing rule needs to make its events. A page that cannot be read leaves a warning, never an error. */
export const readingsOf = async (reader: PageReader, seen: PageSeen): Promise<readonly Reading[]> => {
  const { site, visit, answer, collected, firing } = seen
  const readable = collected !== null && collected.bytes.length > 0
  const [page, dom] = await Promise.all([
    readable
      ? readPage(collected.bytes, {
          charset: charsetOf(answer),
          url: visit.fullUrl ?? `${visit.scheme}://${visit.host}${visit.path}`,
          now: visit.at,
          ...(site.decimal === undefined ? {} : { decimal: site.decimal }),
        })
      : null,
    askDom(reader, seen),
  ])
  const pageWarnings = [
    ...(collected?.problem === null || collected?.problem === undefined ? [] : [`page_${collected.problem}`]),
    ...(collected?.truncated === true && collected.problem === null ? ['page_truncated'] : []),
  ]
  return firing.map(({ rule: { rule }, params }) => {
    const { product, warnings } = needsPage(rule)
      ? productOf(reader, seen, page, rule)
      : { product: null, warnings: [] }
    return {
      site,
      rule,
      visit,
      product,
      warnings: [...pageWarnings, ...dom.warnings, ...warnings],
      context: {
        ...requestContext(params, visit, site),
        page,
        dom: dom.found,
      },
    }
  })
}
