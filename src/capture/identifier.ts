/** What may pass for an identifier that a platform gave out, wherever it was found. */

/** Meta's own builder drops a click id longer than this (github.com/facebook/capi-param-builder, read 2026-11-20). */
const pattern = /^[A-Za-z0-9_\-.~%+/=]{1,500}$/

/** What broken scripts and deleted cookies leave in an identifier's place. */
const absent = new Set(['deleted', 'undefined', 'null', '0'])

export const isAbsent = (text: string): boolean => text === '' || absent.has(text.toLowerCase())

/** The identifier, trimmed, else untouched (they are case-sensitive); `null` when the text is none. */
export const cleanIdentifier = (text: string): string | null => {
  const trimmed = text.trim()
  return pattern.test(trimmed) && !isAbsent(trimmed) ? trimmed : null
}

const earliest = 1_500_000_000_000
const clockSkewMs = 5 * 60_000

/** Whether milliseconds read from a cookie can be the time of something that has happened. */
export const isPlausibleTime = (ms: number, now: number): boolean => ms > earliest && ms <= now + clockSkewMs
