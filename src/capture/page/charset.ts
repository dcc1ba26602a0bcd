/** Which encoding the bytes of a page are in, by the order of the WHATWG: byte order mark, header, declaration. */

export interface Charset {
  /** A label that `TextDecoder` knows. */
  readonly label: string
  /** Bytes of the byte order mark, to be skipped. */
  readonly skip: number
  /** Whether anything said so, or it is only the last resort. */
  readonly declared: boolean
}

const prescan = 4096

const canonical = (label: string): string | null => {
  try {
    return new TextDecoder(label.trim()).encoding
  } catch {
    return null
  }
}

const byteOrderMark = (bytes: Uint8Array): Charset | null => {
  const [first, second, third] = bytes
  if (first === 0xef && second === 0xbb && third === 0xbf) return { label: 'utf-8', skip: 3, declared: true }
  if (first === 0xff && second === 0xfe) return { label: 'utf-16le', skip: 2, declared: true }
  if (first === 0xfe && second === 0xff) return { label: 'utf-16be', skip: 2, declared: true }
  return null
}

/**
 * The encoding that the first meta tag to name one names. Also asked of a walked page's remainder: a browser, too, starts
 * over when a declaration comes late.
 */
export const declaredCharset = (bytes: Uint8Array, limit = 65_536): string | null => {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, limit)).toString(
    'latin1',
  )
  for (const [tag] of head.replace(/<!--[^]*?(?:-->|$)/g, '').matchAll(/<(?:x-)?meta[\s/][^>]*/gi)) {
    const named = /charset\s*=\s*["']?\s*([\w:.-]+)/i.exec(tag)?.[1]
    const label = named === undefined ? null : canonical(named)
    // A declaration that could be read as ASCII cannot be UTF-16 (HTML, "prescan a byte stream").
    if (label !== null) return label.startsWith('utf-16') ? 'utf-8' : label
  }
  return null
}

/** `header`: the `charset` of the Content-Type, if any. Unknown labels count as absent; the last resort is UTF-8. */
export const detectCharset = (bytes: Uint8Array, header: string | null): Charset => {
  const marked = byteOrderMark(bytes)
  if (marked !== null) return marked
  const label = (header === null ? null : canonical(header)) ?? declaredCharset(bytes, prescan)
  return { label: label ?? 'utf-8', skip: 0, declared: label !== null }
}

/** Whether `<` in these bytes is always a `<`; the walker needs that, other encodings are converted first. */
export const isAsciiCompatible = (label: string): boolean =>
  !label.startsWith('utf-16') && label !== 'iso-2022-jp'

/** Decodes in pieces, so that the caller can let the event loop breathe between them. Malformed bytes become U+FFFD. */
export function* decodeInPieces(bytes: Uint8Array, label: string, pieceBytes: number): Generator<string> {
  const decoder = new TextDecoder(label)
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    yield decoder.decode(bytes.subarray(at, at + pieceBytes), { stream: true })
  }
  yield decoder.decode()
}
