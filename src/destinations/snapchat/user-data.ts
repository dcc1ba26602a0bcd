import { known } from '../clean.ts'
import type { DeliverableEvent } from '../destination.ts'
import { hashesOf } from '../identify.ts'

const hashedKeys = ['em', 'ph', 'fn', 'ln', 'ct', 'st', 'zp', 'country', 'external_id'] as const

/** An opaque id out of a visitor's hands: one word of plain characters, or it is none. */
const opaque = (id: string | undefined): string | undefined =>
  id !== undefined && /^[\x21-\x7e]{1,1000}$/.test(id) ? id : undefined

export const clickIdOf = ({ event }: DeliverableEvent): string | undefined =>
  opaque(event.visitor.clickIds.sccid?.value)
export const cookieOf = ({ event }: DeliverableEvent): string | undefined =>
  opaque(event.visitor.browserIds.scid)

/** The event's `user_data`: lists of hashes, and in the clear what Snapchat refuses when hashed. */
export const userDataOf = (deliverable: DeliverableEvent): Readonly<Record<string, unknown>> => {
  const { visitor } = deliverable.event
  return known({
    ...Object.fromEntries(hashedKeys.map((key) => [key, hashesOf(deliverable.identity, key)])),
    client_ip_address: visitor.ip,
    client_user_agent: visitor.userAgent,
    sc_click_id: clickIdOf(deliverable),
    sc_cookie1: cookieOf(deliverable),
  })
}

/** Snapchat calls anything less "insufficient PII"; a click id or a cookie alone does not do. */
export const canMatch = (userData: Readonly<Record<string, unknown>>): boolean => {
  const has = (key: string): boolean => Object.hasOwn(userData, key)
  return has('em') || has('ph') || (has('client_ip_address') && has('client_user_agent'))
}
