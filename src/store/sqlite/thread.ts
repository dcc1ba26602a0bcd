/** One engine thread and its life: started, asked, replaced when it dies, closed. */
import type { Worker } from 'node:worker_threads'
import { StoreError } from '../store.ts'
import { createHandover, type Handover } from './handover.ts'
import type { Answer, Call, FromThread, ThreadData, ToThread } from './messages.ts'

/** Threads that may die one after the other without an answer in between, before we stop starting more. */
const maxDeaths = 3

export interface ThreadEvents<Calls> {
  answered?(answers: readonly Answer[], durationMs: number): void
  /** It died with these under way, and another has taken over. */
  restarted?(message: string, lost: readonly Call<Calls>[]): void
  /** It died, and so did those that took its place, or the file could not be opened again. */
  fatal?(message: string): void
}

export interface Thread<Calls> {
  readonly handover: Handover<Calls>
  /** Waits for what is held, then ends the thread. */
  close(): Promise<void>
}

/** Rejects with a {@link StoreError} whose message says why the file cannot be opened. */
export const startThread = async <Calls>(
  spawn: (data: ThreadData) => Worker,
  data: ThreadData,
  events: ThreadEvents<Calls> = {},
): Promise<Thread<Calls>> => {
  const handover = createHandover<Calls>()
  let worker: Worker
  let closing = false
  /** Deaths since the last answer. */
  let deaths = 0

  const send = (to: Worker, message: ToThread<Calls>): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a window has origins, a thread has none
    to.postMessage(message)
  }

  const start = async (): Promise<void> => {
    worker = spawn(data)
    const from = worker
    let cause: unknown = null
    const opened = new Promise<void>((resolve, reject) => {
      from.on('message', (message: FromThread) => {
        if (message.kind === 'opened') return resolve()
        if (message.kind === 'refused') return reject(new StoreError('failed', message.message))
        deaths = 0
        events.answered?.(message.answers, message.durationMs)
        handover.answered(message.id, message.answers)
      })
      from.on('error', (error) => (cause = error))
      from.on('exit', () => reject(died(cause)))
    })
    await opened
    from.on('exit', () => {
      if (!closing) restart(died(cause))
    })
    handover.connect((id, calls) => send(from, { kind: 'group', id, calls }))
  }

  const restart = (error: StoreError): void => {
    const lost = handover.disconnect(error)
    const give = (reason: StoreError): void => {
      handover.end(reason)
      events.fatal?.(reason.message)
    }
    if (++deaths > maxDeaths) return give(error)
    start().then(() => events.restarted?.(error.message, lost), give)
  }

  await start()
  return {
    handover,
    close: async () => {
      await handover.idle()
      closing = true
      handover.end(new StoreError('closed', 'The store is closed.'))
      const last = worker
      const exited = new Promise<void>((resolve) => void last.once('exit', () => resolve()))
      if (last.threadId === -1) return
      send(last, { kind: 'close' })
      await exited
    },
  }
}

const died = (cause: unknown): StoreError => {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  return new StoreError('failed', `The store's thread ended unexpectedly${why}.`, { cause })
}
