import { countryCode } from '../../event/country.ts'
import type { UserData } from '../../event/event.ts'
import { alreadyHashed, type Hashed, type Normalised } from '../../event/hashed.ts'
import { normaliseEmail, normaliseId, normalisePostcode, normaliseWord } from '../../event/match-keys.ts'
import { internationalPhone } from '../../event/phone.ts'
import { regionCode } from '../../event/region.ts'
import type { Identity, SiteContext } from '../destination.ts'
import { identifyBy, type FieldRule, type IdentifyRules, type Surroundings } from '../identify.ts'

/**
 * https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/customer-information-parameters
 * and facebook/capi-param-builder 1.2.1, the newest official code (2026-11-20). Where they differ, the code stands; for a
 * person outside the USA both forms go, because these fields take lists.
 */

const some = (form: Normalised | null): readonly Normalised[] => (form === null ? [] : [form])

/** Meta's builder appends what it knows of its own version to a hash; such a value is complete and stays as it is. */
const builderHash = /^[0-9a-f]{64}\.(?:[\w-]{8}|[\w-]{2})$/i

export const metaHashed = (raw: string): Hashed | null => {
  const text = raw.trim()
  return builderHash.test(text) ? (text as Hashed) : alreadyHashed(raw)
}

const phone = (raw: string, { country }: Surroundings): readonly Normalised[] => {
  const number = internationalPhone(raw, country)
  return number === null ? [] : [number.slice(1) as Normalised]
}

const abroad = (country: string | null): boolean => country !== null && country !== 'US'

/** Of the builder's alphabet, and nothing unless it begins with a letter. */
const latin = (raw: string): string => {
  const text = raw.toLowerCase().replace(/[^a-z0-9]+/g, '')
  return /^[a-z]/.test(text) ? text : ''
}

const withDocumented = (builder: string, raw: string, { country }: Surroundings): readonly Normalised[] => {
  const documented = abroad(country) ? normaliseWord(raw) : null
  const forms = builder === '' ? [] : [builder as Normalised]
  return documented === null || /^\p{N}/u.test(documented) ? forms : [...forms, documented]
}

const city = (raw: string, surroundings: Surroundings): readonly Normalised[] =>
  withDocumented(latin(raw), raw, surroundings)

/** The builder cuts every region to two letters. */
const state = (raw: string, surroundings: Surroundings): readonly Normalised[] =>
  withDocumented(regionCode(raw) ?? latin(raw).slice(0, 2), raw, surroundings)

const country = (raw: string): readonly Normalised[] => {
  const code = countryCode(raw)
  return code === null ? [] : [code.toLowerCase() as Normalised]
}

const name = (key: string): FieldRule => ({
  key,
  normalise: (raw) => some(normaliseWord(raw)),
  otherwise: 'it holds no letters',
})

const rules: IdentifyRules = {
  hashed: metaHashed,
  unused: 'Meta has no such field',
  fields: {
    email: { key: 'em', normalise: (raw) => some(normaliseEmail(raw)), otherwise: 'it is no e-mail address' },
    phone: {
      key: 'ph',
      normalise: phone,
      otherwise: 'it is no phone number, or a national one on a site without a country',
    },
    firstName: name('fn'),
    lastName: name('ln'),
    city: { key: 'ct', normalise: city, otherwise: 'Meta takes cities that begin with a letter' },
    state: { key: 'st', normalise: state, otherwise: 'it is no state' },
    zip: {
      key: 'zp',
      normalise: (raw, { country }) => some(normalisePostcode(raw, country)),
      otherwise: 'it holds no letters or digits',
    },
    country: { key: 'country', normalise: country, otherwise: 'it is no country' },
    externalId: {
      key: 'external_id',
      normalise: (raw) => some(normaliseId(raw)),
      otherwise: 'it holds nothing but spaces',
    },
  },
}

export const identify = (userData: UserData, context: SiteContext): Identity =>
  identifyBy(rules, userData, context)
