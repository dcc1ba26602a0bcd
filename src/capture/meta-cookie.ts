import { isAbsent } from './identifier.ts'

/**
 * Meta's `_fbp` and `_fbc`: `fb.<subdomainIndex>.<creationMs>.<payload>[.<appendix>]`. Rules as in Meta's own builder
 * (github.com/facebook/capi-param-builder, read 2026-11-20).
 */
export interface MetaCookie {
  /** The whole value, fit to be forwarded. */
  readonly value: string
  /** Milliseconds since the epoch, as the cookie claims. */
  readonly createdAt: number
  /** The fbclid of `_fbc`, the random number of `_fbp`. */
  readonly payload: string
}

/** The appendix names the builder that wrote the cookie: a token of a language, or eight characters. */
const shape =
  /^fb\.(\d{1,10})\.(\d{1,16})\.([A-Za-z0-9_\-~%+/=]{1,500})(\.(?:AQ|Ag|Aw|BA|BQ|Bg|[A-Za-z0-9_\-~%+/=]{8}))?$/

/** Without a dot, which separates the cookie's segments. */
const payloadShape = /^[A-Za-z0-9_\-~%+/=]{1,500}$/

/** `null` when the text, already percent-decoded, is no such cookie. */
export const parseMetaCookie = (text: string): MetaCookie | null => {
  const [, index, time, payload, appendix = ''] = shape.exec(text) ?? []
  if (index === undefined || time === undefined || payload === undefined) return null
  // Some writers take seconds for milliseconds. Only then is anything changed on the way through.
  const createdAt = Number(time) < 1e12 ? Number(time) * 1000 : Number(time)
  const value = createdAt === Number(time) ? text : `fb.${index}.${createdAt}.${payload}${appendix}`
  return { value, createdAt, payload }
}

/**
 * The `fbc` of a visitor who comes with `fbclid`. The click id that is already kept keeps its time; a new one replaces
 * payload and time. One that the format cannot carry is dropped. `subdomainIndex` is the number of dots in the domain the
 * cookie is set on, or 1 where it is set on none.
 */
export const nextFbc = (
  existing: string | null,
  fbclid: string,
  now: number,
  subdomainIndex: number,
): string | null => {
  const kept = existing === null ? null : parseMetaCookie(existing)
  const usable = payloadShape.test(fbclid) && !isAbsent(fbclid)
  if (!usable || kept?.payload === fbclid) return kept?.value ?? null
  return `fb.${subdomainIndex}.${now}.${fbclid}`
}
