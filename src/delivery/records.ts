import { impersonal } from '../destinations/clean.ts'
import { nobody, type DeliverableEvent, type Identity } from '../destinations/destination.ts'
import type { EventId, SiteId } from '../event/brand.ts'
import type { ConsentState } from '../event/consent.ts'
import type { CapturedEvent, ConversionEvent, FactSource, PageReference, Visitor } from '../event/event.ts'
import { withoutClickIds } from '../event/page-url.ts'
import type { ClaimedDelivery } from '../store/store.ts'

/** The texts the store keeps for us: what may stay in the journal (facts), and what goes when a delivery settles (payload). */

export interface EventFacts {
  readonly type: string
  readonly name: string
  readonly source: ConversionEvent['source']
  readonly ruleId?: string
  readonly page: PageReference
  readonly custom: ConversionEvent['custom']
  readonly consent: ConsentState
  readonly sources: readonly FactSource[]
  readonly warnings: readonly string[]
  /** Per integration id, the identifiers that could not be used. */
  readonly leftOut?: Readonly<Record<string, Identity['leftOut']>>
  /** Per integration id, why an event went without the person, and in which form. */
  readonly flagged?: Readonly<Record<string, string>>
  /** Per integration id, how well its platform can recognise the person, as it was when the event came in. */
  readonly quality?: Readonly<Record<string, Quality>>
}

export interface Quality {
  /** 0 to 10. */
  readonly grade: number
  /** The platform's names of the keys that would raise it, the greatest gain first. */
  readonly missing: readonly string[]
}

interface Payload {
  /** The type as this integration understands it: its reverse mapping may read the event's name differently. */
  readonly type: string
  readonly name: string
  readonly keys: Identity['keys']
  /** `Identity.plain`, sealed. */
  readonly sealed?: string
  readonly page: PageReference
  readonly visitor: Visitor
  /** See {@link DeliverableEvent.flagged}. */
  readonly flagged?: true
}

/** Seals what a destination wants in the clear; `null` where no key is configured. */
export interface PlainSealer {
  seal(plaintext: string, associated: string): string
  open(sealed: string, associated: string): string | null
}

export const encodeFacts = (
  captured: CapturedEvent,
  { leftOut = {}, flagged = {}, quality = {} }: Pick<EventFacts, 'leftOut' | 'flagged' | 'quality'>,
): string => {
  const { event, sources, warnings } = captured
  const { type, name, source, ruleId, page, consent } = event
  // Senders write what they like into properties of their own; who a person is belongs into user data, and is hashed there.
  const custom = impersonal(event.custom)
  const facts: EventFacts = {
    type,
    name,
    source,
    ...(ruleId === undefined ? {} : { ruleId }),
    page: {
      ...page,
      ...(page.url === undefined ? {} : { url: withoutClickIds(page.url) }),
      ...(page.referrer === undefined ? {} : { referrer: withoutClickIds(page.referrer) }),
    },
    custom,
    consent,
    sources,
    warnings: custom === event.custom ? warnings : [...warnings, 'personal_data_left_out'],
    ...(Object.keys(leftOut).length === 0 ? {} : { leftOut }),
    ...(Object.keys(flagged).length === 0 ? {} : { flagged }),
    ...(Object.keys(quality).length === 0 ? {} : { quality }),
  }
  return JSON.stringify(facts)
}

/** Facts come back as they were written: only this file writes them. */
export const decodeFacts = (text: string): EventFacts => JSON.parse(text) as EventFacts

export const encodePayload = (
  deliverable: DeliverableEvent,
  integration: string,
  sealer: PlainSealer | null,
): string => {
  const { event, name, identity } = deliverable
  const payload: Payload = {
    type: event.type,
    name,
    keys: identity.keys,
    ...(sealer === null || Object.keys(identity.plain).length === 0
      ? {}
      : { sealed: sealer.seal(JSON.stringify(identity.plain), `${event.id}/${integration}`) }),
    page: event.page,
    visitor: event.visitor,
    ...(deliverable.flagged ? { flagged: true } : {}),
  }
  return JSON.stringify(payload)
}

/** A claimed delivery as its destination wants to see it. A seal that no key opens any more leaves the plain part empty. */
export const decodeDelivery = (
  claimed: ClaimedDelivery,
  integration: string,
  sealer: PlainSealer | null,
): DeliverableEvent => {
  const facts = decodeFacts(claimed.facts)
  const payload = JSON.parse(claimed.payload) as Payload
  const plain =
    payload.sealed === undefined ? null : sealer?.open(payload.sealed, `${claimed.eventId}/${integration}`)
  return {
    name: payload.name,
    acceptedAt: claimed.acceptedAt,
    ...(payload.flagged ? { flagged: true } : {}),
    identity: {
      ...nobody,
      keys: payload.keys,
      plain: plain === null || plain === undefined ? {} : (JSON.parse(plain) as Record<string, string>),
    },
    event: {
      id: claimed.eventId as EventId,
      site: claimed.site as SiteId,
      type: payload.type,
      name: facts.name,
      occurredAt: claimed.occurredAt,
      source: facts.source,
      ...(facts.ruleId === undefined ? {} : { ruleId: facts.ruleId }),
      page: payload.page,
      custom: facts.custom,
      visitor: payload.visitor,
      consent: facts.consent,
    },
  }
}
