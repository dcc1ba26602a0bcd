import { stricter, type Grant } from '../../event/consent.ts'
import type { CookieJar } from '../cookies.ts'
import { readNames, unlessSilent, type ConsentReading, type Names } from './reader.ts'

/** The way of WordPress: one cookie per category that holds `allow` or `deny`. */

const grantOf = (text: string): Grant =>
  text === 'allow' ? 'granted' : text === 'deny' ? 'denied' : 'unknown'

/** Of several prefixes and copies the strictest answer stands; `null` where none of the cookies can be read. */
export const readAllowCookies = (
  jar: CookieJar,
  prefixes: readonly string[],
  names: Names,
  explicit: boolean | null,
): ConsentReading | null => {
  const answer = (name: string): Grant => {
    const copies = prefixes.flatMap((prefix) => jar.all(`${prefix}${name}`)).map(grantOf)
    return copies.length === 0 ? 'unknown' : copies.reduce(stricter)
  }
  const reading = readNames(names, answer, explicit)
  return unlessSilent(reading)
}
