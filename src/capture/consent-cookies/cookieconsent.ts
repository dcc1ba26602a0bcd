import { asNames, own, readJson } from './json.ts'
import { readEveryCopy, readNames, type ConsentReader, type ConsentReading, type Names } from './reader.ts'

/**
 * cookieconsent of orestbida: `cc_cookie` is JSON with the names of the categories accepted, which are the site's own
 * (orestbida/cookieconsent, `src/utils/cookies.js`). It is written when the visitor acts, with the time of it.
 */

const standard: Names = {
  analytics: ['analytics'],
  marketing: ['marketing'],
  personalization: ['personalization'],
}

const read = (value: string, names: Names): ConsentReading | null => {
  const json = readJson(value)
  const categories = own(json, 'categories')
  const accepted = Array.isArray(categories) ? asNames(categories) : null
  if (accepted === null) return null
  const explicit = typeof own(json, 'consentTimestamp') === 'string' ? true : null
  return readNames(names, (name) => (accepted.has(name) ? 'granted' : 'denied'), explicit)
}

export const cookieconsent: ConsentReader = {
  source: 'cookieconsent',
  read: (jar, settings) =>
    readEveryCopy(jar.all(settings.cookieconsent?.cookie ?? 'cc_cookie'), (value) =>
      read(value, { ...standard, ...settings.cookieconsent?.categories }),
    ),
}
