import { describe, expect, test } from 'vitest'
import { readResponseFields, readTrailers, reasonPhrase } from '../../src/proxy/response-fields.ts'

const raw = (...parts: string[]): Buffer[] => parts.map((part) => Buffer.from(part, 'latin1'))

describe('the fields of an answer', () => {
  test('keep order, case, repeats and bytes', () => {
    const parts = [
      'set-Cookie',
      'a=1',
      'X-A',
      'caf\xe9',
      'Set-Cookie',
      'b=2',
      'Date',
      'x',
      'content-LENGTH',
      '5',
    ]
    expect(readResponseFields(raw(...parts), 200, true).headers).toEqual(parts)
  })

  test.each(['Keep-Alive', 'Proxy-Connection', 'Proxy-Authenticate', 'TE', 'Upgrade', 'Transfer-Encoding'])(
    'lose %s',
    (name) => {
      const value = name === 'Transfer-Encoding' ? 'chunked' : 'x'
      expect(readResponseFields(raw('A', '1', name, value, 'B', '2'), 200, true).headers).toEqual([
        'A',
        '1',
        'B',
        '2',
      ])
    },
  )

  test('lose what Connection names, yet never what the message stands on', () => {
    const fields = readResponseFields(
      raw('Connection', 'X-Hop, Set-Cookie, Location', 'X-Hop', '1', 'Set-Cookie', 'a=1', 'Location', '/'),
      302,
      true,
    )
    expect(fields.headers).toEqual(['Set-Cookie', 'a=1', 'Location', '/'])
  })

  test.each([
    ['chunked', false],
    ['Chunked ', false],
    ['identity', false],
    ['gzip, chunked', true],
    ['gzip', true],
    ['chunked, chunked', true],
  ])('with Transfer-Encoding %j cannot be passed on: %j', (value, unreadable) => {
    expect(readResponseFields(raw('Transfer-Encoding', value), 200, true).unreadable).toBe(unreadable)
  })

  test('announce trailers only where chunks can carry them', () => {
    expect(readResponseFields(raw('Trailer', 'X-Sum'), 200, true).headers).toEqual(['Trailer', 'X-Sum'])
    expect(readResponseFields(raw('Trailer', 'X-Sum'), 200, false).headers).toEqual([])
    expect(readResponseFields(raw('Trailer', 'X-Sum', 'Content-Length', '1'), 200, true).headers).toEqual([
      'Content-Length',
      '1',
    ])
  })

  test('never give a 204 a length', () => {
    expect(readResponseFields(raw('Content-Length', '0'), 204, true).headers).toEqual([])
    expect(readResponseFields(raw('Content-Length', '9'), 304, true).headers).toEqual(['Content-Length', '9'])
  })
})

test('trailers that would change the message are dropped', () => {
  expect(
    readTrailers(raw('X-Sum', '1', 'Content-Length', '9', 'Set-Cookie', 'a', 'transfer-encoding', 'x')),
  ).toEqual([['X-Sum', '1']])
})

test.each([
  ['OK', 'OK'],
  ['', ''],
  ['Trés bien', Buffer.from('Trés bien').toString('latin1')],
  ['a\u0001b', 'ab'],
  ['a\ufffdb', 'ab'],
])('the reason phrase %j is written as %j', (text, written) => {
  expect(reasonPhrase(text)).toBe(written)
})
