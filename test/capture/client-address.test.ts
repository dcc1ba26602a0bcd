import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  canonicalAddress,
  clientAddress,
  clientCountry,
  compileTrust,
  senderAddress,
  wasSecure,
} from '../../src/capture/client-address.ts'
import { readCases } from './jsonl.ts'

vi.setConfig({ testTimeout: 30_000 })

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
    ['a hidden visitor, and what that visitor says', '203.0.113.7, unknown', null],
    ['a hidden hop left of the visitor', 'unknown, 203.0.113.7', '203.0.113.7'],
    ['an IPv6 address with a port without brackets', '203.0.113.7, 2001:db8::zz:443', null],
    ['a port of six digits', '203.0.113.7:123456', null],
    ['an address in a URL', 'http://203.0.113.7', null],
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
    ['an obfuscated hop, and what it says', 'for=203.0.113.7, for=_hidden, for=10.0.0.2', null],
    ['an obfuscated hop with a port', 'for=203.0.113.7, for="_SEVKISEK:4711"', null],
    ['an obfuscated hop left of the visitor', 'for=_hidden, for=203.0.113.7', '203.0.113.7'],
    ['a proxy that names nobody, and what it was told', 'for=203.0.113.7, proto=https', null],
    ['blank elements', 'for=203.0.113.7, , for=10.0.0.2,', '203.0.113.7'],
    ['two semicolons', 'for=203.0.113.7;;proto=https', '203.0.113.7'],
    ['junk left of the visitor', 'for=1.1.1.1 junk, for=203.0.113.7', '203.0.113.7'],
    ['junk where the visitor should be', 'for=1.1.1.1, for=203.0.113.7 junk', null],
    ['junk and nothing else', 'junk', null],
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

describe('of an honest chain', () => {
  /** What a visitor may write before our proxies write theirs. */
  const forged = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc
      .array(fc.constantFrom('for=', '"', '\\', ',', ';', '1.1.1.1', '[', ']', 'x=', 'unknown', ' '), {
        maxLength: 12,
      })
      .map((parts) => parts.join('')),
  )
  const ipv4 = fc.ipV4().filter((address) => !trust.has(address))
  const ipv6 = fc
    .ipV6()
    .map((address) => canonicalAddress(address) ?? '')
    .filter((address) => !trust.has(address))
  const node = fc.oneof(
    ipv4.map((address) => ({ address, listed: address, element: `for=${address}` })),
    ipv4.map((address) => ({ address, listed: `${address}:4711`, element: `for="${address}:4711"` })),
    ipv6.map((address) => ({ address, listed: `[${address}]:4711`, element: `for="[${address}]:4711"` })),
    ipv6.map((address) => ({ address, listed: address, element: `for="[${address}]"` })),
    fc
      .constantFrom('unknown', '_hidden')
      .map((name) => ({ address: null, listed: name, element: `for=${name}` })),
  )
  const ours = fc.array(fc.constantFrom('10.0.0.2', '198.51.100.4', '10.255.0.1'), { maxLength: 5 })

  test('the sender is whom our own proxies met, whatever stands left of it', () => {
    fc.assert(
      fc.property(forged, node, ours, (claim, { address, listed, element }, proxies) => {
        const list = [claim, listed, ...proxies].join(', ')
        const elements = [claim, element, ...proxies.map((proxy) => `for=${proxy};host="a, b"`)].join(', ')
        for (const rawHeaders of [
          ['X-Forwarded-For', list],
          ['Forwarded', elements],
        ]) {
          const input = { peer: '10.0.0.1', rawHeaders, trust }
          expect(senderAddress(input)).toBe(address)
          const seen = clientAddress(input)
          expect(seen === null || seen === address).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('of a stranger no header counts, whichever it is', () => {
    fc.assert(
      fc.property(forged, node, (claim, { listed, element }) => {
        const rawHeaders = ['X-Forwarded-For', `${claim}, ${listed}`, 'Forwarded', `${claim}, ${element}`]
        for (const header of [undefined, 'Forwarded', 'X-Forwarded-For'])
          expect(clientAddress({ peer: '203.0.113.9', rawHeaders, trust, header })).toBe('203.0.113.9')
      }),
    )
  })
})

describe('lists made to keep us busy', () => {
  test('are read from the right, where our own proxies write', () => {
    const many = '1.1.1.1, '.repeat(200_000)
    expect(addressOf('10.0.0.1', ['X-Forwarded-For', `${many}203.0.113.7`])).toBe('203.0.113.7')
    const elements = 'for=1.1.1.1;x="\\", '.repeat(100_000)
    expect(addressOf('10.0.0.1', ['Forwarded', `${elements}for=203.0.113.7`])).toBe('203.0.113.7')
  })

  test('have no visitor beyond 64 proxies', () => {
    const chain = (length: number): string => `203.0.113.7${', 10.0.0.2'.repeat(length)}`
    expect(addressOf('10.0.0.1', ['X-Forwarded-For', chain(63)])).toBe('203.0.113.7')
    expect(addressOf('10.0.0.1', ['X-Forwarded-For', chain(64)])).toBeNull()
    expect(addressOf('10.0.0.1', ['Forwarded', chain(64).replace(/[\d.]{8,}/g, 'for=$&')])).toBeNull()
  })
})

describe('the sender', () => {
  const senderOf = (peer: string, rawHeaders: readonly string[]) => senderAddress({ peer, rawHeaders, trust })
  test.each<[string, string, readonly string[], string | null]>([
    ['in a private network counts as well', '192.168.7.7', [], '192.168.7.7'],
    ['behind a proxy of ours, too', '10.0.0.1', ['X-Forwarded-For', '192.168.7.7'], '192.168.7.7'],
    ['is the proxy where that speaks for itself', '10.0.0.1', [], '10.0.0.1'],
    [
      'is the outermost of ours where all are ours',
      '10.0.0.1',
      ['X-Forwarded-For', '10.0.0.9, 10.0.0.2'],
      '10.0.0.9',
    ],
    ['is nobody where it is hidden', '10.0.0.1', ['X-Forwarded-For', 'unknown'], null],
    ['is nobody where the peer has gone', '', [], null],
    [
      'is nobody where the browser hides it',
      '203.0.113.9',
      ['Sec-Purpose', 'prefetch;anonymous-client-ip'],
      null,
    ],
    ['is shown by an ordinary prefetch', '203.0.113.9', ['Sec-Purpose', 'prefetch;prerender'], '203.0.113.9'],
  ])('%s', (_name, peer, headers, sender) => {
    expect(senderOf(peer, headers)).toBe(sender)
  })
})

describe('the country', () => {
  const countryOf = (
    headers: readonly string[],
    peer = '10.0.0.1',
    header: string | undefined = 'CF-IPCountry',
  ) => clientCountry({ peer, rawHeaders: headers, trust, header })

  test.each<[string, readonly string[], string | null]>([
    ['as the edge says', ['CF-IPCountry', 'DE'], 'DE'],
    ['in whatever case', ['cf-ipcountry', ' us '], 'US'],
    ['not known to the edge', ['CF-IPCountry', 'XX'], null],
    ['of Tor', ['CF-IPCountry', 'T1'], null],
    ['of no country', ['CF-IPCountry', 'ZZ'], null],
    ['a name', ['CF-IPCountry', 'Germany'], null],
    ['empty', ['CF-IPCountry', ''], null],
    ['said twice', ['CF-IPCountry', 'US', 'CF-IPCountry', 'DE'], null],
    ['said twice in one', ['CF-IPCountry', 'US, DE'], null],
    ['in another header', ['X-Vercel-IP-Country', 'US'], null],
    ['not said', [], null],
  ])('%s', (_name, headers, country) => {
    expect(countryOf(headers)).toBe(country)
  })

  test('is heard from a trusted proxy alone, and from no header without the setting', () => {
    expect(countryOf(['CF-IPCountry', 'US'], '203.0.113.9')).toBeNull()
    const rawHeaders = ['CF-IPCountry', 'US']
    expect(clientCountry({ peer: '10.0.0.1', rawHeaders, trust })).toBeNull()
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
      ':: ::1 ::8.8.8.8 fe80::1%eth0 fc00::1 fd12::1 ff02::1 2001:db8::1 2001:2::1 2001:20::1 3fff::1 64:ff9b::a00:1',
      '5f00::1 localhost 1.2.3',
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
    expect(compileTrust(['::/0']).has('8.8.8.8'), 'all of IPv6 is not all').toBe(false)
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
    [
      'by the proxy that met the visitor, not by the visitor',
      '10.0.0.1',
      false,
      ['Forwarded', 'for=1.1.1.1;proto=https, for=203.0.113.7;proto=http, for=10.0.0.2;proto=http'],
      false,
    ],
    ['a trusted proxy is silent', '10.0.0.1', true, [], true],
    ['nonsense is silence', '10.0.0.1', false, ['X-Forwarded-Proto', 'gopher'], false],
  ])('%s', (_name, peer, secure, headers, expected) => {
    expect(wasSecure(peer, secure, headers, trust)).toBe(expected)
  })
})
