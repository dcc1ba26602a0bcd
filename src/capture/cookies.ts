import { headerValues } from './headers.ts'

/** The cookies of one request. Nothing here decides; hostile input costs at most the caps below. */
export interface CookieJar {
  /**
   * Every copy of a cookie in the order sent, one pair of double quotes taken off, else untouched. A browser sends a name
   * twice when it is set for both host and domain, or for two paths.
   */
  all(name: string): readonly string[]
  /** Every copy, percent-decoded, or as it came where that fails. */
  decoded(name: string): readonly string[]
  /** The first of `decoded`. */
  get(name: string): string | undefined
  names(): IterableIterator<string>
  /** A cap cut the header short: a copy that says no may be missing, so nothing read here may grant consent. */
  readonly truncated: boolean
}

const maxBytes = 16 * 1024
const maxPairs = 200

/** `null` when the text is no valid percent-encoding of UTF-8. */
export const decodePercent = (text: string): string | null => {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

const unquote = (value: string): string =>
  value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value

/** Reads all `Cookie` headers (HTTP/2 may split them, RFC 9113 section 8.2.3), up to 16 KiB and 200 pairs in all. */
export const readCookies = (rawHeaders: readonly string[]): CookieJar => {
  // A Map, because `__proto__` is a cookie name like any other.
  const copies = new Map<string, string[]>()
  let bytes = 0
  let pairs = 0
  let truncated = false

  const add = (pair: string): void => {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals).trim()
    if (equals < 0 || name === '') return
    const value = unquote(pair.slice(equals + 1).trim())
    const known = copies.get(name)
    if (known === undefined) copies.set(name, [value])
    else known.push(value)
  }

  for (const header of headerValues(rawHeaders, 'cookie')) {
    let start = 0
    while (start < header.length && !truncated) {
      const semicolon = header.indexOf(';', start)
      const end = semicolon < 0 ? header.length : semicolon
      bytes += end - start + 1
      pairs += 1
      truncated = bytes > maxBytes || pairs > maxPairs
      if (!truncated) add(header.slice(start, end))
      start = end + 1
    }
  }

  const decoded = (name: string): readonly string[] =>
    (copies.get(name) ?? []).map((value) => decodePercent(value) ?? value)

  return {
    all: (name) => copies.get(name) ?? [],
    decoded,
    get: (name) => decoded(name)[0],
    names: () => copies.keys(),
    truncated,
  }
}
