/** The inside of a start tag, by the HTML tokenizer's rules (WHATWG 13.2.5.32 to 13.2.5.40). */

const GT = 0x3e
const SLASH = 0x2f
const EQUALS = 0x3d
const DOUBLE = 0x22
const SINGLE = 0x27

/** 1: white space. 2: `/`. 3: `>`. 4: `=`. */
const classes = new Uint8Array(256)
for (const space of [0x09, 0x0a, 0x0c, 0x0d, 0x20]) classes[space] = 1
classes[SLASH] = 2
classes[GT] = 3
classes[EQUALS] = 4

/** Unquoted bytes in one tag beyond which it is an attack, not a tag. */
const longestTag = 65_536

export const unclosed = -1
export const tooLong = -2

/** `itemprop`, `itemscope`, … or `property`, `typeof`, told by four letters; the few others that share them cost little. */
const marks = (bytes: Uint8Array, at: number): boolean => {
  const first = (bytes[at] ?? 0) | 0x20
  if (first !== 0x69 && first !== 0x70 && first !== 0x74) return false
  const second = (bytes[at + 1] ?? 0) | 0x20
  const third = (bytes[at + 2] ?? 0) | 0x20
  const fourth = (bytes[at + 3] ?? 0) | 0x20
  if (first === 0x69) return second === 0x74 && third === 0x65 && fourth === 0x6d
  if (first === 0x70) return second === 0x72 && third === 0x6f && fourth === 0x70
  return second === 0x79 && third === 0x70 && fourth === 0x65 && ((bytes[at + 4] ?? 0) | 0x20) === 0x6f
}

/**
 * Finds the end of a tag, and whether an attribute of it is of interest. `end` is behind the `>`, or `unclosed`, or
 * `tooLong`. One object is reused: this runs for every tag of every page.
 */
export const createTagScanner = (bytes: Buffer) => {
  const size = bytes.length
  const scanner = {
    marked: false,
    end(from: number): number {
      scanner.marked = false
      let limit = Math.min(size, from + longestTag)
      let at = from
      for (;;) {
        let kind = at < limit ? (classes[bytes[at] as number] as number) : -1
        while (kind === 1 || kind === 2) {
          at += 1
          kind = at < limit ? (classes[bytes[at] as number] as number) : -1
        }
        if (kind === 3) return at + 1
        if (kind === -1) return at >= size ? unclosed : tooLong
        if (!scanner.marked && marks(bytes, at)) scanner.marked = true
        // The first character is part of the name even if it is `=`.
        at += 1
        while (at < limit && classes[bytes[at] as number] === 0) at += 1
        while (at < limit && classes[bytes[at] as number] === 1) at += 1
        if (at >= limit) return at >= size ? unclosed : tooLong
        if (bytes[at] !== EQUALS) continue
        at += 1
        while (at < limit && classes[bytes[at] as number] === 1) at += 1
        if (at >= limit) return at >= size ? unclosed : tooLong
        const quote = bytes[at] as number
        if (quote === DOUBLE || quote === SINGLE) {
          const open = at
          at += 1
          const near = Math.min(size, at + 48)
          while (at < near && bytes[at] !== quote) at += 1
          if (at >= size) return unclosed
          if (bytes[at] !== quote) {
            at = bytes.indexOf(quote, at)
            if (at < 0) return unclosed
          }
          at += 1
          // What is quoted may be long (inline images) and costs little to skip.
          limit = Math.min(size, limit + at - open)
        } else {
          while (at < limit && classes[bytes[at] as number] !== 1 && bytes[at] !== GT) at += 1
        }
      }
    },
  }
  return scanner
}

export interface RawAttribute {
  /** Lower-cased. */
  readonly name: string
  readonly from: number
  readonly to: number
}

/** The attributes of a tag known to be well bounded: `from` behind the name, `to` before its `>`. */
export const readAttributes = (bytes: Buffer, from: number, to: number): readonly RawAttribute[] => {
  const found: RawAttribute[] = []
  const kindAt = (at: number): number => (at < to ? (classes[bytes[at] as number] as number) : -1)
  let at = from
  for (;;) {
    while (kindAt(at) === 1 || kindAt(at) === 2) at += 1
    if (at >= to) return found
    const nameFrom = at
    at += 1
    while (kindAt(at) === 0) at += 1
    const name = bytes.toString('latin1', nameFrom, at).toLowerCase()
    while (kindAt(at) === 1) at += 1
    let valueFrom = at
    let valueTo = at
    if (kindAt(at) === 4) {
      at += 1
      while (kindAt(at) === 1) at += 1
      const quote = bytes[at]
      if (at < to && (quote === DOUBLE || quote === SINGLE)) {
        valueFrom = at + 1
        valueTo = bytes.indexOf(quote, valueFrom)
        if (valueTo < 0 || valueTo > to) valueTo = to
        at = valueTo + 1
      } else {
        valueFrom = at
        while (at < to && kindAt(at) !== 1) at += 1
        valueTo = at
      }
    }
    found.push({ name, from: valueFrom, to: valueTo })
  }
}
