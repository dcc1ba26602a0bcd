import { systemClock, type Clock } from '../../src/clock.ts'

/** A clock that stands still until it is told to go on; sleepers wake in the order of their time. */
export interface ManualClock extends Clock {
  advance(ms: number): Promise<void>
}

export const manualClock = (start = 1_763_632_800_000): ManualClock => {
  let now = start
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
  }
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve()
        const sleeper = {
          at: now + ms,
          wake: () => {
            sleepers.delete(sleeper)
            signal?.removeEventListener('abort', sleeper.wake)
            resolve()
          },
        }
        signal?.addEventListener('abort', sleeper.wake, { once: true })
        sleepers.add(sleeper)
      }),
    advance: async (ms) => {
      const until = now + ms
      for (;;) {
        await settle()
        const next = [...sleepers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
        if (next === undefined) break
        now = Math.max(now, next.at)
        next.wake()
      }
      now = until
      await settle()
    },
  }
}

/** The machine's clock, which somebody sets ahead or back; sleeping takes as long as ever. */
export const shiftingClock = (): Clock & { shift(ms: number): void } => {
  let offset = 0
  return {
    now: () => systemClock.now() + offset,
    sleep: systemClock.sleep,
    shift: (ms) => {
      offset += ms
    },
  }
}
