import type { Normalised } from '../event/hashed.ts'
import { normaliseEmail } from '../event/match-keys.ts'
import { internationalPhone } from '../event/phone.ts'
import type { Surroundings } from './identify.ts'

/**
 * Google's own forms, one for all its products.
 * https://developers.google.com/data-manager/api/devguides/concepts/formatting (2026-11-20)
 */

const gmail: ReadonlySet<string> = new Set(['gmail.com', 'googlemail.com'])

/** Without any space, in lower case; in Gmail addresses, and only there, without dots and without `+tag`. */
export const googleEmail = (raw: string): readonly Normalised[] => {
  const text = normaliseEmail(raw.replace(/\s+/gu, ''))
  if (text === null) return []
  const at = text.lastIndexOf('@')
  if (!gmail.has(text.slice(at + 1))) return [text]
  const local = (text.slice(0, at).split('+', 1)[0] ?? '').replaceAll('.', '')
  return local === '' ? [] : [`${local}${text.slice(at)}` as Normalised]
}

/** E.164 with its plus. */
export const googlePhone = (raw: string, { country }: Surroundings): readonly Normalised[] => {
  const number = internationalPhone(raw, country)
  return number === null ? [] : [number as Normalised]
}
