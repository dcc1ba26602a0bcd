import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for a condition, never for a time; gives up with the last state seen so that a failure says what was missing. */
export const until = async <T>(
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  patienceMs = 20_000,
): Promise<T> => {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const seen = await look()
    if (holds(seen)) return seen
    if (Date.now() > deadline)
      throw new Error(`waited in vain; last seen: ${JSON.stringify(seen)?.slice(0, 2_000)}`)
    await sleep(10)
  }
}
