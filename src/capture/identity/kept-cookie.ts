import { clickIdNames, type ClickIdName } from '../../event/click-ids.ts'
import type { CookieJar } from '../cookies.ts'
import { cleanIdentifier, isPlausibleTime } from '../identifier.ts'
import { parseMetaCookie } from '../meta-cookie.ts'
import { escapePercent } from './click-cookies.ts'

/**
 * The cookie of our own, which remembers what came when; from it the platforms' cookies are set again when a browser has
 * dropped them (Safari drops after seven days what a script has written).
 *
 *     _sw_click = 1:<seconds when written>!<name>:<ms when first seen>:<value>!…
 *
 * Newest first, as many as fit. All of its characters are legal in a cookie and none but `%` needs an escape, because
 * identifiers hold neither `!` nor `:`.
 */
export const keptCookie = '_sw_click'

export type KeptBrowserId = 'fbp' | 'ttp' | 'scid'

export interface BrowserCookie {
  readonly name: KeptBrowserId
  readonly cookie: string
  /** Of the value, percent-decoded; `null` where it is no such id. */
  readonly read: (text: string) => string | null
}

const readFbp = (text: string): string | null => parseMetaCookie(text)?.value ?? null

/** Ids of a browser that its tags made: kept like a click, but for as long as the visitor comes back. */
export const browserCookies: readonly BrowserCookie[] = [
  { name: 'fbp', cookie: '_fbp', read: readFbp },
  { name: 'ttp', cookie: '_ttp', read: cleanIdentifier },
  { name: 'scid', cookie: '_scid', read: cleanIdentifier },
]

/** The first copy that holds an id. */
export const readBrowserCookie = (jar: CookieJar, { cookie, read }: BrowserCookie): string | null => {
  for (const text of jar.decoded(cookie)) {
    const id = read(text)
    if (id !== null) return id
  }
  return null
}

export type KeptName = KeptBrowserId | ClickIdName
const keptNames: readonly KeptName[] = [...browserCookies.map(({ name }) => name), ...clickIdNames]

export interface KeptId {
  readonly value: string
  /** Milliseconds since the epoch: of a click, when it was first seen; of a browser id, when it was made or found. */
  readonly at: number
}

export interface Kept {
  /** As it stands in the cookie, without the time of writing. */
  readonly text: string
  /** Milliseconds since the epoch. */
  readonly writtenAt: number
  readonly ids: ReadonlyMap<KeptName, KeptId>
}

/** A cookie with its attributes has 4 096 bytes in browsers, and all of it comes with every request for a picture. */
const maxLength = 2048

const isKeptName = (name: string): name is KeptName => (keptNames as readonly string[]).includes(name)

const readItem = (item: string, now: number): readonly [KeptName, KeptId] | null => {
  const [, name = '', time = '', text = ''] = /^([a-z_]{1,20}):(\d{13}):(.{1,500})$/s.exec(item) ?? []
  if (!isKeptName(name) || !isPlausibleTime(Number(time), now)) return null
  const value = name === 'fbp' ? readFbp(text) : cleanIdentifier(text)
  return value === null ? null : [name, { value, at: Number(time) }]
}

const parse = (text: string, now: number): Kept | null => {
  const [, seconds = '', rest = ''] = /^1:(\d{10,11})((?:![^!]+)*)$/s.exec(text) ?? []
  const writtenAt = Number(seconds) * 1000
  if (text.length > 2 * maxLength || !isPlausibleTime(writtenAt, now)) return null
  const items = rest.split('!').flatMap((item) => {
    const read = readItem(item, now)
    return read === null ? [] : [read]
  })
  return { text: rest, writtenAt, ids: new Map(items) }
}

/** The copy written last; `null` when the visitor has none that can be read. A visitor's word like every cookie. */
export const readKept = (jar: CookieJar, now: number): Kept | null => {
  let newest: Kept | null = null
  for (const text of jar.decoded(keptCookie)) {
    const kept = parse(text, now)
    if (kept !== null && (newest === null || kept.writtenAt > newest.writtenAt)) newest = kept
  }
  return newest
}

/** What {@link Kept} calls its text; ids that find no place are left out, the oldest first. */
export const keptText = (ids: ReadonlyMap<KeptName, KeptId>): string => {
  let text = ''
  const newestFirst = [...ids].sort(
    ([a, one], [b, other]) => other.at - one.at || keptNames.indexOf(a) - keptNames.indexOf(b),
  )
  for (const [name, { value, at }] of newestFirst) {
    const item = `!${name}:${at}:${value}`
    if (escapePercent(text + item).length <= maxLength) text += item
  }
  return text
}

/** As it goes on the wire. */
export const writeKept = (text: string, now: number): string =>
  escapePercent(`1:${Math.floor(now / 1000)}${text}`)
