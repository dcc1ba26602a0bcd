import { expect, test } from 'vitest'
import { createBudget } from '../../src/proxy/budget.ts'

test('a burst is spent at once, and then as fast as the bucket fills', () => {
  const budget = createBudget(3, 2)
  expect([0, 0, 0, 0].map((now) => budget.spend(now))).toEqual([true, true, true, false])
  expect([499, 500, 500, 1_000].map((now) => budget.spend(now))).toEqual([false, true, false, true])
})

test('it fills up to its brim and no further', () => {
  const budget = createBudget(2, 1)
  expect([0, 1_000_000, 1_000_000, 1_000_000].map((now) => budget.spend(now))).toEqual([
    true,
    true,
    true,
    false,
  ])
})

test('a clock that goes back takes nothing away', () => {
  const budget = createBudget(2, 1)
  expect([5_000, 0, 0].map((now) => budget.spend(now))).toEqual([true, true, false])
  expect(budget.spend(1_000)).toBe(true)
})
