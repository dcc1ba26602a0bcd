import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { identify } from '../../../src/destinations/google-ads/identify.ts'
import { googleAds } from '../../../src/destinations/google-ads/index.ts'
import { googleFirstName, googleLastName } from '../../../src/destinations/google-ads/person-names.ts'
import { googleAdsSettings } from '../../../src/destinations/google-ads/settings.ts'
import { context, plainSettings, routed, maximalEvent, minimalEvent, site, someone } from '../events.ts'

const plain = googleAdsSettings.parse(plainSettings['google_ads'])
const withAddress = { ...plain, sendAddress: true }

interface Vector {
  readonly n: number
  readonly field: 'email' | 'phone' | 'firstName' | 'lastName'
  readonly input: string
  readonly country?: string
  readonly normalised: string | null
  readonly sha256: string | null
}

const vectors = readFileSync(new URL('vectors/normalisation.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector)

const keys = { email: 'email', phone: 'phone', firstName: 'given_name', lastName: 'family_name' } as const

test.each(vectors.map((vector) => [vector.field, vector.input, vector] as const))(
  '%s %s',
  (field, input, { country, normalised, sha256 }) => {
    if (normalised !== null) expect(createHash('sha256').update(normalised).digest('hex')).toBe(sha256)
    const identity = identify(
      { [field]: input },
      withAddress,
      country === undefined ? site : { ...site, defaultCountry: country },
    )
    expect(identity.keys).toEqual(sha256 === null ? {} : { [keys[field]]: sha256 })
    expect(identity.leftOut.map((one) => one.field)).toEqual(sha256 === null ? [field] : [])
  },
)

describe('names', () => {
  test.each([
    ['Dr. Jane', ['jane']],
    ['MR Bob', ['bob']],
    // a name that only looks like a title
    ['Dr', ['dr']],
    ['Msgr', ['msgr']],
    ['Jean-Luc', ['jeanluc']],
    ['José', ['josé']],
    ['Jose\u0301', ['josé']],
    ['42', []],
    ['...', []],
  ])('the first name %s is %j', (written, expected) => {
    expect(googleFirstName(written)).toEqual(expected)
  })

  test.each([
    ['Roe Sr', ['roe']],
    ['Roe, Jr., MD', ['roe']],
    ['Roe III', ['roe']],
    ['van der Berg', ['van der berg']],
    ['Md', ['md']],
    ['Levi', ['levi']],
    ['李', ['李']],
    ["'", []],
  ])('the last name %s is %j', (written, expected) => {
    expect(googleLastName(written)).toEqual(expected)
  })
})

describe('an address', () => {
  test('is not sent unless somebody asks for it, and the journal says so', () => {
    const { keys: found, plain: clear, leftOut } = identify(someone, plain, site)
    expect(Object.keys(found).sort()).toEqual(['email', 'phone'])
    expect(clear).toEqual({})
    expect(leftOut.find(({ field }) => field === 'zip')?.reason).toContain('sendAddress')
  })

  test('keeps its postcode apart, for the intake to seal', () => {
    const identity = identify(someone, withAddress, site)
    expect(identity.plain).toEqual({ postal_code: '98001' })
    expect(identity.keys['region_code']).toBe('US')
    expect(JSON.stringify(identity.keys)).not.toContain('98001')
    expect(identity.leftOut.map(({ field }) => field).sort()).toEqual(['city', 'externalId', 'state'])
  })

  test.each(['firstName', 'lastName', 'zip', 'country'] as const)('is none without its %s', (field) => {
    const { [field]: _, ...rest } = someone
    const deliverable = routed(googleAds, withAddress, minimalEvent, { ...rest, email: 'jane@example.com' })
    expect(googleAds.build([deliverable], withAddress, context).body).not.toContain('"address"')
    const whole = routed(googleAds, withAddress, minimalEvent, someone)
    expect(googleAds.build([whole], withAddress, context).body).toContain('"address"')
  })

  test.each([
    ['zip', 'AB'.repeat(32), 'it came hashed'],
    ['zip', ' ', 'it is empty'],
    ['zip', '1'.repeat(21), 'it is too long'],
    ['country', 'Atlantis', 'it is no country'],
    ['country', '', 'it is empty'],
    ['firstName', '...', 'it holds no letters'],
  ] as const)('%s %s is left out', (field, value, reason) => {
    const { keys: found, plain: clear, leftOut } = identify({ [field]: value }, withAddress, site)
    expect({ found, clear }).toEqual({ found: {}, clear: {} })
    expect(leftOut).toEqual([{ field, reason: expect.stringContaining(reason) as string }])
  })
})

test("the visitor's address never leaves, whatever else is known", () => {
  for (const settings of [
    withAddress,
    { ...withAddress, transport: 'google_ads_api' as const },
    { ...withAddress, transport: 'google_ads_api' as const, enhance: true },
  ]) {
    const { body } = googleAds.build([routed(googleAds, settings, maximalEvent, someone)], settings, context)
    expect(maximalEvent.visitor.ip).toBe('203.0.113.7')
    expect(body).not.toContain('203.0.113.7')
    expect(body).not.toMatch(/ip_?address/i)
  }
})
