import type { BrowserIds, ClickIds } from '../event/click-ids.ts'
import type { ConsentState } from '../event/consent.ts'
import type { Visitor } from '../event/event.ts'
import { publicPageUrl } from '../event/page-url.ts'
import { readBrowserIds } from './browser-ids.ts'
import { maxUserAgent } from './bots.ts'
import type { RequestHead } from './capture.ts'
import { readClickIds } from './click-ids.ts'
import { clientAddress, clientCountry, wasSecure, type Trust } from './client-address.ts'
import { readConsent } from './consent-cookies/index.ts'
import { readCookies, type CookieJar } from './cookies.ts'
import { headerValue } from './headers.ts'
import { cookieScope } from './identity/scope.ts'
import type { SiteTraffic } from './rules.ts'

/**
 * One immutable reading of a request. Parts are read when first asked for, and once: most rules ask for few of them. It
 * lives in memory; what of it may be kept is decided with the consent beside it.
 */
export interface Visit {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly scheme: 'http' | 'https'
  /** The host name in lower case, without port or final dot; empty when the request named none that is one. */
  readonly host: string
  /** As the visitor's client wrote it, without query. */
  readonly path: string
  readonly query: URLSearchParams
  /** The whole address as the visitor's client wrote it, for what stays in memory; `null` without a host. */
  readonly fullUrl: string | null
  /** The page's address in the form that may be kept (see `page-url.ts`), click ids included. */
  readonly pageUrl: string | null
  /** The referrer in the same form. */
  readonly referrer: string | null
  readonly rawHeaders: readonly string[]
  readonly cookies: CookieJar
  readonly consent: ConsentState
  readonly clickIds: ClickIds
  readonly browserIds: BrowserIds
  readonly ip: string | null
  /** Where the visitor is, by the word of a trusted proxy; `null` where nobody said so: it is never guessed. */
  readonly country: string | null
  /** At most 1 024 characters; `null` when none was sent. */
  readonly userAgent: string | null
  /** The event's half of it: address, user agent and ids. */
  readonly visitor: Visitor
}

const hostHeader = /^(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?(:\d{1,5})?$/i

const once = <T>(read: () => T): (() => T) => {
  let held: { readonly value: T } | null = null
  return () => (held ??= { value: read() }).value
}

const splitTarget = (target: string): { readonly path: string; readonly search: string } => {
  const [whole = ''] = target.split('#', 1)
  const mark = whole.indexOf('?')
  return mark < 0
    ? { path: whole, search: '' }
    : { path: whole.slice(0, mark), search: whole.slice(mark + 1) }
}

/** Reads what a request says of itself. Never throws, whatever the visitor sent. */
export const readVisit = (
  head: RequestHead,
  site: Pick<SiteTraffic, 'consent' | 'clientIpHeader' | 'countryHeader' | 'identity'>,
  trust: Trust,
): Visit => {
  const { rawHeaders, receivedAt: at } = head
  const { path, search } = splitTarget(head.target)
  const [, name = '', port = ''] = hostHeader.exec(headerValue(rawHeaders, 'host')?.trim() ?? '') ?? []
  const host = name.toLowerCase()
  const sentReferrer = headerValue(rawHeaders, 'referer')

  const scheme = once((): 'http' | 'https' =>
    wasSecure(head.remoteAddress, head.secure, rawHeaders, trust) ? 'https' : 'http',
  )
  const query = once(() => new URLSearchParams(search))
  const fullUrl = once(() =>
    host === '' ? null : `${scheme()}://${host}${port}${path}${search === '' ? '' : `?${search}`}`,
  )
  const pageUrl = once(() => {
    const address = fullUrl()
    return address === null ? null : publicPageUrl(address)
  })
  const referrer = once(() => (sentReferrer === undefined ? null : publicPageUrl(sentReferrer)))
  const cookies = once(() => readCookies(rawHeaders))
  const consent = once(() => readConsent(rawHeaders, cookies(), site.consent))
  const clickIds = once(() =>
    readClickIds({ query: search, jar: cookies(), referrer: sentReferrer, host, now: at }),
  )
  const browserIds = once(() => {
    const { setCookies = false, cookieDomain } = site.identity ?? {}
    return readBrowserIds({
      jar: cookies(),
      fbclid: clickIds().fbclid,
      now: at,
      // As the cookie will have it that goes with the answer.
      ...(setCookies ? { subdomainIndex: cookieScope(host, cookieDomain).subdomainIndex } : {}),
    })
  })
  const ip = once(() =>
    clientAddress({ peer: head.remoteAddress, rawHeaders, trust, header: site.clientIpHeader }),
  )
  const country = once(() =>
    clientCountry({ peer: head.remoteAddress, rawHeaders, trust, header: site.countryHeader }),
  )
  const userAgent = headerValue(rawHeaders, 'user-agent')?.slice(0, maxUserAgent).trim() || null
  const visitor = once((): Visitor => {
    const address = ip()
    const place = country()
    return {
      ...(address === null ? {} : { ip: address }),
      ...(place === null ? {} : { country: place }),
      ...(userAgent === null ? {} : { userAgent }),
      clickIds: clickIds(),
      browserIds: browserIds(),
    }
  })

  return Object.freeze({
    at,
    host,
    path,
    rawHeaders,
    userAgent,
    get scheme() {
      return scheme()
    },
    get query() {
      return query()
    },
    get fullUrl() {
      return fullUrl()
    },
    get pageUrl() {
      return pageUrl()
    },
    get referrer() {
      return referrer()
    },
    get cookies() {
      return cookies()
    },
    get consent() {
      return consent()
    },
    get clickIds() {
      return clickIds()
    },
    get browserIds() {
      return browserIds()
    },
    get ip() {
      return ip()
    },
    get country() {
      return country()
    },
    get visitor() {
      return visitor()
    },
  })
}
