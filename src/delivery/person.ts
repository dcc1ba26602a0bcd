import { googleEmail } from '../destinations/google-match-keys.ts'
import { alreadyHashed, hash, type Normalised } from '../event/hashed.ts'
import { normaliseEmail, normaliseId } from '../event/match-keys.ts'
import { internationalPhone } from '../event/phone.ts'
import type { UserData } from '../event/event.ts'
import type { Integration } from '../sites/configure.ts'
import type { ErasureQuery } from '../store/store.ts'
import { shownIdentifier } from './journal.ts'

/**
 * By which texts somebody is found in what the store holds. Identifiers lie there hashed, each destination's own way, so
 * what an operator types goes through the same hands as what an event brings. It stays in memory.
 */

export type TypedPerson = Pick<UserData, 'email' | 'phone' | 'externalId' | 'country'> & {
  /** SHA-256 in hex, as one of the platforms gets them. */
  readonly hashes?: readonly string[]
}

export type PersonMarks = Pick<ErasureQuery, 'payload' | 'facts' | 'ownFacts' | 'journal'>

/** What cannot be one, with the reason; never with the value. */
export interface Unusable {
  readonly field: 'email' | 'phone' | 'externalId' | 'hash'
  readonly reason: string
}

const digest = /[0-9a-f]{64}/
const plus = /^\+/

/** What a text is within a JSON text. */
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)

const identifiedBy = (
  { email, phone, externalId, country }: TypedPerson,
  { destination, settings, site, id, defaultCountry }: Integration,
): readonly (readonly [string, string])[] => {
  const userData: UserData = {
    ...(email === undefined ? {} : { email }),
    ...(phone === undefined ? {} : { phone }),
    ...(externalId === undefined ? {} : { externalId }),
    ...(country === undefined ? {} : { country }),
  }
  const { keys } = destination.identify(userData, settings, {
    site,
    integration: id,
    ...(defaultCountry === undefined ? {} : { defaultCountry }),
  })
  // A country is nobody's; it is asked for to read a national number.
  const { keys: land } = destination.identify(country === undefined ? {} : { country }, settings, {
    site,
    integration: id,
  })
  return Object.entries(keys)
    .filter(([key]) => !Object.hasOwn(land, key))
    .flatMap(([key, value]) => [value].flat().map((text): readonly [string, string] => [key, text]))
}

/** The forms that all settings of all destinations come from: an integration may be gone, or be set otherwise by now. */
const commonForms = (
  { email, phone, externalId }: TypedPerson,
  country: string | null,
): readonly string[] => {
  const number = phone === undefined ? null : internationalPhone(phone, country)
  const id = externalId?.trim()
  return [
    ...(email === undefined ? [] : [normaliseEmail(email), ...googleEmail(email)]),
    ...(number === null ? [] : [number, number.replace(plus, '')]),
    ...(id === undefined ? [] : [id, id.toLowerCase(), normaliseId(id)]),
  ].flatMap((form) => (form === null ? [] : [hash(form as Normalised)]))
}

const unusableIn = ({ email, phone, externalId, hashes = [] }: TypedPerson, country: string | null) => {
  const wrong: Unusable[] = []
  if (email !== undefined && normaliseEmail(email) === null && alreadyHashed(email) === null)
    wrong.push({ field: 'email', reason: 'it is no e-mail address' })
  if (phone !== undefined && internationalPhone(phone, country) === null && alreadyHashed(phone) === null)
    wrong.push({ field: 'phone', reason: 'it is no phone number; a national one needs its country' })
  if (externalId !== undefined && normaliseId(externalId) === null)
    wrong.push({ field: 'externalId', reason: 'it holds nothing but spaces' })
  if (hashes.some((one) => alreadyHashed(one) === null))
    wrong.push({ field: 'hash', reason: 'a SHA-256 in 64 hex digits' })
  return wrong
}

/** `country` is ISO 3166-1 alpha-2, or `null` where nobody knows. */
export const marksOf = (
  person: TypedPerson,
  integrations: readonly Integration[],
  country: string | null,
): PersonMarks | readonly Unusable[] => {
  const wrong = unusableIn(person, country)
  if (wrong.length > 0) return wrong
  const { email, phone, externalId, hashes = [] } = person
  const given = [email, phone, externalId, ...hashes].flatMap((one) => {
    const known = one === undefined ? null : alreadyHashed(one)
    return known === null ? [] : [known]
  })
  const pairs = integrations.flatMap((integration) => identifiedBy(person, integration))
  const digests = [
    ...given,
    ...commonForms(person, country),
    ...pairs.flatMap(([, text]) => digest.exec(text)?.[0] ?? []),
  ]
  // What is not hashed, such as GA4's user id, may be short and common: only under its own name is it this person.
  const named = [
    ...pairs.filter(([, text]) => !digest.test(text)),
    ...(externalId === undefined ? [] : [['user_id', externalId.trim()] as const]),
  ].map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`)
  const number = phone === undefined ? null : internationalPhone(phone, country)
  const plain = [email?.trim(), phone?.trim(), number?.replace(plus, '')].flatMap((text) =>
    text === undefined ? [] : [inJson(text), inJson(encodeURIComponent(text))],
  )
  const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)]
  return {
    payload: unique([...digests, ...named]),
    facts: unique([...digests, ...plain]),
    ownFacts: externalId === undefined ? [] : [JSON.stringify(externalId.trim())],
    // A request is a JSON text within one. Of a digest it shows the beginning, 24 bits of it: in a million lines somebody
    // else's may begin alike, and then a summary is missing there.
    journal: unique([
      ...digests.flatMap((one) => [one, shownIdentifier(one)]),
      ...plain,
      ...named.map(inJson),
    ]),
  }
}
