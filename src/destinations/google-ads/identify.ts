import { countryCode } from '../../event/country.ts'
import type { UserData, UserDataField } from '../../event/event.ts'
import { alreadyHashed } from '../../event/hashed.ts'
import type { Identity, SiteContext } from '../destination.ts'
import { googleEmail, googlePhone } from '../google-match-keys.ts'
import { identifyBy, type IdentifyRules } from '../identify.ts'
import { googleFirstName, googleLastName } from './person-names.ts'
import type { GoogleAdsSettings } from './settings.ts'

/** https://developers.google.com/data-manager/api/devguides/concepts/formatting (2026-11-20) */

const contacts: IdentifyRules['fields'] = {
  email: { key: 'email', normalise: googleEmail, otherwise: 'it is no e-mail address' },
  phone: {
    key: 'phone',
    normalise: googlePhone,
    otherwise: 'it is no phone number, or a national one on a site without a country',
  },
}

const names: IdentifyRules['fields'] = {
  firstName: { key: 'given_name', normalise: googleFirstName, otherwise: 'it holds no letters' },
  lastName: { key: 'family_name', normalise: googleLastName, otherwise: 'it holds no letters' },
}

const withoutAddress: IdentifyRules = {
  fields: contacts,
  unused: 'Google Ads takes no other identifiers while sendAddress is off',
}
const withAddress: IdentifyRules = {
  fields: { ...contacts, ...names },
  unused: 'Google Ads has no such field',
}

const longestPostcode = 20

type Read = { readonly value?: string; readonly reason?: string }

const readCountry = (raw: string): Read => {
  if (raw.trim() === '') return { reason: 'it is empty' }
  const code = countryCode(raw)
  return code === null ? { reason: 'it is no country' } : { value: code }
}

const readPostcode = (raw: string): Read => {
  const text = raw.trim()
  if (text === '') return { reason: 'it is empty' }
  if (alreadyHashed(raw) !== null) return { reason: 'Google Ads takes it in the clear, and it came hashed' }
  return text.length > longestPostcode ? { reason: 'it is too long' } : { value: text }
}

/** Country and postcode are not hashed: a country names nobody, and the postcode is sealed on its way. */
export const identify = (
  userData: UserData,
  { sendAddress }: GoogleAdsSettings,
  context: SiteContext,
): Identity => {
  const hashed = identifyBy(sendAddress ? withAddress : withoutAddress, userData, context)
  if (!sendAddress) return hashed
  const country = userData.country === undefined ? {} : readCountry(userData.country)
  const zip = userData.zip === undefined ? {} : readPostcode(userData.zip)
  const unread = Object.entries({ country, zip }).flatMap(([field, { reason }]) =>
    reason === undefined ? [] : [{ field: field as UserDataField, reason }],
  )
  return {
    keys: { ...hashed.keys, ...(country.value === undefined ? {} : { region_code: country.value }) },
    plain: zip.value === undefined ? {} : { postal_code: zip.value },
    leftOut: [...hashed.leftOut.filter(({ field }) => field !== 'country' && field !== 'zip'), ...unread],
  }
}
