import { performance } from 'node:perf_hooks'
import { Agent } from 'undici'
import type { Dispatcher } from 'undici'
import type { HttpRequest, HttpResponse } from '../destinations/destination.ts'
import type { AddressGuard } from './address-guard.ts'
import { type TransportFailure, transportFailure } from './transport-failure.ts'

/** The one way out: an {@link HttpRequest} goes in, what came of it comes back. No redirect is followed, nothing is retried. */
export interface Transport {
  /** Never rejects. */
  send(request: HttpRequest, options: SendOptions): Promise<Sent>
  /** Waits for what is under way, which its own timeouts bound. */
  close(): Promise<void>
}

interface SendOptions {
  /** From the call to the last byte of the answer, waiting for a free connection included. */
  readonly timeoutMs: number
  /** Host names the request may go to and no others; absent or `null`: any the guard lets pass. */
  readonly hosts?: readonly string[] | null
  readonly signal?: AbortSignal
}

export type Sent =
  | { readonly kind: 'answered'; readonly response: HttpResponse; readonly durationMs: number }
  | ({ readonly kind: 'failed'; readonly durationMs: number } & TransportFailure)

export interface TransportOptions {
  readonly guard: AddressGuard
  readonly userAgent: string
  /** Of an answer's body; the rest is not read and costs the connection. */
  readonly maxResponseBytes?: number
  readonly connectTimeoutMs?: number
  readonly connectionsPerHost?: number
}

const defaultMaxResponseBytes = 64 * 1024
const defaultConnectTimeoutMs = 5_000
const defaultConnectionsPerHost = 32

type ResponseHead = Pick<HttpResponse, 'status' | 'headers'>

/** `fromEntries` defines own properties, so a header named `__proto__` stays a header. */
const plainHeaders = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
): HttpResponse['headers'] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )

/** A character cut in two at the limit is left out rather than shown as a replacement mark. */
const textOf = (chunks: readonly Buffer[], cut: boolean): string =>
  new TextDecoder().decode(Buffer.concat(chunks), { stream: cut })

export const createTransport = (options: TransportOptions): Transport => {
  const maxResponseBytes = options.maxResponseBytes ?? defaultMaxResponseBytes
  const connectTimeoutMs = options.connectTimeoutMs ?? defaultConnectTimeoutMs
  // Not a ProxyAgent: with HTTPS_PROXY obeyed, the proxy would dial addresses this guard never sees.
  const agent = new Agent({
    connections: options.connectionsPerHost ?? defaultConnectionsPerHost,
    pipelining: 1,
    allowH2: false,
    // One deadline over all phases takes the place of undici's own.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { lookup: options.guard.lookup, timeout: connectTimeoutMs, minVersion: 'TLSv1.2' },
  })

  const problemWith = (url: URL | null, hosts: readonly string[] | null | undefined): string | null => {
    if (url === null) return 'the address cannot be read'
    if (hosts !== null && hosts !== undefined && !hosts.includes(url.hostname))
      return `${url.hostname} is not a host of this platform`
    return options.guard.checkUrl(url)
  }

  const send: Transport['send'] = (request, { timeoutMs, hosts, signal }) =>
    new Promise((resolve) => {
      const startedAt = performance.now()
      const chunks: Buffer[] = []
      let room = maxResponseBytes
      let head: ResponseHead | null = null
      let controller: Dispatcher.DispatchController | null = null
      let settled = false

      const settle = (
        sent: { kind: 'answered'; response: HttpResponse } | ({ kind: 'failed' } & TransportFailure),
      ): void => {
        if (settled) return
        settled = true
        clearTimeout(deadline)
        signal?.removeEventListener('abort', stopped)
        resolve({ ...sent, durationMs: Math.round(performance.now() - startedAt) })
      }
      /** Before `controller` is there nothing was written: the request waited for a connection. */
      const fail = (failure: Omit<TransportFailure, 'ambiguous'>): void =>
        settle({ kind: 'failed', ...failure, ambiguous: controller !== null })
      const giveUp = (reason: string): void => {
        const cause = new Error(reason)
        fail({ reason, permanent: false, cause })
        controller?.abort(cause)
      }
      const answer = (cut: boolean): void => {
        if (head !== null) settle({ kind: 'answered', response: { ...head, body: textOf(chunks, cut) } })
      }
      const stopped = (): void => giveUp('the gateway was stopping before the answer came')
      const deadline = setTimeout(() => giveUp(`no complete answer within ${timeoutMs} ms`), timeoutMs)

      const url = URL.parse(request.url)
      const problem = problemWith(url, hosts)
      if (problem !== null || url === null) {
        return fail({ reason: problem ?? 'the address cannot be read', permanent: true, cause: null })
      }
      if (signal?.aborted === true) return stopped()
      signal?.addEventListener('abort', stopped, { once: true })

      try {
        agent.dispatch(
          {
            origin: url.origin,
            path: `${url.pathname}${url.search}`,
            method: request.method,
            headers: { 'user-agent': options.userAgent, 'accept-encoding': 'identity', ...request.headers },
            body: request.method === 'GET' ? null : request.body,
          },
          {
            onRequestStart: (begun) => {
              if (settled) begun.abort(new Error('given up while it waited for a connection'))
              else controller = begun
            },
            onResponseStart: (_, status, headers) => {
              if (status >= 200) head = { status, headers: plainHeaders(headers) }
            },
            onResponseData: (begun, chunk) => {
              chunks.push(chunk.subarray(0, room))
              if (chunk.length <= room) {
                room -= chunk.length
                return
              }
              answer(true)
              begun.abort(new Error('the rest of the answer is not wanted'))
            },
            onResponseEnd: () => answer(false),
            onResponseError: (_, error) => fail(transportFailure(error, connectTimeoutMs)),
          },
        )
      } catch (error) {
        fail(transportFailure(error, connectTimeoutMs))
      }
    })

  return { send, close: () => agent.close() }
}
