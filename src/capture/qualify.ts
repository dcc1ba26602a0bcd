import { isBot } from 'isbot'
import { LRUCache } from 'lru-cache'
import type { RequestHead, ResponseHead, SkipReason } from './capture.ts'
import { headerList, headerValue, headerValues } from './headers.ts'
import type { SiteTraffic } from './rules.ts'

/** Whether a request is something that a person opened, and its answer a page that a person got. */

/** The user agent of the gateway's own health checks: they pass through the front like a visitor, and are none. */
export const healthCheckUserAgent = 'sluice-health-check'

/** A longer user agent costs more to test and tells no more. */
export const maxUserAgent = 1024

export type BotFilter = (userAgent: string) => boolean

/**
 * The site's filter of user agents: a missing one is a bot (isbot would let it pass), then the site's own texts count
 * (found anywhere, whatever the case; `deny` before `allow`), then isbot's list of those that declare themselves. The
 * list is one big expression, so the answer is remembered for the last thousand user agents.
 */
export const compileBots = (bots: SiteTraffic['bots'] = {}): BotFilter => {
  const deny = (bots.deny ?? []).map((text) => text.toLowerCase())
  const allow = (bots.allow ?? []).map((text) => text.toLowerCase())
  const judge = (userAgent: string): boolean => {
    const text = userAgent.toLowerCase()
    if (deny.some((part) => text.includes(part))) return true
    return !allow.some((part) => text.includes(part)) && isBot(userAgent)
  }

  const known = new LRUCache<string, boolean>({ max: 1000 })
  return (userAgent) => {
    const text = userAgent.slice(0, maxUserAgent).trim()
    if (text === '') return true
    const answer = known.get(text) ?? judge(text)
    known.set(text, answer)
    return answer
  }
}

/**
 * `Sec-Purpose` is a Structured Fields list (RFC 9651): its tokens count and their parameters do not, as in
 * `prefetch;prerender` (github.com/WICG/nav-speculation). The others are what browsers sent before it.
 */
const isSpeculative = (rawHeaders: readonly string[]): boolean => {
  const tokens = (name: string): string[] =>
    headerList(rawHeaders, name).map((member) => (member.split(';', 1)[0] ?? '').trim().toLowerCase())
  return (
    tokens('sec-purpose').some((token) => token === 'prefetch' || token === 'prerender') ||
    ['purpose', 'x-purpose', 'x-moz'].some((name) =>
      tokens(name).some((token) => token === 'prefetch' || token === 'preview'),
    )
  )
}

/** Sent, and something else. Browsers leave Fetch Metadata out over plain http and before 2023, so absent says nothing. */
const contradicts = (rawHeaders: readonly string[], name: string, expected: string): boolean =>
  headerValues(rawHeaders, name).some((value) => value.trim().toLowerCase() !== expected)

/**
 * Why this request cannot be a conversion, or `null` when it can. Which method the rule wants is the matcher's question;
 * `navigation: false` is the rule's wish to count requests of scripts and frames too.
 */
export const qualifyRequest = (
  { method, rawHeaders }: Pick<RequestHead, 'method' | 'rawHeaders'>,
  { navigation, bots }: { readonly navigation: boolean; readonly bots: BotFilter },
): SkipReason | null => {
  const userAgent = headerValue(rawHeaders, 'user-agent') ?? ''
  if (userAgent === healthCheckUserAgent) return 'health_check'
  if (method !== 'GET' && method !== 'POST') return 'method'
  if (isSpeculative(rawHeaders)) return 'prefetch'
  if (navigation && contradicts(rawHeaders, 'sec-fetch-dest', 'document')) return 'not_document'
  if (navigation && contradicts(rawHeaders, 'sec-fetch-mode', 'navigate')) return 'not_navigation'
  if (headerValue(rawHeaders, 'range') !== undefined) return 'range'
  if (headerValue(rawHeaders, 'upgrade') !== undefined) return 'upgrade'
  return bots(userAgent) ? 'bot' : null
}

export interface ResponseWishes {
  /** As the rule names them; any 2xx when absent. */
  readonly statuses?: readonly number[] | undefined
  /** The rule is about pages: the answer must be HTML. */
  readonly page: boolean
  /**
   * A 304 says that the visitor sees again a page whose facts we may have kept. The caller sets this for events that
   * a second look may fire (a page or product view) and leaves it for those it may not (an order).
   */
  readonly notModified: boolean
}

const isHtml = (rawHeaders: readonly string[]): boolean => {
  const type = (headerValue(rawHeaders, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  return type === 'text/html' || type === 'application/xhtml+xml'
}

/** Why this answer makes no conversion, or `null` when it does. A 304 that counts has no body and no type to look at. */
export const qualifyResponse = (
  { status, rawHeaders }: ResponseHead,
  { statuses, page, notModified }: ResponseWishes,
): SkipReason | null => {
  const named = statuses?.includes(status) === true
  if (status === 304 && !named) {
    const wouldCount = statuses === undefined || statuses.includes(200)
    return wouldCount && notModified ? null : 'not_modified'
  }
  // A 206 is a piece of a page, and a piece was not read by a person.
  const wanted = statuses === undefined ? status >= 200 && status < 300 && status !== 206 : named
  if (!wanted) return 'status'
  // A rule that names a redirect means the redirect itself, which has no page.
  const redirect = status >= 300 && status < 400
  return page && !redirect && !isHtml(rawHeaders) ? 'content_type' : null
}
