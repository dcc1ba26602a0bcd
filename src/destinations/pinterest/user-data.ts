import { known } from '../clean.ts'
import type { DeliverableEvent } from '../destination.ts'
import { hashesOf } from '../identify.ts'

const hashedKeys = ['em', 'ph', 'fn', 'ln', 'ct', 'st', 'zp', 'country', 'external_id'] as const

/** The event's `user_data`: lists of hashes, and what Pinterest wants as it is. */
export const userDataOf = ({
  identity,
  event: { visitor },
}: DeliverableEvent): Readonly<Record<string, unknown>> =>
  known({
    ...Object.fromEntries(hashedKeys.map((key) => [key, hashesOf(identity, key)])),
    client_ip_address: visitor.ip,
    client_user_agent: visitor.userAgent,
    click_id: visitor.clickIds.epik?.value,
  })

/** Pinterest's least: an e-mail, or the address together with the user agent. A phone, an id or a click alone is not enough. */
export const canMatch = ({ identity, event: { visitor } }: DeliverableEvent): boolean =>
  Object.hasOwn(identity.keys, 'em') || (visitor.ip !== undefined && visitor.userAgent !== undefined)
