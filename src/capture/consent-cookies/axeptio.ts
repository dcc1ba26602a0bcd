import type { Grant } from '../../event/consent.ts'
import { decodePercent, type CookieJar } from '../cookies.ts'
import { own, readJson } from './json.ts'
import { readServices } from './klaro.ts'
import {
  maxConsentLength,
  noNames,
  readEveryCopy,
  readNames,
  strictest,
  unlessSilent,
  type ConsentReader,
  type ConsentReading,
  type Names,
} from './reader.ts'

/**
 * Axeptio: `axeptio_cookies` is JSON of vendor to boolean beside fields of its own (`$$token`, `$$completed`, …); until
 * `$$completed` nobody has chosen. `axeptio_authorized_vendors` and `axeptio_all_vendors` are lists with a comma at either
 * end.
 */

const readMap = (value: string, names: Names): ConsentReading | null => {
  const json = readJson(value)
  return json === null || own(json, '$$completed') !== true ? null : readServices(json, names)
}

const readVendors = (copies: readonly string[]): ReadonlySet<string> =>
  new Set(
    copies
      .filter((value) => value.length <= maxConsentLength)
      .flatMap((value) => decodePercent(value)?.split(',') ?? [])
      .map((name) => name.trim()),
  )

/** Of several copies a vendor is authorized where all of them name it. */
const readLists = (jar: CookieJar, names: Names): ConsentReading | null => {
  const authorized = jar.all('axeptio_authorized_vendors').map((copy) => readVendors([copy]))
  const everybody = readVendors(jar.all('axeptio_all_vendors'))
  if (authorized.length === 0) return null
  const answer = (name: string): Grant => {
    if (authorized.every((list) => list.has(name))) return 'granted'
    return everybody.has(name) ? 'denied' : 'unknown'
  }
  const reading = readNames(names, answer, true)
  return unlessSilent(reading)
}

export const axeptio: ConsentReader = {
  source: 'axeptio',
  read: (jar, settings) => {
    const names: Names = { ...noNames, ...settings.axeptio?.vendors }
    const copies = jar.all('axeptio_cookies')
    const map = readEveryCopy(copies, (value) => readMap(value, names))
    // The lists are no way around a map that is there and says that nobody has chosen.
    if (copies.length > 0 && map === null) return null
    const lists = readLists(jar, names)
    if (map === null || lists === null) return map ?? lists
    return strictest(map, lists)
  },
}
