import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { distance, nearest } from '../../src/rules-file/nearest.ts'

describe('the distance of two words', () => {
  test.each([
    ['', '', 0],
    ['abc', '', 3],
    ['path', 'path', 0],
    ['pth', 'path', 1],
    ['paht', 'path', 1],
    ['match', 'path', 2],
    ['kitten', 'sitting', 3],
  ])('%s and %s: %i', (a, b, expected) => {
    expect(distance(a, b)).toBe(expected)
  })

  test('is the same both ways, and never more than the longer word', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
        expect(distance(a, b)).toBe(distance(b, a))
        expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
        expect(distance(a, b) === 0).toBe(a === b)
      }),
    )
  })
})

test.each([
  ['pth', 'path'],
  ['Path', 'path'],
  ['attr', 'attribute'],
  ['methods', 'method'],
  ['qeury', 'query'],
  ['xyz', null],
  ['', null],
  ['p'.repeat(5000), null],
])('whoever writes %s means %s', (word, meant) => {
  expect(nearest(word, ['path', 'attribute', 'method', 'query'])).toBe(meant)
})
