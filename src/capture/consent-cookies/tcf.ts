import type { ConsentCategory } from '../../event/consent.ts'
import type { ConsentSettings } from '../consent-settings.ts'
import { decodePercent } from '../cookies.ts'
import {
  maxConsentLength,
  perCategory,
  readEveryCopy,
  type ConsentReader,
  type ConsentReading,
} from './reader.ts'
import { readTcString } from './tc-string.ts'

/**
 * IAB TCF: the TC string that many tools keep in a cookie of the site. A category is granted when all of its purposes are, and
 * with vendor ids set all of its vendors for each of them.
 */

const standardPurposes: Readonly<Record<ConsentCategory, readonly number[]>> = {
  // 1 is to store and access anything, 8 to measure content.
  analytics: [1, 8],
  // 7 is to measure advertising: what a conversion is sent for.
  marketing: [1, 7],
  personalization: [1, 5, 6],
}
const standardCookies = ['euconsent-v2', 'eupubconsent-v2']
const everyPurpose = Array.from({ length: 24 }, (_, index) => index + 1)

/** What a TC string says by the site's settings; `null` when it cannot be read. Never throws. */
export const readTcf = (text: string, settings: ConsentSettings['tcf'] = {}): ConsentReading | null => {
  const vendors = [...new Set(Object.values(settings.vendors ?? {}).flat())]
  const tc = readTcString(text, vendors)
  if (tc === null) return null

  const unasked = tc.withoutPurposeOne && settings.purposeOneTreatment === 'accept'
  const granted = (category: ConsentCategory): boolean => {
    const purposes = settings.purposes?.[category] ?? standardPurposes[category]
    const wanted = settings.vendors?.[category] ?? []
    return (
      purposes.every((purpose) => (unasked && purpose === 1) || tc.consentsToPurpose(purpose)) &&
      wanted.every(
        (vendor) => tc.consentsToVendor(vendor) && !purposes.some((purpose) => tc.restricts(purpose, vendor)),
      )
    )
  }
  const said = everyPurpose.filter((purpose) => tc.consentsToPurpose(purpose))
  const named = vendors.filter((vendor) => tc.consentsToVendor(vendor))
  return {
    ...perCategory((category) => (granted(category) ? 'granted' : 'denied')),
    // The framework's policies allow no consent that the visitor did not give by an act of their own.
    explicit: said.length > 0 ? true : null,
    evidence: `purposes=${said.join(',')}${vendors.length === 0 ? '' : ` vendors=${named.join(',')}`}`,
  }
}

const read = (value: string, settings: ConsentSettings): ConsentReading | null => {
  const text = value.length > maxConsentLength ? null : decodePercent(value)
  return text === null ? null : readTcf(text, settings.tcf)
}

export const tcf: ConsentReader = {
  source: 'tcf',
  read: (jar, settings) =>
    readEveryCopy(
      (settings.tcf?.cookies ?? standardCookies).flatMap((name) => jar.all(name)),
      (value) => read(value, settings),
    ),
}
