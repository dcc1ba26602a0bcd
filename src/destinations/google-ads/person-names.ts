import type { Normalised } from '../../event/hashed.ts'

/**
 * First and last names as Google hashes them. Its papers disagree about punctuation; without it the forms of all agree.
 * https://developers.google.com/data-manager/api/devguides/concepts/formatting (2026-11-20)
 */

const title = /^(?:mr|mrs|ms|dr)(?:\.\s*|\s+)(?=\S)/
const suffix = /(?:,\s*|\s+)(?:jr\.?|sr\.?|2nd|3rd|ii|iii|iv|v|vi|cpa|dc|dds|vm|jd|md|phd)$/

const folded = (raw: string): string => raw.trim().toLowerCase().normalize('NFC')

const lettersOf = (text: string): readonly Normalised[] => {
  const name = text
    .replace(/[^\p{L}\p{M}\s]+/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
  return name === '' ? [] : [name as Normalised]
}

export const googleFirstName = (raw: string): readonly Normalised[] =>
  lettersOf(folded(raw).replace(title, ''))

/** Several suffixes may follow each other: `Roe, Jr., MD`. */
const withoutSuffixes = (text: string): string => {
  const shorter = text.replace(suffix, '').replace(/[,\s]+$/u, '')
  return shorter === text || shorter === '' ? text : withoutSuffixes(shorter)
}

export const googleLastName = (raw: string): readonly Normalised[] => lettersOf(withoutSuffixes(folded(raw)))
