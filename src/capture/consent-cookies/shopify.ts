import { consentCategories, type ConsentCategory, type Grant } from '../../event/consent.ts'
import { decodePercent, type CookieJar } from '../cookies.ts'
import { asGrant, asObject, own, readJson, type JsonObject } from './json.ts'
import {
  evidenceOf,
  maxConsentLength,
  perCategory,
  readEveryCopy,
  unlessSilent,
  type ConsentReader,
  type ConsentReading,
} from './reader.ts'

/**
 * Shopify: `_tracking_consent`, either `3.<letters>_<region>_<t|f>_<t|f>_<id>`, where a letter that is there is allowed, or
 * JSON whose `con.CMP` says "1", "0", or "" before a choice. Then the region's default counts, which is in `purposes`, or in
 * those of the companion cookie `_cmp_a`. The official way in is a script's, so the layout may change without notice.
 */

const letters: Readonly<Record<ConsentCategory, string>> = {
  analytics: 'a',
  marketing: 'm',
  personalization: 'p',
}

const version3 = /^3\.([A-Z]{0,8})_[A-Z0-9]{2,8}_[tf]_[tf]_[A-Za-z0-9_-]{10,64}$/

const toReading = (answer: (letter: string) => Grant, explicit: boolean | null): ConsentReading => ({
  ...perCategory((category) => answer(letters[category])),
  explicit,
  evidence: evidenceOf(Object.values(letters).map((letter) => [letter, answer(letter)])),
})

/** Purposes of an answer nobody gave, from this cookie or its companion. */
const readDefaults = (json: JsonObject): ReadonlyMap<string, Grant> => {
  const purposes = asObject(own(json, 'purposes'))
  return new Map(
    Object.values(letters).flatMap((letter): [string, Grant][] => {
      const said = asGrant(own(purposes, letter))
      return said === 'unknown' ? [] : [[letter, said]]
    }),
  )
}

const readVersion2 = (json: JsonObject, companions: readonly JsonObject[]): ConsentReading | null => {
  const cmp = asObject(own(asObject(own(json, 'con')), 'CMP'))
  if (cmp === null) return null
  const defaults = [json, ...companions].map(readDefaults).find((found) => found.size > 0)
  const chosen = (letter: string): boolean => ['0', '1'].includes(String(own(cmp, letter)))
  const answer = (letter: string): Grant => {
    const said = own(cmp, letter)
    if (said === '1') return 'granted'
    if (said === '0') return 'denied'
    return said === '' ? (defaults?.get(letter) ?? 'unknown') : 'unknown'
  }
  const explicit = consentCategories.every((category) => chosen(letters[category]))
  return unlessSilent(toReading(answer, explicit))
}

const read = (value: string, companions: readonly JsonObject[]): ConsentReading | null => {
  if (value.length > maxConsentLength) return null
  const [, allowed] = version3.exec(decodePercent(value) ?? '') ?? []
  if (allowed !== undefined)
    return toReading((letter) => (allowed.includes(letter.toUpperCase()) ? 'granted' : 'denied'), null)
  const json = readJson(value)
  return json === null ? null : readVersion2(json, companions)
}

const companionsIn = (jar: CookieJar): readonly JsonObject[] =>
  jar.all('_cmp_a').flatMap((value) => {
    const json = readJson(value)
    return json === null ? [] : [json]
  })

export const shopify: ConsentReader = {
  source: 'shopify',
  read: (jar) => readEveryCopy(jar.all('_tracking_consent'), (value) => read(value, companionsIn(jar))),
}
