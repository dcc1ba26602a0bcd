import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Amendment, Observation } from '../capture/capture.ts'
import { admit, amendFields, amendPage, type AmendedPage } from './amend.ts'
import type { Client } from './client.ts'
import { hold } from './hold.ts'
import type { ProxyLimits } from './limits.ts'
import type { Origins, Upstream } from './origins.ts'
import { sendPage } from './page.ts'
import type { RequestFields } from './request-fields.ts'
import {
  readInformationFields,
  readResponseFields,
  readTrailers,
  reasonPhrase,
  type ResponseFields,
} from './response-fields.ts'
import type { Route } from './router.ts'
import { count, type ProxyStats } from './stats.ts'
import {
  BadAnswerError,
  CutOffError,
  describeError,
  isDeadSocket,
  OverloadError,
  translate,
} from './translate.ts'
import { Upload } from './upload.ts'

/** What all exchanges share. */
export interface Front {
  readonly origins: Origins
  readonly limits: ProxyLimits
  readonly stats: ProxyStats
  readonly log: ProxyLog | null
  readonly onRequestDone: ((done: RequestDone) => void) | null
  /** True once the gateway stops: answers end their connections. */
  draining: boolean
}

/** The part of a pino logger that the proxy uses. Fields are hand-picked: never a path, an address or a header. */
export interface ProxyLog {
  warn(fields: object, message: string): void
}

/** For an access log or a histogram. */
export interface RequestDone {
  /** Empty when no site was found for it. */
  readonly site: string
  readonly method: string
  /** 0 when the visitor left before there was one. */
  readonly status: number
  readonly startedAt: number
  /** Why the answer is not the origin's, or not whole; `null` when all went well. */
  readonly failure: string | null
  /** As they came: whoever writes them down takes out what must not be written. */
  readonly target: string
  readonly rawHeaders: readonly string[]
  /** The socket's peer, as an address without port; empty when it was never known. */
  readonly peer: string
}

/** Methods that may be asked twice (RFC 9110 section 9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** An origin that sends more 1xx answers than this before the real one is not going to send it. */
const maxInformations = 64

const clientLeft = new Error('the visitor left')

/**
 * One request on its way to its origin, and the answer on its way back.
 *
 *     waiting ── head ──> passing ── end ──> (holding) ──> ended
 *        │                   │
 *        └── page            └── cut          at any time: the visitor leaves
 *
 * It is a class because it is undici's handler: one object per request, its methods shared, no closure on the hot path.
 * Nothing here may throw into undici, which would take the process down.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #front: Front
  readonly #client: Client
  readonly #route: Route
  readonly #fields: RequestFields
  readonly #startedAt: number
  #observation: Observation | null
  #amendment: Amendment | null = null
  /** The body goes through it. */
  #amended: AmendedPage | null = null

  #upstream: Upstream | null = null
  #controller: Dispatcher.DispatchController | null = null
  #upload: Upload | null = null
  #attempts = 0
  #informations = 0
  /** A byte of an answer has come. */
  #answered = false
  #head: ResponseFields | null = null
  /** Bytes have been handed to the response, or its head flushed. */
  #flushed = false
  /** Of a body with a length; -1 without one. */
  #remaining = -1
  #lastByte: Uint8Array | null = null
  #awaitsDrain = false
  /** The whole answer has been handed to the response: what happens to the visitor now is no loss of ours. */
  #ended = false
  #closed = false
  #failure: string | null = null

  constructor(
    front: Front,
    client: Client,
    route: Route,
    fields: RequestFields,
    observation: Observation | null,
    startedAt: number,
  ) {
    this.#front = front
    this.#client = client
    this.#route = route
    this.#fields = fields
    this.#observation = observation
    this.#startedAt = startedAt
    client.onClose(() => this.#onClientClose())
  }

  /** Sends the request; called again when a pooled connection turned out to be dead. */
  send(): void {
    this.#attempts += 1
    const upstream = this.#front.origins.of(this.#route)
    if (upstream.inFlight >= this.#front.limits.requestsPerOrigin) {
      this.onResponseError(null, new OverloadError('too many requests on their way'))
      return
    }
    upstream.inFlight += 1
    this.#upstream = upstream
    if (this.#fields.hasBody) this.#upload = new Upload(this.#client, this.#continuation())
    const options: Dispatcher.DispatchOptions & { servername: string } = {
      method: this.#client.method,
      path: this.#client.target,
      headers: this.#fields.headers,
      servername: this.#route.serverName,
    }
    // It is a stream as far as undici looks at it.
    if (this.#upload !== null) options.body = this.#upload as unknown as Readable
    upstream.dispatcher.dispatch(options, this)
  }

  /**
   * undici cannot send `Expect`, so the expectation is met here, but not before the origin is there to take the body: a
   * visitor whose origin is down hears so before sending a video.
   */
  #continuation(): (() => void) | null {
    if (!this.#fields.expectsContinue) return null
    return () => {
      if (!this.#closed && !this.#client.begun) this.#client.goOn()
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#closed) controller.abort(clientLeft)
    else this.#controller = controller
  }

  onResponseStarted(): void {
    this.#answered = true
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText = '',
  ): void {
    if (this.#closed) return
    // With the flat array of undici's HTTP/1.1 client; `allowH2` is off.
    const rawHeaders = controller.rawHeaders as readonly Buffer[]
    if (status < 200) this.#inform(controller, status, rawHeaders)
    else this.#start(controller, status, statusText, rawHeaders)
  }

  #inform(controller: Dispatcher.DispatchController, status: number, rawHeaders: readonly Buffer[]): void {
    this.#informations += 1
    if (status <= 101 || this.#informations > maxInformations) {
      controller.abort(new BadAnswerError(`unexpected status ${status}`))
      return
    }
    try {
      this.#client.inform(status, readInformationFields(rawHeaders))
    } catch {
      // A hint that cannot be written is no hint; the answer still comes.
    }
  }

  #start(
    controller: Dispatcher.DispatchController,
    status: number,
    statusText: string,
    rawHeaders: readonly Buffer[],
  ): void {
    const client = this.#client
    const head = readResponseFields(rawHeaders, status, client.takesTrailers)
    if (head.unreadable || status > 999) {
      controller.abort(new BadAnswerError('an answer that cannot be passed on'))
      return
    }
    if (this.#front.draining) client.leaveAfterwards()
    this.#tell((observation) => {
      this.#amendment = observation.responseHead({ status, rawHeaders: head.headers })
    })
    if (this.#amendment?.over === true) this.#observation = null
    const amendment = this.#amendment === null ? null : admit(this.#amendment, this.#front)
    this.#amendment = amendment
    try {
      client.head(status, reasonPhrase(statusText), amendment === null ? head : amendFields(head, amendment))
    } catch (error) {
      // Node may already have decided that this response has no body: its page would leave the client waiting.
      client.leaveAfterwards()
      controller.abort(error instanceof Error ? error : new BadAnswerError(String(error)))
      return
    }
    this.#head = head
    if (head.contentLength === 0 || status === 204 || status === 304 || client.method === 'HEAD') return
    if (amendment?.page !== undefined)
      this.#amended = amendPage({
        page: amendment.page,
        client,
        stats: this.#front.stats,
        resume: () => this.#controller?.resume(),
      })
    else if (head.contentLength !== null) this.#remaining = head.contentLength
    // The first bytes of the body mostly come with the head and then leave with it; else the head goes alone, at once.
    process.nextTick(flushHead, this)
  }

  flushHead(): void {
    if (this.#flushed || this.#closed || this.#ended) return
    this.#flushed = true
    this.#client.flushHead()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#closed) return
    this.#flushed = true
    const client = this.#client
    if (this.#remaining >= 0) this.#remaining -= chunk.length
    if (this.#observation === null && this.#amended === null) {
      if (this.#remaining === 0) {
        this.#ended = true
        client.end(chunk)
        return
      }
      if (!client.write(chunk)) this.#pause(controller)
      return
    }
    this.#tell((observation) => observation.chunk(chunk))
    if (this.#remaining !== 0) {
      if (!(this.#amended ?? client).write(chunk)) this.#pause(controller)
      return
    }
    this.#lastByte = chunk.subarray(chunk.length - 1)
    // No pause: nothing comes after it.
    if (chunk.length > 1) client.write(chunk.subarray(0, chunk.length - 1))
  }

  #pause(controller: Dispatcher.DispatchController): void {
    controller.pause()
    if (this.#awaitsDrain) return
    this.#awaitsDrain = true
    this.#client.onDrain(() => this.#controller?.resume())
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const upstream = this.#release()
    if (this.#closed || this.#ended) return
    if (upstream?.resetting === true && this.#head?.closeDelimited === true) {
      this.#fail(new CutOffError('reset before the end of the answer'))
      return
    }
    const rawTrailers = controller.rawTrailers as readonly Buffer[] | null
    if (rawTrailers !== null && rawTrailers.length > 0 && this.#client.takesTrailers)
      this.#addTrailers(rawTrailers)
    const observation = this.#observation
    if (observation === null) this.#end()
    else this.#endObserved(observation)
  }

  #addTrailers(rawTrailers: readonly Buffer[]): void {
    try {
      this.#client.trailers(readTrailers(rawTrailers, this.#amendment?.page?.without))
    } catch {
      // Trailers may be discarded (RFC 9110 section 6.5); what cannot be written is.
    }
  }

  /** The last byte, the last chunk or the closing of the connection waits until the event is committed. */
  #endObserved(observation: Observation): void {
    this.#observation = null
    let commit: Promise<void> | null = null
    try {
      commit = observation.end()
    } catch {
      this.#front.stats.captureThrew += 1
    }
    const { holdMs } = this.#route
    if (commit === null || holdMs === 0) {
      // With no patience at all nothing is waited for; the promise is not ours to leave unheard all the same.
      commit?.catch(ignore)
      this.#end()
      return
    }
    const { stats } = this.#front
    stats.held += 1
    hold(commit, holdMs, (expired) => {
      if (expired) stats.holdExpired += 1
      if (!this.#closed) this.#end()
    })
  }

  #end(): void {
    this.#ended = true
    const last = this.#lastByte
    this.#lastByte = null
    if (this.#amended === null) this.#client.end(last)
    else this.#amended.end()
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#release()
    if (this.#closed || this.#ended) return
    if (this.#maySendAgain(error)) {
      this.#front.stats.retried += 1
      // Not from within undici's own clean-up; and other sockets that died meanwhile are noticed first.
      setImmediate(() => {
        if (!this.#closed) this.send()
      })
      return
    }
    this.#fail(error)
  }

  /** Once, if nothing of an answer came, and if asking twice is harmless. A POST may have been seen: never. */
  #maySendAgain(error: Error): boolean {
    return (
      this.#attempts === 1 &&
      !this.#answered &&
      this.#upload === null &&
      idempotent.has(this.#client.method) &&
      isDeadSocket(error)
    )
  }

  #fail(error: Error): void {
    const { stats, log } = this.#front
    const { status, code } = translate(error)
    this.#failure = code
    this.#ended = true
    this.#tell((observation) => observation.abort())
    this.#observation = null
    this.#amended?.destroy()
    const cut = this.#client.begun
    if (cut) stats.cutShort += 1
    else count(stats.originFailed, code)
    try {
      log?.warn(
        {
          site: this.#route.site,
          method: this.#client.method,
          status,
          code,
          cut,
          cause: describeError(error),
        },
        cut ? 'an answer broke off' : 'the origin failed',
      )
    } catch {
      // A log that cannot be written is no reason to leave a visitor without an answer.
    }
    if (cut) this.#client.cut(this.#remaining >= 0)
    else {
      if (this.#front.draining) this.#client.leaveAfterwards()
      sendPage(this.#client, status)
    }
  }

  #onClientClose(): void {
    if (this.#closed) return
    this.#closed = true
    const { stats, onRequestDone } = this.#front
    stats.active -= 1
    this.#amended?.destroy()
    if (!this.#ended) {
      stats.clientLeft += 1
      this.#failure = 'client_left'
      this.#tell((observation) => observation.abort())
      this.#observation = null
      this.#controller?.abort(clientLeft)
    }
    if (onRequestDone === null) return
    try {
      onRequestDone({
        site: this.#route.site,
        method: this.#client.method,
        status: this.#client.status,
        startedAt: this.#startedAt,
        failure: this.#failure,
        target: this.#client.target,
        rawHeaders: this.#client.rawHeaders,
        // Node remembers it beyond the close.
        peer: this.#client.remoteAddress,
      })
    } catch {
      // Whoever counts requests must not break them.
    }
  }

  #release(): Upstream | null {
    const upstream = this.#upstream
    if (upstream !== null) {
      upstream.inFlight -= 1
      this.#upstream = null
    }
    return upstream
  }

  /** Capture never throws into its host; should it, the page goes on without it. */
  #tell(what: (observation: Observation) => void): void {
    if (this.#observation === null) return
    try {
      what(this.#observation)
    } catch {
      this.#observation = null
      this.#front.stats.captureThrew += 1
    }
  }
}

const ignore = (): void => {}

const flushHead = (exchange: Exchange): void => exchange.flushHead()
