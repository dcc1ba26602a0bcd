import { permits } from '../../event/consent.ts'
import type { CookieJar } from '../cookies.ts'
import { isPlausibleTime } from '../identifier.ts'
import type { Visit } from '../visit.ts'
import { clickCookies, escapePercent } from './click-cookies.ts'
import { newFbp, settledFbp } from './fbp.ts'
import {
  browserCookies,
  keptCookie,
  keptText,
  readBrowserCookie,
  readKept,
  writeKept,
  type Kept,
  type KeptBrowserId,
  type KeptId,
  type KeptName,
} from './kept-cookie.ts'
import { cookieScope, type CookieScope } from './scope.ts'
import { defaultMaxAgeDays, type IdentitySettings } from './settings.ts'

/** Which cookies this visitor is to have that the request does not show: a function from values to a value. */

export interface PlannedCookie {
  readonly name: string
  /** The whole value of a `Set-Cookie` field. */
  readonly field: string
}

export interface PlanOptions {
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** The answer comes too late to propose an `_fbp`; see `fbp.ts`. */
  readonly late: boolean
}

const dayMs = 86_400_000

const attributesOf = (scope: CookieScope, secure: boolean, maxAgeMs: number): string =>
  [
    '; Path=/',
    ...(scope.domain === null ? [] : [`Domain=${scope.domain}`]),
    `Max-Age=${Math.floor(maxAgeMs / 1000)}`,
    'SameSite=Lax',
    ...(secure ? ['Secure'] : []),
  ].join('; ')

/** RFC 6265 section 4.1.1, without what percent-encoding takes care of. Whatever came this far has it; nothing else leaves. */
const cookieOctets = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/
const longestCookie = 4096

const planned = (name: string, value: string, attributes: string): readonly PlannedCookie[] => {
  const field = `${name}=${value}${attributes}`
  return cookieOctets.test(value) && field.length <= longestCookie ? [{ name, field }] : []
}

/** The tag's own word, else what we remember of it. */
const browserIdOf = (
  name: KeptBrowserId,
  shown: string | null,
  kept: Kept | null,
  now: number,
): KeptId | null => {
  const known = kept?.ids.get(name) ?? null
  return shown === null || known?.value === shown ? known : { value: shown, at: now }
}

/** Every click that is not too old, with the time it was first seen: by the cookie's word, else by us. */
const clicksOf = (visit: Visit, lifeMs: number, now: number): ReadonlyMap<KeptName, KeptId> =>
  new Map(
    Object.entries(visit.clickIds).flatMap(([name, click]): [KeptName, KeptId][] => {
      const at = click.seenAt ?? now
      return isPlausibleTime(at, now) && now - at < lifeMs
        ? [[name as KeptName, { value: click.value, at }]]
        : []
    }),
  )

const withdraw = (jar: CookieJar, scope: CookieScope, secure: boolean): readonly PlannedCookie[] =>
  jar.all(keptCookie).length === 0
    ? []
    : planned(keptCookie, 'gone', `${attributesOf(scope, secure, 0)}; HttpOnly`)

/**
 * Nothing without an outright grant of marketing. Where it is denied, our own cookie goes, which no consent tool can delete
 * for being `HttpOnly`. An id that the request already shows in its platform's cookie is not set again, so that most answers
 * carry none and pages stay as they came.
 */
export const planCookies = (
  visit: Visit,
  identity: IdentitySettings,
  { random, late }: PlanOptions,
): readonly PlannedCookie[] => {
  const { cookies: jar, consent, at: now } = visit
  const scope = cookieScope(visit.host, identity.cookieDomain)
  const secure = identity.secure ?? visit.scheme === 'https'
  if (consent.marketing === 'denied') return withdraw(jar, scope, secure)
  if (!permits(consent, 'marketing')) return []

  const lifeMs = (identity.maxAgeDays ?? defaultMaxAgeDays) * dayMs
  const kept = readKept(jar, now)
  const renew = kept !== null && now - kept.writtenAt > lifeMs / 2
  const clicks = clicksOf(visit, lifeMs, now)
  const fields: PlannedCookie[] = []

  for (const { id, cookie, read, write } of clickCookies) {
    const click = clicks.get(id)
    if (click === undefined || write === undefined) continue
    if (jar.decoded(cookie).some((text) => read(text)?.value === click.value)) continue
    const value = write({
      value: click.value,
      seenAt: click.at,
      subdomainIndex: scope.subdomainIndex,
    })
    if (value !== null)
      fields.push(...planned(cookie, value, attributesOf(scope, secure, click.at + lifeMs - now)))
  }

  const ids = new Map<KeptName, KeptId>(clicks)
  let unsettled = false
  for (const browserCookie of browserCookies) {
    const { name, cookie } = browserCookie
    const shown = readBrowserCookie(jar, browserCookie)
    const id = browserIdOf(name, shown, kept, now)
    if (id === null) continue
    ids.set(name, id)
    if (name === 'fbp' && shown === null && settledFbp(kept, now) === null) unsettled = true
    else if (renew || shown === null)
      fields.push(...planned(cookie, escapePercent(id.value), attributesOf(scope, secure, lifeMs)))
  }
  if (!ids.has('fbp') && identity.fbp !== false) {
    if (late) unsettled = true
    else ids.set('fbp', { value: newFbp(scope.subdomainIndex, now, random()), at: now })
  }

  const text = keptText(ids)
  // While rivals may be under way our own cookie is theirs: to write it would bring back a proposal that has lost meanwhile,
  // or take away the one that won. The click is in its platform's cookie until then.
  if (text !== '' && (renew || text !== kept?.text) && !unsettled)
    fields.push(
      ...planned(keptCookie, writeKept(text, now), `${attributesOf(scope, secure, lifeMs)}; HttpOnly`),
    )
  return fields
}
