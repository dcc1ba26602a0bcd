import { asNames, own, readJson } from './json.ts'
import { readEveryCopy, readNames, type ConsentReader, type ConsentReading, type Names } from './reader.ts'

/** Cookie Information: `CookieInformationConsent` is JSON with lists of the categories approved and denied. */

const names: Names = {
  analytics: ['cookie_cat_statistic'],
  marketing: ['cookie_cat_marketing'],
  personalization: ['cookie_cat_functional'],
}

const read = (value: string): ConsentReading | null => {
  const json = readJson(value)
  const approved = asNames(own(json, 'consents_approved'))
  const denied = asNames(own(json, 'consents_denied'))
  if (approved === null) return null
  return readNames(
    names,
    (name) => (approved.has(name) && denied?.has(name) !== true ? 'granted' : 'denied'),
    true,
  )
}

export const cookieInformation: ConsentReader = {
  source: 'cookie_information',
  read: (jar) => readEveryCopy(jar.all('CookieInformationConsent'), read),
}
