import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodePayload } from '../../src/delivery/records.ts'
import { marksOf, type PersonMarks, type TypedPerson } from '../../src/delivery/person.ts'
import { destinations } from '../../src/destinations/index.ts'
import { hash, type Normalised } from '../../src/event/hashed.ts'
import { configureIntegration, type Integration } from '../../src/sites/configure.ts'
import { anyone } from '../destinations/arbitrary.ts'
import { maximalEvent, plainSettings } from '../destinations/events.ts'

const variants: Readonly<Record<string, object>> = {
  ga4: { sendUserId: true },
  tiktok: { externalIdCase: 'lower' },
}

const integrationOf = (name: string, extra: object = {}): Integration => {
  const destination = destinations.find((one) => one.name === name)!
  const config = { ...plainSettings[name], ...extra }
  const settings = destination.settings.parse(config)
  return configureIntegration({ id: 'shop' }, { id: name, platform: name, config }, destination, settings, [])
}

const everywhere = destinations.flatMap(({ name }) => [
  integrationOf(name),
  ...(variants[name] === undefined ? [] : [integrationOf(name, variants[name])]),
])

const marks = (person: TypedPerson, integrations = everywhere, country: string | null = 'US') => {
  const found = marksOf(person, integrations, country)
  if (!('payload' in found)) throw new Error(JSON.stringify(found))
  return found
}

const payloadOf = (userData: object, { destination, settings, id }: Integration): string =>
  encodePayload(
    {
      event: maximalEvent,
      name: 'x',
      identity: destination.identify(userData, settings, { site: 'shop', integration: id }),
      acceptedAt: 0,
    },
    id,
    null,
  )

const finds = ({ payload }: PersonMarks, text: string): boolean => payload.some((mark) => text.includes(mark))

describe('a person is found in what each destination stores of them', () => {
  test.each(['email', 'phone', 'externalId'] as const)(
    'by %s as anybody may type it, also when the integration is gone',
    (field) => {
      fc.assert(
        fc.property(anyone, anyone, (person, other) => {
          fc.pre(person[field]?.trim().toLowerCase() !== other[field]?.trim().toLowerCase())
          const typed = { [field]: `  ${person[field]}  ` }
          for (const known of [everywhere, []]) {
            const found = marks(typed, known)
            for (const integration of everywhere) {
              const holds = Object.keys(
                integration.destination.identify(typed, integration.settings, {
                  site: 'shop',
                  integration: 'it',
                }).keys,
              ).length
              expect(finds(found, payloadOf(person, integration))).toBe(holds > 0)
              expect(finds(found, payloadOf(other, integration))).toBe(false)
            }
          }
        }),
        { numRuns: 50 },
      )
    },
  )

  test('by a hash, in any case', () => {
    const digest = hash('ann@example.com' as Normalised)
    const payload = payloadOf({ email: 'Ann@Example.com' }, integrationOf('meta'))
    expect(finds(marks({ hashes: [digest.toUpperCase()] }), payload)).toBe(true)
    expect(finds(marks({ email: digest }), payload)).toBe(true)
  })

  test('by a national phone number and its country', () => {
    const payload = payloadOf({ phone: '+4915123456789' }, integrationOf('snapchat'))
    expect(finds(marks({ phone: '0151 23456789' }, everywhere, 'DE'), payload)).toBe(true)
  })

  test('by a Gmail address in Google’s form and in everybody else’s', () => {
    const found = marks({ email: 'Ann.B+shop@gmail.com' }, [])
    for (const form of ['ann.b+shop@gmail.com', 'annb@gmail.com'])
      expect(found.payload).toContain(hash(form as Normalised))
  })

  test('by a short id only where it stands as that person’s id', () => {
    const ga4 = integrationOf('ga4', { sendUserId: true })
    const found = marks({ externalId: 'EUR' }, [ga4])
    expect(finds(found, payloadOf({ externalId: 'EUR' }, ga4))).toBe(true)
    expect(finds(found, payloadOf({ externalId: 'EURO' }, ga4))).toBe(false)
    expect(finds(found, JSON.stringify({ currency: 'EUR' }))).toBe(false)
    expect(found.facts.some((mark) => '{"custom":{"currency":"EUR"}}'.includes(mark))).toBe(false)
  })
})

describe('what cannot be a person', () => {
  test.each<{ typed: TypedPerson; field: string }>([
    { typed: { email: 'not an address' }, field: 'email' },
    { typed: { phone: '0151 23456789' }, field: 'phone' },
    { typed: { phone: '12' }, field: 'phone' },
    { typed: { externalId: '   ' }, field: 'externalId' },
    { typed: { hashes: ['5f3c'] }, field: 'hash' },
    { typed: { email: 'ann@example.com', hashes: ['zz'.repeat(32)] }, field: 'hash' },
  ])('is said by its field, and not repeated: $field', ({ typed, field }) => {
    const found = marksOf(typed, everywhere, null)
    expect(found).toEqual([{ field, reason: expect.any(String) }])
    expect(JSON.stringify(found)).not.toMatch(/not an address|23456789|5f3c|zzzz/)
  })
})
