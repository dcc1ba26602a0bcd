/** One thread that answers asks, one page at a time; ended and started anew whenever it does not come back in time. */
import { Worker } from 'node:worker_threads'
import type { DomAnswer, DomAsk } from './dom-ask.ts'

export interface ToWorker {
  readonly html: string
  readonly asks: readonly DomAsk[]
}
export type FromWorker = 'ready' | 'done' | 'too_large' | readonly [index: number, value: string | null]

export interface DomThread {
  /** Not to be called before the last answer came. Never rejects. */
  run(html: string, asks: readonly DomAsk[]): Promise<DomAnswer>
  /** Ends what runs. */
  close(): Promise<void>
}

export interface DomThreadOptions {
  /** For the work on one page, from the moment it begins. */
  readonly timeoutMs: number
  readonly maxHeapMegabytes: number
  /** The thread's program; `dom-worker.ts`. */
  readonly program?: URL | undefined
}

/** Starting is reading cheerio from disk: a quarter of a second, more on a machine in distress. */
const startMs = 10_000

export const createDomThread = (options: DomThreadOptions): DomThread => {
  const { timeoutMs, maxHeapMegabytes } = options
  const program = options.program ?? new URL('./dom-worker.ts', import.meta.url)
  let worker: Worker | null = null
  let ready = false
  const ending = new Set<Promise<unknown>>()

  const discard = (dead: Worker): void => {
    if (worker === dead) worker = null
    const ended = dead.terminate().finally(() => ending.delete(ended))
    ending.add(ended)
  }

  const start = (): Worker => {
    const started = new Worker(program, {
      name: 'page',
      // It reads hostile pages: none of the process's secrets are its business.
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
    })
    // Without a listener an error of an idle thread would end the process.
    started.on('error', () => discard(started))
    started.on('exit', () => {
      if (worker === started) worker = null
    })
    ready = false
    worker = started
    return started
  }

  const talk = (thread: Worker, html: string, asks: readonly DomAsk[]): Promise<DomAnswer> =>
    new Promise((resolve) => {
      const values: (string | null)[] = asks.map(() => null)
      const late = (): void => settle(ready ? 'timeout' : 'crashed')
      let timer = setTimeout(late, startMs)

      const settle = (problem: DomAnswer['problem']): void => {
        clearTimeout(timer)
        thread.off('message', hear)
        thread.off('exit', fall)
        if (problem === null || problem === 'too_large') thread.unref()
        else discard(thread)
        resolve({ values, problem })
      }
      const fall = (): void => settle('crashed')
      const begin = (): void => {
        clearTimeout(timer)
        timer = setTimeout(late, timeoutMs)
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        thread.postMessage({ html, asks } satisfies ToWorker)
      }
      const hear = (message: FromWorker): void => {
        if (message === 'ready') {
          ready = true
          begin()
        } else if (message === 'done') settle(null)
        else if (message === 'too_large') settle('too_large')
        else values[message[0]] = message[1]
      }

      thread.on('message', hear)
      thread.on('exit', fall)
      thread.ref()
      if (ready) begin()
    })

  return {
    async run(html, asks) {
      try {
        return await talk(worker ?? start(), html, asks)
      } catch {
        // The system has no thread to give.
        return { values: asks.map(() => null), problem: 'crashed' }
      }
    },
    async close() {
      if (worker !== null) discard(worker)
      await Promise.all(ending)
    },
  }
}
