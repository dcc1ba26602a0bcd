import { asNames, own, readJson } from './json.ts'
import { readEveryCopy, readNames, type ConsentReader, type ConsentReading, type Names } from './reader.ts'

/**
 * CookieScript: `CookieScriptConsent` is JSON with an `action` and the categories accepted, a list or the text of one. Before
 * a choice it has no `action`.
 */

const names: Names = {
  analytics: ['performance'],
  marketing: ['targeting'],
  personalization: ['functionality'],
}

const read = (value: string): ConsentReading | null => {
  const json = readJson(value)
  const action = own(json, 'action')
  if (action !== 'accept' && action !== 'reject') return null
  const accepted = asNames(own(json, 'categories'))
  if (accepted === null) return action === 'reject' ? readNames(names, () => 'denied', true) : null
  return readNames(names, (name) => (action === 'accept' && accepted.has(name) ? 'granted' : 'denied'), true)
}

export const cookieScript: ConsentReader = {
  source: 'cookie_script',
  read: (jar) => readEveryCopy(jar.all('CookieScriptConsent'), read),
}
