import { readBits, type BitCursor } from './bits.ts'

/**
 * The IAB's TC string, version 2 ("Consent string and vendor list formats v2"): a core segment, then others, joined by dots.
 * Its cost is bounded by its length: vendors are looked up in its ranges, never listed.
 */

export interface TcString {
  consentsToPurpose(purpose: number): boolean
  /** Of the vendors asked for at reading: consented to, and disclosed where the string says who was. */
  consentsToVendor(vendor: number): boolean
  /** The publisher allows this vendor the purpose not at all, or not by consent. */
  restricts(purpose: number, vendor: number): boolean
  /** Purpose 1 was not asked for, as in the publisher's country it need not be. */
  readonly withoutPurposeOne: boolean
}

const maxSegments = 8
/** Restriction types: 0 not allowed, 1 by consent only, 2 by legitimate interest only. */
const consentOnly = 1
const disclosedVendors = 1
const knownSegments: ReadonlySet<number> = new Set([disclosedVendors, 2, 3])

/** From then on a string of a policy older than 4 is invalid. Deciseconds since the epoch. */
const policy4Since = Date.UTC(2023, 8, 30) / 100

/** Two letters, counted from `A`. */
const takeLetters = (bits: BitCursor): boolean => {
  const first = bits.take(6)
  const second = bits.take(6)
  return first < 26 && second < 26
}

const readRanges = (bits: BitCursor, wanted: readonly number[]): ReadonlySet<number> => {
  const found = new Set<number>()
  for (let entries = bits.take(12); entries > 0 && !bits.overrun; entries--) {
    const isRange = bits.take(1) === 1
    const first = bits.take(16)
    const last = isRange ? bits.take(16) : first
    for (const id of wanted) if (id >= first && id <= last) found.add(id)
  }
  return found
}

const readVendors = (bits: BitCursor, wanted: readonly number[]): ReadonlySet<number> => {
  const maxId = bits.take(16)
  if (bits.take(1) === 1) return readRanges(bits, wanted)
  const found = new Set(wanted.filter((id) => id <= maxId && bits.peek(id - 1)))
  bits.skip(maxId)
  return found
}

/** As `purpose/vendor`. */
const readRestrictions = (bits: BitCursor, wanted: readonly number[]): ReadonlySet<string> => {
  const found = new Set<string>()
  for (let count = bits.take(12); count > 0 && !bits.overrun; count--) {
    const purpose = bits.take(6)
    const type = bits.take(2)
    const vendors = readRanges(bits, wanted)
    if (type !== consentOnly) for (const vendor of vendors) found.add(`${purpose}/${vendor}`)
  }
  return found
}

/** `null` when it is no such string, not whole, or of a policy that is not valid any more. Never throws. */
export const readTcString = (text: string, vendors: readonly number[]): TcString | null => {
  const [core = '', ...segments] = text.split('.', maxSegments + 1)
  const bits = readBits(core)
  if (bits === null || segments.length >= maxSegments || bits.take(6) !== 2) return null
  const created = bits.take(18) * 2 ** 18 + bits.take(18)
  // lastUpdated
  bits.skip(36)
  const cmp = bits.take(12)
  // cmpVersion, consentScreen
  bits.skip(12 + 6)
  const language = takeLetters(bits)
  // vendorListVersion
  bits.skip(12)
  const policy = bits.take(6)
  // isServiceSpecific, useNonStandardTexts, specialFeatureOptIns
  bits.skip(1 + 1 + 12)
  const purposes = bits.take(24)
  bits.skip(24)
  const withoutPurposeOne = bits.take(1) === 1
  const country = takeLetters(bits)
  const consented = readVendors(bits, vendors)
  // Legitimate interests: no consent, but to be got past.
  readVendors(bits, [])
  const restrictions = readRestrictions(bits, vendors)
  // No tool has the numbers 0 and 1: such a string, or one whose letters are none, was altered on its way.
  if (!language || !country || cmp < 2) return null
  if (bits.overrun || (policy < 4 && created >= policy4Since)) return null

  let disclosed: ReadonlySet<number> | null = null
  for (const segment of segments) {
    const more = readBits(segment)
    const type = more?.take(3)
    if (more === null || type === undefined || !knownSegments.has(type)) return null
    if (type !== disclosedVendors) continue
    disclosed = readVendors(more, vendors)
    if (more.overrun) return null
  }
  return {
    consentsToPurpose: (purpose) => ((purposes >> (24 - purpose)) & 1) === 1,
    consentsToVendor: (vendor) => consented.has(vendor) && disclosed?.has(vendor) !== false,
    restricts: (purpose, vendor) => restrictions.has(`${purpose}/${vendor}`),
    withoutPurposeOne,
  }
}
