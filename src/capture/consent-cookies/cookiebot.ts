import { stricter, type Grant } from '../../event/consent.ts'
import { decodePercent } from '../cookies.ts'
import { maxConsentLength, readEveryCopy, type ConsentReader, type ConsentReading } from './reader.ts'

/**
 * Cookiebot: `CookieConsent` is a JavaScript object literal with its quotes and commas percent-encoded (captured headers
 * 2022 to 2026), or a bare `0` or `-1` (github.com/CybotAS/CookiebotWP). Another banner uses the same cookie name for
 * `true` or `yes`, which says nothing here.
 */

const refused: ConsentReading = {
  analytics: 'denied',
  marketing: 'denied',
  personalization: 'denied',
  explicit: null,
  evidence: '0',
}
const outsideRegulatedRegions: ConsentReading = {
  analytics: 'granted',
  marketing: 'granted',
  personalization: 'granted',
  explicit: false,
  evidence: '-1',
}

/**
 * One `key:value` and what follows it. A quoted string is taken whole, so that a `stamp:'x,marketing:true'` injects
 * nothing; a backslash, whose meaning readers differ about, ends the reading.
 */
const entry =
  /\s*(?:([A-Za-z_]\w*)|"([^"\\]*)"|'([^'\\]*)')\s*:\s*(?:'([^'\\]*)'|"([^"\\]*)"|([^\s,:{}'"\\]+))\s*([,}])/y

interface Entry {
  readonly key: string
  readonly text: string
  readonly quoted: boolean
}

/** `null` unless the text is one flat object literal from its first character to its last. */
const parseLiteral = (text: string): readonly Entry[] | null => {
  if (!text.startsWith('{')) return null
  const entries: Entry[] = []
  entry.lastIndex = 1
  for (;;) {
    const found = entry.exec(text)
    if (found === null) return null
    const [whole, bareKey, doubleKey, singleKey, single, double, bare, next] = found
    entries.push({
      key: bareKey ?? doubleKey ?? singleKey ?? '',
      text: single ?? double ?? bare ?? '',
      quoted: bare === undefined,
    })
    if (next === '}') return found.index + whole.length === text.length ? entries : null
  }
}

const read = (value: string): ConsentReading | null => {
  if (value === '0') return refused
  if (value === '-1') return outsideRegulatedRegions
  if (value.length > maxConsentLength) return null
  const text = decodePercent(value)
  const entries = text === null ? null : parseLiteral(text.trim())
  if (entries === null) return null

  const answer = (key: string): Grant => {
    const grants = entries
      .filter((item) => item.key === key)
      .map((item): Grant => {
        if (item.quoted) return 'unknown'
        return item.text === 'true' ? 'granted' : item.text === 'false' ? 'denied' : 'unknown'
      })
    return grants.length === 0 ? 'unknown' : grants.reduce(stricter)
  }
  const textsOf = (key: string): string[] =>
    entries.filter((item) => item.key === key).map((item) => item.text)

  const categories = ['necessary', 'preferences', 'statistics', 'marketing'] as const
  if (categories.every((key) => answer(key) === 'unknown')) return null

  const methods = textsOf('method')
  const stamps = textsOf('stamp')
  // Cookies from before 2023 have no `method`; there a real consent id means that somebody clicked.
  const evident =
    methods.length > 0 ? methods.every((method) => method === 'explicit') : !stamps.includes('-1')
  const explicit = methods.length + stamps.length === 0 ? null : evident
  const flags: Readonly<Record<Grant, string>> = { granted: 'true', denied: 'false', unknown: '?' }
  return {
    analytics: answer('statistics'),
    marketing: answer('marketing'),
    personalization: answer('preferences'),
    explicit,
    evidence: `{${categories.map((key) => `${key}:${flags[answer(key)]}`).join(',')}}`,
  }
}

export const cookiebot: ConsentReader = {
  source: 'cookiebot',
  read: (jar) => readEveryCopy(jar.all('CookieConsent'), read),
}
