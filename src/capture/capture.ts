import type { CapturedEvent } from '../event/event.ts'
import type { Coding } from './page/collect-decode.ts'

/**
 * Capture knows no server. A host (the gateway's proxy, or the plugin) shows it each request and tells the observation
 * what happened; capture never touches a byte and never throws into its host.
 */
export interface Capture {
  /** `null`, nearly always: no rule can fire for this request, and the host need not look back. */
  begin(head: RequestHead): Observation | null
}

export interface RequestHead {
  readonly method: string
  /** As it came: origin form, bytes untouched. */
  readonly target: string
  /** Name, value, name, value, …, as they came. */
  readonly rawHeaders: readonly string[]
  /** The socket's peer. */
  readonly remoteAddress: string
  readonly secure: boolean
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
}

export interface ResponseHead {
  readonly status: number
  readonly rawHeaders: readonly string[]
}

/** What the site has opted in to have added to its answer; all else passes as it came. */
export interface Amendment {
  /** Fields to follow the origin's own: name, value, name, value, …. */
  readonly fields: readonly string[]
  /** The rest of this answer is of no interest: the host may go on as if nobody had asked, and tell no more of it. */
  readonly over?: boolean
  /** Bytes are to follow the page's own. */
  readonly page?: PageAmendment
}

/**
 * What follows a page, decided while it passes. No byte of the page itself is other than it came; only its content coding is
 * undone and done again.
 */
export interface PageAmendment {
  /** Fields that are not true of the longer page, in lower case. */
  readonly without: ReadonlySet<string>
  /** Of the answer; `null`: none. */
  readonly coding: Coding | null
  /** The page's bytes in passing, without the coding; read before the call returns. */
  passed(bytes: Uint8Array): void
  /** Asked once, when the page has passed and nothing is waited for any more. `null`: nothing follows. */
  tail(): Uint8Array | null
  /** The host leaves the answer as it is, or gives it up: `tail` is not asked. */
  leave(reason: 'busy' | 'bad_encoding'): void
}

/** Told in this order: `responseHead`, `chunk`…, then `end` or `abort`. */
export interface Observation {
  /**
   * A rule wants this page to be opened and not loaded ahead. A host that can does not ask the origin, answers with an error
   * that nobody keeps, and tells the observation nothing more. One that only looks on goes on as ever.
   */
  readonly refused?: true
  /** `null`: nothing is to be added. A host that only looks on leaves the answer as it is. */
  responseHead(head: ResponseHead): Amendment | null
  /** The bytes as they pass, still encoded. They are read before the call returns or copied, never changed. */
  chunk(bytes: Uint8Array): void
  /**
   * The answer is complete. Answers with a promise when a real-time event is being committed: a host that can holds back
   * the last byte until it settles, or until its own patience ends. It never rejects. `null`: nothing to wait for.
   */
  end(): Promise<void> | null
  /** The answer broke off, or the visitor left: nothing fires. */
  abort(): void
}

/** The one way out of capture. Resolves when the event is committed; may reject. */
export type OnEvent = (captured: CapturedEvent) => Promise<unknown>

/** Why a request that a rule's address matches did not fire; counted, and shown by `explain` (see `skip-words.ts`). */
export type SkipReason =
  | 'method'
  | 'prefetch'
  | 'not_document'
  | 'not_navigation'
  | 'range'
  | 'upgrade'
  | 'status'
  | 'content_type'
  | 'not_modified'
  | 'bot'
  | 'aborted'
  | 'health_check'
  | 'monitoring'
  | 'preview'
  | 'incomplete'
