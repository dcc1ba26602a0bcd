import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { local, readProxyHeader } from '../../src/proxy/proxy-protocol-header.ts'
import { binary, field, line, tcp4, tcp6 } from './proxy-protocol-bytes.ts'

/** The sum, by another implementation of CRC-32C that says e3069283 of "123456789". */
const summed = (sum: string): Buffer => tcp4('203.0.113.7', field(0x03, Buffer.from(sum, 'hex')))

const longestTcp6 = `TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535`

const whole: readonly [string, Buffer, string | typeof local | null][] = [
  ['a line of IPv4', line('TCP4 203.0.113.7 192.0.2.1 50000 443'), '203.0.113.7'],
  ['a line of IPv6', line('TCP6 2001:db8::7 2001:db8::1 50000 443'), '2001:db8::7'],
  ['the longest line of addresses there is', line(longestTcp6), `${'ffff:'.repeat(7)}ffff`],
  ['a line of nobody known', line('UNKNOWN'), null],
  ['a line of nobody known, with whatever behind it', line('UNKNOWN ffff::1 any thing'), null],
  ['a binary header of IPv4', tcp4('203.0.113.7'), '203.0.113.7'],
  ['a binary header of IPv6', tcp6('20010db8000000000000000000000007'), '2001:db8:0:0:0:0:0:7'],
  [
    'one with fields behind the addresses',
    tcp4('203.0.113.7', field(0x02, 'shop.test'), field(0x04, '')),
    '203.0.113.7',
  ],
  ['one with a checksum that is right', summed('5010129c'), '203.0.113.7'],
  ['one of a UNIX socket', binary(0x21, 0x31, Buffer.alloc(216)), null],
  ['one of no family', binary(0x21, 0x00, Buffer.alloc(0)), null],
  ['one of no family, with something to skip', binary(0x21, 0x00, Buffer.from('\x04\x00\x02hi')), null],
  ["one of the balancer's own connection", binary(0x20, 0x00, Buffer.alloc(0)), local],
  ['the same with addresses that say nothing', binary(0x20, 0x11, Buffer.alloc(12)), local],
]

describe('a header that is whole', () => {
  test.each(whole)('%s', (_name, bytes, address) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: 'whole', length: bytes.length, address })
  })

  test.each(whole)('ends where the visitor’s bytes begin: %s', (_name, bytes, address) => {
    const followed = Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n')])
    expect(readProxyHeader(followed)).toEqual({ kind: 'whole', length: bytes.length, address })
  })

  test.each(whole)('is waited for, byte by byte: %s', (_name, bytes) => {
    for (let length = 0; length < bytes.length; length += 1)
      expect(readProxyHeader(bytes.subarray(0, length))).toEqual({ kind: 'more' })
  })
})

describe('what is no header is refused', () => {
  test.each<[string, Buffer, string]>([
    ['a request', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'signature'],
    ['a TLS handshake', Buffer.from('160301', 'hex'), 'signature'],
    ['another word', Buffer.from('PROXX TCP4'), 'signature'],
    ['lower case', Buffer.from('proxy TCP4 203.0.113.7 192.0.2.1 50000 443\r\n'), 'signature'],
    ['a signature that goes astray', Buffer.from('0d0a0d0a000d0a515549540b', 'hex'), 'signature'],
    ['a line without end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(120)}`), 'line_length'],
    ['a line of one byte too many', line(`UNKNOWN ${'x'.repeat(92)}`), 'line_length'],
    ['a line of another protocol', line('UDP4 203.0.113.7 192.0.2.1 50000 443'), 'protocol'],
    ['IPv6 where IPv4 is said', line('TCP4 2001:db8::7 2001:db8::1 50000 443'), 'address'],
    ['IPv4 where IPv6 is said', line('TCP6 203.0.113.7 192.0.2.1 50000 443'), 'address'],
    ['a name', line('TCP4 shop.test 192.0.2.1 50000 443'), 'address'],
    ['an address with a zone', line('TCP6 fe80::1%eth0 fe80::2 50000 443'), 'address'],
    ['an address with a zero in front', line('TCP4 203.0.113.007 192.0.2.1 50000 443'), 'address'],
    ['two spaces', line('TCP4  203.0.113.7 192.0.2.1 50000 443'), 'address'],
    ['a port too high', line('TCP4 203.0.113.7 192.0.2.1 65536 443'), 'port'],
    ['a port with a zero in front', line('TCP4 203.0.113.7 192.0.2.1 0443 443'), 'port'],
    ['a port too few', line('TCP4 203.0.113.7 192.0.2.1 443'), 'port'],
    ['a word too many', line('TCP4 203.0.113.7 192.0.2.1 50000 443 x'), 'port'],
    [
      'a line feed alone',
      Buffer.from(`PROXY TCP4 203.0.113.7 192.0.2.1 1 2\n${' '.repeat(80)}`),
      'line_length',
    ],
    ['another version', binary(0x31, 0x11, Buffer.alloc(12)), 'version'],
    ['a command nobody knows', binary(0x22, 0x11, Buffer.alloc(12)), 'command'],
    ['a family nobody knows', binary(0x21, 0x41, Buffer.alloc(12)), 'protocol'],
    ['a datagram', binary(0x21, 0x12, Buffer.alloc(12)), 'protocol'],
    ['IPv4 in less than its room', binary(0x21, 0x11, Buffer.alloc(11)), 'length'],
    ['IPv6 in the room of IPv4', binary(0x21, 0x21, Buffer.alloc(12)), 'length'],
    ['half a field at the end', tcp4('203.0.113.7', Buffer.from([0x04, 0])), 'fields'],
    ['a field longer than the header', tcp4('203.0.113.7', Buffer.from([0x04, 0, 9, 1])), 'fields'],
    ['a checksum that is wrong', summed('5010129d'), 'checksum'],
    ['a checksum of three bytes', tcp4('203.0.113.7', field(0x03, 'abc')), 'checksum'],
  ])('%s', (_name, bytes, reason) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: 'wrong', reason })
  })

  test('and no verdict is taken back by what comes later', () => {
    const beginnings = fc.constantFrom(...whole.map(([, bytes]) => bytes))
    const bytes = fc
      .tuple(beginnings, fc.nat(80), fc.uint8Array({ maxLength: 140 }))
      .map(([start, kept, rest]) => Buffer.concat([start.subarray(0, kept), rest]))
    fc.assert(
      fc.property(bytes, (all) => {
        const verdicts = [...all.keys()].map((length) => readProxyHeader(all.subarray(0, length)))
        const first = verdicts.findLastIndex(({ kind }) => kind === 'more') + 1
        for (const verdict of verdicts.slice(first)) expect(verdict).toEqual(verdicts[first])
        expect(verdicts.slice(0, first).every(({ kind }) => kind === 'more')).toBe(true)
      }),
    )
  })
})
