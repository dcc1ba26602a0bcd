import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  boundary,
  readPrice,
  readReadings,
  readSeveral,
  readWritten,
} from '../../../src/capture/page/price.ts'
import type { PriceOptions } from '../../../src/capture/page/price.ts'
import { readVectors } from './vectors.ts'

interface PriceVector {
  readonly in: string
  readonly opt?: PriceOptions
  readonly out: number | null
}

const vectors = readVectors<PriceVector>('price')

describe('a written price', () => {
  test('has all its vectors', () => {
    expect(vectors).toHaveLength(87)
  })

  test.each(vectors)('$in with $opt is read as $out', ({ in: input, opt, out }) => {
    expect(readPrice(input, opt)).toBe(out)
  })

  test.each([
    ['Rs.500', {}, 500],
    ['Fr.99', {}, 99],
    ['1.234,56', { mode: 'machine', currency: 'EUR' }, 1234.56],
    ['24.990', { mode: 'machine', currency: 'ARS' }, 24_990],
    ['169.000', { mode: 'machine', currency: 'IDR' }, 169_000],
    ['1,299', { mode: 'machine', currency: 'KWD' }, null],
    ['1.299', { mode: 'machine', currency: 'USD', decimal: '.' }, 1.299],
    ['5.00-10.00', {}, null],
    ['1.299,000.50', {}, null],
    ['x'.repeat(10_000), {}, null],
    [true, {}, null],
    [null, {}, null],
    [Infinity, {}, null],
    [-1, {}, null],
    [12.5, {}, 12.5],
  ] as const)('case %#', (input, options, out) => {
    expect(readPrice(input, options)).toBe(out)
  })

  test('that is ambiguous keeps both readings, the smaller first', () => {
    expect(readReadings('1.299', { mode: 'machine', currency: 'EUR' })).toEqual([1.299, 1299])
  })

  test('is never negative, infinite or beyond reason, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[-0-9.,' €$%()eE\u0660-\u0669]{0,40}$/)),
        fc.constantFrom('machine' as const, 'text' as const),
        fc.constantFrom(null, 'EUR', 'JPY', 'KWD'),
        (text, mode, currency) => {
          for (const value of readReadings(text, { mode, currency })) {
            expect(value).toBeGreaterThanOrEqual(0)
            expect(value).toBeLessThanOrEqual(1e10)
          }
        },
      ),
    )
  })

  test('of a plain amount is the amount, however it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999_999 }), (cents) => {
        const amount = cents / 100
        const [whole = '0', fraction = '00'] = amount.toFixed(2).split('.')
        const grouped = (separator: string): string => whole.replace(/\B(?=(?:\d{3})+$)/g, separator)
        for (const text of [
          `${whole}.${fraction}`,
          `${grouped(',')}.${fraction}`,
          `${grouped('.')},${fraction}`,
          `${grouped(' ')},${fraction} €`,
          `CHF ${grouped("'")}.${fraction}`,
        ]) {
          expect(readPrice(text, { mode: 'machine' })).toBe(amount)
        }
      }),
    )
  })
})

describe('several amounts in one element', () => {
  test.each([
    ['10,75 € 11,95 €', 10.75],
    [`20 €${boundary} 15 €`, 15],
    ['109€ 109€', 109],
    ['$20.00 $15.00', 15],
  ])('%j: the lowest is what a visitor pays', (text, value) => {
    expect(readWritten(text, {})).toEqual([value])
  })

  test.each([
    '12x de R$ 44,00',
    '€10.00 – €20.00',
    '10 € 20',
    '15,90 € 3,18 €/l',
    '10 € 12 $',
    'from 10 € 12 €',
  ])('%j is more than amounts, and gives none', (text) => {
    expect(readSeveral(text)).toEqual([])
  })

  test('digits parted by markup are never joined', () => {
    expect(readWritten(`12${boundary}99${boundary} €`, {})).toEqual([])
    expect(readWritten(`200${boundary} ${boundary}150`, {})).toEqual([])
    expect(readWritten(`${boundary}12${boundary},${boundary}99 €`, {})).toEqual([12.99])
  })
})
