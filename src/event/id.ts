import { createHash, randomBytes } from 'node:crypto'
import type { EventId, SiteId } from './brand.ts'
import type { EventType } from './names.ts'

/** 32 hex digits; the parts are length-prefixed so that no two different lists share a text. */
const digestOf = (parts: readonly string[]): EventId => {
  const text = parts.map((part) => `${part.length}:${part}`).join('')
  return createHash('sha256').update(text).digest('hex').slice(0, 32) as EventId
}

/**
 * The id that makes a reload, a retry and a second replica harmless: the same order of the same site is the same event.
 */
export const orderEventId = (site: SiteId, type: EventType, orderId: string): EventId =>
  digestOf([site, type, orderId.trim()])

/** The same for what has no order: `seen` is all that tells one conversion from the next, never empty. */
export const repeatEventId = (
  site: SiteId,
  type: EventType,
  seen: readonly [string, string, ...string[]],
): EventId => digestOf([site, type, ...seen])

/** A UUID v7 (RFC 9562): random, and ordered by time, which keeps the store's index local. */
export const randomEventId = (now: number, random: Uint8Array = randomBytes(10)): EventId => {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(now, 0, 6)
  bytes.set(random.subarray(0, 10), 6)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as EventId
}
