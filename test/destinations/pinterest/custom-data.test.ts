import { describe, expect, test } from 'vitest'
import { customDataOf } from '../../../src/destinations/pinterest/custom-data.ts'
import type { CustomData } from '../../../src/event/event.ts'
import { minimalEvent } from '../events.ts'

const of = (custom: CustomData) => customDataOf({ ...minimalEvent, custom })

describe('a value is a plain decimal in a text', () => {
  test.each([
    [99.99, 'USD', '99.99'],
    [99.9, 'USD', '99.9'],
    [100, 'EUR', '100'],
    [0, 'EUR', '0'],
    [-0, 'EUR', '0'],
    [0.1 + 0.2, 'EUR', '0.3'],
    [1e-9, 'EUR', '0'],
    [1234567.891, 'EUR', '1234567.89'],
    [1200.4, 'JPY', '1200'],
    [10.1239, 'KWD', '10.124'],
    [123_456_789_012_345_680_000, 'EUR', '123456789012345680000'],
  ])('%d %s is %s', (value, currency, text) => {
    expect(of({ value, currency })).toEqual({ value: text, currency })
  })

  test.each([[Number.NaN], [Number.POSITIVE_INFINITY], [1e22], [1.7e308]])('%d is none', (value) => {
    expect(of({ value, currency: 'EUR' })).toEqual({})
  })

  test('and is not sent without its currency, nor the currency without a value', () => {
    expect(of({ value: 5 })).toEqual({})
    expect(of({ currency: 'EUR' })).toEqual({})
  })
})

test('counts are whole', () => {
  expect(of({ numItems: 2.4, contents: [{ id: 'a', quantity: 0.2 }] })).toMatchObject({
    num_items: 2,
    contents: [{ id: 'a', quantity: 1 }],
  })
})

test('products without an id are left out, and without any the list is', () => {
  expect(of({ contents: [{ id: ' ', price: 1 }], contentIds: [''] })).toEqual({})
  expect(of({ contents: [{ id: '' }, { id: 'a' }] })).toEqual({ content_ids: ['a'], contents: [{ id: 'a' }] })
})

test('of properties only those go along that Pinterest has a field for', () => {
  expect(
    of({
      properties: { coupon: 'WINTER', predicted_ltv: 1e3, content_brand: 'Lux', constructor: 'x', np: 'x' },
    }),
  ).toEqual({ predicted_ltv: '1000', content_brand: 'Lux' })
  expect(of({ properties: { predicted_ltv: 'many', content_brand: 5 } })).toEqual({})
})

test('an e-mail in a text stays here', () => {
  expect(
    of({
      orderId: 'jane@example.com-1',
      contentName: 'for jane@example.com',
      searchString: 'jane%40example.com',
      contents: [{ id: 'a', name: 'jane@example.com' }],
    }),
  ).toEqual({ content_ids: ['a'], contents: [{ id: 'a' }] })
})
