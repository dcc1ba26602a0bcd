import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { consentCategories, noConsentSignal } from '../../src/event/consent.ts'
import { consentEvidence, consentFromIngest } from '../../src/event/ingest-consent.ts'

interface Case {
  readonly in: unknown
  readonly expect: string
}
const cases = readFileSync(new URL('./vectors/ingest-consent.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case)

const letters = (value: unknown): string => {
  const state = consentFromIngest(value)
  return [state.analytics, state.marketing, state.personalization].map((grant) => grant.charAt(0)).join('')
}

describe('the consent a sender states', () => {
  test('all vectors are here', () => {
    expect(cases).toHaveLength(8)
  })

  test.each(cases)('$in reads as $expect', ({ in: value, expect: expected }) => {
    expect(letters(value)).toBe(expected)
  })

  test.each([
    ['a refusal that is no list', { granted: ['marketing'], denied: 'marketing' }, 'uuu'],
    ['more than 16 names', { granted: ['marketing', ...Array.from({ length: 16 }, () => 'x')] }, 'uuu'],
    ['a list in place of the object', ['marketing'], 'uuu'],
    ['a text in place of the object', 'marketing', 'uuu'],
    ['inherited names', Object.create({ granted: ['marketing'] }), 'uuu'],
    ['a refusal of everything', { granted: ['marketing'], denied: ['all'] }, 'ddd'],
    ['a name that only begins like a category', { granted: ['marketing_x'] }, 'ddd'],
  ])('%s grants nothing', (_name, value, expected) => {
    expect(letters(value)).toBe(expected)
  })

  test('nothing stated is no signal', () => {
    expect(consentFromIngest(undefined)).toBe(noConsentSignal)
    expect(consentFromIngest(null)).toBe(noConsentSignal)
  })

  test('the evidence is kept and names its source', () => {
    expect(consentFromIngest({ granted: ['marketing'], raw: 'marketing' })).toEqual({
      ...noConsentSignal,
      analytics: 'denied',
      marketing: 'granted',
      personalization: 'denied',
      source: 'ingest',
      raw: 'marketing',
    })
  })

  test('whatever is sent, only a name in the list of grants grants', () => {
    const hostile = fc.oneof(
      fc.anything(),
      fc.record(
        {
          granted: fc.oneof(
            fc.array(fc.constantFrom(...consentCategories, 'all', '*', 1, null)),
            fc.anything(),
          ),
          denied: fc.oneof(fc.array(fc.constantFrom(...consentCategories, 'all')), fc.anything()),
          raw: fc.anything(),
        },
        { requiredKeys: [] },
      ),
    )
    fc.assert(
      fc.property(hostile, (value) => {
        const state = consentFromIngest(value)
        const granted = consentCategories.filter((category) => state[category] === 'granted')
        const stated = Object(value) as { granted?: unknown[]; denied?: unknown[] }
        const named = new Set([stated.granted ?? []].flat(1).map((name) => String(name).trim().toLowerCase()))
        expect(granted.filter((category) => !named.has(category))).toEqual([])
        expect(granted.filter((category) => stated.denied?.includes(category))).toEqual([])
        expect(state.raw?.length ?? 0).toBeLessThanOrEqual(256)
      }),
    )
  })
})

describe('evidence for the journal', () => {
  test.each([
    ['consentId=11111111-2222&interactionCount=1', 'consentId=*&interactionCount=1'],
    ["{stamp:'AbC==',marketing:true}", '{stamp:*,marketing:true}'],
    ['{"user_id":"42","uid":7,"x":1}', '{"user_id":*,"uid":*,"x":1}'],
    ['consentid%3A11111111,consent:yes', 'consentid%3A*,consent:yes'],
    ['landingPath=/?mail=ann@example.com&x=1', 'landingPath=/?mail=*&x=1'],
    ['a\nb\u0000c\u202Ed', 'a\\u000ab\\u0000c\\u202ed'],
  ])('%j is kept as %j', (text, kept) => {
    expect(consentEvidence(text)).toBe(kept)
  })

  test('no control character and no more than 256 characters are kept of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const kept = consentEvidence(text)
        expect(kept.length).toBeLessThanOrEqual(256)
        // oxlint-disable-next-line no-control-regex
        expect(kept).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/)
      }),
    )
  })
})
