import { clickIdNames, type ClickId, type ClickIdName, type ClickIds } from '../event/click-ids.ts'
import { decodePercent, type CookieJar } from './cookies.ts'
import { cleanIdentifier, isPlausibleTime } from './identifier.ts'
import { parseMetaCookie } from './meta-cookie.ts'

/** The click ids of a visit: from its address, else from the platforms' cookies, and `fbclid` from the referrer at last. */

interface Found {
  readonly value: string
  readonly seenAt: number | null
}

type Parse = (text: string) => Found | null

const plain: Parse = (text) => ({ value: text, seenAt: null })

/**
 * Google's conversion linker writes `GCL.<seconds>.<id>` or, newer, `2.1.k<id>$i<seconds>`, whose items come in any order
 * (undocumented; real cookies in public code, read 2026-11-20).
 */
const linker: Parse = (text) => {
  const older = /^GCL\.(\d{1,12})\.(.+)$/s.exec(text)
  if (older !== null) return { value: older[2] ?? '', seenAt: Number(older[1]) * 1000 }
  const newer = /^2\.\d{1,4}\.(.+)$/s.exec(text)
  const items = new Map((newer?.[1] ?? '').split('$').map((item) => [item.slice(0, 1), item.slice(1)]))
  const id = items.get('k')
  const seconds = items.get('i') ?? ''
  if (id === undefined) return null
  return { value: id, seenAt: /^\d{1,12}$/.test(seconds) ? Number(seconds) * 1000 : null }
}

/** `_twclid` is JSON when X's pixel wrote it and the bare id when a server did. */
const twclid: Parse = (text) => {
  if (!text.startsWith('{')) return plain(text)
  try {
    const cookie: { twclid?: unknown; timestamp?: unknown } = Object(JSON.parse(text))
    if (typeof cookie.twclid !== 'string') return null
    return {
      value: cookie.twclid,
      seenAt: typeof cookie.timestamp === 'number' ? cookie.timestamp : null,
    }
  } catch {
    return null
  }
}

const fbc: Parse = (text) => {
  const cookie = parseMetaCookie(text)
  return cookie === null ? null : { value: cookie.payload, seenAt: cookie.createdAt }
}

/** Microsoft's tag puts `_uet` before the id. */
const uet: Parse = (text) => plain(text.replace(/^_uet/, ''))

/**
 * Of several cookies for one id the newest click stands; without times, the first of this list. That `gb` holds wbraid and
 * `ag` gbraid is counter-intuitive, and so.
 */
const cookieSources: readonly (readonly [ClickIdName, string, Parse])[] = [
  ['fbclid', '_fbc', fbc],
  ['gclid', 'FPGCLAW', linker],
  ['gclid', '_gcl_aw', linker],
  ['wbraid', 'FPGCLGB', linker],
  ['wbraid', '_gcl_gb', linker],
  ['gbraid', 'FPGCLAG', linker],
  ['gbraid', '_gcl_ag', linker],
  ['dclid', '_gcl_dc', linker],
  ['ttclid', 'ttclid', plain],
  ['sccid', '_scclid', plain],
  ['sccid', 'ScCid', plain],
  ['epik', '_epik', plain],
  ['twclid', '_twclid', twclid],
  ['twclid', 'twclid', twclid],
  ['li_fat_id', 'li_fat_id', plain],
  ['rdt_cid', '_rdt_cid', plain],
  ['msclkid', '_uetmsclkid', uet],
]

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

const fromCookies = (jar: CookieJar, now: number): ReadonlyMap<ClickIdName, Found> => {
  const ids = new Map<ClickIdName, Found>()
  for (const [name, cookie, parse] of cookieSources) {
    for (const text of jar.decoded(cookie)) {
      const found = parse(text)
      const value = found === null ? null : cleanIdentifier(found.value)
      if (found === null || value === null) continue
      const seenAt = found.seenAt !== null && isPlausibleTime(found.seenAt, now) ? found.seenAt : null
      const other = ids.get(name)
      if (other === undefined || (seenAt ?? 0) > (other.seenAt ?? 0)) ids.set(name, { value, seenAt })
    }
  }
  return ids
}

export interface ClickIdInput {
  /** The query of the visited address, without its `?`. */
  readonly query: string
  readonly jar: CookieJar
  readonly referrer: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Reads every click id that the request carries. Never throws. */
export const readClickIds = ({ query, jar, referrer, now }: ClickIdInput): ClickIds => {
  const ids: Partial<Record<ClickIdName, ClickId>> = {}
  const kept = fromCookies(jar, now)
  for (const [name, { value, seenAt }] of kept) ids[name] = toClickId(value, seenAt)
  for (const [name, value] of fromQuery(query)) {
    const known = kept.get(name)
    // A landing page opened again: the click is as old as the cookie that holds it.
    ids[name] = { value, seenAt: (known?.value === value ? known.seenAt : null) ?? now }
  }
  if (ids.fbclid === undefined && referrer !== undefined) {
    const search = URL.parse(referrer)?.search.slice(1)
    const value = search === undefined ? undefined : fromQuery(search).get('fbclid')
    if (value !== undefined) ids.fbclid = { value, seenAt: now }
  }
  return ids
}
