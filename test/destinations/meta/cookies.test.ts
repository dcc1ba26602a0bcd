import { describe, expect, test } from 'vitest'
import { browserId, clickCookie } from '../../../src/destinations/meta/cookies.ts'

const occurredAt = 1_795_132_800_000
const visitor = (fbc?: string, fbclid?: string, seenAt?: number) => ({
  clickIds:
    fbclid === undefined ? {} : { fbclid: { value: fbclid, ...(seenAt === undefined ? {} : { seenAt }) } },
  browserIds: fbc === undefined ? {} : { fbc },
})

describe('the click', () => {
  test.each([
    [
      'an old cookie about another click',
      'fb.1.1763000000000.OLD',
      'NEW',
      1_763_632_800_000,
      'fb.1.1763632800000.NEW',
    ],
    [
      'a cookie about the same click',
      'fb.1.1763000000000.SAME',
      'SAME',
      1_763_632_800_000,
      'fb.1.1763000000000.SAME',
    ],
    [
      'the same click under an appendix',
      'fb.2.1763000000000.SAME.AQQCAQIB',
      'SAME',
      undefined,
      'fb.2.1763000000000.SAME.AQQCAQIB',
    ],
    ['a click alone', undefined, 'IwAR_Case-Kept', 1_763_632_800_000, 'fb.1.1763632800000.IwAR_Case-Kept'],
    ['a click of unknown time', undefined, 'NEW', undefined, 'fb.1.1795132800000.NEW'],
    ['a cookie alone', 'fb.1.1763000000000.OLD.BQ', undefined, undefined, 'fb.1.1763000000000.OLD.BQ'],
    ['neither', undefined, undefined, undefined, null],
    ['a forged cookie', 'fb.1.x.OLD', undefined, undefined, null],
    ['a cookie with too many parts', 'fb.1.1763000000000.a.AQQCAQIB.b', undefined, undefined, null],
    ['a cookie with a header in it', 'fb.1.1763000000000.a\r\nx: y', undefined, undefined, null],
    [
      'a click id that a cookie cannot hold',
      'fb.1.1763000000000.OLD',
      'a.b',
      undefined,
      'fb.1.1763000000000.OLD',
    ],
    ['a click id longer than any', undefined, 'x'.repeat(501), undefined, null],
  ])('%s', (_what, fbc, fbclid, seenAt, expected) => {
    expect(clickCookie(visitor(fbc, fbclid, seenAt), occurredAt)).toBe(expected)
  })
})

test.each([
  ['fb.1.1795132700123.1234567890', true],
  ['fb.1.1795132700123.1234567890.AQQCAQIB', true],
  ['fb.1.1795132700123.', false],
  ['fb.1.1795132700123.1 2', false],
  ['1234567890', false],
])('the browser id %s is sent: %s', (fbp, sent) => {
  expect(browserId({ clickIds: {}, browserIds: { fbp } })).toBe(sent ? fbp : null)
})
