import { known } from '../clean.ts'
import type { DeliverableEvent } from '../destination.ts'
import { hashesOf } from '../identify.ts'

/** An opaque id out of a visitor's hands: one word of plain characters, or it is none. */
const opaque = (id: string | undefined): string | undefined =>
  id !== undefined && /^[\x21-\x7e]{1,1000}$/.test(id) ? id : undefined

export const clickIdOf = ({ event }: DeliverableEvent): string | undefined =>
  opaque(event.visitor.clickIds.ttclid?.value)
export const cookieOf = ({ event }: DeliverableEvent): string | undefined =>
  opaque(event.visitor.browserIds.ttp)

/** The event's `user`. Hashes of which a person may have several are lists; the rest are single. */
export const userOf = (deliverable: DeliverableEvent): Readonly<Record<string, unknown>> => {
  const { identity, event } = deliverable
  const { city, state, country } = identity.plain
  return known({
    email: hashesOf(identity, 'email'),
    phone: hashesOf(identity, 'phone'),
    external_id: hashesOf(identity, 'external_id'),
    first_name: hashesOf(identity, 'first_name')[0],
    last_name: hashesOf(identity, 'last_name')[0],
    zip_code: hashesOf(identity, 'zip_code')[0],
    city,
    state,
    country,
    ttclid: clickIdOf(deliverable),
    ttp: cookieOf(deliverable),
    ip: event.visitor.ip,
    user_agent: event.visitor.userAgent,
  })
}

const eachEnough = ['email', 'phone', 'external_id', 'ttclid', 'ttp'] as const

/** TikTok takes an event that it can match with nobody, and counts nothing. */
export const canMatch = (user: Readonly<Record<string, unknown>>): boolean =>
  eachEnough.some((key) => Object.hasOwn(user, key)) ||
  (Object.hasOwn(user, 'ip') && Object.hasOwn(user, 'user_agent'))
