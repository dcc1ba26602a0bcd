import { expect, test } from 'vitest'
import { renewAt, retryAfter } from '../../src/certificates/due.ts'

test('a certificate is renewed after two thirds of its life', () => {
  expect(renewAt({ notBefore: 0, notAfter: 90 })).toBe(60)
  expect(renewAt({ notBefore: 1_000, notAfter: 1_007 })).toBe(1_004)
})

test('failures are followed by longer waits, of which Let’s Encrypt counts less than five an hour, up to six hours', () => {
  expect([1, 2, 3, 4, 5, 50].map((failures) => retryAfter(failures) / 60_000)).toEqual([
    5, 15, 45, 135, 360, 360,
  ])
})
