import type { HttpResponse } from './destination.ts'

/** What all readers of answers need: a JSON object out of any text, a sentence fit for the journal, a time to wait. */

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `null` for anything but a JSON object. */
export const jsonObject = (text: string): JsonObject | null => {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

export const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value : null

const longestSentence = 300
/** Platforms quote what they dislike, and what they dislike may be somebody's address. */
const emailInside = /[^\s@"'<>]{1,64}@[^\s@"'<>]{1,255}/g

/** The platform's words on one line, bounded, without addresses in them. */
export const sentence = (text: string): string => {
  const line = text
    .slice(0, 4 * longestSentence)
    .replace(/\s+/gu, ' ')
    .replace(emailInside, '[e-mail]')
    .trim()
  return line.length > longestSentence ? `${line.slice(0, longestSentence - 1)}…` : line
}

/** `Retry-After` (RFC 9110 10.2.3) in seconds, or as a date set against the answer's own `Date`. */
export const retryAfterMs = ({ headers }: HttpResponse): number | null => {
  const written = headers['retry-after']?.trim()
  if (written === undefined || written === '') return null
  if (/^\d{1,9}$/.test(written)) return Number(written) * 1000
  const until = Date.parse(written)
  const from = Date.parse(headers['date'] ?? '')
  return Number.isNaN(until) || Number.isNaN(from) ? null : Math.max(until - from, 0)
}
