import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventName, eventNameFault, parameterName } from '../../../src/destinations/ga4/names.ts'

describe('a custom event gets a name that GA4 keeps', () => {
  test.each([
    ['quiz_done', 'quiz_done'],
    ['Quiz finished', 'Quiz_finished'],
    ['order.refunded', 'order_refunded'],
    ['1st visit', 'st_visit'],
    ['a -- b', 'a_b'],
    ['session_start', 'c_session_start'],
    ['google_thing', 'c_google_thing'],
    ['x'.repeat(50), 'x'.repeat(40)],
  ])('%s is %s', (written, name) => {
    expect(eventName(written)).toBe(name)
  })

  test('names without one Latin letter stay apart', () => {
    expect(eventName('日本')).toMatch(/^c_[0-9a-f]{8}$/)
    expect(eventName('日本')).not.toBe(eventName('中国'))
  })

  test('whatever is written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (written) => {
        expect(eventNameFault(eventName(written))).toBeNull()
      }),
    )
  })
})

test.each([
  'session_start',
  'first_visit',
  'error',
  'ga_x',
  '_x',
  '1x',
  'a b',
  '',
  'x'.repeat(41),
  'screen_view',
])('GA4 would forget the event %s', (name) => {
  expect(eventNameFault(name)).toMatch(/^GA4 /)
})

test.each([
  ['tax', 'tax'],
  ['Payment type', 'Payment_type'],
  ['_private', null],
  ['google_x', null],
  ['ga_x', null],
  ['gtag.x', null],
  ['firebase_conversion', null],
  ['9_google_x', null],
  ['日本', null],
])('the parameter %s is %s', (written, name) => {
  expect(parameterName(written)).toBe(name)
})
