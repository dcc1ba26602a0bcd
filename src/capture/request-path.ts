/** A longer path matches no rule; it is forwarded all the same. */
export const maxPathLength = 8192

/** Path and query of a request target in origin form, both as they came; the query without its `?`. */
export const splitTarget = (target: string): { readonly path: string; readonly query: string } => {
  const mark = target.indexOf('?')
  return mark < 0
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

const unusual = /%|\/\/|\/\.|[^\x21-\x7e]/
const unreserved = /[A-Za-z0-9._~-]/

const hex = (code: number): string => `%${code.toString(16).toUpperCase().padStart(2, '0')}`

/**
 * Percent-encoding in its one normal spelling (RFC 3986, 6.2.2): unreserved characters plain, all other triplets in
 * upper case. A `%` that starts no triplet is encoded, lest it start one afterwards. What is no ASCII is taken for the bytes Node hands over as Latin-1, and encoded.
 */
const normalEscapes = (path: string): string =>
  path.replace(/%([0-9a-f]{2})|%|[^\x21-\x7e]/gi, (found, digits: string | undefined) => {
    if (digits === undefined) return hex(found.charCodeAt(0) & 0xff)
    const character = String.fromCharCode(Number.parseInt(digits, 16))
    return unreserved.test(character) ? character : found.toUpperCase()
  })

/** Dot segments by RFC 3986, 5.2.4, on a path whose slashes are single. */
const withoutDots = (path: string): string => {
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
  }
  const last = segments.at(-1)
  const open = last === '.' || last === '..'
  return `/${kept.join('/')}${open && kept.length > 0 ? '/' : ''}`
}

/**
 * The form of a path that rules are matched on. In this order: percent-encoded unreserved characters are decoded and
 * other triplets put in upper case, runs of `/` become one, dot segments are resolved. Case and a trailing slash stay;
 * the query is no part of it. `null` where nothing can match: a target that is no path, or one too long.
 */
export const normalPath = (path: string): string | null => {
  if (path.length > maxPathLength || !path.startsWith('/')) return null
  if (!unusual.test(path)) return path
  const plain = normalEscapes(path).replace(/\/{2,}/g, '/')
  const folded = plain.includes('/.') ? withoutDots(plain) : plain
  return folded.length > maxPathLength ? null : folded
}

/** A host as rules name it: lower case, without port and without the root's dot. */
export const normalHost = (host: string): string =>
  host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/(?<=[^.])\.$/, '')
