import type { DeliveryStatus, IntegrationKey, JournalLine } from './store.ts'

/**
 * What a platform has accepted and will judge later. An inquiry is a question that is still to be asked, about the deliveries
 * of one request; it survives a restart, and whoever takes it asks alone.
 *
 *     (absent) ──note──> open ──take──> taken ──postpone──> open ──take──> …
 *                                         │
 *                                         └──close──> (absent): each delivery says what became of it
 *
 * One that was taken by a process that died is open again when its `until` has passed.
 */
export interface NewInquiry {
  readonly integration: IntegrationKey
  /** The platform's name for the request. */
  readonly ticket: string
  readonly deliveries: readonly number[]
  /** Milliseconds since the epoch, here and below. */
  readonly notedAt: number
  readonly askAt: number
}

export interface Inquiry extends Omit<NewInquiry, 'askAt'> {
  readonly inquiryId: number
  /** How often it was taken before. */
  readonly tries: number
}

/** What became of one delivery. */
export interface LateSettlement {
  readonly deliveryId: number
  /** In the place of `sent`; `null`: it stays. */
  readonly status: Extract<DeliveryStatus, 'failed' | 'consent_denied'> | null
  readonly reason: string
  readonly line: JournalLine
}

/** The same promises as `Store`: resolved is committed, a `StoreError` is nothing changed. */
export interface InquiryStore {
  noteInquiries(inquiries: readonly NewInquiry[]): Promise<void>
  /** Those of an integration that are to be asked by `now`, the longest due first; until `until` nobody else gets them. */
  takeInquiries(request: {
    readonly integration: IntegrationKey
    readonly now: number
    readonly until: number
    readonly limit: number
  }): Promise<readonly Inquiry[]>
  postponeInquiry(inquiryId: number, askAt: number): Promise<void>
  /** A delivery that is not `sent` any more, or is gone, is left as it is. */
  closeInquiry(inquiryId: number, settlements: readonly LateSettlement[]): Promise<void>
}
