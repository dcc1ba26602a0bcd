import type { DeliverableEvent } from '../destination.ts'
import { known } from '../clean.ts'
import { hashesOf } from '../identify.ts'
import { browserId, clickCookie } from './cookies.ts'

/** The event's `user_data`: lists of hashes, and what Meta wants as it is. */
export const userDataOf = ({
  identity,
  event: { visitor, occurredAt },
}: DeliverableEvent): Readonly<Record<string, unknown>> =>
  known({
    em: hashesOf(identity, 'em'),
    ph: hashesOf(identity, 'ph'),
    fn: hashesOf(identity, 'fn'),
    ln: hashesOf(identity, 'ln'),
    ct: hashesOf(identity, 'ct'),
    st: hashesOf(identity, 'st'),
    zp: hashesOf(identity, 'zp'),
    country: hashesOf(identity, 'country'),
    external_id: hashesOf(identity, 'external_id'),
    client_ip_address: visitor.ip,
    client_user_agent: visitor.userAgent,
    fbc: clickCookie(visitor, occurredAt),
    fbp: browserId(visitor),
  })

/**
 * Meta refuses an event that knows no more of a person than one of these sets, or less.
 * https://developers.facebook.com/documentation/ads-commerce/conversions-api/best-practices (2026-11-20)
 */
const tooLittle: readonly ReadonlySet<string>[] = [
  new Set(['ct', 'country', 'st', 'zp', 'ge', 'client_user_agent']),
  new Set(['db', 'client_user_agent']),
  new Set(['fn', 'ge']),
  new Set(['ln', 'ge']),
]

export const canMatch = (userData: Readonly<Record<string, unknown>>): boolean => {
  const keys = new Set(Object.keys(userData))
  return !tooLittle.some((set) => keys.isSubsetOf(set))
}
