import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isForeignDigest,
  normaliseEmail,
  normaliseId,
  normalisePostcode,
  normaliseWord,
} from '../../src/event/match-keys.ts'

describe('an e-mail address', () => {
  test.each([
    ['     John_Smith@gmail.com    ', 'john_smith@gmail.com'],
    ['\tmixed.Case@Sub.Example.CO.UK\n', 'mixed.case@sub.example.co.uk'],
    ['  USER+promo@gmail.com ', 'user+promo@gmail.com'],
    ['jösé@example.com', 'jösé@example.com'],
    ["o'neil@example.com", "o'neil@example.com"],
    ['a@xn--bcher-kva.example', 'a@xn--bcher-kva.example'],
    ['MÜLLER@bücher.de', 'müller@bücher.de'],
  ])('%s is %s', (raw, expected) => {
    expect(normaliseEmail(raw)).toBe(expected)
  })

  test('one letter typed in two ways is one letter', () => {
    expect(normaliseEmail('jo\u0308rg@example.com')).toBe(normaliseEmail('j\u00f6rg@example.com'))
  })

  test.each([
    '',
    '   ',
    'invalid-email',
    'test@example',
    'test..test@example.com',
    '.test@example.com',
    'test.@example.com',
    '@example.com',
    'test@',
    'a b@example.com',
    'a@b@example.com',
    'a@-example.com',
    'a@example.1',
    'jane@example.com, joe@example.com',
    'Jane <jane@example.com>',
    `${'a'.repeat(65)}@example.com`,
    `a@${'b.'.repeat(200)}com`,
  ])('%s is none', (raw) => {
    expect(normaliseEmail(raw)).toBeNull()
  })

  test.each([
    `${'a'.repeat(100_000)}@`,
    `a@${'a-'.repeat(50_000)}`,
    '@'.repeat(100_000),
    ' '.repeat(100_000),
  ])('a hostile one is none, and soon', (raw) => {
    expect(normaliseEmail(raw)).toBeNull()
  })
})

test.each([
  ['Mary', 'mary'],
  ['정', '정'],
  ['Valéry', 'valéry'],
  ["O'Connor", 'oconnor'],
  ['Van Der Berg', 'vanderberg'],
  ['Mary-Jane', 'maryjane'],
  ['  ', null],
  ['--', null],
])('the word %s is %s', (raw, expected) => {
  expect(normaliseWord(raw)).toBe(expected)
})

test.each([
  ['37221-3312', null, '37221'],
  ['37221-3312', 'US', '37221'],
  ['37221 3312', 'US', '37221'],
  ['372213312', 'US', '37221'],
  ['372213312', null, '372213312'],
  ['12345-6789', 'KR', '123456789'],
  ['01310-100', 'BR', '01310100'],
  ['M5V 3A8', null, 'm5v3a8'],
  ['SW1A 1AA', 'GB', 'sw1a1aa'],
  ['-', null, null],
])('the postcode %s (%s) is %s', (raw, country, expected) => {
  expect(normalisePostcode(raw, country)).toBe(expected)
})

test('an id keeps its signs and loses its spaces', () => {
  expect(normaliseId(' USER-ID 456 ')).toBe('user-id456')
  expect(normaliseId(' \n ')).toBeNull()
})

test('digests other than SHA-256 are recognised, other hexadecimal ids are not', () => {
  expect(isForeignDigest('d41d8cd98f00b204e9800998ecf8427e')).toBe(true)
  expect(isForeignDigest(' DA39A3EE5E6B4B0D3255BFEF95601890AFD80709 ')).toBe(true)
  expect(isForeignDigest('d41d8cd98f00b204')).toBe(false)
})

test('a normal form is its own normal form', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (raw) => {
      for (const normalise of [normaliseEmail, normaliseWord, normaliseId]) {
        const once = normalise(raw)
        expect(once === null ? null : normalise(once)).toBe(once)
      }
    }),
  )
})
