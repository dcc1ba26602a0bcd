/** Pages in UTF-16: the only encoding of the web, beside one of Japan, in which `<` is not the byte 0x3c. */

export type Wide = 'utf-16le' | 'utf-16be'

/** No character that markup is made of. */
const other = 0x80

/** One byte for each code unit, in whatever pieces the page comes: ASCII as it is, all else as one byte that is none. */
export const wide = (label: Wide): ((bytes: Uint8Array) => Buffer) => {
  let half: number | null = null
  return (bytes) => {
    const units = Buffer.alloc((bytes.length + (half === null ? 0 : 1)) >> 1)
    let count = 0
    for (const byte of bytes) {
      if (half === null) {
        half = byte
        continue
      }
      const unit = label === 'utf-16le' ? (byte << 8) | half : (half << 8) | byte
      units[count++] = unit < other ? unit : other
      half = null
    }
    return units
  }
}

export const encodeWide = (text: string, label: Wide): Buffer => {
  const bytes = Buffer.from(text, 'utf16le')
  return label === 'utf-16le' ? bytes : bytes.swap16()
}
