import { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'
import type { Client } from './client.ts'

/**
 * A request's body as undici wants one: something that looks like a stream. It stands between undici and the request
 * because undici would otherwise measure a body that has already arrived and turn chunks into a length, and would destroy
 * the request (and with it the visitor's connection) when an origin answers early.
 */
export class Upload extends EventEmitter {
  destroyed = false
  readonly #client: Client
  readonly #request: Readable
  #wanted: (() => void) | null
  #attached = false

  /** `wanted` is called when the origin is connected and the first byte is asked for. */
  constructor(client: Client, wanted: (() => void) | null) {
    super()
    this.#client = client
    this.#request = client.body
    this.#wanted = wanted
  }

  readonly #onData = (chunk: Buffer): boolean => this.emit('data', chunk)
  readonly #onEnd = (): void => {
    // The origin must not take for whole what was broken off; the request is aborted in a moment.
    if (!this.#client.bodyCut) this.emit('end')
  }

  /** Never called: undici knows a stream by it. */
  pipe(): never {
    throw new Error('an upload is not piped')
  }

  pause(): void {
    this.#request.pause()
  }

  resume(): void {
    if (this.destroyed) return
    if (!this.#attached) {
      this.#attached = true
      this.#wanted?.()
      this.#wanted = null
      this.#request.on('data', this.#onData).on('end', this.#onEnd)
    }
    this.#request.resume()
  }

  /** The origin wants no more of it. What still comes is thrown away, so that the answer can be read in peace. */
  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.#request.off('data', this.#onData).off('end', this.#onEnd).resume()
  }
}
