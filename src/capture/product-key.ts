/** The name under which a page's product facts are kept: the same for every visitor who would be shown the same price. */
import { createHash } from 'node:crypto'
import { isClickParameter } from '../event/page-url.ts'
import { readCookies } from './cookies.ts'
import { headerList, headerValues } from './headers.ts'

export interface KeyQuestion {
  readonly site: string
  /** Absolute http(s) address of the page as the visitor asked for it. */
  readonly url: string
  /** Name, value, name, value, …, as they came; empty for an event that no request of a visitor stands behind. */
  readonly requestHeaders: readonly string[]
  /** As they came; empty when there is no response to read. */
  readonly responseHeaders: readonly string[]
  /** A rule's `cacheQuery`: the only parameters that tell pages apart. */
  readonly cacheQuery?: readonly string[] | undefined
  /** A site's `varyCookies`: cookies whose values tell visitors' prices apart; a trailing `*` stands for any ending. */
  readonly varyCookies?: readonly string[] | undefined
  /** Of the visitor, where the gateway knows it and the site's prices depend on it. */
  readonly country?: string | null | undefined
}

const maxParameters = 20
const maxKeyBytes = 2048

/** Clicks and campaigns name the way to a page and not the page. In lower case. */
const isCampaign = (name: string): boolean =>
  name.startsWith('utm_') || name === '_ga' || isClickParameter(name)

/** What the address may be made of: scheme, authority without user, path, query. Dot segments stay: nothing is collapsed. */
const address = /^(https?):\/\/([^/?#@\\\s]+)(\/[^?#]*)?(?:\?([^#]*))?(?=#|$)/i
const unreserved = /[A-Za-z0-9._~-]/

/** RFC 3986, 6.2.2: unreserved characters as themselves, other triplets in upper case. */
const normalEscapes = (text: string): string =>
  text.replace(/%[0-9a-f]{2}/gi, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
    return unreserved.test(character) ? character : triplet.toUpperCase()
  })

const normalHost = (scheme: string, host: string): string =>
  host.toLowerCase().replace(scheme.toLowerCase() === 'https' ? /:(443)?$/ : /:(80)?$/, '')

const nameOf = (pair: string): string => {
  const equals = pair.indexOf('=')
  return equals < 0 ? pair : pair.slice(0, equals)
}

/** `null` when too many parameters are left. Of equal names the order stays: which of them counts is the shop's affair. */
const normalQuery = (query: string, cacheQuery: readonly string[] | undefined): string | null => {
  const kept = query
    .split('&')
    .filter((pair) => pair !== '')
    .map(normalEscapes)
    .filter((pair) => {
      const name = nameOf(pair)
      return cacheQuery === undefined
        ? !isCampaign(name.toLowerCase())
        : cacheQuery.some((wanted) => wanted === name)
    })
  if (kept.length > maxParameters) return null
  return kept
    .map((pair) => ({ name: nameOf(pair), pair }))
    .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
    .map(({ pair }) => pair)
    .join('&')
}

/** Whether a name is the pattern's, whose trailing `*` stands for any ending. Without regard to case. */
export const isNamed = (pattern: string, name: string): boolean => {
  const [wanted, found] = [pattern.toLowerCase(), name.toLowerCase()]
  return wanted.endsWith('*') ? found.startsWith(wanted.slice(0, -1)) : found === wanted
}

/** Request headers that change how a page is packed or for whom it is instrumented, and not what it costs. */
const indifferent = /^(accept-encoding|user-agent|origin|sec-.*|cookie)$/

/**
 * The key, a hash from which nothing can be read; `null` where the page is not to be cached: no such address, more than
 * 20 parameters that matter, or more than 2 KiB of what goes into it. It says only *under which name*: whether the page
 * may be cached at all is for `mayCache` to say.
 */
export const productKey = (question: KeyQuestion): string | null => {
  const parts = address.exec(question.url)
  const query = parts === null ? null : normalQuery(parts[4] ?? '', question.cacheQuery)
  if (parts === null || query === null) return null
  const [, scheme = '', host = '', path = ''] = parts
  const place = `${normalHost(scheme, host)}${normalEscapes(path === '' ? '/' : path)}`

  const jar = readCookies(question.requestHeaders)
  // A cookie beyond the reader's limits may be one that tells prices apart.
  if (jar.truncated) return null
  const cookies = [...jar.names()]
    .filter((name) => question.varyCookies?.some((pattern) => isNamed(pattern, name)) === true)
    .sort()
    .map((name) => ['cookie', name, ...jar.all(name)])

  const names = new Set(headerList(question.responseHeaders, 'vary').map((name) => name.toLowerCase()))
  const headers = [...names]
    .filter((name) => !indifferent.test(name))
    .sort()
    .map((name) => ['header', name, ...headerValues(question.requestHeaders, name)])

  // JSON keeps neighbours apart whatever they contain.
  const text = JSON.stringify([question.site, place, query, cookies, headers, question.country ?? null])
  if (Buffer.byteLength(text) > maxKeyBytes) return null
  return createHash('sha256').update(text).digest('base64url')
}
