import { describe, expect, test } from 'vitest'
import { normalHost, normalPath, splitTarget } from '../../src/capture/request-path.ts'

describe('the normal form of a path', () => {
  test.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b/'],
    ['/A', '/A'],
    ['/%7Eann/%61', '/~ann/a'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/caf\u00c3\u00a9', '/caf%C3%A9'],
    ['/a%2fb', '/a%2Fb'],
    ['/a b', '/a%20b'],
    ['/100%', '/100%25'],
    ['/%zz', '/%25zz'],
    ['/%%41a', '/%25Aa'],
    ['//a///b', '/a/b'],
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/a//../b', '/b'],
    ['/a/%2e%2E/b', '/b'],
    ['/../../a', '/a'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/.', '/a/'],
    ['/a/...', '/a/...'],
    ['/.well-known/x', '/.well-known/x'],
    ["/a;b=c,d:e@f!$&'()*+", "/a;b=c,d:e@f!$&'()*+"],
  ])('of %s is %s', (path, normal) => {
    expect(normalPath(path)).toBe(normal)
  })

  test.each(['', '*', 'http://shop.example/a', `/${'a'.repeat(8192)}`, `/${' '.repeat(4000)}`])(
    'does not exist for what is no path, or too long a one (%#)',
    (path) => {
      expect(normalPath(path)).toBeNull()
    },
  )

  test('of 8 KiB still exists', () => {
    expect(normalPath(`/${'a'.repeat(8191)}`)).toHaveLength(8192)
  })
})

test.each([
  ['/a?b=c?d', { path: '/a', query: 'b=c?d' }],
  ['/a', { path: '/a', query: '' }],
  ['/a?', { path: '/a', query: '' }],
])('the query of %s stands apart', (target, parts) => {
  expect(splitTarget(target)).toEqual(parts)
})

test.each([
  ['Shop.Example.com:8443', 'shop.example.com'],
  ['shop.example.com.', 'shop.example.com'],
  ['shop.example.com.:80', 'shop.example.com'],
  ['[::1]:8080', '[::1]'],
  ['[::1]', '[::1]'],
  ['', ''],
])('the host %s is named %s', (host, name) => {
  expect(normalHost(host)).toBe(name)
})
