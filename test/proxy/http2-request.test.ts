import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readHttp2Head } from '../../src/proxy/http2-request.ts'

/** What nghttp2 catches by itself is caught here all the same: a downgrade must not hang on another's care. */

const basics = [':method', 'GET', ':scheme', 'https', ':authority', 'shop.test', ':path', '/']
const request = (...more: readonly string[]): readonly string[] => [...basics, ...more]
const instead = (name: string, value: string | null): readonly string[] => {
  const raw = request()
  const at = raw.indexOf(name)
  return value === null ? raw.toSpliced(at, 2) : raw.with(at + 1, value)
}
const read = (raw: readonly string[]) => readHttp2Head(raw, 32_768)

test('a request is carried over: Host first, cookies in one, the rest as it came', () => {
  expect(
    read(
      request('accept', '*/*', 'cookie', 'a=1', 'x-a', 'b', 'cookie', 'c=2', 'x-a', 'd', 'te', 'Trailers'),
    ),
  ).toEqual({
    method: 'GET',
    target: '/',
    rawHeaders: [
      'Host',
      'shop.test',
      'accept',
      '*/*',
      'cookie',
      'a=1; c=2',
      'x-a',
      'b',
      'x-a',
      'd',
      'te',
      'Trailers',
    ],
  })
})

describe('refused is', () => {
  test.each<[string, readonly string[]]>([
    ['field_value', request('x-a', 'b\r\nx-b: c')],
    ['field_value', request('x-a', 'b\nc')],
    ['field_value', request('x-a', 'b\0c')],
    ['field_value', request('x-a', 'b\x7f')],
    ['field_value', request('x\r\ny', 'a')],
    ['field_value', request('x:y', 'a')],
    ['field_value', request('X-A', 'a')],
    ['field_value', request('', 'a')],
    ['field_value', instead(':path', '/ HTTP/1.1\r\nx: y')],
    ['field_value', instead(':authority', 'shop.test\r\nx: y')],
    ['field_value', instead(':method', 'GET\r\n')],
    ['pseudo_field', request(':path', '/other')],
    ['pseudo_field', request(':status', '200')],
    ['connection_field', request('connection', 'close')],
    ['connection_field', request('transfer-encoding', 'chunked')],
    ['connection_field', request('upgrade', 'h2c')],
    ['connection_field', request('keep-alive', '1')],
    ['connection_field', request('proxy-connection', 'close')],
    ['connection_field', request('http2-settings', 'x')],
    ['te', request('te', 'gzip')],
    ['te', request('te', 'trailers, gzip')],
    ['content_length', request('content-length', '5', 'content-length', '5')],
    ['content_length', request('content-length', '+5')],
    ['content_length', request('content-length', '5, 5')],
    ['content_length', request('content-length', '')],
    ['bad_host', request('host', 'other.test')],
    ['bad_host', request('host', 'shop.test', 'host', 'shop.test')],
    ['bad_host', instead(':authority', null)],
    ['bad_target', instead(':path', '')],
    ['bad_target', instead(':path', null)],
    ['bad_target', instead(':path', '/a b')],
    ['bad_target', instead(':path', '/\xe9')],
    ['scheme', instead(':scheme', 'http')],
    ['scheme', instead(':scheme', null)],
    ['method', instead(':method', 'CONNECT')],
    ['method', instead(':method', 'get')],
    ['method', instead(':method', null)],
    ['extended_connect', [...instead(':method', 'CONNECT'), ':protocol', 'websocket']],
    ['header_bytes', request('x-a', 'x'.repeat(40_000))],
  ])('%s: %j', (code, raw) => {
    expect(read(raw)).toMatchObject({ code })
  })
})

test('a head of many megabytes in few bytes is not read to its end', () => {
  const value = 'x'.repeat(4_000)
  const raw = request(...Array.from({ length: 4_000 }, () => ['x-a', value]).flat())
  let read = 0
  const counted = new Proxy(raw, {
    get: (target, key) => {
      read += 1
      return Reflect.get(target, key) as unknown
    },
  })
  expect(readHttp2Head(counted, 32_768)).toMatchObject({ status: 431, code: 'header_bytes' })
  expect(read).toBeLessThan(200)
})

test('whatever comes, what is carried over reads as one request', () => {
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom('host', 'cookie', 'te', ':path', 'content-length', 'x-a'),
  )
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a\r\nb: c', '5', 'shop.test', '\n'))
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (fields) => {
      const head = read(request(...fields.flat()))
      if ('code' in head) return
      const lines = head.rawHeaders.filter((_, index) => index % 2 === 0)
      expect(head.rawHeaders.join('')).not.toMatch(/[\r\n\0]/)
      expect(lines.filter((line) => line.toLowerCase() === 'host')).toHaveLength(1)
      expect(lines.filter((line) => /^(:|transfer-encoding$|connection$)/.test(line))).toEqual([])
      expect(lines.filter((line) => line === 'content-length' || line === 'cookie').length).toBeLessThan(3)
      expect(new Set(lines.filter((line) => line === 'cookie')).size).toBeLessThan(2)
    }),
    { numRuns: 500 },
  )
})
