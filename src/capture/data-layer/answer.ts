import type { ResponseHead } from '../capture.ts'
import { headerList, headerValue, headerValues } from '../headers.ts'
import { readCodings, type Coding } from '../page/collect-decode.ts'
import { onePersons, readCaching } from '../shared-caches.ts'

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
  // RFC 9110 section 7.7
  const control = headerList(rawHeaders, 'cache-control')
  if (control.some((directive) => directive.toLowerCase() === 'no-transform'))
    return { reason: 'no_transform' }
  const { keptBy, unmarked } = readCaching(rawHeaders, now)
  if (keptBy !== null) return { reason: 'shared_cache' }
  // RFC 9421: what is signed may be a digest that would not hold any more.
  if (has(head, 'signature')) return { reason: 'signed' }
  const codings = readCodings(headerValues(rawHeaders, 'content-encoding').join(',') || null)
  if (codings === null || codings.length > 1) return { reason: 'encoding' }
  return {
    reason: null,
    coding: codings[0] ?? null,
    fields: unmarked ? onePersons : [],
  }
}
