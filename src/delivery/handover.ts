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

export const createHandover = (options: HandoverOptions): Handover => {
  const { intake, clock, maxWaiting = 10_000, retryMs = 500, onTrouble, onHealed } = options
  const line: Waiting[] = []
  const closing = new AbortController()
  let lost = 0
  let inFlight = 0
  let retrying: Promise<void> | null = null

  const drain = async (): Promise<void> => {
    const waited = line.length
    while (line.length > 0 && !closing.signal.aborted) {
      const batch = line.slice(0, 500)
      try {
        await intake.accept(batch.map(({ captured }) => captured))
        line.splice(0, batch.length)
        for (const { done } of batch) done()
      } catch {
        await clock.sleep(retryMs, closing.signal)
      }
    }
    if (line.length === 0) onHealed(waited)
    retrying = null
  }

  const wait = (captured: CapturedEvent, error: unknown): Promise<void> => {
    const message = error instanceof Error ? error.message : String(error)
    if (line.length >= maxWaiting || (error instanceof StoreError && error.code === 'closed')) {
      lost += 1
      onTrouble({ message, waiting: line.length, lost })
      return Promise.resolve()
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    line.push({ captured, done: resolve })
    if (retrying === null) {
      onTrouble({ message, waiting: line.length, lost })
      retrying = clock.sleep(retryMs, closing.signal).then(drain)
    }
    return promise
  }

  return {
    give: async (captured) => {
      // Behind others that wait, so that order is kept and the store is not asked for each.
      if (line.length > 0) return wait(captured, new Error('the store is not taking events'))
      inFlight += 1
      try {
        await intake.accept([captured])
      } catch (error) {
        // Not the store: a fault in routing this one event. Retrying it for ever would hold up the others.
        if (!(error instanceof StoreError)) {
          lost += 1
          onTrouble({ message: String(error), waiting: line.length, lost })
          return
        }
        await wait(captured, error)
      } finally {
        inFlight -= 1
      }
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
    },
  }
}
