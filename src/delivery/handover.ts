import type { Clock } from '../clock.ts'
import type { CapturedEvent } from '../event/event.ts'
import { StoreError } from '../store/store.ts'
import type { Intake } from './intake.ts'

/**
 * Between a page and the store. While the store cannot take events (disk full, hand-over full) they wait here, in memory,
 * bounded in number, and go in as soon as it can; the pages flow all the while. What no longer fits is lost and counted:
 * there is nowhere left to put it.
 */
export interface Handover {
  /** Resolves when the event is committed, or has found no place. */
  give(captured: CapturedEvent): Promise<void>
  readonly waiting: number
  readonly lost: number
  /** Waits for what is under way, up to the signal. */
  close(signal: AbortSignal): Promise<void>
}

export interface HandoverOptions {
  readonly intake: Intake
  readonly clock: Clock
  readonly maxWaiting?: number
  readonly retryMs?: number
  readonly onTrouble: (problem: {
    readonly message: string
    readonly waiting: number
    readonly lost: number
  }) => void
  readonly onHealed: (waited: number) => void
}

interface Waiting {
  readonly captured: CapturedEvent
  readonly done: () => void
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** What is no fault of the store's is a fault in the one event, and will be the next time. */
const maySucceedLater = (error: unknown): boolean => error instanceof StoreError && error.code !== 'closed'

export const createHandover = (options: HandoverOptions): Handover => {
  const { intake, clock, maxWaiting = 10_000, retryMs = 500, onTrouble, onHealed } = options
  const line: Waiting[] = []
  const closing = new AbortController()
  let lost = 0
  let inFlight = 0
  let retrying: Promise<void> | null = null

  const lose = (error: unknown): void => {
    lost += 1
    onTrouble({ message: wordsOf(error), waiting: line.length, lost })
  }

  /** Each on its own, travelling in one commit all the same: a fault in routing one event must not hold up the others. */
  const drain = async (): Promise<void> => {
    const waited = line.length
    while (line.length > 0 && !closing.signal.aborted) {
      const bite = line.slice(0, 500)
      const results = await Promise.allSettled(bite.map(({ captured }) => intake.accept([captured])))
      const kept = bite.filter((waiting, index) => {
        const result = results[index]
        const again = result?.status === 'rejected' && maySucceedLater(result.reason)
        if (result?.status === 'rejected' && !again) lose(result.reason)
        if (!again) waiting.done()
        return again
      })
      line.splice(0, bite.length, ...kept)
      if (kept.length > 0) await clock.sleep(retryMs, closing.signal)
    }
    if (line.length === 0) onHealed(waited)
    retrying = null
  }

  const wait = (captured: CapturedEvent, error: unknown): Promise<void> => {
    if (line.length >= maxWaiting || !maySucceedLater(error)) {
      lose(error)
      return Promise.resolve()
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    line.push({ captured, done: resolve })
    if (retrying === null) {
      onTrouble({ message: wordsOf(error), waiting: line.length, lost })
      retrying = clock.sleep(retryMs, closing.signal).then(drain)
    }
    return promise
  }

  return {
    give: async (captured) => {
      // Behind others that wait, so that order is kept and the store is not asked for each.
      if (line.length > 0) return wait(captured, new StoreError('busy', 'the store is not taking events'))
      inFlight += 1
      const problem = await intake.accept([captured]).then(
        () => null,
        (error: unknown) => ({ error }),
      )
      inFlight -= 1
      if (problem !== null) await wait(captured, problem.error)
    },
    get waiting() {
      return line.length + inFlight
    },
    get lost() {
      return lost
    },
    close: async (signal) => {
      while (line.length + inFlight > 0 && !signal.aborted) await clock.sleep(10, signal)
      closing.abort()
      await retrying
      for (const { done } of line.splice(0)) {
        lose(new Error('the gateway stopped while the store could not take it'))
        done()
      }
    },
  }
}
