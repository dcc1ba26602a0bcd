/** Arithmetic of measurements, and how numbers are written. */

const sorted = (values: readonly number[]): readonly number[] => [...values].sort((a, b) => a - b)

/** `share` from 0 to 1; the nearest rank. NaN of nothing. */
export const percentile = (values: readonly number[], share: number): number => {
  const ordered = sorted(values)
  const rank = Math.max(0, Math.ceil(share * ordered.length) - 1)
  return ordered[rank] ?? Number.NaN
}

export const median = (values: readonly number[]): number => {
  const ordered = sorted(values)
  const middle = ordered.length / 2
  const upper = ordered[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? ((ordered[middle - 1] ?? Number.NaN) + upper) / 2 : upper
}

/** The median of a quotient taken round by round: what drifts between rounds hits both halves alike. */
export const medianRatio = (over: readonly number[], under: readonly number[]): number =>
  median(over.map((value, round) => value / (under[round] ?? Number.NaN)))

/** `12 345`, `1.23`: as many digits as a measurement deserves. */
export const show = (value: number): string => {
  if (!Number.isFinite(value)) return '-'
  const size = Math.abs(value)
  if (size >= 100)
    return Math.round(value)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, ' ')
  return value.toFixed(size >= 10 ? 1 : 2)
}

/** The middle, and the least and the most that any round gave. */
export const showSpread = (values: readonly number[]): string =>
  `${show(Math.min(...values))} to ${show(Math.max(...values))}`
