/**
 * Bit fields of the IAB's strings, in web-safe base64 without padding. Read by hand, because the IAB's own libraries expand
 * every range of ids that a string names, however long it says it is: eleven characters end the process of one of them.
 */

export interface BitCursor {
  /** The next `width` bits (at most 24) as a number; 0 beyond the end. */
  take(width: number): number
  skip(width: number): void
  /** Whether the bit `ahead` places further is set, without moving. */
  peek(ahead: number): boolean
  /** More was asked for than there is: what was read since is worth nothing. */
  readonly overrun: boolean
}

const alphabet = /^[A-Za-z0-9_-]+$/

/** `null` when the text is no web-safe base64. */
export const readBits = (text: string): BitCursor | null => {
  if (!alphabet.test(text)) return null
  const length = text.length * 6
  // A length that is not a multiple of four leaves bits over, which the decoder would drop.
  const bytes = Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4, 'A'), 'base64url')
  let position = 0

  const bit = (at: number): number => (at < length ? ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1 : 0)
  return {
    take: (width) => {
      let value = 0
      for (let index = 0; index < width; index++) value = value * 2 + bit(position + index)
      position += width
      return value
    },
    skip: (width) => {
      position += width
    },
    peek: (ahead) => bit(position + ahead) === 1,
    get overrun() {
      return position > length
    },
  }
}
