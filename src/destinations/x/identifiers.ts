import { isIPv4 } from 'node:net'
import { known } from '../clean.ts'
import type { DeliverableEvent } from '../destination.ts'
import { hashesOf } from '../identify.ts'

type Identifier = Readonly<Record<string, unknown>>

/** One empty or broken identifier has the whole request refused. */
const clickId = /^[\x21-\x7e]{1,500}$/

export const clickIdOf = ({ event }: DeliverableEvent): string | null => {
  const value = event.visitor.clickIds.twclid?.value
  return value !== undefined && clickId.test(value) ? value : null
}

/** X's papers speak of dotted decimals only. */
export const ipv4Of = ({ event }: DeliverableEvent): string | null => {
  const { ip } = event.visitor
  return ip !== undefined && isIPv4(ip) ? ip : null
}

export const userAgentOf = ({ event }: DeliverableEvent): string | null =>
  event.visitor.userAgent?.trim() || null

/** What X can recognise somebody by, without the help of an address. */
const strongOf = (deliverable: DeliverableEvent): readonly Identifier[] => {
  const twclid = clickIdOf(deliverable)
  return [
    ...(twclid === null ? [] : [{ twclid }]),
    ...['hashed_email', 'hashed_phone_number'].flatMap((key) =>
      hashesOf(deliverable.identity, key).map((hash) => ({ [key]: hash })),
    ),
  ]
}

/**
 * Each identifier in an object of its own. Address and user agent share one; either without the other is worth something
 * only beside an identifier that stands alone.
 */
export const identifiersOf = (deliverable: DeliverableEvent): readonly Identifier[] => {
  const strong = strongOf(deliverable)
  const ip_address = ipv4Of(deliverable)
  const user_agent = userAgentOf(deliverable)
  if (ip_address !== null && user_agent !== null) return [...strong, { ip_address, user_agent }]
  const [first, ...rest] = strong
  return first === undefined ? [] : [known({ ...first, ip_address, user_agent }), ...rest]
}

export const canMatch = (deliverable: DeliverableEvent, { matchByAddress }: { matchByAddress: boolean }) =>
  (matchByAddress ? identifiersOf(deliverable) : strongOf(deliverable)).length > 0
