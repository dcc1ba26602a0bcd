import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress, clientAddress, compileTrust, wasSecure } from '../../src/capture/client-address.ts'
import { readCases } from './jsonl.ts'

interface Case {
  readonly peer: string
  readonly xff?: string
  readonly forwarded?: string
  readonly ip: string | null
}
const cases = readCases<Case>(new URL('./vectors/client-address.jsonl', import.meta.url))
const trust = compileTrust(['10.0.0.0/8', '198.51.100.0/24'], { allowDocumentationRanges: true })

const addressOf = (peer: string, headers: readonly string[], header?: string) =>
  clientAddress({ peer, rawHeaders: headers, trust, header })

test('all vectors are here', () => {
  expect(cases).toHaveLength(8)
})

test.each(cases)('$peer with $xff$forwarded is $ip', ({ peer, xff, forwarded, ip }) => {
  const headers = [
    ...(xff === undefined ? [] : ['X-Forwarded-For', xff]),
    ...(forwarded === undefined ? [] : ['Forwarded', forwarded]),
  ]
  expect(addressOf(peer, headers)).toBe(ip)
})

describe('the walk over the hops', () => {
  test.each([
    ['a port', '203.0.113.7:4711', '203.0.113.7'],
    ['an IPv6 port', '[2001:db8::1]:4711', '2001:db8::1'],
    ['an IPv6 address in brackets', '[2001:db8::1]', '2001:db8::1'],
    ['a bare IPv6 address', '2001:DB8:0:0::1', '2001:db8::1'],
    ['a full IPv6 address and a port without brackets', '2001:db8:0:0:0:0:0:1:443', '2001:db8::1'],
    ['a zone', '2001:db8::1%eth0', '2001:db8::1'],
    ['IPv4 in IPv6', '::ffff:203.0.113.7', '203.0.113.7'],
    ['IPv4 in IPv6, in hexadecimal', '::ffff:cb00:7107', '203.0.113.7'],
    ['IPv4 in IPv6 of a trusted hop', '203.0.113.7, ::ffff:10.0.0.2', '203.0.113.7'],
    ['a hop that is not told', '203.0.113.7, unknown', '203.0.113.7'],
    ['garbage left of the visitor', 'garbage, 203.0.113.7', '203.0.113.7'],
    ['garbage where the visitor should be', '203.0.113.7, garbage', null],
    ['an octal-looking address', '203.0.113.7, 010.0.0.1', null],
    ['a private visitor', '203.0.113.7, 192.168.1.1', null],
    ['trusted hops alone', '198.51.100.4, 10.0.0.9', null],
    ['blank members', '203.0.113.7, , ', '203.0.113.7'],
  ])('%s', (_name, xff, ip) => {
    expect(addressOf('10.0.0.1', ['X-Forwarded-For', xff])).toBe(ip)
  })

  test('several headers are one list', () => {
    const headers = ['X-Forwarded-For', '1.1.1.1', 'x-forwarded-for', '203.0.113.7, 10.0.0.2']
    expect(addressOf('10.0.0.1', headers)).toBe('203.0.113.7')
  })

  test('a hop added on the left never changes the answer of an honest chain', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (forged) => {
        const headers = ['X-Forwarded-For', `${forged}, 203.0.113.7, 10.0.0.9`]
        expect(addressOf('10.0.0.1', headers)).toBe('203.0.113.7')
        expect(addressOf('203.0.113.9', headers)).toBe('203.0.113.9')
      }),
    )
  })

  test('it throws at nothing', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'binary' }), fc.string(), (peer, xff, forwarded) => {
        for (const from of [peer, '10.0.0.1']) {
          const ip = addressOf(from, ['X-Forwarded-For', xff, 'Forwarded', forwarded])
          expect(ip === null || canonicalAddress(ip) === ip).toBe(true)
        }
      }),
    )
  })
})

describe('Forwarded', () => {
  test.each([
    ['quoted, with other parameters around', 'by=10.0.0.1;for="203.0.113.7:80";proto=https', '203.0.113.7'],
    ['names in any case', 'FOR=203.0.113.7', '203.0.113.7'],
    ['an obfuscated hop', 'for=203.0.113.7, for=_hidden, for=10.0.0.2', '203.0.113.7'],
    ['a comma inside quotes', 'for=203.0.113.7;host="a, for=1.1.1.1"', '203.0.113.7'],
    ['a visitor who leaves a quote open', 'for="1.1.1.1, for="[2001:db8::1]"', '2001:db8::1'],
    ['a hop without an address', 'proto=https', null],
  ])('%s', (_name, forwarded, ip) => {
    expect(addressOf('10.0.0.1', ['Forwarded', forwarded])).toBe(ip)
  })

  test('it does not count beside an X-Forwarded-For', () => {
    const headers = ['Forwarded', 'for=1.1.1.1', 'X-Forwarded-For', '203.0.113.7']
    expect(addressOf('10.0.0.1', headers)).toBe('203.0.113.7')
  })
})

describe('a header of the setting', () => {
  test('is the only one read', () => {
    const headers = ['CF-Connecting-IP', '203.0.113.7', 'X-Forwarded-For', '1.1.1.1']
    expect(addressOf('10.0.0.1', headers, 'CF-Connecting-IP')).toBe('203.0.113.7')
    expect(addressOf('10.0.0.1', headers, 'True-Client-IP')).toBeNull()
    expect(addressOf('10.0.0.1', ['Forwarded', 'for=203.0.113.7'], 'Forwarded')).toBe('203.0.113.7')
  })

  test('counts from a trusted peer alone', () => {
    expect(addressOf('203.0.113.9', ['CF-Connecting-IP', '1.1.1.1'], 'CF-Connecting-IP')).toBe('203.0.113.9')
  })

  test('may carry a port, as CloudFront writes it', () => {
    const headers = ['CloudFront-Viewer-Address', '203.0.113.7:46532']
    expect(addressOf('10.0.0.1', headers, 'cloudfront-viewer-address')).toBe('203.0.113.7')
  })
})

describe('addresses that are no visitor', () => {
  const open = compileTrust([])
  test.each(
    [
      '0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.1.1 172.16.0.1 172.31.255.255 192.168.0.1 192.0.0.8',
      '198.18.0.1 224.0.0.1 255.255.255.255 203.0.113.7 198.51.100.1 192.0.2.1 ::ffff:10.0.0.1',
      ':: ::1 fe80::1%eth0 fc00::1 fd12::1 ff02::1 2001:db8::1 localhost 1.2.3',
    ].flatMap((line) => line.split(' ')),
  )('%j', (peer) => {
    expect(clientAddress({ peer, rawHeaders: [], trust: open })).toBeNull()
  })

  test('a peer that has gone has none', () => {
    expect(clientAddress({ peer: '', rawHeaders: [], trust: open })).toBeNull()
  })

  test.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])(
    'but %s is one',
    (peer) => {
      expect(clientAddress({ peer, rawHeaders: [], trust: open })).toBe(peer.replace('::ffff:', ''))
    },
  )
})

describe('the list of trusted proxies', () => {
  test('takes addresses and ranges of both families', () => {
    const mixed = compileTrust(['192.0.2.1', '2001:db8::/32', '::ffff:10.0.0.0/104', ' 172.16.0.0/12 '])
    expect(['192.0.2.1', '2001:db8::5', '10.9.9.9', '172.20.0.1'].map((ip) => mixed.has(ip))).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(['192.0.2.2', '2001:db9::5', '11.0.0.1'].map((ip) => mixed.has(ip))).toEqual([false, false, false])
  })

  test('everybody and nobody are possible', () => {
    expect(compileTrust(['0.0.0.0/0', '::/0']).has('8.8.8.8')).toBe(true)
    expect(compileTrust([]).has('10.0.0.1')).toBe(false)
  })

  test.each([
    '10.0.0.0/33',
    '10.0.0/8',
    'proxy.example',
    '',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10.0.0.0/',
    'fe80::%1/64',
  ])('%j is refused by name', (cidr) => {
    expect(() => compileTrust(['10.0.0.0/8', cidr])).toThrow(JSON.stringify(cidr))
  })
})

describe('whether the visitor came by https', () => {
  test.each([
    ['our own socket decides', '203.0.113.9', true, [], true],
    ['a visitor cannot claim it', '203.0.113.9', false, ['X-Forwarded-Proto', 'https'], false],
    ['a trusted proxy says so', '10.0.0.1', false, ['X-Forwarded-Proto', 'HTTPS'], true],
    ['a trusted proxy says it was not', '10.0.0.1', true, ['X-Forwarded-Proto', 'http'], false],
    ['the outermost hop counts', '10.0.0.1', false, ['X-Forwarded-Proto', 'https, http'], true],
    ['by Forwarded', '10.0.0.1', false, ['Forwarded', 'for=1.1.1.1;proto=https'], true],
    ['a trusted proxy is silent', '10.0.0.1', true, [], true],
    ['nonsense is silence', '10.0.0.1', false, ['X-Forwarded-Proto', 'gopher'], false],
  ])('%s', (_name, peer, secure, headers, expected) => {
    expect(wasSecure(peer, secure, headers, trust)).toBe(expected)
  })
})
