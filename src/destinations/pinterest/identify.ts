import { countryCode } from '../../event/country.ts'
import type { UserData } from '../../event/event.ts'
import type { Normalised } from '../../event/hashed.ts'
import { normaliseEmail, normaliseWord } from '../../event/match-keys.ts'
import { internationalPhone } from '../../event/phone.ts'
import { regionCode } from '../../event/region.ts'
import type { Identity, SiteContext } from '../destination.ts'
import { identifyBy, type FieldRule, type IdentifyRules, type Surroundings } from '../identify.ts'

/**
 * By the prose of https://github.com/pinterest/api-description `v5/openapi.json` 5.23.0 (2026-11-20). The hashes printed
 * there as examples do not follow it: the country's is of `US`, the gender's of `male`.
 */

const some = (form: string | null): readonly Normalised[] =>
  form === null || form === '' ? [] : [form as Normalised]

/** Digits alone, without leading zeros: the international form without its plus. */
const phone = (raw: string, { country }: Surroundings): readonly Normalised[] =>
  some(internationalPhone(raw, country)?.slice(1) ?? null)

/** Of names Pinterest wants lower case and says nothing of spaces and apostrophes, so they stay. */
const name = (key: string): FieldRule => ({
  key,
  normalise: (raw) => (/\p{L}/u.test(raw) ? some(raw.trim().toLowerCase().normalize('NFC')) : []),
  otherwise: 'it holds no letters',
})

const state = (raw: string): readonly Normalised[] => {
  const code = regionCode(raw) ?? normaliseWord(raw)
  return some(code !== null && /^[a-z]{2}$/.test(code) ? code : null)
}

/** Of `M1 1AE` the digits alone would name half of the country. */
const postcode = (raw: string): readonly Normalised[] =>
  some(/\p{L}/u.test(raw) ? null : raw.replace(/\D+/g, ''))

const rules: IdentifyRules = {
  unused: 'Pinterest has no such field',
  fields: {
    email: { key: 'em', normalise: (raw) => some(normaliseEmail(raw)), otherwise: 'it is no e-mail address' },
    phone: {
      key: 'ph',
      normalise: phone,
      otherwise: 'it is no phone number, or a national one on a site without a country',
    },
    firstName: name('fn'),
    lastName: name('ln'),
    city: {
      key: 'ct',
      normalise: (raw) => some(normaliseWord(raw)),
      otherwise: 'it holds no letters or digits',
    },
    state: { key: 'st', normalise: state, otherwise: 'Pinterest takes states by a code of two letters' },
    zip: { key: 'zp', normalise: postcode, otherwise: 'Pinterest takes postcodes made of digits' },
    country: {
      key: 'country',
      normalise: (raw) => some(countryCode(raw)?.toLowerCase() ?? null),
      otherwise: 'it is no country',
    },
    // An id of the owner's own: its case may tell two people apart.
    externalId: {
      key: 'external_id',
      normalise: (raw) => some(raw.trim()),
      otherwise: 'it holds nothing but spaces',
    },
  },
}

export const identify = (userData: UserData, context: SiteContext): Identity =>
  identifyBy(rules, userData, context)
