import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { identify } from '../../../src/destinations/pinterest/identify.ts'
import type { UserDataField } from '../../../src/event/event.ts'
import { site } from '../events.ts'

interface Vector {
  readonly field: UserDataField
  readonly input: string
  readonly normalised: string
  readonly sha256: string
  readonly country?: string
}

/** Computed from the prose of Pinterest's API description; its printed hashes contradict it. */
const vectors = readFileSync(new URL('vectors/identify.jsonl', import.meta.url), 'utf8')
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

test.each(vectors.map((vector) => [vector.field, vector.input, vector] as const))(
  '%s %j',
  (field, input, { normalised, sha256, country }) => {
    expect(sha256).toBe(createHash('sha256').update(normalised).digest('hex'))
    const identity = identify(
      { [field]: input },
      country === undefined ? site : { ...site, defaultCountry: country },
    )
    expect(identity).toEqual({ keys: { [keys[field]]: sha256 }, plain: {}, leftOut: [] })
  },
)

test.each(Object.entries(keys))('a %s that came hashed is kept, in lower case', (field, key) => {
  const { keys: found } = identify({ [field]: ` ${'AB'.repeat(32)}` }, site)
  expect(found).toEqual({ [key]: 'ab'.repeat(32) })
})

describe('left out, with the field named and the value not', () => {
  test.each([
    ['email', 'jane.doe(at)example.com'],
    ['phone', '4155550132'],
    ['firstName', '?!'],
    ['lastName', '\t'],
    ['city', '...'],
    ['state', 'Bayern'],
    ['state', 'NSW'],
    ['zip', 'M1 1AE'],
    ['zip', '-'],
    ['country', 'Atlantis'],
    ['externalId', ' '],
    ['email', 'd41d8cd98f00b204e9800998ecf8427e'],
  ] as const)('%s %j', (field, value) => {
    const { keys: found, leftOut } = identify({ [field]: value }, site)
    expect(found).toEqual({})
    expect(leftOut).toEqual([{ field, reason: expect.stringMatching(/^(?:it|Pinterest) [a-zA-Z0-9 ,-]+$/) }])
  })
})
