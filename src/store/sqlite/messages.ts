/**
 * What the threads say to each other. Plain objects: packing them into flat arrays made the structured clone a
 * microsecond cheaper per event and everything else harder to read.
 */
import type {
  Appended,
  Backlog,
  ClaimedDelivery,
  ClaimRequest,
  EventPage,
  EventQuery,
  ErasureQuery,
  GiveUpQuery,
  LatestOutcome,
  NewEvent,
  Pulse,
  PulseQuery,
  ReplayQuery,
  Settlement,
  StoredEvent,
  TallyPage,
  TallyQuery,
} from '../store.ts'
import type { Inquiry, LateSettlement, NewInquiry } from '../inquiries.ts'
import type { AuditEntry, AuditPage, Changed, DocumentId, StoredDocument } from '../settings.ts'
import type { DatabaseOptions } from './database.ts'
import type { Fault } from './fault.ts'

/** One bounded piece of a long piece of work; `next` is where the following one begins. */
export interface Bite {
  readonly changed: number
  readonly next: number | null
}

/** One piece of an erasure. */
export interface ErasureBite {
  /** Rows of events of which something was taken out. */
  readonly events: readonly number[]
  readonly deliveries: readonly {
    readonly integration: string
    readonly what: 'ended' | 'claimed' | 'failed' | 'requests'
    readonly count: number
  }[]
  readonly claimed: readonly { readonly integration: string; readonly eventId: string }[]
  readonly next: number | null
}

interface ErasureStep {
  input: { readonly query: ErasureQuery; readonly after: number }
  answer: ErasureBite
}

/** The transitions, as the writer knows them. */
export interface Changes {
  append: { input: readonly NewEvent[]; answer: readonly Appended[] }
  /** The ticket marks what this claim took, see `abandon`. */
  claim: { input: ClaimRequest & { readonly ticket: number }; answer: readonly ClaimedDelivery[] }
  settle: { input: { readonly settlements: readonly Settlement[]; readonly now: number }; answer: null }
  release: { input: { readonly deliveryIds: readonly number[]; readonly now: number }; answer: null }
  recover: { input: { readonly now: number }; answer: number }
  /** Gives back what claims took whose answers never arrived. */
  abandon: { input: { readonly tickets: readonly number[]; readonly now: number }; answer: null }
  replay: { input: { readonly query: ReplayQuery; readonly after: number }; answer: Bite }
  erasePayloads: ErasureStep
  eraseFacts: ErasureStep
  eraseJournal: ErasureStep
  giveUp: { input: { readonly query: GiveUpQuery; readonly after: number }; answer: Bite }
  sweep: { input: { readonly olderThan: number; readonly after: number }; answer: Bite }
  putDocument: {
    input: {
      readonly document: DocumentId & { readonly body: string }
      readonly expected: number | null
      readonly entry: AuditEntry
    }
    answer: Changed
  }
  deleteDocument: {
    input: { readonly document: DocumentId; readonly expected: number; readonly entry: AuditEntry }
    answer: Changed
  }
  audit: { input: AuditEntry; answer: null }
  noteInquiries: { input: readonly NewInquiry[]; answer: null }
  takeInquiries: {
    input: {
      readonly integration: string
      readonly now: number
      readonly until: number
      readonly limit: number
    }
    answer: readonly Inquiry[]
  }
  postponeInquiry: { input: { readonly inquiryId: number; readonly askAt: number }; answer: null }
  closeInquiry: {
    input: { readonly inquiryId: number; readonly settlements: readonly LateSettlement[] }
    answer: null
  }
}

export interface Reads {
  backlog: { input: null; answer: readonly Backlog[] }
  event: { input: { readonly site: string; readonly eventId: string }; answer: StoredEvent | null }
  events: { input: EventQuery; answer: EventPage }
  tally: { input: TallyQuery; answer: TallyPage }
  pulse: { input: PulseQuery; answer: readonly Pulse[] }
  latest: { input: string; answer: readonly LatestOutcome[] }
  replayable: { input: ReplayQuery; answer: number }
  documents: { input: { readonly kind: string; readonly site?: string }; answer: readonly StoredDocument[] }
  documentsVersion: { input: null; answer: number }
  audits: {
    input: { readonly site: string; readonly cursor?: string; readonly limit: number }
    answer: AuditPage
  }
}

export type Call<Calls> = { [K in keyof Calls]: { kind: K; input: InputOf<Calls, K> } }[keyof Calls]
export type InputOf<Calls, K extends keyof Calls> = Calls[K] extends { input: infer Input } ? Input : never
export type AnswerOf<Calls, K extends keyof Calls> = Calls[K] extends { answer: infer Answer }
  ? Answer
  : never
export type Handlers<Calls> = {
  readonly [K in keyof Calls]: (input: InputOf<Calls, K>) => AnswerOf<Calls, K>
}

export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly fault: Fault }

export interface ThreadData extends DatabaseOptions {
  readonly role: 'writer' | 'reader'
}

/** To a thread. A writer takes a group as one transaction; a reader answers its calls one by one. */
export type ToThread<Calls> =
  | { readonly kind: 'group'; readonly id: number; readonly calls: readonly Call<Calls>[] }
  | { readonly kind: 'close' }

export type FromThread =
  | { readonly kind: 'opened' }
  /** It could not open the file, and has ended. */
  | { readonly kind: 'refused'; readonly message: string }
  | {
      readonly kind: 'answers'
      readonly id: number
      readonly answers: readonly Answer[]
      readonly durationMs: number
    }
