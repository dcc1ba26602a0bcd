import type { DeliverableEvent } from '../destinations/destination.ts'
import type { ClaimedDelivery } from '../store/store.ts'

/** A claimed delivery and what it carries. */
export interface Carried {
  readonly claimed: ClaimedDelivery
  readonly deliverable: DeliverableEvent
}

/** Requests of at most `size` events that share a key, in the order in which the first of each was claimed. */
export const toBatches = (
  carried: readonly Carried[],
  keyOf: (deliverable: DeliverableEvent) => string,
  size: number,
): readonly (readonly Carried[])[] =>
  [...Map.groupBy(carried, ({ deliverable }) => keyOf(deliverable)).values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / size) }, (_, index) =>
      group.slice(index * size, (index + 1) * size),
    ),
  )

export const halves = <T>(batch: readonly T[]): readonly [readonly T[], readonly T[]] => {
  const middle = batch.length >> 1
  return [batch.slice(0, middle), batch.slice(middle)]
}
