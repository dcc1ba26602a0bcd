import type { Grant } from '../../event/consent.ts'
import { decodePercent } from '../cookies.ts'
import { maxConsentLength } from './reader.ts'

/** JSON out of a cookie, where every key is somebody's choice of words: read key by key, never spread, merged or walked. */

/** What `JSON.parse` made, of which nothing is known yet. `__proto__` in it is an own key like any other. */
export type JsonObject = Readonly<Record<string, unknown>>

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export const asObject = (value: unknown): JsonObject | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null

/** The texts of an array, or of a text that is one in JSON; `null` when it is neither. */
export const asNames = (value: unknown): ReadonlySet<string> | null => {
  const list = typeof value === 'string' ? parse(value) : value
  if (!Array.isArray(list)) return null
  return new Set(list.filter((name): name is string => typeof name === 'string'))
}

/** Own keys only: `constructor` and its like are nobody's answer. */
export const own = (object: JsonObject | null, key: string): unknown =>
  object !== null && Object.hasOwn(object, key) ? object[key] : undefined

/**
 * A cookie's JSON object, as it is or percent-encoded. What begins as JSON is not decoded first: an escaped quote within one
 * of its texts would end it.
 */
export const readJson = (value: string): JsonObject | null => {
  if (value.length > maxConsentLength) return null
  const text = value.startsWith('{') ? value : decodePercent(value)
  return text === null ? null : asObject(parse(text))
}

const base64 = /^[A-Za-z0-9+/_-]+={0,2}$/

/** The same in base64 of either alphabet. */
export const readBase64Json = (value: string): JsonObject | null => {
  if (value.length > maxConsentLength) return null
  const text = decodePercent(value)
  if (text === null || !base64.test(text)) return null
  return asObject(parse(Buffer.from(text, 'base64').toString('utf8')))
}

/** Of a boolean; of anything else, `"true"` and 1 included, nothing. */
export const asGrant = (value: unknown): Grant =>
  value === true ? 'granted' : value === false ? 'denied' : 'unknown'
