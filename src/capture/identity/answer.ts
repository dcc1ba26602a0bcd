import { permits } from '../../event/consent.ts'
import type { ResponseHead } from '../capture.ts'
import { readConsent } from '../consent-cookies/index.ts'
import { readCookies } from '../cookies.ts'
import { headerValues } from '../headers.ts'
import { isHtml } from '../qualify.ts'
import type { SiteTraffic } from '../rules.ts'
import type { Visit } from '../visit.ts'
import type { PlannedCookie } from './plan.ts'
import { onePersons, readCaching } from '../shared-caches.ts'

/** Whether an answer may carry the cookies that were planned for its visitor. */

export type CookieOutcome =
  | 'set'
  | 'status'
  | 'content_type'
  | 'cacheable'
  | 'consent_withdrawn'
  | 'set_by_origin'

export interface CookieAnswer {
  readonly outcome: CookieOutcome
  /** For people, such as `a shared cache may keep the page (cache-control: public)`. */
  readonly because: string
  /** To follow the origin's own fields: name, value, name, value, …. */
  readonly fields: readonly string[]
}

export interface CookieQuestion {
  readonly planned: readonly PlannedCookie[]
  readonly visit: Visit
  readonly site: Pick<SiteTraffic, 'consent'>
  readonly answer: ResponseHead
}

/**
 * A redirect that no cache keeps unasked (RFC 9110 sections 15.4.3, 15.4.4 and 15.4.8): landing pages often send on to
 * where the click id is no longer in the address.
 */
const redirects: ReadonlySet<number> = new Set([302, 303, 307])

/** A 204 and a 205 leave the visitor where they are; a 206 is a piece of a page. */
const isPage = (status: number): boolean => status >= 200 && status < 204

const namesIn = (fields: readonly string[]): readonly string[] =>
  fields.map((field) => (field.split(/[=;]/, 1)[0] ?? '').trim())

const isRemoval = (field: string, now: number): boolean => {
  if (/;\s*max-age\s*=\s*(?:-\d+|0+)\s*(?:;|$)/i.test(field)) return true
  const expires = /;\s*expires\s*=([^;]*)/i.exec(field)?.[1]
  return expires !== undefined && Date.parse(expires) <= now
}

/** The request's cookies as they will be behind this answer: it may be the one that takes a consent back. */
const staysGranted = ({ visit, site }: CookieQuestion, fields: readonly string[]): boolean => {
  const answered = new Set(namesIn(fields))
  const before = headerValues(visit.rawHeaders, 'cookie')
    .flatMap((header) => header.split(';'))
    .filter((pair) => !answered.has((pair.split('=', 1)[0] ?? '').trim()))
  const after = fields.filter((field) => !isRemoval(field, visit.at)).map((field) => field.split(';', 1)[0])
  const others = visit.rawHeaders.filter((_, index) => {
    const name = visit.rawHeaders[index - (index % 2)] ?? ''
    return name.toLowerCase() !== 'cookie'
  })
  const rawHeaders = [...others, 'Cookie', [...before, ...after].join(';')]
  return permits(readConsent(rawHeaders, readCookies(rawHeaders), site.consent), 'marketing')
}

/** Adds `Cache-Control: private` where the origin says nothing of caches: then a cookie is safe from them. */
export const answerCookies = (question: CookieQuestion): CookieAnswer => {
  const { planned, visit, answer } = question
  const { status, rawHeaders } = answer
  const leave = (outcome: CookieOutcome, because: string): CookieAnswer => ({ outcome, because, fields: [] })

  if (!isPage(status) && !redirects.has(status)) return leave('status', `the answer is a ${status}`)
  if (isPage(status) && !isHtml(rawHeaders)) return leave('content_type', 'the answer is no page')
  const { keptBy, unmarked } = readCaching(rawHeaders, visit.at)
  if (keptBy !== null) return leave('cacheable', `a shared cache may keep the answer (${keptBy})`)

  const theirs = headerValues(rawHeaders, 'set-cookie')
  if (theirs.length > 0 && permits(visit.consent, 'marketing') && !staysGranted(question, theirs))
    return leave('consent_withdrawn', 'the answer takes the consent back')
  const taken = new Set(namesIn(theirs))
  const ours = planned.filter(({ name }) => !taken.has(name))
  if (ours.length === 0) return leave('set_by_origin', 'the origin sets these cookies itself')
  return {
    outcome: 'set',
    because: unmarked ? 'with Cache-Control: private, for the origin says nothing of caches' : '',
    fields: [...ours.flatMap(({ field }) => ['Set-Cookie', field]), ...(unmarked ? onePersons : [])],
  }
}
