import type { DeliverableEvent } from '../destinations/destination.ts'
import type { ClaimedDelivery } from '../store/store.ts'

/** A claimed delivery and what it carries. */
export interface Carried {
  readonly claimed: ClaimedDelivery
  readonly deliverable: DeliverableEvent
}

/** How large a request's body will be, learned from those that were built. */
export interface Scale {
  /** Bytes that an event is expected to take in a body. */
  weigh(one: Carried): number
  /** A batch came to so many bytes. */
  learn(batch: readonly Carried[], bytes: number): void
}

export const createScale = (): Scale => {
  // Less is sent of an event than is stored of it.
  let ratio = 0.5
  const stored = ({ claimed }: Carried): number => claimed.facts.length + claimed.payload.length
  return {
    weigh: (one) => stored(one) * ratio,
    learn: (batch, bytes) => {
      const measured = bytes / batch.reduce((sum, one) => sum + stored(one), 0)
      // Up at once, down slowly: a batch too large is built for nothing.
      if (Number.isFinite(measured)) ratio = measured > ratio ? measured : ratio * 0.9 + measured * 0.1
    },
  }
}

export interface BatchLimits {
  readonly events: number
  readonly bytes: number
  readonly weigh: Scale['weigh']
}

const cut = (group: readonly Carried[], { events, bytes, weigh }: BatchLimits): Carried[][] => {
  const batches: Carried[][] = []
  let sum = 0
  for (const one of group) {
    const weight = weigh(one)
    const last = batches.at(-1)
    if (last === undefined || last.length >= events || sum + weight > bytes) {
      batches.push([one])
      sum = weight
    } else {
      last.push(one)
      sum += weight
    }
  }
  return batches
}

/** Requests of events that share a key, within the limits, in the order in which the first of each was claimed. */
export const toBatches = (
  carried: readonly Carried[],
  keyOf: (deliverable: DeliverableEvent) => string,
  limits: BatchLimits,
): readonly (readonly Carried[])[] =>
  [...Map.groupBy(carried, ({ deliverable }) => keyOf(deliverable)).values()].flatMap((group) =>
    cut(group, limits),
  )

export const halves = <T>(batch: readonly T[]): readonly [readonly T[], readonly T[]] => {
  const middle = batch.length >> 1
  return [batch.slice(0, middle), batch.slice(middle)]
}
