import { describe, expect, test } from 'vitest'
import { regexProblem, selectorProblem } from '../../../src/capture/page/dom-ask.ts'

describe('a selector of a rules file', () => {
  test.each([
    'div',
    '#order .total > b:first-child',
    '[data-order]',
    'a[href^="/order/" i]',
    'table > tbody > tr:nth-child(2n+1) td:last-of-type',
    'p:not(.old):has(> b)',
    'li:eq(2)',
    ':is(h1, h2).title',
    '.größe',
  ])('%s can be used', (selector) => {
    expect(selectorProblem(selector)).toBeNull()
  })

  test.each([
    ['', 'empty'],
    ['  ', 'empty'],
    ['<b>', 'markup'],
    ['<b>x</b>', 'markup'],
    ['[data-order', 'terminate'],
    ['div:visible', ':visible'],
    ['p::before', 'Pseudo-elements'],
    ['a, ', 'Empty sub-selector'],
    ['a{}', 'Unmatched'],
    [`#${'x'.repeat(1000)}`, 'longer'],
  ])('"%s" is refused with a reason', (selector, reason) => {
    expect(selectorProblem(selector)).toContain(reason)
  })
})

describe('a pattern of a rules file', () => {
  test.each<[string, string | undefined]>([
    [String.raw`Order (\d+)`, undefined],
    [String.raw`order (?<value>\p{L}+)`, 'iu'],
    ['(a+)+$', 'ms'],
  ])('/%s/%s can be used', (pattern, flags) => {
    expect(regexProblem(pattern, flags)).toBeNull()
  })

  test.each<[string, string | undefined, string]>([
    ['', undefined, 'empty'],
    ['(', undefined, 'Unterminated group'],
    ['a{2,1}', undefined, 'out of order'],
    [String.raw`\p{No such}`, 'u', 'property'],
    ['a', 'g', 'flags'],
    ['a', 'ii', 'flags'],
    ['x'.repeat(1001), undefined, 'longer'],
  ])('/%s/%s is refused with a reason', (pattern, flags, reason) => {
    expect(regexProblem(pattern, flags)).toContain(reason)
  })
})
