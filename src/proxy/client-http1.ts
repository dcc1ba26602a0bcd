import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Client } from './client.ts'
import { cut } from './cut.ts'
import type { ResponseFields } from './response-fields.ts'

/** A client of HTTP/1.1 or 1.0. A class because there is one per request, its methods shared. */
export class Http1Client implements Client {
  readonly hasBody = null
  readonly #req: IncomingMessage
  readonly #res: ServerResponse

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req
    this.#res = res
  }

  get method(): string {
    return this.#req.method ?? ''
  }
  get target(): string {
    return this.#req.url ?? ''
  }
  get rawHeaders(): readonly string[] {
    return this.#req.rawHeaders
  }
  get httpVersion(): string {
    return this.#req.httpVersion
  }
  get remoteAddress(): string {
    return this.#req.socket.remoteAddress ?? ''
  }
  get body(): Readable {
    return this.#req
  }
  /** Node ends no body that its visitor broke off. */
  get bodyCut(): boolean {
    return false
  }
  get begun(): boolean {
    return this.#res.headersSent
  }
  get status(): number {
    return this.#res.headersSent ? this.#res.statusCode : 0
  }
  /** Node decides it with the head; before, the version does. */
  get takesTrailers(): boolean {
    return this.#res.headersSent ? this.#res.chunkedEncoding : this.#req.httpVersionMinor > 0
  }

  onClose(listener: () => void): void {
    this.#res.on('close', listener)
    // A write that meets a closed socket reports here; the close is what we act upon.
    this.#res.on('error', ignore)
  }

  onDrain(listener: () => void): void {
    this.#res.on('drain', listener)
  }

  goOn(): void {
    if (!this.#res.headersSent && this.#req.httpVersionMinor > 0) this.#res.writeContinue()
  }

  inform(status: number, rawHeaders: readonly string[]): void {
    // HTTP/1.0 knows no 1xx (RFC 9110 section 15.2).
    if (this.#req.httpVersionMinor > 0) this.#res.writeInformation(status, [...rawHeaders])
  }

  leaveAfterwards(): void {
    this.#res.shouldKeepAlive = false
  }

  head(status: number, reason: string, { headers }: ResponseFields): void {
    const res = this.#res
    // Persistence is HTTP/1.1's default and needs no words; without this Node would add two lines of its own.
    if (res.shouldKeepAlive && this.#req.httpVersionMinor > 0) res.removeHeader('connection')
    res.sendDate = false
    res.writeHead(status, reason, headers)
  }

  flushHead(): void {
    this.#res.flushHeaders()
  }

  write(bytes: Uint8Array): boolean {
    return this.#res.write(bytes)
  }

  trailers(trailers: readonly [string, string][]): void {
    this.#res.addTrailers(trailers)
  }

  end(last: Uint8Array | null): void {
    if (last === null) this.#res.end()
    else this.#res.end(last)
  }

  /** The client must see that the answer is not whole (RFC 9112 section 8); only a reset says so when its end is a close. */
  cut(sized: boolean, flushed = false): void {
    const { socket } = this.#req
    if (sized || this.#res.chunkedEncoding) {
      if (flushed) socket.destroySoon()
      else socket.destroy()
    } else cut(socket)
  }

  /** Node leaves the body out for HEAD. */
  say(status: number, rawHeaders: readonly string[], body: string): void {
    this.#res.writeHead(status, [...rawHeaders]).end(body)
  }

  destroy(): void {
    this.#res.destroy()
  }
}

const ignore = (): void => {}
