import type { Readable } from 'node:stream'
import type { ResponseFields } from './response-fields.ts'

/**
 * One request and the place for its answer, whichever version of HTTP carries them: all that forwarding knows of the
 * visitor's side.
 */
export interface Client {
  readonly method: string
  /** As it came. */
  readonly target: string
  /** Name, value, …, as HTTP/1.1 carries them: `Host` among them, one `Cookie`, no pseudo fields. */
  readonly rawHeaders: readonly string[]
  /** `1.0`, `1.1` or `2.0`. */
  readonly httpVersion: string
  /** `null`: the fields tell. */
  readonly hasBody: boolean | null
  /** The socket's peer, as the system writes it; empty when it is gone already. */
  readonly remoteAddress: string
  readonly body: Readable
  /** The body's end is not what the visitor meant to send. */
  readonly bodyCut: boolean
  /** A head has been given: nothing but the rest of that answer can follow. */
  readonly begun: boolean
  /** 0 until then. */
  readonly status: number
  /** An answer without a length reaches the visitor with its end marked, so trailers can follow. */
  readonly takesTrailers: boolean

  /** `listener` runs once: the answer is through, or the visitor has left. */
  onClose(listener: () => void): void
  /** `listener` runs whenever writing may go on. */
  onDrain(listener: () => void): void
  /** The visitor may send the body it asked about (RFC 9110 section 10.1.1). */
  goOn(): void
  /** A 1xx answer; throws where it cannot be written. */
  inform(status: number, rawHeaders: readonly string[]): void
  /** This answer is the last of its connection, where a connection carries one at a time. */
  leaveAfterwards(): void
  /** The head of the origin's answer, not yet on its way; throws where it cannot be written. */
  head(status: number, reason: string, fields: ResponseFields): void
  flushHead(): void
  /** False: wait for a drain. */
  write(bytes: Uint8Array): boolean
  /** Pairs to follow the body; throws where they cannot be written. */
  trailers(trailers: readonly [string, string][]): void
  end(last: Uint8Array | null): void
  /**
   * Ends an answer in its middle so that the visitor sees it is not whole. `sized`: its head gave a length. `flushed`: what
   * has been written is still to reach the visitor, as far as the version of HTTP has a way.
   */
  cut(sized: boolean, flushed?: boolean): void
  /** An answer of the gateway's own, whole. */
  say(status: number, rawHeaders: readonly string[], body: string): void
  /** No answer at all. */
  destroy(): void
}
