/** What a visitor allowed, and the one question asked of it. Reading it from cookies is capture's duty. */

export const consentCategories = ['analytics', 'marketing', 'personalization'] as const
export type ConsentCategory = (typeof consentCategories)[number]

/** `unknown` is no grant: nobody asked, or nobody could read the answer. */
export type Grant = 'granted' | 'denied' | 'unknown'

export interface ConsentState {
  readonly analytics: Grant
  readonly marketing: Grant
  readonly personalization: Grant
  /** The reader that decided: `_sw_consent`, `onetrust`, `cookiebot`, …, `ingest`, or `none`. */
  readonly source: string
  /** Did the visitor act, or is this a banner's default? `null` where the signal cannot tell. */
  readonly explicit: boolean | null
  /** The browser sent `Sec-GPC: 1` and the site honours it. */
  readonly gpc: boolean
  /** Enabled sources contradicted each other; the stricter answer of each category stands. */
  readonly conflict: boolean
  /** Evidence for the journal, at most 256 characters, identifiers taken out; never parsed again. */
  readonly raw?: string
}

export const noConsentSignal: ConsentState = {
  analytics: 'unknown',
  marketing: 'unknown',
  personalization: 'unknown',
  source: 'none',
  explicit: null,
  gpc: false,
  conflict: false,
}

/** The only way to a gated integration: an outright grant of its category. */
export const permits = (state: ConsentState, category: ConsentCategory): boolean =>
  state[category] === 'granted'

const strictness: Readonly<Record<Grant, number>> = { denied: 2, unknown: 1, granted: 0 }

/** Of two answers to one question the more restrictive. */
export const stricter = (a: Grant, b: Grant): Grant => (strictness[a] >= strictness[b] ? a : b)
