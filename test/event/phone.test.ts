import { describe, expect, test } from 'vitest'
import { internationalPhone } from '../../src/event/phone.ts'

describe('a phone number becomes international', () => {
  test.each([
    ['+44 20 7946 0018', null, '+442079460018'],
    ['+44 (0)20 7946 0958', null, '+442079460958'],
    ['+49 (0)30 123456', null, '+4930123456'],
    ['0044 20 7946 0958', null, '+442079460958'],
    ['0061 2 9123 4567', 'US', '+61291234567'],
    ['+001 (616) 954-78 88', null, '+16169547888'],
    ['+81-3-1234-5678', null, '+81312345678'],
    ['tel:+1-213-373-4253', null, '+12133734253'],
    ['020 7946 0958', 'GB', '+442079460958'],
    ['(415) 555-0123', 'US', '+14155550123'],
    ['01(650)123-4567', 'US', '+16501234567'],
    ['0151 12345678', 'DE', '+4915112345678'],
    ['06 12 34 56 78', 'FR', '+33612345678'],
    ['(415) 555-0123 ext. 5', 'US', '+14155550123'],
    ['＋４４ ２０ ７９４６ ００１８', null, '+442079460018'],
    // Italy keeps its zero
    ['+39 06 1234 5678', null, '+390612345678'],
    // a number of a plan younger than our table
    ['+1234567890', null, '+1234567890'],
  ])('%s (%s) is %s', (raw, country, expected) => {
    expect(internationalPhone(raw, country)).toBe(expected)
  })

  test('a foreign number without its plus gets no second country code', () => {
    expect(internationalPhone('44 20 7946 0018', 'US')).toBe('+442079460018')
  })
})

describe('what names nobody is left out', () => {
  test.each([
    ['', null],
    ['   ', 'US'],
    ['020 7946 0958', null],
    ['4155550132', null],
    ['12345', 'US'],
    ['n/a', 'US'],
    ['+', null],
    ['+0', null],
    ['00', 'US'],
    ['1-800-FLOWERS', 'US'],
    ['+999 123456789', null],
    ['call +44 20 7946 0958', null],
    ['+44 20 7946 0958 or +44 20 7946 0959', null],
    ['9'.repeat(10_000), 'US'],
    ['020 7946 0958', 'XX'],
  ])('%s (%s)', (raw, country) => {
    expect(internationalPhone(raw, country)).toBeNull()
  })
})
