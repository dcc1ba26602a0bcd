import type { AnyDestination, DeliverableEvent } from './destination.ts'

/** How well a platform can recognise the person behind an event, as far as the event tells. */
export interface MatchQuality {
  /** 0 to 10, to one decimal. */
  readonly grade: number
  /** The platform's names of the keys that are there. */
  readonly present: readonly string[]
  /** What would raise the grade, the greatest gain first. */
  readonly missing: readonly { readonly key: string; readonly gain: number }[]
}

const best = 10
const tenth = (value: number): number => Math.round(value * 10) / 10

/** `null` for a destination that matches nobody, such as a webhook. */
export const matchQuality = ({ matchKeys }: AnyDestination, event: DeliverableEvent): MatchQuality | null => {
  if (matchKeys.length === 0) return null
  const [present, missing] = [true, false].map((wanted) =>
    matchKeys.filter((key) => key.present(event) === wanted),
  )
  const sum = (present ?? []).reduce((total, { weight }) => total + weight, 0)
  return {
    grade: tenth(Math.min(sum, best)),
    present: (present ?? []).map(({ key }) => key),
    missing: (missing ?? [])
      .map(({ key, weight }) => ({ key, gain: weight }))
      .sort((a, b) => b.gain - a.gain),
  }
}
