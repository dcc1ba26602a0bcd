/** Written prices to numbers. No value is better than a wrong one: what can be read in two ways is not decided here. */
import { minorUnits } from '../../event/money.ts'

/** `machine`: written for programs (JSON-LD, `content`, meta). `text`: written for people (the text of an element). */
export type PriceMode = 'machine' | 'text'

export interface PriceOptions {
  /** Default `text`. */
  readonly mode?: PriceMode
  /** ISO 4217, from where the price stands; decides what three digits after a separator mean. */
  readonly currency?: string | null
  /** The site's decimal sign, if configured. */
  readonly decimal?: '.' | ','
}

const highest = 1e10
const longest = 64

/**
 * Currencies with a minor unit on paper only, of countries that group with a dot: nobody asks for 169 rupiah and 0 sen,
 * so `169.000` has one reading.
 */
const dotGroupsThousands: ReadonlySet<string> = new Set(['ARS', 'COP', 'HUF', 'IDR'])

const words: ReadonlySet<string> = new Set(['free', 'gratis', 'kostenlos', 'gratuit'])

/** The first code point of each block of decimal digits that shops write and NFKC leaves alone. */
const digitBlocks = [0x0660, 0x06f0, 0x0966]

const toAsciiDigit = (digit: string): string => {
  const code = digit.charCodeAt(0)
  const zero = digitBlocks.find((block) => code >= block && code < block + 10) ?? code
  return String(code - zero)
}

const normalise = (input: string): string =>
  input
    .replace(/[\u2018\u2019\u02bc\u00b4`]/g, "'")
    .normalize('NFKC')
    .replace(/[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]/g, toAsciiDigit)
    .replace(/\u066b/g, '.')
    .replace(/\u066c/g, ',')
    .replace(/\u066a/g, '%')
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\u061c\ufeff\u00ad]/g, '')
    .replace(/\u2212/g, '-')
    .replace(/\s+/g, ' ')
    .trim()

/** Stands for a decimal sign that is certain, such as the euro sign of `35€99`. */
const certain = '\u0001'

const westernGroups = (separator: string): RegExp => new RegExp(`^\\d{1,3}(?:[${separator}]\\d{3})+$`)
const groupsBy: Readonly<Record<string, RegExp>> = {
  '.': westernGroups('.'),
  ',': westernGroups(','),
  "'": westernGroups("'"),
  ' ': westernGroups(' '),
}
const indianGroups = /^\d{1,2}(?:,\d{2})+,\d{3}$/

/** The whole number before the decimal sign, or `null` if its grouping is not one that people write. */
const ungroup = (text: string): string | null => {
  if (/^\d*$/.test(text)) return text
  const separators = new Set(text.replace(/\d/g, ''))
  const [separator] = separators
  if (separator === undefined || separators.size > 1) return null
  const grouped = groupsBy[separator]?.test(text) || (separator === ',' && indianGroups.test(text))
  return grouped ? text.replaceAll(separator, '') : null
}

const decimalAt = (token: string, at: number): readonly number[] => {
  const whole = ungroup(token.slice(0, at))
  const fraction = token.slice(at + 1)
  if (whole === null || !/^\d*$/.test(fraction) || whole + fraction === '') return []
  return [Number(`${whole === '' ? '0' : whole}.${fraction === '' ? '0' : fraction}`)]
}

const groupingOnly = (token: string): readonly number[] => {
  const whole = ungroup(token)
  return whole === null || whole === '' ? [] : [Number(whole)]
}

/** One separator, three digits after it: the case on which factor-1000 mistakes are made. */
const threeDigits = (token: string, at: number, options: PriceOptions): readonly number[] => {
  const separator = token[at]
  const asDecimal = decimalAt(token, at)
  if (at === 0 || token.startsWith('0') || at > 3) return asDecimal
  if (options.decimal !== undefined) return separator === options.decimal ? asDecimal : groupingOnly(token)
  const both = [...asDecimal, ...groupingOnly(token)]
  const currency = options.currency ?? null
  if (currency !== null) {
    const minor = minorUnits(currency)
    // The countries with three decimals write them after a dot, and group with a comma.
    if (minor === 3) return separator === '.' ? asDecimal : both
    if (minor === 0 || (separator === '.' && dotGroupsThousands.has(currency))) return groupingOnly(token)
  }
  return options.mode === 'machine' && separator === '.' ? both : groupingOnly(token)
}

const readToken = (token: string, options: PriceOptions): readonly number[] => {
  const sure = token.indexOf(certain)
  if (sure >= 0) return decimalAt(token, sure)
  const signs = token.match(/[.,]/g) ?? []
  const last = Math.max(token.lastIndexOf('.'), token.lastIndexOf(','))
  if (signs.length === 0) return groupingOnly(token)
  const mixed = new Set(signs).size > 1 || /[' ]/.test(token)
  if (mixed) {
    const decimalSign = token[last]
    return signs.filter((sign) => sign === decimalSign).length === 1 ? decimalAt(token, last) : []
  }
  if (signs.length > 1) return groupingOnly(token)
  return token.length - last - 1 === 3 ? threeDigits(token, last, options) : decimalAt(token, last)
}

const numbers = new RegExp(`[.,]?\\d+(?:[.,' ${certain}]\\d+)*[.,]?`, 'g')
/** What may stand between a minus and its number: a sign, a code, a blank. */
const negative = /[-(]\s?(?:[A-Za-z]{0,3}\p{Sc}|[A-Z]{3})?\s?$/u

/** The one number token of a text that is not a percentage, or `null`. */
const onlyToken = (text: string): string | null => {
  let only: string | null = null
  for (const found of text.matchAll(numbers)) {
    if (/^ ?%/.test(text.slice(found.index + found[0].length))) continue
    if (only !== null) return null
    const before = text.slice(0, found.index)
    if (negative.test(before)) return null
    // The dot of `Rs.500` ends an abbreviation.
    only = /\p{L}$/u.test(before) ? found[0].replace(/^[.,]/, '') : found[0]
  }
  return only
}

/**
 * Every number that a written price can mean: none, one, or two where it is ambiguous (`1.299` for a machine: the
 * decimal reading first, then the grouped one).
 */
export const readReadings = (input: unknown, options: PriceOptions = {}): readonly number[] => {
  if (typeof input === 'number') return input >= 0 && input <= highest ? [input] : []
  if (typeof input !== 'string' || input.length > 8 * longest) return []
  const text = normalise(input)
  if (text.length > longest) return []
  if (words.has(text.toLowerCase())) return [0]
  if (/\de[+-]?\d/i.test(text)) return []
  const plain = text
    .replace(/(\d) ?€ ?(\d{2})(?![\d.,])(?! ?[€%])/, `$1${certain}$2`)
    .replace(/[.,](?:--?|[–—])(?!\d)/g, '')
  const token = onlyToken(plain)
  return token === null ? [] : readToken(token, options).filter((value) => value <= highest)
}

/** The price that a text states, or `null` where it states none, several, or an ambiguous one. */
export const readPrice = (input: unknown, options: PriceOptions = {}): number | null => {
  const readings = readReadings(input, options)
  return readings.length === 1 ? (readings[0] ?? null) : null
}

/** Where the markup inside an element parted two pieces of its text (`12<sup>99</sup>`). */
export const boundary = '\u001f'

const sign = '(?:[A-Z]{1,2}\\$|\\p{Sc}|[A-Z]{3}|zł|Kč|Ft|kr|лв|lei|원|円)'
const amount = "\\d+(?:[.,' ]\\d+)*"
const signBefore = new RegExp(`(?<sign>${sign}) ?(?<amount>${amount})`, 'gu')
const signBehind = new RegExp(`(?<amount>${amount}) ?(?<sign>${sign})`, 'gu')

/**
 * Readings of a text that is nothing but amounts with one and the same sign, such as an old price beside the new one, or
 * one price repeated for several screens. The lowest is what a visitor pays.
 */
export const readSeveral = (input: unknown, options: PriceOptions = {}): readonly number[] => {
  if (typeof input !== 'string' || input.length > 8 * longest) return []
  const text = normalise(input.replaceAll(boundary, ' '))
  if (text.length > 2 * longest) return []
  for (const pattern of [signBefore, signBehind]) {
    const found = [...text.matchAll(pattern)].map(({ groups }) => groups)
    if (found.length < 2 || text.replace(pattern, '').trim() !== '') continue
    if (new Set(found.map((groups) => groups?.['sign'])).size > 1) continue
    const values = found.map((groups) => readPrice(groups?.['amount'], { ...options, mode: 'text' }))
    if (!values.includes(null)) return [Math.min(...values.map(Number))]
  }
  return []
}

/** A value as the page has it to readings; the text of an element may be parted by markup, and hold several amounts. */
export const readWritten = (input: unknown, options: PriceOptions): readonly number[] => {
  if (typeof input !== 'string') return readReadings(input, options)
  // Digits on both sides of a tag are two numbers: joined, `12<sup>99</sup>` would be a hundred times too much.
  // oxlint-disable-next-line no-control-regex -- the seam is a control character, because no text holds one
  const parted = input.replace(/(\d)\s*\u001f[\s\u001f]*(?=\d)/g, '$1|').replaceAll(boundary, '')
  const readings = readReadings(parted, options)
  return readings.length > 0 ? readings : readSeveral(input, options)
}
