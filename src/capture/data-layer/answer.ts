import type { ResponseHead } from '../capture.ts'
import { headerList, headerValue, headerValues } from '../headers.ts'
import { readCodings, type Coding } from '../page/collect-decode.ts'

/** Whether a script may stand at the end of an answer's page, as far as its head tells. */

export type HeadReason =
  | 'status'
  | 'not_html'
  | 'attachment'
  | 'empty'
  | 'no_transform'
  | 'shared_cache'
  | 'signed'
  | 'encoding'

export type Allowed =
  | { readonly reason: HeadReason }
  | { readonly reason: null; readonly coding: Coding | null; readonly fields: readonly string[] }

/**
 * What is no longer true once bytes are added: lengths and digests of them. The validators go as well: a page that was
 * validated would be shown again with the id of its last visit while the event of this one has another. And ranges, for
 * the next answer's bytes are others.
 */
export const untrue: ReadonlySet<string> = new Set([
  'content-length',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
  'unencoded-digest',
  'etag',
  'last-modified',
  'accept-ranges',
])

const has = ({ rawHeaders }: ResponseHead, name: string): boolean =>
  headerValue(rawHeaders, name) !== undefined

/** A directive's argument; empty without one, `null` without the directive. */
const directive = (members: readonly string[], name: string): string | null => {
  for (const member of members) {
    const [key = '', value = ''] = member.split('=', 2)
    if (key.trim().toLowerCase() === name) return value.replaceAll('"', '').trim()
  }
  return null
}

const isFresh = (age: string | null): boolean => age !== null && !/^-?0*$/.test(age)

/** Fields by which a site speaks to the caches of one maker (RFC 9213, and its forerunners). */
const cacheFields = ['cdn-cache-control', 'cloudflare-cdn-cache-control', 'surrogate-control']

/**
 * Whether a cache that many share may keep it: then all of them would be told the id of the first one's event, and a
 * platform would take them for one. Only what the origin says counts; guessing a lifetime is no shared cache's habit for
 * pages.
 */
export const mayBeShared = (head: ResponseHead, now: number): boolean => {
  const control = headerList(head.rawHeaders, 'cache-control')
  const says = (name: string): boolean => directive(control, name) !== null
  const apart = cacheFields
    .map((name) => headerList(head.rawHeaders, name))
    .some(
      (members) =>
        members.length > 0 &&
        ['no-store', 'private'].every((name) => directive(members, name) === null) &&
        isFresh(directive(members, 'max-age') ?? directive(members, 's-maxage') ?? '1'),
    )
  if (apart) return true
  if (says('no-store') || directive(control, 'private') === '') return false
  if (says('public') || isFresh(directive(control, 's-maxage')) || isFresh(directive(control, 'max-age')))
    return true
  const expires = control.length > 0 ? undefined : headerValue(head.rawHeaders, 'expires')
  return expires !== undefined && Date.parse(expires) > now
}

/** `now`: milliseconds since the epoch. */
export const mayAmend = (head: ResponseHead, now: number): Allowed => {
  const { status, rawHeaders } = head
  if (status < 200 || status > 299 || status === 204 || status === 205 || status === 206)
    return { reason: 'status' }
  // A byte behind the root element makes an XML document unreadable, so `application/xhtml+xml` is left as it is.
  const type = (headerValue(rawHeaders, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'text/html') return { reason: 'not_html' }
  if (/^\s*attachment/i.test(headerValue(rawHeaders, 'content-disposition') ?? ''))
    return { reason: 'attachment' }
  if (Number(headerValue(rawHeaders, 'content-length') ?? 1) === 0) return { reason: 'empty' }
  const control = headerList(rawHeaders, 'cache-control')
  // RFC 9110 section 7.7
  if (directive(control, 'no-transform') !== null) return { reason: 'no_transform' }
  if (mayBeShared(head, now)) return { reason: 'shared_cache' }
  // RFC 9421: what is signed may be a digest that would not hold any more.
  if (has(head, 'signature')) return { reason: 'signed' }
  const codings = readCodings(headerValues(rawHeaders, 'content-encoding').join(',') || null)
  if (codings === null || codings.length > 1) return { reason: 'encoding' }
  return {
    reason: null,
    coding: codings[0] ?? null,
    // It is one visitor's page now; an origin that has said nothing of caches did not say that.
    fields: control.length === 0 ? ['Cache-Control', 'private'] : [],
  }
}
