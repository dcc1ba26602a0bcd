import { describe, expect, test } from 'vitest'
import { retryAfterMs, sentence } from '../../src/destinations/answer.ts'
import { cleanProperties, cleanText, cut, known } from '../../src/destinations/clean.ts'

test.each([
  ['Lamp', 'Lamp'],
  ['  Lamp ', 'Lamp'],
  ['5 @ 3 EUR', '5 @ 3 EUR'],
  ['', undefined],
  [undefined, undefined],
  ['mail jane@example.com now', undefined],
  ['jane%40example.com', undefined],
])('the text %s leaves as %s', (text, expected) => {
  expect(cleanText(text)).toBe(expected)
})

test('a text is cut between characters', () => {
  expect(cut('ab😀', 3)).toBe('ab')
  expect(cut('ab😀', 4)).toBe('ab😀')
})

describe('properties', () => {
  test('keep facts and lose persons', () => {
    expect(
      Object.fromEntries(
        cleanProperties({
          plan: 'yearly',
          tax: 3.5,
          email_opt_in: true,
          email: 'x',
          customerEmail: 'x',
          customer_phone: 15_551_234,
          'Phone number': '555',
          firstName: 'Jane',
          zip: '98001',
          note: 'write to jane@example.com',
          broken: Number.NaN,
          telescope: 'Nova 8',
          mobilePlan: 'x',
        }),
      ),
    ).toEqual({ plan: 'yearly', tax: 3.5, email_opt_in: true, telescope: 'Nova 8' })
  })

  test('may be absent', () => {
    expect(cleanProperties(undefined)).toEqual([])
  })
})

test('only what is known stays', () => {
  expect(known({ a: undefined, b: null, c: [], d: Number.NaN, e: 0, f: '', g: false, h: [0] })).toEqual({
    e: 0,
    f: '',
    g: false,
    h: [0],
  })
})

test.each([
  [{}, null],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': ' 120 ' }, 120_000],
  [{ 'retry-after': '1.5' }, null],
  [{ 'retry-after': 'soon' }, null],
  [{ 'retry-after': 'Fri, 20 Nov 2026 15:01:00 GMT' }, null],
  [{ 'retry-after': 'Fri, 20 Nov 2026 15:01:00 GMT', date: 'Fri, 20 Nov 2026 15:00:00 GMT' }, 60_000],
  [{ 'retry-after': 'Fri, 20 Nov 2026 14:59:00 GMT', date: 'Fri, 20 Nov 2026 15:00:00 GMT' }, 0],
])('%j asks for %s ms', (headers: Record<string, string>, expected) => {
  expect(retryAfterMs({ status: 429, headers, body: '' })).toBe(expected)
})

test("a platform's sentence is one bounded line without addresses", () => {
  expect(sentence('Bad\n  value of "jane.doe@example.com"')).toBe('Bad value of "[e-mail]"')
  expect(sentence('x'.repeat(5000))).toHaveLength(300)
})
