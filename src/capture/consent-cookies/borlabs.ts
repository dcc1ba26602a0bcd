import { asObject, own, readJson } from './json.ts'
import { readEveryCopy, readNames, type ConsentReader, type ConsentReading, type Names } from './reader.ts'

/**
 * Borlabs Cookie: `borlabs-cookie` is JSON whose `consents` list the services allowed, group by group; a refused group is
 * missing or empty.
 */

const standard: Names = {
  analytics: ['statistics'],
  marketing: ['marketing'],
  personalization: ['preferences'],
}

const read = (value: string, names: Names): ConsentReading | null => {
  const consents = asObject(own(readJson(value), 'consents'))
  if (consents === null) return null
  return readNames(
    names,
    (name) => {
      const services = own(consents, name)
      if (services === undefined) return 'denied'
      if (!Array.isArray(services)) return 'unknown'
      return services.some((service) => typeof service === 'string' && service !== '') ? 'granted' : 'denied'
    },
    null,
  )
}

export const borlabs: ConsentReader = {
  source: 'borlabs',
  read: (jar, settings) =>
    readEveryCopy(jar.all('borlabs-cookie'), (value) =>
      read(value, { ...standard, ...settings.borlabs?.groups }),
    ),
}
