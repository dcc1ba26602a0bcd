import { Problem } from './problem.ts'

/** Deeper than any settings, and shallow enough for everything that walks a value by calling itself. */
const maxDepth = 32

/** @throws Problem `bad_request` for a value nested so deep that reading it would exhaust the stack. */
export const refuseDeep = (value: unknown): void => {
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxDepth) throw new Problem('bad_request', `body: nested deeper than ${maxDepth} levels`)
    level = level.flatMap((one) =>
      typeof one === 'object' && one !== null
        ? Object.values(one).filter((child) => typeof child === 'object' && child !== null)
        : [],
    )
  }
}
