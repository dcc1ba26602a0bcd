import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { hashesOf } from '../../../src/destinations/identify.ts'
import { identify } from '../../../src/destinations/snapchat/identify.ts'
import type { UserDataField } from '../../../src/event/event.ts'
import { site } from '../events.ts'

interface Vector {
  readonly field: UserDataField
  readonly input: string
  readonly normalised: string
  readonly sha256: string
  readonly origin: string
  readonly country?: string
}

/** Of Snapchat's Parameters page (DOC), of the tests of Snapchat/business-sdk-ruby (SDK), and made by hand (OWN). */
const vectors = readFileSync(new URL('vectors/identifiers.jsonl', import.meta.url), 'utf8')
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

test.each(vectors.map((vector) => [vector.field, vector.input, vector.normalised, vector] as const))(
  '%s %s is hashed as %s',
  (field, input, normalised, { sha256, country }) => {
    expect(createHash('sha256').update(normalised).digest('hex')).toBe(sha256)
    const identity = identify(
      { [field]: input },
      country === undefined ? site : { ...site, defaultCountry: country },
    )
    expect(hashesOf(identity, keys[field])).toEqual([sha256])
    expect(identity.leftOut).toEqual([])
  },
)

describe('left out, with the field named and the value not', () => {
  test.each([
    ['phone', '(447)-234-2344'],
    ['phone', ''],
    ['phone', '   '],
    ['email', 'jane@example'],
    ['firstName', '...'],
    ['state', ' - '],
    ['country', 'Atlantis'],
    ['zip', 'd41d8cd98f00b204e9800998ecf8427e'],
  ] as const)('%s %j', (field, value) => {
    const { keys: found, leftOut } = identify({ [field]: value }, site)
    expect(found).toEqual({})
    expect(leftOut.map((one) => one.field)).toEqual([field])
    expect(leftOut[0]?.reason).toMatch(/^it [a-zA-Z0-9 ,-]+$/)
  })
})

test('what came hashed is kept, in lower case', () => {
  expect(identify({ email: ` ${'AB'.repeat(32)} ` }, site).keys).toEqual({ em: 'ab'.repeat(32) })
})
