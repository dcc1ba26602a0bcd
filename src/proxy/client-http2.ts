import type { OutgoingHttpHeaders } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import type { Client } from './client.ts'
import type { Http2Head } from './http2-request.ts'
import type { ResponseFields } from './response-fields.ts'

/** A client of HTTP/2: one stream. Its head waits for the first byte, for an answer that is held must show nothing. */
export class Http2Client implements Client {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly httpVersion = '2.0'
  readonly hasBody: boolean
  readonly remoteAddress: string
  readonly #stream: ServerHttp2Stream
  status = 0
  takesTrailers = true

  /** Given, and not yet on its way. */
  #head: string[] | null = null
  #trailers: readonly [string, string][] = []
  /** No body follows, whatever is written. */
  #bodyless: boolean
  #awaitsTrailers = false

  constructor(stream: ServerHttp2Stream, head: Http2Head, hasBody: boolean, remoteAddress: string) {
    this.#stream = stream
    this.method = head.method
    this.target = head.target
    this.rawHeaders = head.rawHeaders
    // A body of no bytes is none, whichever frame says so.
    this.hasBody = hasBody && !isEmpty(head.rawHeaders)
    this.remoteAddress = remoteAddress
    this.#bodyless = head.method === 'HEAD'
    // Whatever happens to a stream ends in its close, which is what we act upon.
    stream.on('error', ignore)
  }

  get body(): Readable {
    return this.#stream
  }
  /** Node ends the body of a stream that was reset without an error code as if it were whole. */
  get bodyCut(): boolean {
    return this.#stream.closed
  }
  get begun(): boolean {
    return this.status !== 0
  }

  onClose(listener: () => void): void {
    this.#stream.once('close', listener)
  }

  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener)
  }

  goOn(): void {
    if (this.#writable()) this.#stream.additionalHeaders({ ':status': 100 })
  }

  inform(status: number, rawHeaders: readonly string[]): void {
    if (!this.#writable()) return
    const headers: OutgoingHttpHeaders = { ':status': status }
    for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
      const name = (rawHeaders[index] ?? '').toLowerCase()
      const known = headers[name]
      const value = rawHeaders[index + 1] ?? ''
      headers[name] = known === undefined ? [value] : [...(Array.isArray(known) ? known : []), value]
    }
    this.#stream.additionalHeaders(headers)
  }

  /** Streams come and go by themselves; the connection is told to end by the listener. */
  leaveAfterwards(): void {}

  head(status: number, _reason: string, { headers, contentLength, closeDelimited }: ResponseFields): void {
    // Node writes no others.
    if (status > 599) throw new RangeError(`HTTP/2 has no status ${status}`)
    this.#give(status, headers, contentLength === null && !closeDelimited)
  }

  flushHead(): void {
    this.#respond(false)
  }

  write(bytes: Uint8Array): boolean {
    this.#respond(false)
    return this.#bodyless || !this.#writable() || this.#stream.write(bytes)
  }

  trailers(trailers: readonly [string, string][]): void {
    this.#trailers = trailers
  }

  end(last: Uint8Array | null): void {
    this.#respond(last === null)
    if (this.#bodyless || !this.#writable()) return
    if (!this.#awaitsTrailers) this.#stream.once('finish', () => this.#leave())
    if (last === null) this.#stream.end()
    else this.#stream.end(last)
  }

  cut(): void {
    this.#head = null
    // `close` with an error code would end the body first, and the visitor would take what there is for the whole.
    this.#stream.destroy(new CutError())
  }

  say(status: number, rawHeaders: readonly string[], body: string): void {
    this.#give(status, rawHeaders, false)
    this.end(body === '' ? null : Buffer.from(body))
  }

  destroy(): void {
    this.#stream.destroy()
  }

  #writable(): boolean {
    const stream = this.#stream
    return !stream.closed && !stream.destroyed && !stream.writableEnded
  }

  #give(status: number, rawHeaders: readonly string[], takesTrailers: boolean): void {
    this.status = status
    this.takesTrailers = takesTrailers
    this.#head = [':status', String(status), ...rawHeaders]
    if (status === 204 || status === 205 || status === 304) this.#bodyless = true
  }

  /** `last`: nothing follows the head but trailers. */
  #respond(last: boolean): void {
    const head = this.#head
    this.#head = null
    const stream = this.#stream
    if (head === null || stream.closed || stream.destroyed) return
    const endStream = this.#bodyless || (last && this.#trailers.length === 0)
    this.#awaitsTrailers = this.takesTrailers && !endStream
    // `sendDate` is Node's and missing in its types.
    const options = { sendDate: false, endStream, waitForTrailers: this.#awaitsTrailers }
    try {
      stream.respond(head, options)
    } catch {
      // A head that HTTP/2 cannot say; it is too late for another.
      this.cut()
      return
    }
    if (this.#awaitsTrailers) stream.once('wantTrailers', () => this.#sendTrailers())
  }

  #sendTrailers(): void {
    const trailers: OutgoingHttpHeaders = {}
    for (const [name, value] of this.#trailers) {
      const lower = name.toLowerCase()
      const known = trailers[lower]
      trailers[lower] = known === undefined ? [value] : [...(Array.isArray(known) ? known : []), value]
    }
    try {
      this.#stream.sendTrailers(trailers)
    } catch {
      // They may be discarded (RFC 9110 section 6.5), the end of the stream may not.
      this.#stream.close(constants.NGHTTP2_NO_ERROR)
    }
    setImmediate(() => this.#leave())
  }

  /** The visitor need not send the rest of a body that nobody wants (RFC 9113 section 8.1). */
  #leave(): void {
    if (!this.#stream.closed && !this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }
}

const isEmpty = (rawHeaders: readonly string[]): boolean => {
  const at = rawHeaders.indexOf('content-length')
  return at >= 0 && at % 2 === 0 && Number(rawHeaders[at + 1]) === 0
}

const ignore = (): void => {}

/** Node resets a stream with INTERNAL_ERROR when it is destroyed with an error. */
class CutError extends Error {}
