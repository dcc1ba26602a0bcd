/** Work on whole pages, kept off the event loop and within bounds of time, bytes and numbers waiting. */
import type { DomAnswer, DomAsk } from './dom-ask.ts'
import { createDomThread } from './dom-thread.ts'

export type { DomAsk } from './dom-ask.ts'

export interface DomPool {
  /** Never rejects: what went wrong is in the answer's `problem`. */
  query(html: string, asks: readonly DomAsk[]): Promise<DomAnswer>
  /** Ends the threads; what runs is answered with `crashed`, what waits with `busy`. */
  close(): Promise<void>
}

export interface DomPoolOptions {
  /** Threads, each started when it is first needed; 1. */
  readonly size?: number
  /** For one page, from the moment a thread begins with it; 1 000. */
  readonly timeoutMs?: number
  /** Of one page in UTF-8; 2 MiB. */
  readonly maxBytes?: number
  /** Pages waiting for a thread; 64. */
  readonly maxQueue?: number
  /** Characters of all pages that wait; 32 million. */
  readonly maxQueueCharacters?: number
  /** Of one thread; 256, of which the largest tree takes some 100. */
  readonly maxHeapMegabytes?: number
  /** The threads' program, in place of our own. */
  readonly program?: URL
}

interface Waiting {
  readonly html: string
  readonly asks: readonly DomAsk[]
  readonly answer: (answer: DomAnswer) => void
}

export const createDomPool = (options: DomPoolOptions = {}): DomPool => {
  const { size = 1, timeoutMs = 1000, maxBytes = 2 * 1024 * 1024, maxQueue = 64 } = options
  const { maxQueueCharacters = 32_000_000, maxHeapMegabytes = 256 } = options
  const threads = Array.from({ length: size }, () =>
    createDomThread({ timeoutMs, maxHeapMegabytes, program: options.program }),
  )
  // The last one used is the next one taken: a thread that was never needed is never started.
  const idle = [...threads]
  const queue: Waiting[] = []
  let queuedCharacters = 0
  let closed = false

  // A page comes, or a thread falls free: there is never more than one to be set going.
  const serve = (): void => {
    const thread = closed || queue.length === 0 ? undefined : idle.pop()
    const next = thread === undefined ? undefined : queue.shift()
    if (thread === undefined || next === undefined) return
    queuedCharacters -= next.html.length
    void thread.run(next.html, next.asks).then((answer) => {
      idle.push(thread)
      next.answer(answer)
      serve()
    })
  }

  const refusal = (html: string): DomAnswer['problem'] => {
    // Never fewer bytes than characters, and counting bytes is not free.
    if (html.length > maxBytes || Buffer.byteLength(html) > maxBytes) return 'too_large'
    if (closed) return 'busy'
    if (idle.length > 0) return null
    return queue.length >= maxQueue || queuedCharacters + html.length > maxQueueCharacters ? 'busy' : null
  }

  return {
    async query(html, asks) {
      if (asks.length === 0) return { values: [], problem: null }
      const problem = refusal(html)
      if (problem !== null) return { values: asks.map(() => null), problem }
      return new Promise((answer) => {
        queue.push({ html, asks, answer })
        queuedCharacters += html.length
        serve()
      })
    },
    async close() {
      closed = true
      for (const { asks, answer } of queue.splice(0))
        answer({ values: asks.map(() => null), problem: 'busy' })
      await Promise.all(threads.map((thread) => thread.close()))
    },
  }
}
