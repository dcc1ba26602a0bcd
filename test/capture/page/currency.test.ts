import { describe, expect, test } from 'vitest'
import { readCurrency, readCurrencyIn } from '../../../src/capture/page/currency.ts'
import { readVectors } from './vectors.ts'

const vectors = readVectors<{ in: string; out: string | null }>('currency')

describe('a currency field', () => {
  test('has all its vectors', () => {
    expect(vectors).toHaveLength(10)
  })

  test.each(vectors)('$in is read as $out', ({ in: input, out }) => {
    expect(readCurrency(input)).toBe(out)
  })

  test.each([
    ['RUR', 'RUB'],
    ['zł', 'PLN'],
    ['Kč', 'CZK'],
    ['¥', null],
    ['kr', null],
    ['', null],
    [978, null],
    ['toString', null],
  ])('%s is read as %s', (input, out) => {
    expect(readCurrency(input)).toBe(out)
  })
})

describe('a currency inside a price', () => {
  test.each([
    ['19.99 USD', 'USD'],
    ['30,000원~', 'KRW'],
    ['19.99 €', null],
    ['$19.99', null],
    ['10 USD or 9 EUR', null],
    ['ALL 20', 'ALL'],
    ['all for 20', null],
  ])('%s names %s', (input, out) => {
    expect(readCurrencyIn(input)).toBe(out)
  })
})
