import { describe, expect, test } from 'vitest'
import { addForwarded } from '../../src/proxy/forwarded.ts'
import { readRequestFields } from '../../src/proxy/request-fields.ts'

const forwardedOf = (
  raw: readonly string[],
  peer: string,
  { trusted = false, secure = false, originHost = 'shop.test' } = {},
): Record<string, string> => {
  const fields = readRequestFields(raw, trusted)
  addForwarded(fields, { peer, secure, httpVersion: '1.1', originHost, via: 'gw' })
  const pairs: [string, string][] = []
  for (let index = 0; index < fields.headers.length; index += 2)
    pairs.push([fields.headers[index]!, fields.headers[index + 1]!])
  expect(new Set(pairs.map(([name]) => name)).size).toBe(pairs.length)
  return Object.fromEntries(pairs)
}

describe('the forwarding fields', () => {
  test('tell the peer, the scheme, the host and the way', () => {
    expect(forwardedOf(['Host', 'shop.test'], '203.0.113.9')).toEqual({
      Host: 'shop.test',
      'X-Forwarded-For': '203.0.113.9',
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Host': 'shop.test',
      'X-Forwarded-Port': '80',
      Forwarded: 'for=203.0.113.9;host=shop.test;proto=http',
      Via: '1.1 gw',
    })
  })

  test('quote what RFC 7239 wants quoted, and keep the visitor host beside another origin host', () => {
    const fields = forwardedOf(['Host', 'shop.test:8443'], '2001:db8::9', {
      secure: true,
      originHost: 'origin.test',
    })
    expect(fields['Host']).toBe('origin.test')
    expect(fields['X-Forwarded-Host']).toBe('shop.test:8443')
    expect(fields['X-Forwarded-Port']).toBe('8443')
    expect(fields['X-Forwarded-Proto']).toBe('https')
    expect(fields['Forwarded']).toBe('for="[2001:db8::9]";host="shop.test:8443";proto=https')
  })

  test('of a trusted peer are continued, of any other replaced', () => {
    const raw = [
      'Host',
      'shop.test',
      'X-Forwarded-For',
      '203.0.113.9',
      'X-Forwarded-Proto',
      'https',
      'X-Forwarded-Port',
      '443',
      'Forwarded',
      'for=203.0.113.9;proto=https',
    ]
    const trusted = forwardedOf(raw, '10.0.0.1', { trusted: true })
    expect(trusted['X-Forwarded-For']).toBe('203.0.113.9, 10.0.0.1')
    expect(trusted['X-Forwarded-Proto']).toBe('https')
    expect(trusted['X-Forwarded-Port']).toBe('443')
    expect(trusted['Forwarded']).toBe('for=203.0.113.9;proto=https, for=10.0.0.1;host=shop.test;proto=http')
    const stranger = forwardedOf(raw, '198.51.100.1')
    expect(stranger['X-Forwarded-For']).toBe('198.51.100.1')
    expect(stranger['X-Forwarded-Proto']).toBe('http')
    expect(stranger['Forwarded']).toBe('for=198.51.100.1;host=shop.test;proto=http')
  })

  test('ask for trailers where the client did', () => {
    expect(forwardedOf(['Host', 'a', 'TE', 'trailers, deflate;q=0.5'], '::1')['TE']).toBe('trailers')
    expect(forwardedOf(['Host', 'a', 'TE', 'deflate'], '::1')['TE']).toBeUndefined()
  })
})
