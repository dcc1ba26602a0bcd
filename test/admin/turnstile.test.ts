import { describe, expect, test } from 'vitest'
import { createTurnstile, usualRates, type Purpose } from '../../src/admin/turnstile.ts'

const passed = (turnstile: ReturnType<typeof createTurnstile>, id: string, purpose: Purpose, times: number) =>
  Array.from({ length: times }, () => turnstile.mayPass(id, purpose)).filter(Boolean).length

describe('the turnstile', () => {
  test('lets a key pass in bursts of two seconds, and then as often as its rate says', () => {
    let now = 1_000
    const turnstile = createTurnstile(() => now, { ingest: 3, management: 1 })
    expect(passed(turnstile, 'a', 'ingest', 20)).toBe(6)
    now += 1_000
    expect(passed(turnstile, 'a', 'ingest', 20)).toBe(3)
    now += 60_000
    expect(passed(turnstile, 'a', 'ingest', 20)).toBe(6)
  })

  test('counts each key alone, and its events apart from everything else it asks', () => {
    const turnstile = createTurnstile(() => 1_000, { ingest: 3, management: 1 })
    expect(passed(turnstile, 'a', 'ingest', 20)).toBe(6)
    expect(passed(turnstile, 'a', 'management', 20)).toBe(2)
    expect(passed(turnstile, 'b', 'ingest', 20)).toBe(6)
  })

  test('lets one key bring 20 000 events a second in full requests', () => {
    expect(usualRates.ingest * 100).toBeGreaterThanOrEqual(20_000)
  })
})
