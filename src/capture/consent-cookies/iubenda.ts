import { stricter, type Grant } from '../../event/consent.ts'
import type { CookieJar } from '../cookies.ts'
import { asGrant, asObject, own, readJson } from './json.ts'
import {
  perCategory,
  readEveryCopy,
  readNames,
  type ConsentReader,
  type ConsentReading,
  type Names,
} from './reader.ts'

/**
 * iubenda: `_iub_cs-<site id>` holds JSON, either with a map of purposes or with one `consent` for all of them; before a
 * choice it has neither. Purposes: 1 necessary, 2 functionality, 3 experience, 4 measurement, 5 marketing.
 */

const names: Names = { analytics: ['4'], marketing: ['5'], personalization: ['3'] }
const cookieName = /^_iub_cs-\d{1,20}$/

const read = (value: string): ConsentReading | null => {
  const json = readJson(value)
  const purposes = asObject(own(json, 'purposes'))
  const whole = asGrant(own(json, 'consent'))
  if (purposes === null) {
    if (whole === 'unknown') return null
    return { ...perCategory(() => whole), explicit: true, evidence: `consent:${whole === 'granted' ? 1 : 0}` }
  }
  // A `consent` of false beside purposes that say yes is a contradiction, and a contradiction grants nothing.
  const cap: Grant = whole === 'denied' ? 'denied' : 'granted'
  return readNames(names, (name) => stricter(asGrant(own(purposes, name)), cap), true)
}

const copies = (jar: CookieJar): readonly string[] =>
  [...jar.names()].filter((name) => cookieName.test(name)).flatMap((name) => jar.all(name))

export const iubenda: ConsentReader = {
  source: 'iubenda',
  read: (jar) => readEveryCopy(copies(jar), read),
}
