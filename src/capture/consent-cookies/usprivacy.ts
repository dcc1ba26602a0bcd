import type { Grant } from '../../event/consent.ts'
import { decodePercent } from '../cookies.ts'
import { readEveryCopy, type ConsentReader, type ConsentReading } from './reader.ts'

/** The IAB's older US string, `1YNN`: version, notice given, opted out of sale, covered by the LSPA. */

const form = /^1([YN-])([YN-])[YN-]$/i

/** `null` when it is no such string. Notice must have been given for a missing objection to mean something. */
export const readUspString = (text: string): Grant | null => {
  const [, notice = '', optedOut] = form.exec(text)?.map((part) => part.toUpperCase()) ?? []
  if (optedOut === undefined) return null
  if (optedOut === 'Y') return 'denied'
  return optedOut === 'N' && notice === 'Y' ? 'granted' : 'unknown'
}

const read = (value: string): ConsentReading | null => {
  const text = value.length > 16 ? null : decodePercent(value)
  const marketing = text === null ? null : readUspString(text)
  if (text === null || marketing === null || marketing === 'unknown') return null
  return {
    analytics: 'unknown',
    marketing,
    personalization: 'unknown',
    silent: ['analytics', 'personalization'],
    explicit: null,
    evidence: text.toUpperCase(),
  }
}

export const usprivacy: ConsentReader = {
  source: 'usprivacy',
  read: (jar) => readEveryCopy(jar.all('usprivacy'), read),
}
