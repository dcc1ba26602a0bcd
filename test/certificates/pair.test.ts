import { describe, expect, test } from 'vitest'
import { readPairFiles } from '../../src/certificates/files.ts'
import { doubtsAbout, readPair } from '../../src/certificates/pair.ts'
import certificates from './certificates.json' with { type: 'json' }

const { shop, other, expired, lockedKey, authority } = certificates

test('a pair that belongs together is fit to serve with', () => {
  const pair = readPair(shop.cert, shop.key)
  expect(pair).toMatchObject({ names: ['shop.test', '*.shop.test'], notBefore: Date.UTC(2025, 0, 1) })
  expect('covers' in pair && ['shop.test', 'a.shop.test', 'a.b.shop.test'].map(pair.covers)).toEqual([
    true,
    true,
    false,
  ])
})

test('the chain may follow the certificate, and both may be one text', () => {
  const both = `${shop.key}${shop.cert}${authority}`
  expect(readPair(both, both)).toHaveProperty('context')
})

test.each<[string, string, string, { of: string; message: string }[]]>([
  [
    'no PEM',
    'hello',
    'hello',
    [
      { of: 'cert', message: 'this is no certificate in PEM form' },
      { of: 'key', message: 'this is no private key in PEM form' },
    ],
  ],
  [
    'the two exchanged',
    shop.key,
    shop.cert,
    [
      { of: 'cert', message: 'this is a key, not a certificate' },
      { of: 'key', message: 'this is a certificate, not a key' },
    ],
  ],
  [
    'the key of another',
    shop.cert,
    other.key,
    [{ of: 'key', message: 'the key does not belong to the certificate' }],
  ],
  [
    'the chain in the wrong order',
    `${authority}${shop.cert}`,
    shop.key,
    [{ of: 'cert', message: 'the certificate that the key belongs to must come first in the file' }],
  ],
  [
    'a key under lock',
    shop.cert,
    lockedKey,
    [{ of: 'key', message: 'the key is locked with a passphrase; write it out without one' }],
  ],
  [
    'a torn certificate',
    shop.cert.replace(/.{30}\n/, '\n'),
    shop.key,
    [{ of: 'cert', message: 'certificate 1 of the file cannot be read' }],
  ],
  [
    'half a file',
    shop.cert.slice(0, 200),
    shop.key,
    [{ of: 'cert', message: 'this is no certificate in PEM form' }],
  ],
])('%s is refused in words that quote nothing', (_name, cert, key, problems) => {
  expect(readPair(cert, key)).toEqual(problems)
})

describe('doubts', () => {
  const doubtsOf = (one: { cert: string; key: string }, hosts: string[], now: number) => {
    const pair = readPair(one.cert, one.key)
    return 'context' in pair ? doubtsAbout(pair, hosts, now) : null
  }
  const now = Date.UTC(2026, 0, 1)
  test.each([
    ['none', shop, ['shop.test', 'www.shop.test', '*.shop.test', '*'], now, []],
    ['its time is over', expired, ['shop.test'], now, ['the certificate ran out on 2021-01-01']],
    [
      'its time has not come',
      shop,
      ['shop.test'],
      Date.UTC(2024, 0, 1),
      ['the certificate is not valid before 2025-01-01'],
    ],
    [
      'it names others',
      shop,
      ['shop.test', 'other.test', '*.other.test'],
      now,
      ['the certificate is not for other.test, *.other.test; it names shop.test, *.shop.test'],
    ],
    [
      'a wildcard is no name below a name',
      other,
      ['*.other.test'],
      now,
      ['the certificate is not for *.other.test; it names other.test'],
    ],
  ])('%s', (_name, pair, hosts, at, doubts) => {
    expect(doubtsOf(pair, hosts, at)).toEqual(doubts)
  })
})

test('files that cannot be read are named', () => {
  const readText = (path: string): string => {
    if (path === 'c.pem') return shop.cert
    throw Object.assign(new Error('no'), { code: path === 'k.pem' ? 'ENOENT' : 'EACCES' })
  }
  expect(readPairFiles({ cert: 'c.pem', key: 'k.pem' }, readText)).toEqual([
    { of: 'key', message: '"k.pem" cannot be read: there is no such file' },
  ])
  expect(readPairFiles({ cert: 'd.pem', key: 'k.pem' }, readText)).toHaveLength(2)
})
