import { describe, expect, test } from 'vitest'
import { createGate, usualBreaker } from '../../src/delivery/gate.ts'
import { parkedMs } from '../../src/delivery/settling.ts'
import type { Outcome } from '../../src/destinations/outcome.ts'
import { manualClock } from '../support/clock.ts'

const down: Outcome = { kind: 'unavailable', reason: 'nobody answers' }
const taken: Outcome = { kind: 'delivered', reason: 'taken' }
const unauthorized: Outcome = { kind: 'unauthorized', reason: 'token revoked' }

const gateAt = () => {
  const clock = manualClock()
  const start = clock.now()
  const gate = createGate({
    clock,
    random: () => 0.5,
    breaker: { failures: 3, firstMs: 1_000, longestMs: 4_000 },
  })
  const pause = (): number | null => (gate.parked === null ? null : gate.parked.until - clock.now())
  return { clock, gate, start, pause }
}

describe('the gate of a lane', () => {
  test('stands open until nobody has answered so many times in a row', () => {
    const { gate, pause, start } = gateAt()
    gate.note([down])
    gate.note([down])
    expect(gate.parked).toBeNull()
    gate.note([down, down])
    expect(gate.parked).toEqual({
      cause: 'unavailable',
      since: start,
      until: start + 1_000,
      reason: 'nobody answers',
    })
    expect(pause()).toBe(1_000)
  })

  test.each<{ name: string; answer: readonly Outcome[] }>([
    { name: 'delivered', answer: [taken] },
    { name: 'rejected', answer: [{ kind: 'rejected', reason: 'no' }] },
    { name: 'slow down', answer: [{ kind: 'throttled', reason: 'slow down' }] },
    { name: 'some of them', answer: [down, taken] },
  ])('an answer ($name) shows that somebody is there, and the count begins anew', ({ answer }) => {
    const { gate } = gateAt()
    for (const outcomes of [[down], [down], answer, [down], [down]]) gate.note(outcomes)
    expect(gate.parked).toBeNull()
  })

  test('a knock that nobody answers doubles the pause, up to the longest; one that is answered opens', async () => {
    const { gate, clock, pause, start } = gateAt()
    for (let index = 0; index < 3; index += 1) gate.note([down])
    const pauses: (number | null)[] = []
    for (let knock = 0; knock < 4; knock += 1) {
      await clock.advance(pause() ?? 0)
      gate.note([down])
      pauses.push(pause())
    }
    expect(pauses).toEqual([2_000, 4_000, 4_000, 4_000])
    expect(gate.parked?.since).toBe(start)
    gate.note([taken])
    expect(gate.parked).toBeNull()
    for (let index = 0; index < 3; index += 1) gate.note([down])
    expect(pause()).toBe(1_000)
  })

  test('who asks for a longer pause gets it', () => {
    const { gate, pause } = gateAt()
    for (let index = 0; index < 3; index += 1)
      gate.note([{ kind: 'unavailable', reason: 'maintenance', retryAfterMs: 600_000 }])
    expect(pause()).toBe(600_000)
  })

  test('refused credentials close it at the first word, and only an answer to the event itself opens it', () => {
    const { gate, pause } = gateAt()
    gate.note([unauthorized])
    expect(gate.parked).toMatchObject({ cause: 'unauthorized', reason: 'token revoked' })
    expect(pause()).toBe(parkedMs)
    gate.note([{ kind: 'throttled', reason: 'slow down' }])
    expect(gate.parked?.cause).toBe('unauthorized')
    gate.note([taken])
    expect(gate.parked).toBeNull()
  })

  test('what never left says nothing', () => {
    const { gate } = gateAt()
    for (let index = 0; index < 10; index += 1) gate.note([{ kind: 'not_attempted', reason: 'stopping' }])
    expect(gate.parked).toBeNull()
  })

  test('the usual pauses are short enough to notice a recovery within a minute and a half', () => {
    const clock = manualClock()
    const gate = createGate({ clock, random: () => 0.999, breaker: usualBreaker })
    for (let index = 0; index < 50; index += 1) gate.note([down])
    expect((gate.parked?.until ?? 0) - clock.now()).toBeLessThanOrEqual(90_000)
  })
})
