import type { Steps } from '../capture/steps.ts'

/** Short beside what a visitor notices, long beside what a turn of the event loop costs. */
const sliceMs = 2

/** Does the work between the turns of the event loop. Rejects with what it throws. */
export const inSlices = async <T>(steps: Steps<T>): Promise<T> => {
  for (;;) {
    const until = performance.now() + sliceMs
    do {
      const step = steps.next()
      if (step.done === true) return step.value
    } while (performance.now() < until)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
