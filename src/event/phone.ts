import {
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
  type PhoneNumber,
} from 'libphonenumber-js/min'

/** A telephone number as people write it, in the one international form. */

/** ITU-T E.164 allows 15 digits; below 8 no country has subscribers. */
const subscriberDigits = /^\+\d{8,15}$/
/** Only what belongs into a written number, so that a sentence holding one is not taken for it. */
const written = /^[+\d\s().\-–‐/\u00a0]+$/u

const parse = (text: string, country?: string): PhoneNumber | null =>
  parsePhoneNumberFromString(text, {
    extract: false,
    ...(country !== undefined && isSupportedCountry(country) ? { defaultCountry: country } : {}),
  }) ?? null

/** `+`, `00`, a stray zero before the country code, `(0)` after it: all of these people write. */
const international = (text: string): string | null => {
  const found = /^(?:\+|＋|00)\s*0*(.*)$/su.exec(text)
  return found?.[1] === undefined ? null : `+${found[1]}`
}

const fromInternational = (text: string): string | null => {
  const number = parse(text)
  if (number === null) return null
  if (number.isPossible()) return number.number
  // Numbering plans grow faster than our table of them; a known calling code and a lawful length are enough.
  const digits = written.test(text) ? `+${text.replace(/\D/g, '')}` : ''
  return subscriberDigits.test(digits) ? digits : null
}

/** North America dials 1, never 0, before a national number: a leading zero there is a slip. */
const nationalText = (text: string, country: string): string =>
  isSupportedCountry(country) && getCountryCallingCode(country) === '1' ? text.replace(/^0+/, '') : text

const fromNational = (text: string, country: string): string | null => {
  const number = parse(nationalText(text, country), country)
  if (number?.isPossible() === true) return number.number
  // `44 20 7946 0018` on an American site: too long to be national, and right once the plus is put back.
  const restored = written.test(text) && !text.startsWith('0') ? parse(`+${text.replace(/\D/g, '')}`) : null
  return restored?.isValid() === true ? restored.number : null
}

/**
 * E.164 with its `+`, or `null`. A number without a country code needs `country` (ISO 3166-1 alpha-2): guessing would name
 * somebody else.
 */
export const internationalPhone = (raw: string, country: string | null): string | null => {
  const text = raw.normalize('NFKC').trim().replace(/^tel:/i, '')
  const withCode = international(text)
  if (withCode !== null) return fromInternational(withCode)
  return country === null ? null : fromNational(text, country)
}
