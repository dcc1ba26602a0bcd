import type { Skipped } from '../admin/skipped.ts'
import type { SkipReason } from '../capture/capture.ts'
import { skipWords } from '../capture/skip-words.ts'

/**
 * Counts of what was served and not counted. They travel as plain numbers under `site/rule/reason`, none of which holds a
 * slash, so that those of several processes can be added.
 */
export type SkipCounts = Readonly<Record<string, number>>

export const skipKey = (site: string, rule: string, reason: SkipReason): string => `${site}/${rule}/${reason}`

const partsOf = (key: string): readonly [site: string, rule: string, reason: string] => {
  const [site = '', rule = '', reason = ''] = key.split('/')
  return [site, rule, reason]
}

/** The sums by `site/reason`. */
export const skipsByReason = (counts: SkipCounts): Readonly<Record<string, number>> => {
  const sums: Record<string, number> = {}
  for (const [key, count] of Object.entries(counts)) {
    const [site, , reason] = partsOf(key)
    sums[`${site}/${reason}`] = (sums[`${site}/${reason}`] ?? 0) + count
  }
  return sums
}

const isReason = (text: string): text is SkipReason => Object.hasOwn(skipWords, text)

/** Of one site, with the reasons in words. */
export const skipsOf = (counts: SkipCounts, site: string): readonly Skipped[] =>
  Object.entries(counts).flatMap(([key, count]) => {
    const [of, rule, reason] = partsOf(key)
    return of === site && isReason(reason) ? [{ rule, reason, meaning: skipWords[reason], count }] : []
  })
