import { countryCode } from '../../event/country.ts'
import type { UserData } from '../../event/event.ts'
import type { Normalised } from '../../event/hashed.ts'
import { normaliseEmail, normaliseId, normalisePostcode, normaliseWord } from '../../event/match-keys.ts'
import { internationalPhone } from '../../event/phone.ts'
import { regionCode } from '../../event/region.ts'
import type { Identity, SiteContext } from '../destination.ts'
import { identifyBy, type FieldRule, type IdentifyRules, type Surroundings } from '../identify.ts'

/** https://developers.snap.com/api/marketing-api/Conversions-API/Parameters (2026-11-20). The phone has no `+`, as at Meta. */

type Normalise = (raw: string, surroundings: Surroundings) => string | null

const rule = (key: string, normalise: Normalise, otherwise: string): FieldRule => ({
  key,
  normalise: (raw, surroundings) => {
    const form = normalise(raw, surroundings)
    return form === null ? [] : [form as Normalised]
  },
  otherwise,
})

const rules: IdentifyRules = {
  unused: 'Snapchat has no such field',
  fields: {
    email: rule('em', normaliseEmail, 'it is no e-mail address'),
    phone: rule(
      'ph',
      (raw, { country }) => internationalPhone(raw, country)?.slice(1) ?? null,
      'it is no phone number, or a national one on a site without a country',
    ),
    firstName: rule('fn', normaliseWord, 'it holds no letters'),
    lastName: rule('ln', normaliseWord, 'it holds no letters'),
    city: rule('ct', normaliseWord, 'it holds no letters'),
    state: rule('st', (raw) => regionCode(raw) ?? normaliseWord(raw), 'it holds no letters'),
    // One partner cuts British codes to the sector; Snapchat's papers do not, and Meta's sample of the rule keeps them whole.
    zip: rule('zp', (raw, { country }) => normalisePostcode(raw, country), 'it holds no letters or digits'),
    country: rule('country', (raw) => countryCode(raw)?.toLowerCase() ?? null, 'it is no country'),
    externalId: rule('external_id', normaliseId, 'it holds nothing but spaces'),
  },
}

export const identify = (userData: UserData, context: SiteContext): Identity =>
  identifyBy(rules, userData, context)
