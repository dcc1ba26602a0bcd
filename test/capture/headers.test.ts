import { expect, test } from 'vitest'
import { headerList, headerValue, headerValues, joinFields } from '../../src/capture/headers.ts'

const raw = ['Host', 'a', 'X-One', '1', 'x-one', '2, 3,', 'X-Empty', '']

test('names are found whatever their case, and every copy is kept in order', () => {
  expect(headerValues(raw, 'x-one')).toEqual(['1', '2, 3,'])
  expect(headerValue(raw, 'x-one')).toBe('1')
})

test('a header that was sent empty is not one that is missing', () => {
  expect(headerValue(raw, 'x-empty')).toBe('')
  expect(headerValue(raw, 'x-none')).toBeUndefined()
  expect(headerValues(raw, 'x-none')).toEqual([])
})

test('a list runs over all copies of its header', () => {
  expect(headerList(raw, 'x-one')).toEqual(['1', '2', '3'])
})

test('a value is never taken for a name', () => {
  expect(headerValue(['a', 'b', 'b', 'c'], 'b')).toBe('c')
  expect(headerValue(['a'], 'a')).toBeUndefined()
})

test('two lists are one, and what both say in the same words is said once', () => {
  const cookie = ['Set-Cookie', 'a=1', 'Cache-Control', 'private']
  expect(joinFields(cookie, ['cache-control', 'private', 'Set-Cookie', 'a=2'])).toEqual([
    ...cookie,
    'Set-Cookie',
    'a=2',
  ])
})
