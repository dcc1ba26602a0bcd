import { readBits, type BitCursor } from './bits.ts'

/**
 * The IAB's GPP string ("Consent String Specification"): a header that lists section ids, and the sections, joined by `~`. The
 * sections of US law are alike: a fixed row of fields, some of them objections, and a sub-section for Global Privacy Control.
 */

/** No list of laws is longer. */
const maxSections = 64
/** Fibonacci codes of more bits than this, 2 583 and beyond, are no section ids, and no length of a range of them. */
const maxCodeBits = 16

/** A Fibonacci code ends at the first two ones in a row; `null` when it does not end. */
const takeFibonacci = (bits: BitCursor): number | null => {
  let value = 0
  let last = 0
  for (let index = 0, here = 1, next = 2; index < maxCodeBits && !bits.overrun; index++) {
    const bit = bits.take(1)
    if (bit === 1 && last === 1) return bits.overrun ? null : value
    value += bit * here
    last = bit
    ;[here, next] = [next, here + next]
  }
  return null
}

const readSectionIds = (header: string): readonly number[] | null => {
  const bits = readBits(header)
  // Type 3 is a GPP header, and 1 its only version.
  if (bits === null || bits.take(6) !== 3 || bits.take(6) !== 1) return null
  const ids: number[] = []
  let offset = 0
  for (let entries = bits.take(12); entries > 0; entries--) {
    const isRange = bits.take(1) === 1
    const first = takeFibonacci(bits)
    const further = isRange ? takeFibonacci(bits) : 0
    if (first === null || further === null) return null
    for (let id = offset + first; id <= offset + first + further; id++) ids.push(id)
    offset += first + further
    if (ids.length > maxSections) return null
  }
  return bits.overrun ? null : ids
}

/** Section id to its text; `null` when it is no GPP string. Never throws. */
export const readGppSections = (text: string): ReadonlyMap<number, string> | null => {
  const [header = '', ...sections] = text.split('~', maxSections + 2)
  const ids = readSectionIds(header)
  if (ids === null || ids.length !== sections.length || new Set(ids).size !== ids.length) return null
  return new Map(ids.map((id, index) => [id, sections[index] ?? '']))
}

interface UsLayout {
  readonly name: string
  /** The bit at which the objections begin (to sale, to sharing, to targeted advertising, as far as the law has them). */
  readonly at: number
  readonly objections: 2 | 3
  /** Bits of the whole core, in the shortest version there is. */
  readonly coreBits: number
  readonly gpc: boolean
}

const layout = (
  name: string,
  at: number,
  coreBits: number,
  gpc: boolean,
  objections: 2 | 3 = 2,
): UsLayout => ({
  name,
  at,
  objections,
  coreBits,
  gpc,
})

/** By section id (InteractiveAdvertisingBureau/Global-Privacy-Platform, `Sections/`). */
const usLayouts: ReadonlyMap<number, UsLayout> = new Map([
  [7, layout('usnat', 18, 60, true, 3)],
  [8, layout('usca', 12, 46, true)],
  [9, layout('usva', 12, 40, false)],
  [10, layout('usco', 12, 38, true)],
  [11, layout('usut', 14, 42, false)],
  [12, layout('usct', 12, 44, true)],
  [13, layout('usfl', 12, 46, false)],
  [14, layout('usmt', 12, 46, true)],
  [15, layout('usor', 12, 52, true)],
  [16, layout('ustx', 12, 42, true)],
  [17, layout('usde', 12, 52, true)],
  [18, layout('usia', 14, 42, true)],
  [19, layout('usne', 12, 42, true)],
  [20, layout('usnh', 12, 46, true)],
  [21, layout('usnj', 12, 54, true)],
  [22, layout('ustn', 12, 42, true)],
  [23, layout('usmn', 12, 42, true)],
  [24, layout('usmd', 16, 22, true)],
  [25, layout('usin', 16, 24, false)],
  [26, layout('usky', 16, 24, false)],
  [27, layout('usri', 16, 24, false)],
])

export const isUsSection = (id: number): boolean => usLayouts.has(id)

export interface UsSection {
  readonly name: string
  /** Of each objection: 0 not applicable, 1 objected, 2 did not; 3 means nothing. */
  readonly objections: readonly number[]
  readonly gpc: boolean
}

/** `null` when it is not whole. Never throws. */
export const readUsSection = (id: number, text: string): UsSection | null => {
  const form = usLayouts.get(id)
  const [core = '', ...more] = text.split('.', 4)
  const bits = readBits(core)
  if (form === undefined || bits === null) return null
  const version = bits.take(6)
  bits.skip(form.at - 6)
  const objections = Array.from({ length: form.objections }, () => bits.take(2))
  bits.skip(form.coreBits - form.at - 2 * form.objections)
  if (bits.overrun || version < 1 || version > 2) return null

  let gpc = false
  for (const segment of form.gpc ? more : []) {
    const further = readBits(segment)
    if (further === null) return null
    // Type 1 is Global Privacy Control.
    if (further.take(2) === 1) gpc ||= further.take(1) === 1
    if (further.overrun) return null
  }
  return { name: form.name, objections, gpc }
}
