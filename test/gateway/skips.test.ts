import { expect, test } from 'vitest'
import { skipWords } from '../../src/capture/skip-words.ts'
import { skipKey, skipsByReason, skipsOf } from '../../src/gateway/skips.ts'

const counts = {
  [skipKey('shop', 'order-placed', 'bot')]: 3,
  [skipKey('shop', 'lead.sent', 'bot')]: 2,
  [skipKey('shop', 'lead.sent', 'prefetch')]: 1,
  [skipKey('other', 'order-placed', 'bot')]: 7,
}

test('sums by reason are those of all rules of a site', () => {
  expect(skipsByReason(counts)).toEqual({ 'shop/bot': 5, 'shop/prefetch': 1, 'other/bot': 7 })
})

test("a site's counts are its own, each in words", () => {
  expect(skipsOf(counts, 'shop')).toEqual([
    { rule: 'order-placed', reason: 'bot', meaning: skipWords.bot, count: 3 },
    { rule: 'lead.sent', reason: 'bot', meaning: skipWords.bot, count: 2 },
    { rule: 'lead.sent', reason: 'prefetch', meaning: skipWords.prefetch, count: 1 },
  ])
  expect(skipsOf(counts, 'nobody')).toEqual([])
})

test('what is no reason is not shown', () => {
  expect(skipsOf({ 'shop/r/constructor': 1 }, 'shop')).toEqual([])
})
