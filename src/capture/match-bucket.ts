// Rules that share a path (or have none) told apart by a condition that asks for one exact text, so that a thousand of
// them cost one look-up.
import type { Condition } from './match-conditions.ts'
import type { MatchRequest } from './match-request.ts'

export interface Sortable {
  readonly conditions: readonly Condition[]
}

export interface Bucket<T> {
  collect(request: MatchRequest, found: (item: T) => void): void
}

/** Fewer than this are tried one by one. */
const worthSorting = 8

export const createBucket = <T>(items: readonly T[], conditionsOf: (item: T) => Sortable): Bucket<T> => {
  const rest: T[] = []
  const shelves = new Map<string, { read: Condition['read']; byText: Map<string, T[]> }>()
  for (const item of items) {
    const exact =
      items.length < worthSorting
        ? undefined
        : conditionsOf(item).conditions.find(({ literal }) => literal !== null)
    if (exact === undefined || exact.literal === null) {
      rest.push(item)
      continue
    }
    let shelf = shelves.get(exact.name)
    if (shelf === undefined) {
      shelf = { read: exact.read, byText: new Map() }
      shelves.set(exact.name, shelf)
    }
    const same = shelf.byText.get(exact.literal)
    if (same === undefined) shelf.byText.set(exact.literal, [item])
    else same.push(item)
  }
  const sorted = [...shelves.values()]
  return {
    collect: (request, found) => {
      for (const item of rest) found(item)
      for (const { read, byText } of sorted)
        for (const text of new Set(read(request))) for (const item of byText.get(text) ?? []) found(item)
    },
  }
}
