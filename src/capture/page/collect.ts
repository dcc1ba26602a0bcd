/** A bounded copy of a page as it passes, decoded once it has passed. */
import { createBlocks, createCollectBudget } from './collect-blocks.ts'
import type { CollectBudget } from './collect-blocks.ts'
import { decode, readCodings } from './collect-decode.ts'

export type CollectProblem = 'unsupported_encoding' | 'bad_encoding' | 'empty' | 'over_budget'

export interface CollectedPage {
  /** The page without its content coding, in the charset it came in; ours to keep. What there was counts, whatever the problem. */
  readonly bytes: Buffer
  /** A limit or a fault ended it early. */
  readonly truncated: boolean
  readonly problem: CollectProblem | null
}

export interface Collector {
  /** Copies what it needs before it returns. Never throws, never waits. */
  push(bytes: Uint8Array): void
  /** The body is complete. Never rejects; a second call gives the first one's answer. */
  finish(): Promise<CollectedPage>
  /** Frees everything at once; a `finish` still under way answers with an empty page. */
  abort(): void
}

export interface CollectorOptions {
  /** The Content-Encoding field, several joined by commas; `null` without one. */
  readonly contentEncoding: string | null
  /** Of the body as it passes; 4 MiB. */
  readonly maxEncodedBytes?: number
  /** Of the page as it is read; 2 MiB. */
  readonly maxDecodedBytes?: number
  /** Shared by all collectors of the process unless given; 256 MiB. */
  readonly budget?: CollectBudget
}

const mebibyte = 1024 * 1024
const sharedBudget = createCollectBudget(256 * mebibyte)

/** Half of libuv's four threads, which resolving names and reading files need too. */
const decodersAtOnce = 2

const createGate = (seats: number): { enter(): Promise<void>; leave(): void } => {
  let free = seats
  const waiting: (() => void)[] = []
  return {
    enter: () =>
      new Promise((resolve) => {
        if (free > 0) {
          free--
          resolve()
        } else waiting.push(resolve)
      }),
    leave() {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    },
  }
}
const decoding = createGate(decodersAtOnce)

/**
 * The encoded bytes are kept and decoded at the end. A decoder running beside each response would cost its window for as
 * long as the slowest visitor reads (up to 16 MiB for brotli, against some 20 KB of encoded page), a turn of zlib's
 * threads per chunk on the hot path, and would work for nothing on every page that breaks off. At the end it is one short
 * run, on zlib's threads, at most two at a time, stopped at the limit.
 */
export const createCollector = (options: CollectorOptions): Collector => {
  const { contentEncoding, maxEncodedBytes = 4 * mebibyte, maxDecodedBytes = 2 * mebibyte } = options
  const budget = options.budget ?? sharedBudget
  const codings = readCodings(contentEncoding)
  // Of a page without coding nothing beyond the decoded limit would be read.
  const blocks = createBlocks(
    budget,
    codings?.length === 0 ? Math.min(maxEncodedBytes, maxDecodedBytes) : maxEncodedBytes,
  )
  const stop = new AbortController()
  let problem: CollectProblem | null = null
  if (codings === null) problem = 'unsupported_encoding'
  else if (budget.held() >= budget.maxBytes) problem = 'over_budget'
  let open = problem === null
  let complete = true
  let finished: Promise<CollectedPage> | null = null

  const nothing = (truncated: boolean): CollectedPage => ({
    bytes: Buffer.alloc(0),
    truncated,
    problem: problem ?? 'empty',
  })

  const read = async (): Promise<CollectedPage> => {
    if (codings === null || blocks.size() === 0) return nothing(problem !== null)
    if (codings.length === 0) return { bytes: blocks.take(), truncated: !complete, problem }
    await decoding.enter()
    try {
      const body = blocks.take()
      const { bytes, end } = await decode(body, {
        codings,
        maxEncodedBytes,
        maxDecodedBytes,
        complete,
        signal: stop.signal,
      })
      if (stop.signal.aborted) return nothing(false)
      if (end === 'broken') return { bytes, truncated: true, problem: problem ?? 'bad_encoding' }
      if (bytes.length === 0) return nothing(end === 'cut')
      return { bytes, truncated: end === 'cut', problem }
    } finally {
      decoding.leave()
    }
  }

  return {
    push(bytes) {
      if (!open) return
      const kept = blocks.push(bytes)
      if (kept === 'kept') return
      open = complete = false
      if (kept === 'over_budget') problem = 'over_budget'
    },
    finish() {
      open = false
      finished ??= read().finally(blocks.free)
      return finished
    },
    abort() {
      open = false
      stop.abort()
      blocks.free()
    },
  }
}
