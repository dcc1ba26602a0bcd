import type { Grant } from '../../event/consent.ts'
import { asNames, asObject, own, readBase64Json } from './json.ts'
import {
  noNames,
  readEveryCopy,
  readNames,
  type ConsentReader,
  type ConsentReading,
  type Names,
} from './reader.ts'

/**
 * Didomi: `didomi_token` is base64 of JSON with lists of enabled and disabled purposes, whose ids are the site's own. Before a
 * choice it has no purposes.
 */

const read = (value: string, names: Names): ConsentReading | null => {
  const purposes = asObject(own(readBase64Json(value), 'purposes'))
  const enabled = asNames(own(purposes, 'enabled')) ?? new Set()
  const disabled = asNames(own(purposes, 'disabled')) ?? new Set()
  if (enabled.size + disabled.size === 0) return null
  const answer = (name: string): Grant => {
    if (disabled.has(name)) return 'denied'
    return enabled.has(name) ? 'granted' : 'unknown'
  }
  return readNames(names, answer, true)
}

export const didomi: ConsentReader = {
  source: 'didomi',
  read: (jar, settings) =>
    readEveryCopy(jar.all('didomi_token'), (value) =>
      read(value, { ...noNames, ...settings.didomi?.purposes }),
    ),
}
