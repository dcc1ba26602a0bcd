/** What the walk keeps for the parser: a small document of the marked elements, their nesting and their text. */
import type { RawAttribute } from './attributes.ts'

/** Elements are renamed, because a parser would apply rules of nesting to names whose neighbours were left out. */
export const prefix = 'x-'
/** Name of the element that stands where text was cut. */
export const cut = 'cut'
const seam = '\u001f'

const wanted: ReadonlySet<string> = new Set(
  'itemprop itemscope itemtype itemid content value href src datetime property typeof name rel resource about charset'.split(
    ' ',
  ),
)
const longestValue = 4096
const mostAttributes = 16

const LT = 0x3c
const DOUBLE = 0x22
const SINGLE = 0x27
const SEAM = 0x1f
const BLANK = 0x20

export interface RemainderLimits {
  readonly bytes: number
  readonly elements: number
}

export const createRemainder = (source: Buffer, limits: RemainderLimits) => {
  let out: Buffer = Buffer.allocUnsafe(8192)
  let size = 0
  let elements = 0
  let truncated = false

  // The limit is asked when an element opens, and never inside it: half a value is a wrong value.
  const makeRoom = (more: number): void => {
    if (size + more <= out.length) return
    const grown = Buffer.allocUnsafe(Math.max(size + more, out.length * 2))
    out.copy(grown, 0, 0, size)
    out = grown
  }
  const ascii = (text: string): void => {
    makeRoom(text.length)
    size += out.write(text, size, 'latin1')
  }
  const bytes = (from: number, to: number): void => {
    makeRoom(to - from)
    size += source.copy(out, size, from, to)
  }

  const keepAttribute = ({ name, from, to }: RawAttribute): void => {
    const end = Math.min(to, from + longestValue)
    const value = source.subarray(from, end)
    // An unquoted value may hold one kind of quote; both kinds are nobody's price.
    const quote = value.includes(DOUBLE) ? "'" : '"'
    if (quote === "'" && value.includes(SINGLE)) return
    ascii(` ${name}=${quote}`)
    bytes(from, end)
    ascii(quote)
  }

  return {
    get truncated(): boolean {
      return truncated
    },
    /** Whether an element was kept at all; a caller that is refused does not open it either. */
    open(name: string, attributes: readonly RawAttribute[]): boolean {
      truncated ||= elements >= limits.elements || size >= limits.bytes
      if (truncated) return false
      elements += 1
      ascii(`<${prefix}${name}`)
      for (const attribute of attributes.filter((one) => wanted.has(one.name)).slice(0, mostAttributes)) {
        keepAttribute(attribute)
      }
      ascii('>')
      return true
    },
    close(name: string): void {
      ascii(`</${prefix}${name}>`)
    },
    text(from: number, to: number): void {
      const start = size
      bytes(from, to)
      // A `<` in text is text; the parser is not asked again.
      for (let at = out.indexOf(LT, start); at >= 0 && at < size; at = out.indexOf(LT, at)) out[at] = BLANK
    },
    /** Marks where an element that was left out parted the text. */
    seam(): void {
      if (out[size - 1] !== SEAM) ascii(seam)
    },
    /** Marks that text is missing here: what is left of it must not be taken for a value. */
    cut(): void {
      ascii(`<${prefix}${cut}></${prefix}${cut}>`)
    },
    bytes: (): Buffer => out.subarray(0, size),
  }
}
export type Remainder = ReturnType<typeof createRemainder>
