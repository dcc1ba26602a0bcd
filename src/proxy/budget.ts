/** A bucket that holds `burst` and fills at `perSecond`: what may be done often, but not always. */
export interface Budget {
  /** False: there was nothing left. `now` in milliseconds. */
  spend(now: number): boolean
}

export const createBudget = (burst: number, perSecond: number): Budget => {
  let left = burst
  let filledAt: number | null = null
  return {
    spend(now) {
      if (filledAt !== null) left = Math.min(burst, left + (Math.max(0, now - filledAt) / 1000) * perSecond)
      filledAt = now
      if (left < 1) return false
      left -= 1
      return true
    },
  }
}
