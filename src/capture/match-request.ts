import type { RequestHead } from './capture.ts'
import { readCookies } from './cookies.ts'
import type { CookieJar } from './cookies.ts'
import { headerValue, headerValues } from './headers.ts'
import { normalHost, normalPath, splitTarget } from './request-path.ts'

/**
 * What conditions are held against. The functions read only when asked: a request whose path matches no rule pays for
 * neither its cookies nor its query.
 */
export interface MatchRequest {
  readonly method: string
  /** In normal form, see `request-path.ts`. */
  readonly path: string
  /** Lower case, without port. */
  readonly host: string
  /** Decoded values in the order sent; empty when the parameter is absent. */
  query(name: string): readonly string[]
  /** Values as sent, quotes taken off; empty when absent. */
  cookie(name: string): readonly string[]
  /** `name` in lower case. */
  header(name: string): readonly string[]
  referrer(): string | null
}

/** `null` where no rule can match: the target is no path, or too long a one. */
export const readMatchRequest = (
  head: Pick<RequestHead, 'method' | 'target' | 'rawHeaders'>,
): MatchRequest | null => {
  const target = splitTarget(head.target)
  const path = normalPath(target.path)
  if (path === null) return null
  const { method, rawHeaders } = head
  let parameters: URLSearchParams | null = null
  let jar: CookieJar | null = null
  return {
    method,
    path,
    host: normalHost(headerValue(rawHeaders, 'host') ?? headerValue(rawHeaders, ':authority') ?? ''),
    query: (name) => {
      parameters ??= new URLSearchParams(target.query)
      return parameters.getAll(name)
    },
    cookie: (name) => {
      jar ??= readCookies(rawHeaders)
      return jar.all(name)
    },
    header: (name) => headerValues(rawHeaders, name),
    referrer: () => headerValue(rawHeaders, 'referer') ?? null,
  }
}
