import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readRequestFields } from '../../src/proxy/request-fields.ts'

const flat = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => {
    const at = line.indexOf(':')
    return [line.slice(0, at), line.slice(at + 1).trim()]
  })

describe('the fields of a request', () => {
  test('keep order, case and repeats', () => {
    const raw = flat(['X-b: 1', 'x-B: 2', 'Cookie: a=1', 'Accept: */*', 'Cookie: b=2', 'X-b: 1'])
    expect(readRequestFields(raw, false).headers).toEqual(raw)
  })

  test.each([
    'Connection: close',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic eDp5',
    'TE: trailers',
    'Trailer: X-Sum',
    'Transfer-Encoding: chunked',
    'Upgrade: h2c',
    'Expect: 100-continue',
    'X-Forwarded-For: 203.0.113.9',
    'x-forwarded-proto: https',
    'X-FORWARDED-HOST: evil.test',
    'X-Forwarded-Port: 1',
    'X-Forwarded-Server: s',
    'Forwarded: for=203.0.113.9',
    'X-Real-IP: 203.0.113.9',
    'True-Client-IP: 203.0.113.9',
    'CF-Connecting-IP: 203.0.113.9',
    'Fly-Client-IP: 203.0.113.9',
    'X-Azure-ClientIP: 203.0.113.9',
    'CloudFront-Viewer-Address: 203.0.113.9:4711',
    'X_Forwarded_For: 203.0.113.9',
    'x_forwarded-proto: https',
    'X_REAL_IP: 203.0.113.9',
  ])('lose %s', (line) => {
    expect(readRequestFields(flat(['A: 1', line, 'B: 2']), false).headers).toEqual(flat(['A: 1', 'B: 2']))
  })

  test('lose what Connection names, over several lines and in any case', () => {
    const raw = flat(['Connection: X-Hop, close', 'x-hop: 1', 'connection: x-TWO', 'X-Two: 2', 'X-Three: 3'])
    expect(readRequestFields(raw, false).headers).toEqual(['X-Three', '3'])
  })

  test.each([
    'Cookie',
    'Authorization',
    'Content-Length',
    'Content-Type',
    'Range',
    'Cache-Control',
    'User-Agent',
  ])('keep %s though Connection names it', (name) => {
    const raw = flat([`Connection: ${name}`, `${name}: 5`])
    expect(readRequestFields(raw, false).headers).toEqual([name, '5'])
  })

  test('of a trusted peer keep what it says of those before it', () => {
    const raw = flat([
      'X-Forwarded-For: 203.0.113.9',
      'X-Forwarded-For: 198.51.100.2',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: shop.test',
      'X-Forwarded-Port: 443',
      'Forwarded: for=203.0.113.9',
      'CF-Connecting-IP: 203.0.113.9',
    ])
    const fields = readRequestFields(raw, true)
    expect(fields.headers).toEqual(['CF-Connecting-IP', '203.0.113.9'])
    expect(fields.forwarded).toEqual({
      for: '203.0.113.9, 198.51.100.2',
      proto: 'https',
      host: 'shop.test',
      port: '443',
      element: 'for=203.0.113.9',
    })
  })

  test.each([
    [['Content-Length: 5'], true],
    [['Content-Length: 0'], false],
    [['Transfer-Encoding: chunked'], true],
    [[], false],
  ])('%j announce a body: %j', (lines, hasBody) => {
    expect(readRequestFields(flat(lines), false).hasBody).toBe(hasBody)
  })

  test('that are end-to-end pass whatever stands between them', () => {
    const name = fc.stringMatching(/^X-[A-Za-z]{1,8}$/)
    const value = fc.stringMatching(/^[!-~]{0,12}$/)
    const endToEnd = fc.array(fc.tuple(name, value), { maxLength: 12 })
    const noise = fc.constantFrom(
      ['Connection', 'keep-alive'],
      ['Keep-Alive', 'timeout=1'],
      ['x_real_ip', '1.1.1.1'],
      ['Upgrade', 'h2c'],
    )
    fc.assert(
      fc.property(endToEnd, fc.array(noise, { maxLength: 4 }), fc.nat(), (kept, dropped, at) => {
        const mixed: string[][] = [...kept]
        for (const one of dropped) mixed.splice(at % (mixed.length + 1), 0, [...one])
        expect(readRequestFields(mixed.flat(), false).headers).toEqual(kept.flat())
      }),
    )
  })
})
