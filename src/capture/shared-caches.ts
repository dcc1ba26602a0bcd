import { headerList, headerValue, headerValues } from './headers.ts'

/**
 * Whether a cache between us and the visitors may keep an answer and hand it to others: then a cookie in it would make one
 * visitor of them all, and the id of an event one event of all their visits. Fields of RFC 9111 and RFC 9213, and what CDNs read beside them. In doubt it may.
 */

export interface CachingRead {
  /** The field by which a shared cache may keep it; `null`: none may, or none has been asked to. */
  readonly keptBy: string | null
  /** Nothing forbids it, either: it must be marked before it may carry what is one visitor's own. */
  readonly unmarked: boolean
}

/** The mark, for an answer that is {@link CachingRead.unmarked}. */
export const onePersons = ['Cache-Control', 'private'] as const

type Directives = ReadonlyMap<string, string | null>

/** Longer fields are nobody's, and not worth the time. */
const longestField = 4096

/** `null` when it cannot be read for certain. */
const readDirectives = (values: readonly string[]): Directives | null => {
  const text = values.join(',')
  if (text.length > longestField) return null
  const directives = new Map<string, string | null>()
  const member = /([^\s=,;"]+)(?:\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,;"]*))?\s*(?:[,;]|$)|[\s,;]+|(.)/gsy
  for (const [, name, value, stray] of text.matchAll(member)) {
    if (stray !== undefined) return null
    if (name === undefined) continue
    const key = name.toLowerCase()
    const said = value?.replaceAll('"', '') ?? null
    directives.set(key, !directives.has(key) || directives.get(key) === said ? said : 'several')
  }
  return directives
}

/** `private="set-cookie"` speaks of that field alone. */
const has = (directives: Directives, name: string): boolean => directives.get(name) === null

/** What cannot be read as a number of seconds counts as many. */
const lasts = (directives: Directives, name: string): boolean =>
  directives.has(name) && !/^0+$/.test(directives.get(name) ?? '')

/** Directives for CDNs alone, which override `Cache-Control` there (RFC 9213 section 2.2, W3C Edge Architecture). */
const forCdns = /(?:^|-)cdn-cache-control$|^(?:surrogate-control|edge-control|x-litespeed-cache-control)$/

/** Labels by which a CDN is told later to drop a page: it is meant to have it. */
const purgeLabels = new Set([
  'surrogate-key',
  'cache-tag',
  'edge-cache-tag',
  'xkey',
  'x-cache-tags',
  'x-magento-tags',
])

const cdnKeeps = (rawHeaders: readonly string[]): string | null => {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    if (name === 'x-accel-expires' && rawHeaders[index + 1]?.trim() !== '0') return name
    if (!forCdns.test(name)) continue
    const directives = readDirectives([rawHeaders[index + 1] ?? ''])
    const forbidden = directives !== null && (has(directives, 'no-store') || has(directives, 'private'))
    if (!forbidden || directives.has('public')) return name
  }
  return null
}

/** Only where `Cache-Control` does not say how long (RFC 9111 section 5.3); an invalid date is past. */
const expiresLater = (rawHeaders: readonly string[], now: number): boolean =>
  headerValues(rawHeaders, 'expires').some((text) => {
    const sent = Date.parse(headerValue(rawHeaders, 'date') ?? '')
    return Date.parse(text) > (Number.isNaN(sent) ? now : Math.min(sent, now))
  })

/** `now` in milliseconds since the epoch. */
export const readCaching = (rawHeaders: readonly string[], now: number): CachingRead => {
  const kept = (keptBy: string): CachingRead => ({ keptBy, unmarked: false })
  const cdn = cdnKeeps(rawHeaders)
  if (cdn !== null) return kept(cdn)

  const directives = readDirectives(headerValues(rawHeaders, 'cache-control'))
  if (directives === null) return kept('cache-control')
  if (directives.has('public')) return kept('cache-control: public')
  if (has(directives, 'no-store') || has(directives, 'private')) return { keptBy: null, unmarked: false }

  for (const name of ['s-maxage', 'max-age', 'stale-while-revalidate', 'stale-if-error'])
    if (lasts(directives, name)) return kept(`cache-control: ${name}`)
  if (!directives.has('max-age') && !directives.has('s-maxage') && expiresLater(rawHeaders, now))
    return kept('expires')
  const label = rawHeaders.find(
    (name, index) =>
      index % 2 === 0 &&
      purgeLabels.has(name.toLowerCase()) &&
      headerList(rawHeaders, name.toLowerCase()).length > 0,
  )
  return label === undefined ? { keptBy: null, unmarked: true } : kept(label.toLowerCase())
}
