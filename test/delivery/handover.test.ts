import { describe, expect, test } from 'vitest'
import { createHandover } from '../../src/delivery/handover.ts'
import type { Intake } from '../../src/delivery/intake.ts'
import type { EventId } from '../../src/event/brand.ts'
import { StoreError } from '../../src/store/store.ts'
import { captured } from '../support/events.ts'
import { manualClock } from '../support/clock.ts'

/** An intake that fails as told, and keeps what it took. */
const scene = (options: { maxWaiting?: number } = {}) => {
  const clock = manualClock()
  const taken: string[] = []
  const told: string[] = []
  let failure: (id: string) => Error | null = () => null
  const intake: Intake = {
    accept: async (events) => {
      for (const { event } of events) {
        const error = failure(event.id)
        if (error !== null) throw error
        taken.push(event.id)
      }
      return events.map(() => ({ appended: 'stored', decisions: [] }))
    },
  }
  const handover = createHandover({
    intake,
    clock,
    ...options,
    onTrouble: ({ message, waiting, lost }) => told.push(`${message}; ${waiting} waiting, ${lost} lost`),
    onHealed: (waited) => told.push(`healed, ${waited} waited`),
  })
  return {
    clock,
    handover,
    taken,
    told,
    fail: (how: (id: string) => Error | null) => (failure = how),
    give: (id: string) => handover.give(captured({ id: id as EventId })),
  }
}

const full = (): Error => new StoreError('failed', 'the disk is full')

describe('the hand-over', () => {
  test('gives an event to the store at once', async () => {
    const it = scene()
    await it.give('a')
    expect(it.taken).toEqual(['a'])
    expect(it.handover.waiting).toBe(0)
  })

  test('while the store is full events wait, in order, and go in when there is room', async () => {
    const it = scene()
    it.fail(full)
    const all = Promise.all(['a', 'b', 'c'].map(it.give))
    await it.clock.advance(1_200)
    expect(it.handover.waiting).toBe(3)
    it.fail(() => null)
    await it.clock.advance(1_000)
    await all
    expect(it.taken).toEqual(['a', 'b', 'c'])
    expect(it.told.at(-1)).toBe('healed, 3 waited')
  })

  test('beyond its bound an event is lost, counted and told; nobody waits for it', async () => {
    const it = scene({ maxWaiting: 2 })
    it.fail(full)
    const waiting = [it.give('a'), it.give('b')]
    await it.clock.advance(0)
    await it.give('c')
    expect(it.handover.lost).toBe(1)
    expect(it.told.at(-1)).toContain('1 lost')
    it.fail(() => null)
    await it.clock.advance(1_000)
    await Promise.all(waiting)
    expect(it.taken).toEqual(['a', 'b'])
  })

  test('an event that can never be taken does not hold up those behind it', async () => {
    const it = scene()
    it.fail(full)
    const all = Promise.all(['a', 'bad', 'c'].map(it.give))
    await it.clock.advance(0)
    it.fail((id) => (id === 'bad' ? new TypeError('a bug') : null))
    await it.clock.advance(1_000)
    await all
    expect(it.taken).toEqual(['a', 'c'])
    expect(it.handover.lost).toBe(1)
  })

  test('what still waits when the gateway stops is lost, and said so', async () => {
    const it = scene()
    it.fail(full)
    const waiting = it.give('a')
    await it.clock.advance(0)
    await it.handover.close(AbortSignal.abort())
    await waiting
    expect(it.handover.lost).toBe(1)
    expect(it.handover.waiting).toBe(0)
  })
})
