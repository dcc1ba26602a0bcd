import type { Normalised } from './hashed.ts'

/**
 * Identifiers in the form that is hashed, as far as platforms agree on it; what one platform wants otherwise stands beside
 * its destination. Each answers `null` for what cannot be one: the hash of a wrong or empty text matches nobody.
 */

/** Composed, so that one letter typed in two ways is one letter. */
const folded = (raw: string): string => raw.trim().toLowerCase().normalize('NFC')

const localPart = /^[^\s@"(),:;<>[\]\\\p{Cc}]{1,64}$/u
const domainLabel = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?$/u
const topLevel = /^(?:[\p{L}\p{M}]{2,63}|xn--[a-z0-9-]{2,59})$/u
/** RFC 5321 4.5.3.1.3, without the angle brackets. */
const longestEmail = 254

/** Trimmed, in lower case; dots and `+tag` stay. */
export const normaliseEmail = (raw: string): Normalised | null => {
  const text = folded(raw)
  const at = text.lastIndexOf('@')
  if (at < 1 || text.length > longestEmail) return null
  const local = text.slice(0, at)
  const labels = text.slice(at + 1).split('.')
  const wellFormed =
    localPart.test(local) &&
    !local.startsWith('.') &&
    !local.endsWith('.') &&
    !local.includes('..') &&
    labels.length > 1 &&
    labels.every((label) => domainLabel.test(label)) &&
    topLevel.test(labels.at(-1) ?? '')
  return wellFormed ? (text as Normalised) : null
}

/** Lower case, letters and digits of any script; spaces, punctuation and symbols go. `O'Connor` is `oconnor`. */
export const normaliseWord = (raw: string): Normalised | null => {
  const text = folded(raw).replace(/[^\p{L}\p{M}\p{N}]+/gu, '')
  return text === '' ? null : (text as Normalised)
}

/** Lower case without any space; everything else counts. For ids that a sender chose. */
export const normaliseId = (raw: string): Normalised | null => {
  const text = folded(raw).replace(/\s+/gu, '')
  return text === '' ? null : (text as Normalised)
}

const zipPlusFour = /^(\d{5})[\s-]?\d{4}$/

/**
 * Lower case without spaces and dashes; of an American ZIP+4 the five digits. `country` is ISO 3166-1 alpha-2, or `null`
 * where nobody knows; without it only the dashed spelling is taken for American.
 */
export const normalisePostcode = (raw: string, country: string | null): Normalised | null => {
  const text = folded(raw)
  const american = zipPlusFour.exec(text)
  if (american?.[1] !== undefined && (country === 'US' || (country === null && text.includes('-'))))
    return american[1] as Normalised
  const compact = text.replace(/[^\p{L}\p{M}\p{N}]+/gu, '')
  return compact === '' ? null : (compact as Normalised)
}

/** MD5 and SHA-1 in hex: hashed by the sender in a way no platform here matches on, so hashing it again would hide the fault. */
const otherDigest = /^(?:[0-9a-f]{32}|[0-9a-f]{40})$/i
export const isForeignDigest = (raw: string): boolean => otherDigest.test(raw.trim())
