import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { hashesOf } from '../../../src/destinations/identify.ts'
import { tiktok } from '../../../src/destinations/tiktok/index.ts'
import type { UserData, UserDataField } from '../../../src/event/event.ts'
import { context, maximalEvent, plainSettings, routed, site, someone } from '../events.ts'

interface Vector {
  readonly field: UserDataField
  readonly input: string
  readonly normalised: string
  readonly sha256: string
  readonly origin: string
  readonly country?: string
  readonly settings?: Readonly<Record<string, unknown>>
}

/** Of TikTok's papers (DOC), of the tests of TikTok's destination at Segment (SEG), and made by hand (OWN). */
const vectors = readFileSync(new URL('vectors/identifiers.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector)

const keys: Readonly<Partial<Record<UserDataField, string>>> = {
  email: 'email',
  phone: 'phone',
  firstName: 'first_name',
  lastName: 'last_name',
  zip: 'zip_code',
  externalId: 'external_id',
}
const settingsWith = (more: Readonly<Record<string, unknown>> = {}): unknown =>
  tiktok.settings.parse({ ...plainSettings['tiktok'], ...more })
const settings = settingsWith()

test.each(vectors.map((vector) => [vector.field, vector.input, vector.normalised, vector] as const))(
  '%s %s is hashed as %s',
  (field, input, normalised, { sha256, country, settings: more }) => {
    expect(createHash('sha256').update(normalised).digest('hex')).toBe(sha256)
    const identity = tiktok.identify(
      { [field]: input },
      settingsWith(more),
      country === undefined ? site : { ...site, defaultCountry: country },
    )
    expect(hashesOf(identity, keys[field] ?? '')).toEqual([sha256])
    expect(identity.leftOut).toEqual([])
  },
)

describe('a number without a country stays here', () => {
  test.each([
    '07946 000 018',
    // of China or of the USA: nobody can tell
    '13812345678',
    '1234567890',
    '0012',
    '123456789012345678',
    'call 441234567890',
  ])('%s', (phone) => {
    const { keys: found, leftOut } = tiktok.identify({ phone }, settings, site)
    expect(found).toEqual({})
    expect(leftOut.map(({ field }) => field)).toEqual(['phone'])
  })
})

describe('city, state and country, which TikTok takes in the clear only', () => {
  const located: UserData = { city: ' San Francisco ', state: 'California', country: 'United States' }

  test('stay here, and that is said', () => {
    const { keys: found, plain, leftOut } = tiktok.identify(located, settings, site)
    expect({ keys: found, plain }).toEqual({ keys: {}, plain: {} })
    expect(leftOut).toEqual(
      ['city', 'state', 'country'].map((field) => ({
        field,
        reason: 'TikTok takes it only in the clear, and sendLocation is off',
      })),
    )
  })

  test('go where the owner wants it, in the part that is sealed', () => {
    const willing = settingsWith({ sendLocation: true })
    const identity = tiktok.identify({ ...located, email: 'jane@example.com' }, willing, site)
    expect(identity.plain).toEqual({ city: 'sanfrancisco', state: 'ca', country: 'us' })
    expect(Object.keys(identity.keys)).toEqual(['email'])
    expect(identity.leftOut).toEqual([])
    const request = tiktok.build([routed(tiktok, willing, maximalEvent, someone)], willing, context)
    const body = JSON.parse(request.body) as { readonly data: readonly [{ readonly user: object }] }
    expect(body.data[0].user).toMatchObject({ city: 'seattle', state: 'wa', country: 'us' })
  })

  test.each([
    [{ city: 'ab'.repeat(32) }, 'it is hashed already, and TikTok takes it only in the clear'],
    [{ country: 'Atlantis' }, 'it is no country'],
    [{ state: ' . ' }, 'it is no state'],
  ])('%j cannot', (userData, reason) => {
    const { plain, leftOut } = tiktok.identify(userData, settingsWith({ sendLocation: true }), site)
    expect(plain).toEqual({})
    expect(leftOut.map((one) => one.reason)).toEqual([reason])
  })
})
