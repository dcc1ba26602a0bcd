import type { RequestHead, ResponseHead, SkipReason } from './capture.ts'
import { headerList, headerValue, headerValues } from './headers.ts'
import type { Rule } from './rules.ts'
import type { Screen } from './screen.ts'

/** Whether a request is something that a person opened, and its answer a page that a person got. */

/** The user agent of the gateway's own health checks: they pass through the front like a visitor, and are none. */
export const healthCheckUserAgent = 'sluice-health-check'

/**
 * Whether a browser loads ahead what nobody has opened yet. `Sec-Purpose` is a Structured Fields list (RFC 9651): its tokens
 * count and their parameters do not, as in `prefetch;prerender` (github.com/WICG/nav-speculation). The others are what
 * browsers sent before it.
 */
export const isSpeculative = (rawHeaders: readonly string[]): boolean => {
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
const contradicts = (rawHeaders: readonly string[], name: string, expected: readonly string[]): boolean =>
  headerValues(rawHeaders, name).some((value) => !expected.includes(value.trim().toLowerCase()))

const page = ['document']
const pageOrFrame = ['document', 'iframe', 'frame']

/** Why a browser's own words say that nobody opened a page by this request, or `null` when they do not. */
const notOpened = (
  rawHeaders: readonly string[],
  { navigation = true, frames = false }: RuleWishes,
): SkipReason | null => {
  if (!navigation) return null
  if (contradicts(rawHeaders, 'sec-fetch-dest', frames ? pageOrFrame : page)) return 'not_document'
  return contradicts(rawHeaders, 'sec-fetch-mode', ['navigate']) ? 'not_navigation' : null
}

/** What the rule lets count that is not counted otherwise. */
export type RuleWishes = Pick<Rule, 'navigation' | 'frames'>

/** Whether the answer becomes a document, in a window or a frame: nothing says that a script asked for it. */
export const isNavigation = (rawHeaders: readonly string[]): boolean =>
  notOpened(rawHeaders, { frames: true }) === null

/**
 * Why this request cannot be a conversion, or `null` when it can. Which method the rule wants is the matcher's question.
 */
export const qualifyRequest = (
  head: Omit<RequestHead, 'secure' | 'receivedAt'>,
  wishes: RuleWishes,
  screen: Screen,
): SkipReason | null => {
  const { method, rawHeaders } = head
  if (headerValue(rawHeaders, 'user-agent') === healthCheckUserAgent) return 'health_check'
  if (screen.isMonitoring(head)) return 'monitoring'
  if (method !== 'GET' && method !== 'POST') return 'method'
  if (isSpeculative(rawHeaders)) return 'prefetch'
  const closed = notOpened(rawHeaders, wishes)
  if (closed !== null) return closed
  if (headerValue(rawHeaders, 'range') !== undefined) return 'range'
  if (headerValue(rawHeaders, 'upgrade') !== undefined) return 'upgrade'
  if (screen.isPreview(head)) return 'preview'
  return screen.isBot(head) ? 'bot' : null
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

export const isHtml = (rawHeaders: readonly string[]): boolean => {
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
