import { asGrant, own, readJson } from './json.ts'
import {
  readEveryCopy,
  readNames,
  unlessSilent,
  type ConsentReader,
  type ConsentReading,
  type Names,
} from './reader.ts'

/** CookieFirst: `cookiefirst-consent` is JSON of category to boolean, written when the visitor chose. */

const names: Names = {
  analytics: ['performance'],
  marketing: ['advertising'],
  personalization: ['functional'],
}

const read = (value: string): ConsentReading | null => {
  const json = readJson(value)
  return unlessSilent(readNames(names, (name) => asGrant(own(json, name)), true))
}

export const cookiefirst: ConsentReader = {
  source: 'cookiefirst',
  read: (jar) => readEveryCopy(jar.all('cookiefirst-consent'), read),
}
