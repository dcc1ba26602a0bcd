import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { clickIdOf, identifiersOf } from '../../../src/destinations/x/identifiers.ts'
import { identify } from '../../../src/destinations/x/identify.ts'
import type { UserDataField, Visitor } from '../../../src/event/event.ts'
import { deliver, minimalEvent, site } from '../events.ts'

interface Vector {
  readonly field: 'email' | 'phone'
  readonly input: string
  readonly normalised: string
  readonly sha256: string
  readonly country?: string
}

/** The first of each kind is X's own; X's hash of `test@x.com` is another address's, and not among them. */
const vectors = readFileSync(new URL('vectors/identify.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector)

const keys = { email: 'hashed_email', phone: 'hashed_phone_number' } as const

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

test.each(Object.entries(keys))('an %s that came hashed is kept, in lower case', (field, key) => {
  expect(identify({ [field]: 'AB'.repeat(32) }, site).keys).toEqual({ [key]: 'ab'.repeat(32) })
})

test.each<readonly [UserDataField, string]>([
  ['email', 'jane.doe(at)example.com'],
  ['phone', '4155550132'],
  ['email', ''],
  ['phone', ' '],
  ['firstName', 'Jane'],
  ['externalId', 'User-789'],
])('%s %j is left out, with the field named and the value not', (field, value) => {
  const { keys: found, leftOut } = identify({ [field]: value }, site)
  expect(found).toEqual({})
  expect(leftOut).toEqual([{ field, reason: expect.stringMatching(/^(?:it|X) [a-zA-Z0-9 ,-]+$/) }])
})

describe('identifiers', () => {
  const identifiers = (visitor: Partial<Visitor>, userData = {}) =>
    identifiersOf(
      deliver(
        { ...minimalEvent, visitor: { clickIds: {}, browserIds: {}, ...visitor } },
        { identity: identify(userData, site) },
      ),
    )
  const clickIds = { twclid: { value: '2demo0click0id' } }
  const hashed_email = '86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d'
  const person = { email: 'Jane.Doe@Example.com' }
  const [ip, userAgent] = ['203.0.113.7', 'Mozilla/5.0']

  test.each([
    ['nothing', identifiers({}), []],
    ['an address alone', identifiers({ ip }), []],
    ['a browser alone', identifiers({ userAgent }), []],
    ['both', identifiers({ ip, userAgent }), [{ ip_address: ip, user_agent: userAgent }]],
    [
      'a click and both',
      identifiers({ clickIds, ip, userAgent }),
      [{ twclid: '2demo0click0id' }, { ip_address: ip, user_agent: userAgent }],
    ],
    ['a click and an address', identifiers({ clickIds, ip }), [{ twclid: '2demo0click0id', ip_address: ip }]],
    [
      'an address of the newer kind',
      identifiers({ clickIds, ip: '2001:db8::7', userAgent }, person),
      [{ twclid: '2demo0click0id', user_agent: userAgent }, { hashed_email }],
    ],
    ['an empty browser', identifiers({ clickIds, userAgent: ' ' }), [{ twclid: '2demo0click0id' }]],
  ])('of %s', (_what, found, expected) => {
    expect(found).toEqual(expected)
  })

  test.each([
    ['2abcDEFghi', '2abcDEFghi'],
    ['', null],
    [' ', null],
    ['a b', null],
    ['a\r\nb', null],
    ['x'.repeat(501), null],
  ])('the click %j is sent as %j', (value, sent) => {
    const visitor = { clickIds: { twclid: { value } }, browserIds: {} }
    expect(clickIdOf(deliver({ ...minimalEvent, visitor }))).toBe(sent)
  })
})
