import { consentCategories } from '../../event/consent.ts'
import { userDataFields } from '../../event/event.ts'
import { known } from '../clean.ts'
import type { DeliverableEvent } from '../destination.ts'
import { wireNames } from './identify.ts'
import { customOf } from './custom.ts'

/**
 * What a webhook without a `body` of its own receives. A public shape: receivers are written against it. Absent facts are
 * left out, not null.
 */

type Facts = Readonly<Record<string, unknown>>

/** A group without a single fact is left out itself. */
const group = (facts: Facts): Facts | undefined => {
  const there = known(facts)
  return Object.keys(there).length === 0 ? undefined : there
}

/** `email` is the hash; where plain data is allowed it is the plain value, and the hash stands beside it as `emailSha256`. */
const userData = ({ identity }: DeliverableEvent, allowPlain: boolean): Facts =>
  Object.fromEntries(
    userDataFields.flatMap((field) => {
      const hashed = identity.keys[`${wireNames[field]}_sha256`]
      return allowPlain
        ? [
            [field, identity.plain[wireNames[field]]],
            [`${field}Sha256`, hashed],
          ]
        : [[field, hashed]]
    }),
  )

export const defaultBody = (deliverable: DeliverableEvent, allowPlain: boolean): string => {
  const { event, name } = deliverable
  const { clickIds, browserIds } = event.visitor
  return JSON.stringify(
    known({
      eventId: event.id,
      eventType: event.type,
      eventName: name,
      eventTime: new Date(event.occurredAt).toISOString(),
      site: event.site,
      source: event.source,
      ruleId: event.ruleId,
      page: group({ url: event.page.url, referrer: event.page.referrer }),
      customData: group({ ...customOf(event, allowPlain) }),
      userData: group(userData(deliverable, allowPlain)),
      clickIds: group(Object.fromEntries(Object.entries(clickIds).map(([id, click]) => [id, click?.value]))),
      browserIds: group({ ...browserIds }),
      consent: {
        ...Object.fromEntries(consentCategories.map((category) => [category, event.consent[category]])),
        source: event.consent.source,
      },
    }),
  )
}
