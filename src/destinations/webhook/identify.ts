import { countryCode } from '../../event/country.ts'
import { type UserData, type UserDataField, userDataFields } from '../../event/event.ts'
import { alreadyHashed, type Normalised } from '../../event/hashed.ts'
import { normaliseEmail, normaliseId, normalisePostcode, normaliseWord } from '../../event/match-keys.ts'
import { internationalPhone } from '../../event/phone.ts'
import { regionCode } from '../../event/region.ts'
import type { Identity, SiteContext } from '../destination.ts'
import { identifyBy, type FieldRule, type IdentifyRules, type Surroundings } from '../identify.ts'

/**
 * The person as a webhook sees them. No platform prescribes a form here, so it is the plainest one, which a receiver can
 * build from its own records: e-mail, names, city and state trimmed and in lower case (a state of the USA or Canada as its
 * two letters); phone in E.164 with its `+`; country as ISO 3166-1 alpha-2 in lower case; post code and id in lower case
 * without spaces.
 */

/** The wire name of each field; its hash is `<name>_sha256`. */
export const wireNames: Readonly<Record<UserDataField, string>> = {
  email: 'email',
  phone: 'phone',
  firstName: 'first_name',
  lastName: 'last_name',
  city: 'city',
  state: 'state',
  zip: 'zip',
  country: 'country',
  externalId: 'external_id',
}

const rule = (
  field: UserDataField,
  normalise: (raw: string, surroundings: Surroundings) => string | null,
  otherwise: string,
): FieldRule => ({
  key: `${wireNames[field]}_sha256`,
  normalise: (raw, surroundings) => {
    const form = normalise(raw, surroundings)
    return form === null ? [] : [form as Normalised]
  },
  otherwise,
})

const trimmed = (raw: string): string => raw.normalize('NFC').trim()
/** With its punctuation; nothing unless there is a letter or digit in it. */
const word = (raw: string): string | null =>
  normaliseWord(raw) === null ? null : trimmed(raw).toLowerCase().replace(/\s+/gu, ' ')

const rules: IdentifyRules = {
  unused: 'a webhook has no such field',
  fields: {
    email: rule('email', normaliseEmail, 'it is no e-mail address'),
    phone: rule(
      'phone',
      (raw, { country }) => internationalPhone(raw, country),
      'it is no phone number, or a national one on a site without a country',
    ),
    firstName: rule('firstName', word, 'it holds no letters'),
    lastName: rule('lastName', word, 'it holds no letters'),
    city: rule('city', word, 'it holds no letters'),
    state: rule('state', (raw) => regionCode(raw) ?? word(raw), 'it holds no letters'),
    zip: rule('zip', (raw, { country }) => normalisePostcode(raw, country), 'it holds no letters or digits'),
    country: rule('country', (raw) => countryCode(raw)?.toLowerCase() ?? null, 'it is no country'),
    externalId: rule('externalId', normaliseId, 'it holds nothing but spaces'),
  },
}

/** As typed, but where a form exists that every system reads. */
const plainForm = (field: UserDataField, raw: string, country: string | null): string => {
  if (field === 'email') return normaliseEmail(raw) ?? trimmed(raw)
  if (field === 'phone') return internationalPhone(raw, country) ?? trimmed(raw)
  if (field === 'country') return countryCode(raw) ?? trimmed(raw)
  return trimmed(raw)
}

/** Plain values only where the integration asked for them; a value that came hashed stays what it is. */
export const identify = (userData: UserData, allowPlain: boolean, context: SiteContext): Identity => {
  const identity = identifyBy(rules, userData, context)
  if (!allowPlain) return identity
  const country = countryCode(userData.country ?? '') ?? context.defaultCountry?.toUpperCase() ?? null
  const plain = userDataFields.flatMap((field) => {
    const raw = userData[field]
    const usable = Object.hasOwn(identity.keys, `${wireNames[field]}_sha256`)
    if (raw === undefined || !usable || alreadyHashed(raw) !== null) return []
    return [[wireNames[field], plainForm(field, raw, country)] as const]
  })
  return { ...identity, plain: Object.fromEntries(plain) }
}
