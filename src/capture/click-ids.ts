import { clickIdNames, type ClickId, type ClickIdName, type ClickIds } from '../event/click-ids.ts'
import { decodePercent, type CookieJar } from './cookies.ts'
import { cleanIdentifier, isPlausibleTime } from './identifier.ts'
import { clickCookies, type FoundClick } from './identity/click-cookies.ts'
import { readKept } from './identity/kept-cookie.ts'

/**
 * The click ids of a visit: from its address, else from our own cookie and the platforms', at last from the referrer. That one
 * is the landing page where a visitor answers the consent banner there and goes on: the landing's own request had no consent.
 */

const isClickIdName = (name: string): name is ClickIdName =>
  (clickIdNames as readonly string[]).includes(name)

/**
 * The click ids of a query string without its `?`. Not by URLSearchParams, which makes blanks of the `+` that click ids
 * contain. The first usable value of a repeated parameter counts.
 */
const fromQuery = (query: string): ReadonlyMap<ClickIdName, string> => {
  const ids = new Map<ClickIdName, string>()
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    if (equals < 0) continue
    const written = pair.slice(0, equals)
    // Snapchat writes `ScCid`; sites and redirects spell it as they like.
    const name = written.toLowerCase() === 'sccid' ? 'sccid' : written
    if (!isClickIdName(name) || ids.has(name)) continue
    const text = pair.slice(equals + 1)
    const value = cleanIdentifier(decodePercent(text) ?? text)
    if (value !== null) ids.set(name, value)
  }
  return ids
}

const toClickId = (value: string, seenAt: number | null): ClickId =>
  seenAt === null ? { value } : { value, seenAt }

/** The same click, seen twice: it is as old as the older of its times. */
const earlier = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)

const fromCookies = (jar: CookieJar, now: number): ReadonlyMap<ClickIdName, FoundClick> => {
  const ids = new Map<ClickIdName, FoundClick>()
  const add = (name: ClickIdName, value: string, seenAt: number | null): void => {
    const other = ids.get(name)
    if (other?.value === value) ids.set(name, { value, seenAt: earlier(other.seenAt, seenAt) })
    else if (other === undefined || (seenAt ?? 0) > (other.seenAt ?? 0)) ids.set(name, { value, seenAt })
  }
  for (const [name, { value, at }] of readKept(jar, now)?.ids ?? [])
    if (isClickIdName(name)) add(name, value, at)
  for (const { id, cookie, read } of clickCookies) {
    for (const text of jar.decoded(cookie)) {
      const found = read(text)
      const value = found === null ? null : cleanIdentifier(found.value)
      if (found === null || value === null) continue
      add(id, value, found.seenAt !== null && isPlausibleTime(found.seenAt, now) ? found.seenAt : null)
    }
  }
  return ids
}

export interface ClickIdInput {
  /** The query of the visited address, without its `?`. */
  readonly query: string
  readonly jar: CookieJar
  readonly referrer: string | undefined
  /** The host visited, in lower case, without port: a referrer at it is a page of the site. */
  readonly host: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Reads every click id that the request carries. Never throws. */
export const readClickIds = ({ query, jar, referrer, host, now }: ClickIdInput): ClickIds => {
  const ids: Partial<Record<ClickIdName, ClickId>> = {}
  const kept = fromCookies(jar, now)
  for (const [name, { value, seenAt }] of kept) ids[name] = toClickId(value, seenAt)
  for (const [name, value] of fromQuery(query)) {
    const known = kept.get(name)
    // A landing page opened again: the click is as old as the cookie that holds it.
    ids[name] = { value, seenAt: (known?.value === value ? known.seenAt : null) ?? now }
  }
  const before = referrer === undefined ? null : URL.parse(referrer)
  for (const [name, value] of fromQuery(before?.search.slice(1) ?? '')) {
    // Of another site's address only what Meta's own tags take from there: the rest was a click to that site.
    if (ids[name] === undefined && (name === 'fbclid' || before?.hostname === host))
      ids[name] = { value, seenAt: now }
  }
  return ids
}
