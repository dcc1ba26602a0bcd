/**
 * Calls `release` once: when the commit settles, or after `holdMs` with `expired` true. A commit that fails releases too:
 * the page is the visitor's, whatever became of the event.
 */
export const hold = (commit: Promise<void>, holdMs: number, release: (expired: boolean) => void): void => {
  let released = false
  const once = (expired: boolean): void => {
    if (released) return
    released = true
    clearTimeout(timer)
    release(expired)
  }
  const timer = setTimeout(once, holdMs, true)
  const settled = (): void => once(false)
  commit.then(settled, settled)
}
