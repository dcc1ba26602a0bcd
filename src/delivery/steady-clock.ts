import type { Clock } from '../clock.ts'

/**
 * A clock that goes on when the machine's is set back: time that ran backwards counts as none. Waits measured with it are
 * never longer than they were meant to be, however often the time is corrected. Not for dates that people or platforms see.
 */
export const createSteadyClock = (clock: Clock): Clock => {
  let seen = clock.now()
  let steady = seen
  return {
    now: () => {
      const now = clock.now()
      steady += Math.max(now - seen, 0)
      seen = now
      return steady
    },
    sleep: (ms, signal) => clock.sleep(ms, signal),
  }
}
