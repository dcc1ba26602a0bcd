import { consentCategories, stricter, type ConsentCategory, type Grant } from '../../event/consent.ts'
import type { ConsentSettings, ConsentSource } from '../consent-settings.ts'
import type { CookieJar } from '../cookies.ts'

/** The seam of a consent tool: one file per tool, one line in the list of `index.ts`. */

/** What one tool's cookies say. */
export interface ConsentReading extends Readonly<Record<ConsentCategory, Grant>> {
  /** Did the visitor act? `null` where the cookie cannot tell. */
  readonly explicit: boolean | null
  /**
   * Categories of which this signal cannot speak at all, as one of US law cannot of analytics: beside another source it
   * neither takes a grant of theirs away nor contradicts it. By itself it leaves them unknown.
   */
  readonly silent?: readonly ConsentCategory[]
  /** What was read, rebuilt from recognised parts only, so that it can hold no identifier. */
  readonly evidence: string
}

/** Never throws, whatever a visitor put into the cookie. */
export interface ConsentReader {
  readonly source: ConsentSource
  /** `null`: no such cookie, or none that can be read. */
  read(jar: CookieJar, settings: ConsentSettings): ConsentReading | null
}

/** A longer value is nobody's consent cookie but somebody's attempt. */
export const maxConsentLength = 8 * 1024

const unreadable: ConsentReading = {
  analytics: 'unknown',
  marketing: 'unknown',
  personalization: 'unknown',
  explicit: null,
  evidence: 'unreadable',
}

const lessExplicit = (a: boolean | null, b: boolean | null): boolean | null => {
  if (a === false || b === false) return false
  return a === null || b === null ? null : true
}

/** Yes where all say yes; of nobody asked nothing is known. */
export const all = (grants: readonly Grant[]): Grant =>
  grants.length === 0 ? 'unknown' : grants.reduce(stricter)

/** Asked for each category by itself. */
export const perCategory = (
  answer: (category: ConsentCategory) => Grant,
): Record<ConsentCategory, Grant> => ({
  analytics: answer('analytics'),
  marketing: answer('marketing'),
  personalization: answer('personalization'),
})

const flags: Readonly<Record<Grant, string>> = { granted: '1', denied: '0', unknown: '?' }
/** Evidence of what names said, in the site's or the tool's own words: `marketing:1,statistics:0`. */
export const evidenceOf = (said: Iterable<readonly [name: string, grant: Grant]>): string =>
  [...said]
    .slice(0, 64)
    .map(([name, grant]) => `${name}:${flags[grant]}`)
    .join(',')

/** The reading, or `null` where it says nothing of any category. */
export const unlessSilent = (reading: ConsentReading): ConsentReading | null =>
  consentCategories.every((category) => reading[category] === 'unknown') ? null : reading

/** A tool's own names, per category. */
export type Names = Readonly<Record<ConsentCategory, readonly string[]>>
export const noNames: Names = { analytics: [], marketing: [], personalization: [] }

/** A reading in which every category is what all of its names say. */
export const readNames = (
  names: Names,
  grantOf: (name: string) => Grant,
  explicit: boolean | null,
): ConsentReading => ({
  ...perCategory((category) => all(names[category].map(grantOf))),
  explicit,
  evidence: evidenceOf(
    [...new Set(consentCategories.flatMap((category) => names[category]))].map((name) => [
      name,
      grantOf(name),
    ]),
  ),
})

const speaks = (reading: ConsentReading, category: ConsentCategory): boolean =>
  reading.silent?.includes(category) !== true

/** Both answers in one, per category the more restrictive of those that speak of it. */
export const strictest = (a: ConsentReading, b: ConsentReading): ConsentReading => {
  const answer = (category: ConsentCategory): Grant => {
    if (!speaks(a, category)) return b[category]
    return speaks(b, category) ? stricter(a[category], b[category]) : a[category]
  }
  const silent = (a.silent ?? []).filter((category) => !speaks(b, category))
  return {
    ...perCategory(answer),
    explicit: lessExplicit(a.explicit, b.explicit),
    ...(silent.length === 0 ? {} : { silent }),
    evidence: a.evidence === b.evidence ? a.evidence : `${a.evidence} | ${b.evidence}`,
  }
}

/** Whether one of them says of a category what the other does not. */
export const differ = (a: ConsentReading, b: ConsentReading): boolean =>
  consentCategories.some(
    (category) => speaks(a, category) && speaks(b, category) && a[category] !== b[category],
  )

/**
 * A cookie sent twice has two answers, and their order says nothing of which is the newer (RFC 6265 section 5.4 sorts by
 * path): the strictest stands, and a copy that cannot be read grants nothing.
 */
export const readEveryCopy = (
  copies: readonly string[],
  read: (value: string) => ConsentReading | null,
): ConsentReading | null => {
  const readings = copies.map(read)
  if (readings.every((reading) => reading === null)) return null
  return readings.map((reading) => reading ?? unreadable).reduce(strictest)
}
