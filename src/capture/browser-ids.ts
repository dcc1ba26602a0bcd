import type { BrowserIds, ClickId, GaSession } from '../event/click-ids.ts'
import type { CookieJar } from './cookies.ts'
import { cleanIdentifier, isAbsent, isPlausibleTime } from './identifier.ts'
import { settledFbp } from './identity/fbp.ts'
import { browserCookies, readBrowserCookie, readKept, type KeptBrowserId } from './identity/kept-cookie.ts'
import { nextFbc, parseMetaCookie } from './meta-cookie.ts'

/** The ids by which the platforms' own tags know a browser, read from their cookies. */

/**
 * The client id of `_ga` (`GA1.<depth>.<random>.<first visit>`): its last two parts. A value of another make counts when
 * both of them are numbers, which those of an AMP or custom id are not.
 */
export const parseGaClientId = (text: string): string | null => {
  const shape = /^GA\d/.test(text)
    ? /^GA\d+\.\d+(?:-\d+)?\.(\d{1,20}\.\d{1,20})$/
    : /(?:^|\.)(\d{1,20}\.\d{1,20})$/
  return shape.exec(text.slice(0, 256))?.[1] ?? null
}

const visitMs = 30 * 60_000
const attributionMs = 24 * 3_600_000

/**
 * The visit in a `_ga_<ID>` cookie, written as `GS1.<depth>.<start>.<number>.<engaged>.<last hit>.…` until May 2025 and as
 * `GS2.<depth>.s<start>$o<number>$t<last hit>…`, in any order, since. `null` when there is none, or when it is over for so
 * long that GA4 attributes nothing to it any more: 24 hours after its start, unless hits of the last 30 minutes keep it.
 */
export const parseGaSession = (text: string, now: number): GaSession | null => {
  const [version, , ...rest] = text.slice(0, 512).split('.')
  const items = new Map<string, string>()
  if (version === 'GS1') {
    for (const [index, key] of [[0, 's'] as const, [1, 'o'] as const, [3, 't'] as const]) {
      items.set(key, rest[index] ?? '')
    }
  } else if (version === 'GS2') {
    for (const item of rest.join('.').split('$')) items.set(item.slice(0, 1), item.slice(1))
  }

  const id = items.get('s') ?? ''
  const startedAt = Number(id) * 1000
  if (!/^\d{10,11}$/.test(id) || !isPlausibleTime(startedAt, now)) return null
  const number = /^\d{1,9}$/.test(items.get('o') ?? '') ? Number(items.get('o')) : null
  const lastHitAt = /^\d{10,11}$/.test(items.get('t') ?? '') ? Number(items.get('t')) : null
  const goesOn =
    lastHitAt !== null && isPlausibleTime(lastHitAt * 1000, now) && now - lastHitAt * 1000 <= visitMs
  if (!goesOn && now - startedAt > attributionMs) return null
  return { id, ...(number === null ? {} : { number }), ...(lastHitAt === null ? {} : { lastHitAt }) }
}

const firstOf = <T>(texts: readonly string[], parse: (text: string) => T | null): T | null => {
  for (const text of texts) {
    const found = parse(text)
    if (found !== null) return found
  }
  return null
}

const readGaSessions = (jar: CookieJar, now: number): Record<string, GaSession> | null => {
  const sessions: [string, GaSession][] = []
  for (const name of jar.names()) {
    const id = /^_ga_([A-Z0-9]{1,20})$/.exec(name)?.[1]
    if (id === undefined) continue
    const session = firstOf(jar.decoded(name), (text) => parseGaSession(text, now))
    if (session !== null) sessions.push([id, session])
  }
  return sessions.length === 0 ? null : Object.fromEntries(sessions)
}

/** Of several copies the one that holds the click id, else the newest. */
const readFbc = (jar: CookieJar, fbclid: string | undefined): string | null => {
  const cookies = jar.decoded('_fbc').flatMap((text) => {
    const cookie = parseMetaCookie(text)
    return cookie === null || isAbsent(cookie.payload) ? [] : [cookie]
  })
  const kept = cookies.find(({ payload }) => payload === fbclid)
  return (kept ?? cookies.sort((a, b) => b.createdAt - a.createdAt)[0])?.value ?? null
}

export interface BrowserIdInput {
  readonly jar: CookieJar
  /** The visit's click id of Meta's, if it has one. */
  readonly fbclid: ClickId | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Of the domain that `_fbc` is set on; 1 where it is set on none (developers.facebook.com, fbp and fbc parameters). */
  readonly subdomainIndex?: number
}

/**
 * Reads every browser id that the request carries; never throws. Meta wants its click id as an `fbc`, and a new one replaces
 * the cookie's. None is ever made up for a visitor without one.
 */
export const readBrowserIds = ({ jar, fbclid, now, subdomainIndex = 1 }: BrowserIdInput): BrowserIds => {
  const existing = readFbc(jar, fbclid?.value)
  const fbc =
    fbclid === undefined ? existing : nextFbc(existing, fbclid.value, fbclid.seenAt ?? now, subdomainIndex)
  const kept = readKept(jar, now)
  const remembered: Readonly<Record<KeptBrowserId, string | null>> = {
    fbp: settledFbp(kept, now),
    ttp: kept?.ids.get('ttp')?.value ?? null,
    scid: kept?.ids.get('scid')?.value ?? null,
  }
  const tagged = Object.fromEntries(
    browserCookies.flatMap((cookie) => {
      const id = readBrowserCookie(jar, cookie) ?? remembered[cookie.name]
      return id === null ? [] : [[cookie.name, id]]
    }),
  )
  const gaClientId = firstOf(jar.decoded('_ga'), parseGaClientId)
  const gaSessions = readGaSessions(jar, now)
  const rdtUuid = firstOf(jar.decoded('_rdt_uuid'), cleanIdentifier)
  return {
    ...tagged,
    ...(fbc === null ? {} : { fbc }),
    ...(gaClientId === null ? {} : { gaClientId }),
    ...(gaSessions === null ? {} : { gaSessions }),
    ...(rdtUuid === null ? {} : { rdtUuid }),
  }
}
