import { consentCategories, noConsentSignal, type ConsentCategory, type ConsentState } from './consent.ts'

/** The consent that a sender states beside its own event, and the form in which any evidence of consent may be kept. */

const maxNames = 16
const maxEvidence = 256

/**
 * The consent tools' own visitor ids, in the spellings of their cookies: `consentId=…`, `stamp:'…'`, `"user_id":"…"`, and
 * the same percent-encoded.
 */
const identifiers =
  /(\b(?:consent_?id|stamp|user_?id|uid|visitor_?id)(?:["']|%2[27])?\s*(?:[:=]|%3[ad])\s*)(?:"[^"]*"?|'[^']*'?|[^&,;}\s]*)/gi
const emailAddress = /[^\s@&=,;:'"{}]{1,64}(?:@|%40)[^\s@&=,;:'"{}]{1,255}/gi
/** Controls, separators and the marks that turn a line of text around: nothing may forge or garble a line of the journal. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const escape = (character: string): string =>
  `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`

/** Evidence fit for the journal: identifiers taken out, control characters escaped, at most 256 characters. */
export const consentEvidence = (text: string): string =>
  text
    .slice(0, 4096)
    .replace(identifiers, '$1*')
    .replace(emailAddress, '*')
    .replace(unprintable, escape)
    .slice(0, maxEvidence)

const readNames = (value: unknown): ReadonlySet<string> | null => {
  if (!Array.isArray(value) || value.length > maxNames) return null
  return new Set(value.flatMap((name) => (typeof name === 'string' ? [name.trim().toLowerCase()] : [])))
}

/**
 * Reads `{ granted: string[], denied?: string[], raw?: string }`. What `granted` does not name is denied, `denied` wins
 * over `granted`, and `raw` never decides. Anything else (no list, more than 16 names) is unknown: a malformed statement
 * grants nothing.
 */
export const consentFromIngest = (value: unknown): ConsentState => {
  if (value === undefined || value === null) return noConsentSignal
  const stated: { granted?: unknown; denied?: unknown; raw?: unknown } =
    typeof value === 'object' ? value : {}
  const own = (key: 'granted' | 'denied' | 'raw'): unknown =>
    Object.hasOwn(stated, key) ? stated[key] : undefined

  const raw = own('raw')
  const said = {
    ...noConsentSignal,
    source: 'ingest',
    ...(typeof raw === 'string' && raw !== '' ? { raw: consentEvidence(raw) } : {}),
  }
  const granted = readNames(own('granted'))
  const denied = own('denied') === undefined ? new Set<string>() : readNames(own('denied'))
  if (granted === null || denied === null) return said

  const answer = (category: ConsentCategory): 'granted' | 'denied' =>
    granted.has(category) && !denied.has(category) && !denied.has('all') ? 'granted' : 'denied'
  const [analytics, marketing, personalization] = consentCategories
  return {
    ...said,
    analytics: answer(analytics),
    marketing: answer(marketing),
    personalization: answer(personalization),
  }
}
