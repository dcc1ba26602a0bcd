import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { UserDataField } from '../../../src/event/event.ts'
import { identify, metaHashed } from '../../../src/destinations/meta/identify.ts'
import { hashesOf } from '../../../src/destinations/identify.ts'
import { site } from '../events.ts'

interface Vector {
  readonly field: UserDataField
  readonly input: string
  readonly normalised: readonly string[]
  readonly sha256: readonly string[]
  readonly origin: string
  readonly country?: string
}

/** Pairs of Meta's papers (DOC) and of facebook/capi-param-builder's tests (SDK). */
const vectors = readFileSync(new URL('vectors.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector)

const keys: Readonly<Record<UserDataField, string>> = {
  email: 'em',
  phone: 'ph',
  firstName: 'fn',
  lastName: 'ln',
  city: 'ct',
  state: 'st',
  zip: 'zp',
  country: 'country',
  externalId: 'external_id',
}

test.each(vectors.map((vector) => [vector.field, vector.input, vector.origin, vector] as const))(
  '%s %s (%s)',
  (field, input, _origin, { normalised, sha256, country }) => {
    expect(sha256).toEqual(normalised.map((text) => createHash('sha256').update(text).digest('hex')))
    const identity = identify(
      { [field]: input },
      country === undefined ? site : { ...site, defaultCountry: country },
    )
    expect(hashesOf(identity, keys[field])).toEqual(sha256)
    expect(identity.leftOut).toEqual([])
  },
)

describe('left out, with the field named and the value not', () => {
  test.each([
    ['email', 'invalid-email'],
    ['email', 'test@example'],
    ['email', 'test..test@example.com'],
    ['email', '.test@example.com'],
    ['city', 'Москва'],
    ['city', '北京'],
    ['city', '123Angeles'],
    ['phone', '020 7946 0958'],
    ['firstName', '...'],
    ['lastName', ''],
    ['externalId', '   '],
    ['country', 'Atlantis'],
    ['firstName', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['zip', 'x'.repeat(1001)],
  ] as const)('%s %s', (field, value) => {
    const { keys: found, leftOut } = identify({ [field]: value }, site)
    expect(found).toEqual({})
    expect(leftOut.map((one) => one.field)).toEqual([field])
    expect(leftOut[0]?.reason).toMatch(/^(?:it|Meta) [a-zA-Z0-9 ,-]+$/)
  })
})

test('an empty value is called empty, and the hash of nothing is not sent', () => {
  expect(identify({ email: ' ', city: '' }, site)).toMatchObject({
    keys: {},
    leftOut: [
      { field: 'email', reason: 'it is empty' },
      { field: 'city', reason: 'it is empty' },
    ],
  })
})

test("the person's own country outdoes the site's for a national number", () => {
  const identity = identify(
    { phone: '020 7946 0958', country: 'United Kingdom' },
    { ...site, defaultCountry: 'US' },
  )
  expect(identity.keys['ph']).toBe('35e206e5dec4c89b9e8b71b8c32724a5bb518483ac5a20c6617d738375b3b823')
})

const hex = 'ab'.repeat(32)

test.each([
  [hex, hex],
  [` ${hex.toUpperCase()} `, hex],
  // what Meta's own builder makes is complete as it stands
  [`${hex}.AQQCAQIB`, `${hex}.AQQCAQIB`],
  [`${hex}.BQ`, `${hex}.BQ`],
  [`${hex}.toolong99`, null],
  [`x${hex}`, null],
  ['ab'.repeat(16), null],
])('%s came hashed: %s', (raw, expected) => {
  expect(metaHashed(raw)).toBe(expected)
})
