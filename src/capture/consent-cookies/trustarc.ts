import type { Grant } from '../../event/consent.ts'
import { decodePercent, type CookieJar } from '../cookies.ts'
import type { ConsentSettings } from '../consent-settings.ts'
import {
  readEveryCopy,
  readNames,
  strictest,
  type ConsentReader,
  type ConsentReading,
  type Names,
} from './reader.ts'

/**
 * TrustArc: `cmapi_cookie_privacy` is `permit 1,2,3`, or `permit 1 required`, with blanks as `%20`, `_`, `+` or themselves;
 * `notice_preferences=2:` has the highest category accepted, `notice_gdpr_prefs=0,1,2:` all of them, both counted from 0.
 */

const standard: Names = { analytics: ['2'], marketing: ['3'], personalization: ['2'] }

const permit = /^permit[ _+]([1-9](?:,[1-9]){0,8})(?:[ _+]required)?$/
const highest = /^([0-8]):$/
const listed = /^([0-8](?:,[0-8]){0,8}):$/

/** Numbers from 1 of the categories that a cookie accepts. */
type Accepted = (text: string) => readonly number[] | null

const cookies: Readonly<Record<string, Accepted>> = {
  cmapi_cookie_privacy: (text) => permit.exec(text)?.[1]?.split(',').map(Number) ?? null,
  notice_preferences: (text) => {
    const [, top] = highest.exec(text) ?? []
    return top === undefined ? null : Array.from({ length: Number(top) + 1 }, (_, index) => index + 1)
  },
  notice_gdpr_prefs: (text) =>
    listed
      .exec(text)?.[1]
      ?.split(',')
      .map((index) => Number(index) + 1) ?? null,
}

const namesOf = (settings: ConsentSettings): Names => {
  const numbers = settings.trustarc?.categories ?? {}
  const own = Object.entries(numbers).map(([category, list]) => [category, list.map(String)])
  return { ...standard, ...(Object.fromEntries(own) as Partial<Names>) }
}

const readOne = (jar: CookieJar, cookie: string, accepted: Accepted, names: Names): ConsentReading | null =>
  readEveryCopy(jar.all(cookie), (value) => {
    const numbers = value.length > 256 ? null : accepted(decodePercent(value) ?? '')
    if (numbers === null) return null
    const grantOf = (name: string): Grant => (numbers.includes(Number(name)) ? 'granted' : 'denied')
    return readNames(names, grantOf, null)
  })

export const trustarc: ConsentReader = {
  source: 'trustarc',
  read: (jar, settings) => {
    const names = namesOf(settings)
    const readings = Object.entries(cookies).flatMap(
      ([cookie, accepted]) => readOne(jar, cookie, accepted, names) ?? [],
    )
    return readings.length === 0 ? null : readings.reduce(strictest)
  },
}
