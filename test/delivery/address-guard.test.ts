import type { LookupAddress } from 'node:dns'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blockedAddressCode, createAddressGuard, problemWithRange } from '../../src/delivery/address-guard.ts'

const guard = createAddressGuard({ allow: [] })
const problem = (url: string, allow: readonly string[] = []): string | null =>
  createAddressGuard({ allow }).checkUrl(new URL(url))

/** First and last address of each blocked range, and what people write to get there. */
const innerIpv4 = [
  '0.0.0.0',
  '0.255.255.255',
  '10.0.0.0',
  '10.255.255.255',
  '100.64.0.0',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.0.0',
  '169.254.169.254',
  '169.254.255.255',
  '172.16.0.0',
  '172.31.255.255',
  '192.0.0.0',
  '192.0.0.255',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.0',
  '192.168.255.255',
  '198.18.0.0',
  '198.19.255.255',
  '198.51.100.7',
  '203.0.113.9',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
]
const publicIpv4 = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
]
const innerIpv6 = [
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:10.1.2.3',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '100::1',
  '2001:db8::1',
  '3fff::1',
  '3fff:fff:ffff::1',
  '2002:7f00:1::',
  '2001:0:7f00:1::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fec0::1',
  'ff02::1',
]
const publicIpv6 = ['2606:4700:4700::1111', '2a00:1450:4001:82b::200e', '::ffff:8.8.8.8', '::ffff:808:808']

describe('an address written as digits', () => {
  test.each(innerIpv4)('%s is refused', (address) => {
    expect(problem(`https://${address}/hook`)).toBe('the address is not a public one')
  })
  test.each(publicIpv4)('%s is public', (address) => {
    expect(problem(`https://${address}/hook`)).toBeNull()
  })
  test.each(innerIpv6)('[%s] is refused', (address) => {
    expect(problem(`https://[${address}]/hook`)).toBe('the address is not a public one')
  })
  test.each(publicIpv6)('[%s] is public', (address) => {
    expect(problem(`https://[${address}]/hook`)).toBeNull()
  })
  test.each([
    ['hexadecimal', '0x7f.1'],
    ['one decimal number', '2130706433'],
    ['one octal number', '017700000001'],
    ['short', '127.1'],
    ['zero', '0'],
    ['circled digits', '①②⑦.⓪.⓪.①'],
    ['full-width digits', '１２７．０．０．１'],
    ['percent-encoded', '%31%32%37.0.0.1'],
    ['with a trailing dot', '127.0.0.1.'],
    ['the metadata service as a number', '2852039166'],
  ])('an inner address is seen through its spelling: %s', (_, host) => {
    expect(problem(`http://${host}/`)).toBe('the address is not a public one')
  })
  test('a zone index is no address at all', () => {
    expect(URL.parse('http://[fe80::1%25eth0]/')).toBeNull()
  })
})

describe('a name', () => {
  test.each([
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    'printer.local',
    'db.internal',
    'metadata.google.internal',
    'nas.home.arpa',
    'warehouse',
  ])('%s is refused while no inner range is open', (host) => {
    expect(problem(`https://${host}/`)).toBe('the host is a name of an inner network')
  })
  test.each(['localhost', 'db.internal', 'warehouse'])('%s is looked up once a range is open', (host) => {
    expect(problem(`https://${host}/`, ['10.0.0.0/8'])).toBeNull()
  })
  test.each(['example.com', 'hooks.example.com.', 'internal.example.com', 'mylocal.example'])(
    '%s is looked up',
    (host) => {
      expect(problem(`https://${host}/`)).toBeNull()
    },
  )
})

describe('the rest of an address', () => {
  test.each(['ftp://example.com/', 'file:///etc/passwd', 'gopher://example.com/', 'data:text/plain,x'])(
    '%s is not HTTP',
    (url) => {
      expect(problem(url)).toBe('only http:// and https:// addresses can be called')
    },
  )
  test.each(['https://user@example.com/', 'https://user:word@example.com/', 'https://:word@example.com/'])(
    '%s holds a login',
    (url) => {
      expect(problem(url)).toBe('an address must not hold a user name or a password')
    },
  )
  test.each([22, 25, 53, 81, 465, 993])('port %i is refused', (port) => {
    expect(problem(`http://example.com:${port}/`)).toBe(`port ${port} is not one for HTTP`)
  })
  test.each([
    'http://example.com/',
    'https://example.com/',
    'https://example.com:80/',
    'https://example.com:8443/',
    'http://example.com:3000/',
  ])('%s may be tried', (url) => {
    expect(problem(url)).toBeNull()
  })
})

describe('an opened range', () => {
  test('opens its own addresses in every spelling, and no others', () => {
    const allow = ['127.0.0.0/8', 'fd00:1::/32']
    expect(problem('http://127.0.0.1:3000/', allow)).toBeNull()
    expect(problem('http://[::ffff:127.0.0.1]:3000/', allow)).toBeNull()
    expect(problem('http://[fd00:1::5]/', allow)).toBeNull()
    expect(problem('http://[fd00:2::5]/', allow)).not.toBeNull()
    expect(problem('http://[::1]/', allow)).not.toBeNull()
    expect(problem('http://10.0.0.1/', allow)).not.toBeNull()
  })
  test('may be a single address', () => {
    expect(problem('http://10.0.0.1/', ['10.0.0.1'])).toBeNull()
    expect(problem('http://10.0.0.2/', ['10.0.0.1'])).not.toBeNull()
    expect(problem('http://[::1]/', ['::1'])).toBeNull()
  })
  test.each([
    '10.0.0.0/33',
    'fd00::/129',
    'example.com',
    '10.0.0/8',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '',
    '10.0.0.0/-1',
  ])('"%s" is refused before anything starts', (range) => {
    expect(problemWithRange(range)).toContain(`"${range}"`)
    expect(() => createAddressGuard({ allow: [range] })).toThrow(`"${range}"`)
  })
})

const lookUp = (
  addresses: readonly string[],
  options: { all?: boolean; allow?: readonly string[] } = {},
): Promise<{
  error: NodeJS.ErrnoException | null
  address: string | LookupAddress[]
  family: number | undefined
}> =>
  new Promise((resolve) => {
    const guard = createAddressGuard({
      allow: options.allow ?? [],
      resolve: (_hostname, _options, callback) =>
        callback(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        ),
    })
    guard.lookup('hooks.example.com', { all: options.all ?? true }, (error, address, family) =>
      resolve({ error, address, family }),
    )
  })

describe('the lookup of a connection', () => {
  test('answers public addresses only', async () => {
    const { error, address } = await lookUp(['10.0.0.1', '8.8.8.8', '::1', '2606:4700:4700::1111'])
    expect(error).toBeNull()
    expect(address).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ])
  })
  test('answers one address where one was asked for', async () => {
    expect(await lookUp(['127.0.0.1', '8.8.8.8'], { all: false })).toEqual({
      error: null,
      address: '8.8.8.8',
      family: 4,
    })
  })
  test.each([[['127.0.0.1']], [['169.254.169.254', 'fd00:ec2::254']], [[]]])(
    'fails when nothing public is left of %j',
    async (addresses) => {
      const { error } = await lookUp(addresses)
      expect(error?.code).toBe(blockedAddressCode)
      for (const address of addresses) expect(error?.message).not.toContain(address)
    },
  )
  test('answers addresses of an opened range', async () => {
    const { address } = await lookUp(['10.0.0.1', '10.1.0.1'], { allow: ['10.0.0.0/16'] })
    expect(address).toEqual([{ address: '10.0.0.1', family: 4 }])
  })
  test('hands the resolver’s own failure on', async () => {
    const broken = createAddressGuard({
      allow: [],
      resolve: (_hostname, _options, callback) =>
        callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []),
    })
    const code = await new Promise((resolve) => {
      broken.lookup('nowhere.example', { all: true }, (error) => resolve(error?.code))
    })
    expect(code).toBe('ENOTFOUND')
  })
})

test('wrapping an IPv4 address into IPv6 never changes the verdict', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(guard.checkUrl(new URL(`http://[::ffff:${address}]/`))).toBe(
        guard.checkUrl(new URL(`http://${address}/`)),
      )
    }),
  )
})
