import { createHash } from 'node:crypto'
import type { ConversionEvent } from '../../event/event.ts'
import type { Ga4Settings } from './settings.ts'

/** The visitor and the visit as GA4 knows them. */

const clientIdForm = /^[1-9]\d{0,19}\.[1-9]\d{0,19}$/

/** From the `_ga` cookie; `null` without one. */
export const cookieClientId = ({ visitor: { browserIds } }: ConversionEvent): string | null =>
  browserIds.gaClientId !== undefined && clientIdForm.test(browserIds.gaClientId)
    ? browserIds.gaClientId
    : null

/**
 * Where the visitor has no cookie: the shape of a new visitor's id, made from the event and nothing else, so that a retry
 * is the same visitor and two events cannot be tied together.
 */
const madeClientId = ({ id, occurredAt }: ConversionEvent): string => {
  const random = createHash('sha256').update(id).digest().readUInt32BE(0) & 0x7fffffff
  return `${Math.max(random, 1)}.${Math.max(Math.floor(occurredAt / 1000), 1)}`
}

export const clientIdOf = (event: ConversionEvent): string => cookieClientId(event) ?? madeClientId(event)

/** Cookies of other formats end in other numbers; no visit began before GA4 had one. */
const earliestVisit = 1_500_000_000
const clockSkewSeconds = 300
/** Google joins an event to its visit within 24 hours of the visit's start; afterwards the id would open a visit of its own. */
const visitLastsSeconds = 24 * 3600

/** The visit of this property, while an event arriving at `now` can still join it. */
export const sessionIdOf = (
  { visitor: { browserIds } }: ConversionEvent,
  { measurementId }: Ga4Settings,
  now: number,
): string | null => {
  const id = browserIds.gaSessions?.[measurementId.slice('G-'.length)]?.id
  if (id === undefined || !/^\d{10}$/.test(id)) return null
  const startedAt = Number(id)
  const nowSeconds = now / 1000
  return startedAt > earliestVisit &&
    startedAt <= nowSeconds + clockSkewSeconds &&
    nowSeconds - startedAt <= visitLastsSeconds
    ? id
    : null
}
