import type { EventId, SiteId } from './brand.ts'
import type { BrowserIds, ClickIds } from './click-ids.ts'
import type { ConsentState } from './consent.ts'
import type { EventType } from './names.ts'

/**
 * One conversion that happened. It holds no plain identifier: those travel beside it as {@link UserData}, and end at
 * the intake, which hashes them for each destination.
 */
export interface ConversionEvent {
  readonly id: EventId
  readonly site: SiteId
  /** The canonical name, or a custom event's own. */
  readonly type: EventType
  /** The name as the rule or the sender wrote it. */
  readonly name: string
  /** Milliseconds since the epoch. When it happened, never when it is sent. */
  readonly occurredAt: number
  readonly source: 'page' | 'ingest'
  readonly ruleId?: string
  readonly page: PageReference
  readonly custom: CustomData
  readonly visitor: Visitor
  readonly consent: ConsentState
}

export interface PageReference {
  /** Absolute, without fragment and without parameters that name a person or open a door (see `page-url.ts`). */
  readonly url?: string
  readonly referrer?: string
  readonly title?: string
}

export interface CustomData {
  /** In major units of `currency`. */
  readonly value?: number
  /** ISO 4217, upper case. */
  readonly currency?: string
  readonly orderId?: string
  readonly contentIds?: readonly string[]
  readonly contentName?: string
  readonly contentType?: string
  readonly contentCategory?: string
  readonly contents?: readonly ContentItem[]
  readonly numItems?: number
  readonly searchString?: string
  /** What else a rule set or a sender gave: scalars only. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>
}

export interface ContentItem {
  readonly id: string
  readonly name?: string
  readonly category?: string
  readonly brand?: string
  readonly quantity?: number
  /** Price of one piece, in major units. */
  readonly price?: number
}

/** The personal part of an event: kept only until its last delivery is settled. */
export interface Visitor {
  /** A public address without port or zone. */
  readonly ip?: string
  /** Where the visitor was, ISO 3166-1 alpha-2 in upper case, by the word of the site's edge; absent where unknown. */
  readonly country?: string
  readonly userAgent?: string
  readonly clickIds: ClickIds
  readonly browserIds: BrowserIds
}

/** Plain identifiers as somebody typed them, or already hashed by the sender. Memory only: never stored, never logged. */
export interface UserData {
  readonly email?: string
  readonly phone?: string
  readonly firstName?: string
  readonly lastName?: string
  readonly city?: string
  readonly state?: string
  readonly zip?: string
  readonly country?: string
  readonly externalId?: string
}
export type UserDataField = keyof UserData

export const userDataFields = [
  'email',
  'phone',
  'firstName',
  'lastName',
  'city',
  'state',
  'zip',
  'country',
  'externalId',
] as const satisfies readonly UserDataField[]

/** Where a fact of an event came from, for the one who asks why it is what it is. */
export interface FactSource {
  readonly field: string
  /** Such as `rule: selector #total`, `json-ld: Order.price`, `open graph: product:price:amount`, `site`. */
  readonly from: string
}

/** An event at the door of the intake. */
export interface CapturedEvent {
  readonly event: ConversionEvent
  readonly userData: UserData
  /** Integration ids or platform names; `null` means every integration of the site. */
  readonly targets: readonly string[] | null
  readonly sources: readonly FactSource[]
  /** Oddities of the page or of the input, as stable codes such as `ambiguous_price`. */
  readonly warnings: readonly string[]
}
