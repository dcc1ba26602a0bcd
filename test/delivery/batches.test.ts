import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createScale, toBatches, type Carried } from '../../src/delivery/batches.ts'
import type { EventId } from '../../src/event/brand.ts'
import { nobody } from '../../src/destinations/destination.ts'
import { someEvent } from '../support/events.ts'

const carried = (id: number, bytes: number, key = ''): Carried => ({
  claimed: {
    deliveryId: id,
    eventId: `e${id}`,
    site: 'shop',
    attempts: 0,
    acceptedAt: 0,
    occurredAt: 0,
    facts: 'f'.repeat(bytes >> 1),
    payload: 'p'.repeat(bytes - (bytes >> 1)),
  },
  deliverable: {
    event: someEvent({ id: `e${id}` as EventId }),
    name: key,
    identity: nobody,
    acceptedAt: 0,
  },
})
const ids = (batch: readonly Carried[]): number[] => batch.map(({ claimed }) => claimed.deliveryId)

describe('batches', () => {
  test('whatever comes: nothing is lost, order and company are kept, and no batch is larger than asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ bytes: fc.integer({ min: 2, max: 400 }), key: fc.constantFrom('a', 'b', 'c') })),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 1_000 }),
        (events, size, bytes) => {
          const all = events.map((one, index) => carried(index, one.bytes, one.key))
          const { weigh } = createScale()
          const batches = toBatches(all, ({ name }) => name, { events: size, bytes, weigh })
          expect(batches.flatMap(ids).sort((a, b) => a - b)).toEqual(all.map((_, index) => index))
          for (const batch of batches) {
            expect(batch.length).toBeLessThanOrEqual(size)
            expect(new Set(batch.map(({ deliverable }) => deliverable.name)).size).toBe(1)
            expect(ids(batch)).toEqual(ids(batch).sort((a, b) => a - b))
            const sum = batch.reduce((total, one) => total + weigh(one), 0)
            // One that is too large by itself is still to be heard of, alone.
            if (batch.length > 1) expect(sum).toBeLessThanOrEqual(bytes)
          }
        },
      ),
    )
  })

  test('neighbours that would fit together are not parted', () => {
    const all = Array.from({ length: 9 }, (_, index) => carried(index, 100))
    const batches = toBatches(all, () => '', { events: 100, bytes: 150, weigh: createScale().weigh })
    expect(batches.map(ids)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
    ])
  })

  test('what bodies came to is learned: up at once, down slowly', () => {
    const scale = createScale()
    const one = carried(1, 100)
    expect(scale.weigh(one)).toBe(50)
    scale.learn([one, one], 600)
    expect(scale.weigh(one)).toBe(300)
    scale.learn([one], 50)
    expect(scale.weigh(one)).toBeGreaterThan(250)
    for (let index = 0; index < 100; index += 1) scale.learn([one], 50)
    expect(scale.weigh(one)).toBeLessThan(55)
  })
})
