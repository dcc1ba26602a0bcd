import { asGrant, own, readJson, type JsonObject } from './json.ts'
import {
  noNames,
  readEveryCopy,
  readNames,
  type ConsentReader,
  type ConsentReading,
  type Names,
} from './reader.ts'

/**
 * Klaro: `klaro` is JSON of service to boolean, saved when the visitor decides (klaro-org/klaro-js,
 * `src/consent-manager.js`). A service that is not in it came into the configuration later: nobody was asked about it.
 */

/** `null` where nothing in it is an answer. */
export const readServices = (json: JsonObject, names: Names): ConsentReading | null =>
  Object.values(json).some((said) => typeof said === 'boolean')
    ? readNames(names, (name) => asGrant(own(json, name)), true)
    : null

const read = (value: string, names: Names): ConsentReading | null => {
  const json = readJson(value)
  return json === null ? null : readServices(json, names)
}

export const klaro: ConsentReader = {
  source: 'klaro',
  read: (jar, settings) =>
    readEveryCopy(jar.all(settings.klaro?.cookie ?? 'klaro'), (value) =>
      read(value, { ...noNames, ...settings.klaro?.services }),
    ),
}
