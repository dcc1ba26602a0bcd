import { stricter, type ConsentCategory, type Grant } from '../../event/consent.ts'
import type { CookieJar } from '../cookies.ts'
import type { ConsentSettings } from '../consent-settings.ts'

/** The seam of a consent tool: one file per tool, one line in the list of `index.ts`. */

export type ConsentSource = NonNullable<ConsentSettings['sources']>[number]

/** What one tool's cookies say. */
export interface ConsentReading extends Readonly<Record<ConsentCategory, Grant>> {
  /** Did the visitor act? `null` where the cookie cannot tell. */
  readonly explicit: boolean | null
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

/** Both answers in one, per category the more restrictive. */
export const strictest = (a: ConsentReading, b: ConsentReading): ConsentReading => ({
  analytics: stricter(a.analytics, b.analytics),
  marketing: stricter(a.marketing, b.marketing),
  personalization: stricter(a.personalization, b.personalization),
  explicit: lessExplicit(a.explicit, b.explicit),
  evidence: a.evidence === b.evidence ? a.evidence : `${a.evidence} | ${b.evidence}`,
})

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
