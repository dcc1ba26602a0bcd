import { holdsEmail } from '../event/email-like.ts'
import type { CustomData } from '../event/event.ts'

/**
 * The last look at what leaves in the clear. Rules and senders put what they like into names, searches and properties; a
 * person's identifiers must not travel there beside their hashes.
 */

const personalName =
  /(?:^|[_\-. ])(?:e[_-]?mail|phone|tel|telephone|mobile|first[_-]?name|last[_-]?name|full[_-]?name|surname|street|address|zip|postal[_-]?code|birth[_-]?(?:day|date)|dob|password|ssn|iban)(?:$|[_\-. ])/i

/** `customerEmail` and `customer_email` are one name. */
const spaced = (name: string): string => name.replace(/([a-z\d])([A-Z])/g, '$1_$2')

/** At most `longest` code units, never ending in half of a surrogate pair, which is no text. */
export const cut = (text: string, longest: number): string =>
  text.length <= longest ? text : text.slice(0, longest).replace(/[\uD800-\uDBFF]$/, '')

/** The text, cut to `longest` characters; `undefined` when there is none, or when it holds an e-mail address. */
export const cleanText = (text: string | undefined, longest = 1000): string | undefined => {
  const trimmed = text?.trim()
  if (trimmed === undefined || trimmed === '' || holdsEmail(trimmed)) return undefined
  return cut(trimmed, longest)
}

/** Properties that name nobody: no e-mail in a value, no personal name over a text or a number. */
export const cleanProperties = (
  properties: CustomData['properties'],
): readonly (readonly [string, string | number | boolean])[] =>
  Object.entries(properties ?? {}).filter(([name, value]) => {
    if (typeof value === 'boolean') return true
    if (typeof value === 'number' && !Number.isFinite(value)) return false
    if (personalName.test(spaced(name))) return false
    return typeof value === 'number' || !holdsEmail(value)
  })

const texts = ['contentName', 'contentCategory', 'contentType', 'searchString'] as const

/** Custom data that may lie on the disk in the clear: without texts and properties that name somebody. */
export const impersonal = (custom: CustomData): CustomData => {
  const named = texts.filter((name) => holdsEmail(custom[name] ?? ''))
  const given = Object.keys(custom.properties ?? {}).length
  const kept = given === 0 ? [] : cleanProperties(custom.properties)
  if (named.length === 0 && kept.length === given) return custom
  const { properties: _, ...rest } = custom
  return {
    ...(Object.fromEntries(
      Object.entries(rest).filter(([name]) => !named.some((one) => one === name)),
    ) as CustomData),
    ...(kept.length === 0 ? {} : { properties: Object.fromEntries(kept) }),
  }
}

const isKnown = (value: unknown): boolean => {
  if (value === undefined || value === null) return false
  if (typeof value === 'number') return Number.isFinite(value)
  return !Array.isArray(value) || value.length > 0
}

/** An object without the members nobody knows: no `null`, no empty list, no number that JSON cannot say. */
export const known = (members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const kept: Record<string, unknown> = {}
  for (const name of Object.keys(members)) {
    const value = members[name]
    if (!isKnown(value)) continue
    // A property that somebody named so is a member like any other, and no prototype.
    if (name === '__proto__')
      Object.defineProperty(kept, name, { value, enumerable: true, writable: true, configurable: true })
    else kept[name] = value
  }
  return kept
}
