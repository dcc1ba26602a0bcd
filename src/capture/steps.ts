/**
 * Long work that can be put down after every step: a page that passes meanwhile does not wait for the end of it. Each step
 * is well under a millisecond.
 */
export type Steps<T> = Generator<void, T, void>

/** In one go, where nobody waits. */
export const inOneGo = <T>(steps: Steps<T>): T => {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** How many small things, such as rules, make a step. */
export const perStep = 32
