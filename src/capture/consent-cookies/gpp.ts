import type { Grant } from '../../event/consent.ts'
import type { ConsentSettings } from '../consent-settings.ts'
import { decodePercent } from '../cookies.ts'
import { isUsSection, readGppSections, readUsSection, type UsSection } from './gpp-string.ts'
import {
  maxConsentLength,
  perCategory,
  readEveryCopy,
  strictest,
  unlessSilent,
  type ConsentReader,
  type ConsentReading,
} from './reader.ts'
import { readTcf } from './tcf.ts'
import { readUspString } from './usprivacy.ts'

/**
 * IAB GPP: one string with a section per law. Those of US law speak of sale, sharing and targeted advertising, and so of
 * marketing alone; the European one is a TC string. A section that nobody here can read may hold a refusal.
 */

const standardCookies = ['OTGPPConsent']
const europeanSection = 2
const uspSection = 6

const ofUsLaw = (marketing: Grant, evidence: string): ConsentReading => ({
  analytics: 'unknown',
  marketing,
  personalization: 'unknown',
  silent: ['analytics', 'personalization'],
  explicit: null,
  evidence,
})

const marketingOf = ({ objections, gpc }: UsSection): Grant => {
  if (gpc || objections.includes(1)) return 'denied'
  const applicable = objections.filter((objection) => objection !== 0)
  return applicable.length > 0 && applicable.every((objection) => objection === 2) ? 'granted' : 'unknown'
}

const readUs = (id: number, text: string): ConsentReading | null => {
  const section = readUsSection(id, text)
  if (section === null) return null
  const evidence = `${section.name}=${section.objections.join('')}${section.gpc ? ' gpc' : ''}`
  return ofUsLaw(marketingOf(section), evidence)
}

const readSection = (id: number, text: string, settings: ConsentSettings): ConsentReading | null => {
  if (isUsSection(id)) return readUs(id, text)
  if (id === europeanSection) return readTcf(text, settings.tcf)
  if (id === uspSection) {
    const marketing = readUspString(text)
    return marketing === null ? null : ofUsLaw(marketing, `uspv1=${text.toUpperCase()}`)
  }
  return { ...perCategory(() => 'unknown'), explicit: null, evidence: `section ${id}=?` }
}

const read = (value: string, settings: ConsentSettings): ConsentReading | null => {
  const text = value.length > maxConsentLength ? null : decodePercent(value)
  const sections = text === null ? null : readGppSections(text)
  if (sections === null) return null
  const readings: ConsentReading[] = []
  for (const [id, section] of sections) {
    const reading = readSection(id, section, settings)
    if (reading === null) return null
    readings.push(reading)
  }
  if (readings.length === 0) return null
  const reading = readings.reduce(strictest)
  // US law that applies to nothing here has said nothing; a section that nobody can read has.
  return readings.every(({ silent }) => silent !== undefined) ? unlessSilent(reading) : reading
}

export const gpp: ConsentReader = {
  source: 'gpp',
  read: (jar, settings) =>
    readEveryCopy(
      (settings.gpp?.cookies ?? standardCookies).flatMap((name) => jar.all(name)),
      (value) => read(value, settings),
    ),
}
