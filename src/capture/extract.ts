import { userDataFields, type CustomData, type FactSource, type UserData } from '../event/event.ts'
import { isCurrency, minorUnits } from '../event/money.ts'
import type { LookupValue, PageFacts } from './page/facts.ts'
import { readCurrency } from './page/currency.ts'
import { readPrice } from './page/price.ts'
import { extractFields, type Action, type ExtractField, type Source } from './rules.ts'

/** A rule's own reading of an event's fields: each from the first of its sources that has it. */

export interface ExtractContext {
  /** Segments the rule's path captured. */
  readonly params: Readonly<Record<string, string>>
  readonly query: (name: string) => string | null
  readonly cookie: (name: string) => string | null
  readonly header: (name: string) => string | null
  /** `null` where the answer was no page. */
  readonly page: PageFacts | null
  /** What the whole-DOM worker found for `selector` and `regex` sources. */
  readonly dom: ReadonlyMap<Source, string | null>
  readonly decimal?: '.' | ','
  /** The site's, by which an amount is read whose rule names no currency. */
  readonly currency?: string
}

export interface Extracted {
  readonly custom: CustomData
  readonly userData: UserData
  readonly sources: readonly FactSource[]
  readonly warnings: readonly string[]
}

interface Found {
  readonly value: LookupValue
  readonly from: string
  readonly minorUnits: boolean
}

const absent = (value: LookupValue): boolean =>
  value === null ||
  (typeof value === 'string' && value.trim() === '') ||
  (Array.isArray(value) && value.length === 0)

const readSource = (source: Source, context: ExtractContext): Omit<Found, 'minorUnits'> => {
  const { page } = context
  if ('const' in source) return { value: source.const, from: 'rule: const' }
  if ('selector' in source) {
    const attribute = source.attribute === undefined ? '' : ` @${source.attribute}`
    return { value: context.dom.get(source) ?? null, from: `rule: selector ${source.selector}${attribute}` }
  }
  if ('regex' in source)
    return { value: context.dom.get(source) ?? null, from: `rule: regex ${source.regex}` }
  if ('jsonLd' in source)
    return { value: page?.jsonLd(source.jsonLd) ?? null, from: `rule: jsonLd ${source.jsonLd}` }
  if ('meta' in source) return { value: page?.meta(source.meta) ?? null, from: `rule: meta ${source.meta}` }
  if ('microdata' in source)
    return { value: page?.microdata(source.microdata) ?? null, from: `rule: microdata ${source.microdata}` }
  if ('dataLayer' in source)
    return { value: page?.dataLayer(source.dataLayer) ?? null, from: `rule: dataLayer ${source.dataLayer}` }
  if ('param' in source)
    return {
      value: Object.hasOwn(context.params, source.param) ? (context.params[source.param] ?? null) : null,
      from: `rule: param ${source.param}`,
    }
  if ('query' in source) return { value: context.query(source.query), from: `rule: query ${source.query}` }
  if ('cookie' in source)
    return { value: context.cookie(source.cookie), from: `rule: cookie ${source.cookie}` }
  return { value: context.header(source.header), from: `rule: header ${source.header}` }
}

const maxTextLength = 1_000

/** Text without control characters, trimmed, bounded: pages and addresses are written by strangers. */
const textOf = (value: LookupValue): string | null => {
  const first = Array.isArray(value) ? (value[0] ?? null) : value
  if (first === null || typeof first === 'object') return null
  const text = String(first)
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, maxTextLength)
  return text === '' ? null : text
}

const maxIds = 100

const listOf = (value: LookupValue): readonly string[] | null => {
  const parts = Array.isArray(value) ? value.map(String) : (textOf(value)?.split(/[,;|]/) ?? [])
  const ids = [...new Set(parts.map((part) => part.trim()).filter((part) => part !== ''))]
  return ids.length === 0 ? null : ids.slice(0, maxIds).map((id) => id.slice(0, 100))
}

/** What people type, as against what a machine writes into an attribute or a script. */
const isWrittenForPeople = (from: string): boolean => /^rule: (selector|regex)/.test(from)

const amountOf = (
  found: Found,
  currency: string | undefined,
  decimal: '.' | ',' | undefined,
): number | null => {
  const raw = Array.isArray(found.value) ? (found.value[0] ?? null) : found.value
  if (typeof raw === 'boolean' || typeof raw === 'object') return null
  const amount = readPrice(raw, {
    mode: isWrittenForPeople(found.from) ? 'text' : 'machine',
    ...(currency === undefined ? {} : { currency }),
    ...(decimal === undefined ? {} : { decimal }),
  })
  if (amount === null) return null
  return found.minorUnits ? amount / 10 ** minorUnits(currency ?? '') : amount
}

const countOf = (value: LookupValue): number | null => {
  const text = textOf(value)
  const count = text === null ? Number.NaN : Number(text)
  return Number.isInteger(count) && count >= 0 && count < 1e6 ? count : null
}

/** The first source whose text makes sense for its field: a `.total` that holds no number lets the next one speak. */
const firstUsable = <T>(
  sources: Source | readonly Source[] | undefined,
  context: ExtractContext,
  read: (found: Found) => T | null,
): { readonly value: T; readonly from: string } | null => {
  const list: readonly Source[] =
    sources === undefined ? [] : Array.isArray(sources) ? sources : [sources as Source]
  for (const source of list) {
    const found = {
      ...readSource(source, context),
      minorUnits: 'minorUnits' in source && source.minorUnits === true,
    }
    if (absent(found.value)) continue
    const value = read(found)
    if (value !== null) return { value, from: found.from }
  }
  return null
}

type Extract = NonNullable<Action['extract']>

export const extract = (
  wishes: Extract,
  fixed: Readonly<Record<string, string | number | boolean>>,
  context: ExtractContext,
): Extracted => {
  const sources: FactSource[] = []
  const warnings: string[] = []
  const take = <T>(field: ExtractField, read: (found: Found) => T | null): T | undefined => {
    if (Object.hasOwn(fixed, field)) {
      const value = read({ value: fixed[field] ?? null, from: 'rule: set', minorUnits: false })
      if (value !== null) {
        sources.push({ field, from: 'rule: set' })
        return value
      }
    }
    const hit = firstUsable(wishes[field], context, read)
    if (hit === null) {
      if (wishes[field] !== undefined) warnings.push(`not_found:${field}`)
      return undefined
    }
    sources.push({ field, from: hit.from })
    return hit.value
  }
  const text = (field: ExtractField): string | undefined => take(field, ({ value }) => textOf(value))

  const currency = take('currency', ({ value }) => {
    const code = readCurrency(textOf(value))
    return code !== null && isCurrency(code) ? code : null
  })
  const amount = take('value', (found) => amountOf(found, currency ?? context.currency, context.decimal))
  const contentIds = take('contentIds', ({ value }) => listOf(value))
  const contents = take('contents', ({ value }) => listOf(value))?.map((id) => ({ id }))
  const properties = Object.fromEntries(
    Object.entries(fixed).filter(([name]) => !(extractFields as readonly string[]).includes(name)),
  )
  const custom = {
    value: amount,
    currency,
    orderId: text('orderId'),
    contentIds,
    contentName: text('contentName'),
    contentType: text('contentType'),
    contentCategory: text('contentCategory'),
    contents,
    numItems: take('numItems', ({ value }) => countOf(value)),
    searchString: text('searchString'),
    properties: Object.keys(properties).length === 0 ? undefined : properties,
  }
  const userData = Object.fromEntries(userDataFields.map((field) => [field, text(field)]))
  return { custom: present(custom), userData: present(userData), sources, warnings }
}

/** Absent facts are left out rather than written as undefined. */
export const present = <T extends object>(values: { readonly [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
