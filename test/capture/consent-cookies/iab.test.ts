import { GppModel, Sections } from '@iabgpp/cmpapi'
import {
  PurposeRestriction,
  RestrictionType,
  Segment,
  SegmentEncoder,
  TCModel,
  TCString,
} from '@iabtechlabtcf/core'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { ConsentSettings } from '../../../src/capture/consent-settings.ts'
import { readGppSections, readUsSection } from '../../../src/capture/consent-cookies/gpp-string.ts'
import { readTcString } from '../../../src/capture/consent-cookies/tc-string.ts'
import { asSent, casesOf, granted, letters, read, valuesOf } from './tools.ts'

vi.setConfig({ testTimeout: 30_000 })

/** The IAB's strings, held against the IAB's own libraries: what they write we read alike, and what they refuse we do. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const symbols = alphabet.split('')
const base64Of = (bits: string): string =>
  (bits.padEnd(Math.ceil(bits.length / 6) * 6, '0').match(/.{6}/g) ?? [])
    .map((six) => alphabet.charAt(parseInt(six, 2)))
    .join('')
const bitsOf = (value: number, width: number): string => value.toString(2).padStart(width, '0')

interface Choice {
  readonly purposes: readonly number[]
  readonly vendors: readonly number[]
  readonly interests?: readonly number[]
  readonly purposeOneTreatment?: boolean
  readonly disclosed?: readonly number[]
  readonly restrictions?: readonly (readonly [purpose: number, type: RestrictionType, vendor: number])[]
  readonly policy?: number
  readonly created?: Date
}

const tcString = (choice: Choice): string => {
  const model = new TCModel()
  model.cmpId = 10
  model.cmpVersion = 1
  model.consentLanguage = 'EN'
  model.vendorListVersion = 48
  model.policyVersion = choice.policy ?? 5
  model.isServiceSpecific = true
  model.purposeOneTreatment = choice.purposeOneTreatment ?? false
  model.publisherCountryCode = 'DE'
  model.purposeConsents.set([...choice.purposes])
  model.vendorConsents.set([...choice.vendors])
  model.vendorLegitimateInterests.set([...(choice.interests ?? [])])
  model.vendorsDisclosed.set([...(choice.disclosed ?? [])])
  for (const [purpose, type, vendor] of choice.restrictions ?? [])
    model.publisherRestrictions.add(vendor, new PurposeRestriction(purpose, type))
  model.created = choice.created ?? new Date('2026-06-01T00:00:00Z')
  model.lastUpdated = model.created
  // Segment by segment: for a whole string the library wants the Global Vendor List.
  return [Segment.CORE, ...(choice.disclosed === undefined ? [] : [Segment.VENDORS_DISCLOSED])]
    .map((segment) => SegmentEncoder.encode(model, segment))
    .join('.')
}

const libraryReads = (text: string): TCModel | null => {
  try {
    return TCString.decode(text)
  } catch {
    return null
  }
}

const tcf = (text: string, settings: ConsentSettings['tcf'] = {}) =>
  read(`euconsent-v2=${text}`, { sources: ['tcf'], tcf: settings })

const purposes = fc.uniqueArray(fc.integer({ min: 1, max: 11 }))
const vendorIds = fc.oneof(
  fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }),
  fc.uniqueArray(fc.integer({ min: 1, max: 1500 }), { maxLength: 40 }),
  fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 5 }),
  // Runs, which the library writes as ranges.
  fc.integer({ min: 1, max: 900 }).map((start) => Array.from({ length: 200 }, (_, index) => start + index)),
)

describe('a TC string', () => {
  test('says of purposes, vendors and disclosure what the library wrote into it', () => {
    fc.assert(
      fc.property(
        fc.record({
          purposes,
          vendors: vendorIds,
          interests: vendorIds,
          disclosed: fc.option(vendorIds, { nil: undefined }),
          purposeOneTreatment: fc.boolean(),
        }),
        fc.uniqueArray(fc.integer({ min: 1, max: 1500 }), { maxLength: 5 }),
        ({ disclosed, ...rest }, strangers) => {
          const choice: Choice = { ...rest, ...(disclosed === undefined ? {} : { disclosed }) }
          const asked = [...choice.vendors, ...strangers, ...(disclosed ?? [])]
          const tc = readTcString(tcString(choice), asked)!
          for (let purpose = 1; purpose <= 24; purpose++)
            expect(tc.consentsToPurpose(purpose)).toBe(choice.purposes.includes(purpose))
          for (const id of asked)
            expect(tc.consentsToVendor(id)).toBe(
              choice.vendors.includes(id) && disclosed?.includes(id) !== false,
            )
          expect(tc.withoutPurposeOne).toBe(choice.purposeOneTreatment)
        },
      ),
    )
  })

  test('says of restrictions what the library wrote into it: forbidden, or by legitimate interest only, is no consent', () => {
    const types = [
      RestrictionType.NOT_ALLOWED,
      RestrictionType.REQUIRE_CONSENT,
      RestrictionType.REQUIRE_LI,
    ] as const
    const restriction = fc.tuple(
      fc.integer({ min: 1, max: 11 }),
      fc.constantFrom(...types),
      fc.integer({ min: 1, max: 1500 }),
    )
    fc.assert(
      fc.property(
        // One vendor for a purpose and type: of several the library asks the Global Vendor List.
        fc.uniqueArray(restriction, { maxLength: 6, selector: ([purpose, type]) => `${purpose}/${type}` }),
        (restrictions) => {
          const vendors = restrictions.map(([, , vendor]) => vendor)
          const tc = readTcString(tcString({ purposes: [1, 7], vendors, restrictions }), vendors)!
          for (const [purpose, , vendor] of restrictions) {
            const forbidden = restrictions.some(
              ([p, type, v]) => p === purpose && v === vendor && type !== RestrictionType.REQUIRE_CONSENT,
            )
            expect(tc.restricts(purpose, vendor)).toBe(forbidden)
          }
          expect(tc.restricts(1, 2000)).toBe(false)
        },
      ),
    )
  })

  test('cut short or altered is read as the library reads it, or not at all', () => {
    const strings = [
      ...casesOf('tcf').flatMap(valuesOf),
      tcString({ purposes: [1, 7, 8], vendors: [755], restrictions: [[7, 0, 755]] }),
      tcString({ purposes: [1, 7, 8], vendors: [1, 2, 3], disclosed: [1, 2] }),
    ].filter((text) => text.length > 20)
    const altered = fc
      .tuple(
        fc.constantFrom(...strings),
        fc.nat(),
        fc.string({ unit: fc.constantFrom(...symbols), maxLength: 3 }),
      )
      .map(([text, place, put]) => {
        const at = place % text.length
        return text.slice(0, at) + put + text.slice(at + put.length)
      })
    const cut = fc
      .tuple(fc.constantFrom(...strings), fc.nat())
      .map(([text, length]) => text.slice(0, length % text.length))
    fc.assert(
      fc.property(fc.oneof(altered, cut), (text) => {
        const ours = readTcString(text, [755, 1, 2, 3])
        const theirs = libraryReads(text.split('.')[0] ?? '')
        expect(ours === null || theirs !== null).toBe(true)
        const every = Array.from({ length: 24 }, (_, index) => index + 1)
        const asTheirs = every.filter((purpose) => theirs?.purposeConsents.has(purpose))
        expect(every.filter((purpose) => ours?.consentsToPurpose(purpose))).toEqual(
          ours === null ? [] : asTheirs,
        )
        const forged = [755, 1, 2, 3].filter(
          (id) => ours?.consentsToVendor(id) === true && theirs?.vendorConsents.has(id) !== true,
        )
        expect(forged).toEqual([])
      }),
      { numRuns: 2000 },
    )
  })

  test('grants nothing from whatever text that the library does not find in it', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...symbols, '.'), maxLength: 120 }),
      fc.string({ unit: fc.constantFrom(...symbols), minLength: 45, maxLength: 80 }).map((one) => `C${one}`),
    )
    fc.assert(
      fc.property(text, (value) => {
        const state = tcf(value.replaceAll(';', ''))
        if (state.marketing !== 'granted') return
        const theirs = libraryReads(asSent(value).split('.')[0] ?? '')
        expect([1, 7].every((purpose) => theirs?.purposeConsents.has(purpose))).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test('of a policy older than 4 is invalid since 30 September 2023, and was valid before', () => {
    const choice = { purposes: [1, 7, 8], vendors: [] }
    const before = tcString({ ...choice, policy: 2, created: new Date('2023-06-01T00:00:00Z') })
    const since = tcString({ ...choice, policy: 2, created: new Date('2023-11-01T00:00:00Z') })
    expect(tcf(before).marketing).toBe('granted')
    expect(tcf(since)).toMatchObject({ marketing: 'unknown', source: 'none' })
  })

  test('of many ranges is read, and only the vendors asked for are looked up', () => {
    // The library would list 65 535 vendors for each of the 1 400 ranges: some two seconds of the event loop.
    const range = `1${bitsOf(1, 16)}${bitsOf(65_535, 16)}`
    const core =
      bitsOf(2, 6) +
      bitsOf(0, 72) +
      bitsOf(10, 12) +
      bitsOf(0, 42) +
      bitsOf(5, 6) +
      bitsOf(0, 14) +
      '1'.repeat(24) +
      bitsOf(0, 24) +
      bitsOf(0, 13)
    const text = base64Of(
      `${core}${bitsOf(65_535, 16)}1${bitsOf(1400, 12)}${range.repeat(1400)}${bitsOf(0, 17)}${bitsOf(0, 12)}`,
    )
    expect(text.length).toBeLessThan(8192)
    const tc = readTcString(text, [755])!
    expect([tc.consentsToVendor(755), tc.consentsToVendor(756)]).toEqual([true, false])
  })

  test.each([
    ['two cores', (core: string) => `${core}.${core}`],
    ['a segment of an unknown kind', (core: string) => `${core}.${base64Of(bitsOf(7, 3))}`],
    ['a segment cut short', (core: string) => `${core}.${base64Of(bitsOf(1, 3) + bitsOf(900, 16))}`],
    ['an empty segment', (core: string) => `${core}.`],
    ['too many segments', (core: string) => core + `.${base64Of(bitsOf(3, 3))}`.repeat(9)],
    ['padding', (core: string) => `${core}==`],
    ['version 1', (core: string) => `B${core.slice(1)}`],
  ])('with %s is not read', (_, make) => {
    const core = tcString({ purposes: [1, 7, 8], vendors: [755] })
    expect(tcf(core).marketing).toBe('granted')
    expect(tcf(make(core))).toMatchObject({ marketing: 'unknown', source: 'none' })
  })
})

describe("a site's own purposes and vendors", () => {
  const full = { purposes: [1, 2, 3, 4, 5, 6, 7, 8], vendors: [755, 10] }

  test('must all be consented to, and a category left out keeps its purposes', () => {
    const settings = { purposes: { marketing: [1, 3, 4] } }
    expect(letters(tcf(tcString({ purposes: [1, 7, 8], vendors: [] }), settings))).toBe('gdd')
    expect(letters(tcf(tcString({ purposes: [1, 3, 4], vendors: [] }), settings))).toBe('dgd')
  })

  test.each([
    ['consented to', full, 'ggg'],
    ['not consented to', { ...full, vendors: [10] }, 'gdg'],
    ['not disclosed', { ...full, disclosed: [10] }, 'gdg'],
    ['disclosed', { ...full, disclosed: [10, 755] }, 'ggg'],
    ['forbidden by the publisher', { ...full, restrictions: [[7, RestrictionType.NOT_ALLOWED, 755]] }, 'gdg'],
    [
      'bound to legitimate interest',
      { ...full, restrictions: [[1, RestrictionType.REQUIRE_LI, 755]] },
      'gdg',
    ],
    ['bound to consent', { ...full, restrictions: [[7, RestrictionType.REQUIRE_CONSENT, 755]] }, 'ggg'],
    ['forbidden another purpose', { ...full, restrictions: [[2, RestrictionType.NOT_ALLOWED, 755]] }, 'ggg'],
  ] satisfies [string, Choice, string][])('a vendor %s', (_, choice, expected) => {
    expect(letters(tcf(tcString(choice), { vendors: { marketing: [755] } }))).toBe(expected)
  })

  test('purpose 1 that was not asked for is a refusal unless the site accepts that', () => {
    const text = tcString({ purposes: [7, 8], vendors: [], purposeOneTreatment: true })
    expect(letters(tcf(text))).toBe('ddd')
    expect(letters(tcf(text, { purposeOneTreatment: 'accept' }))).toBe('ggd')
    const asked = tcString({ purposes: [7, 8], vendors: [] })
    expect(letters(tcf(asked, { purposeOneTreatment: 'accept' }))).toBe('ddd')
  })

  test('the cookie of its own name is read, and then no other', () => {
    const text = tcString(full)
    const settings: ConsentSettings = { sources: ['tcf'], tcf: { cookies: ['my-tc'] } }
    expect(letters(read(`my-tc=${text}`, settings))).toBe('ggg')
    expect(letters(read(`euconsent-v2=${text}`, settings))).toBe('uuu')
  })

  test('both usual cookies are read, and the stricter counts', () => {
    const no = tcString({ purposes: [], vendors: [] })
    expect(letters(read(`eupubconsent-v2=${tcString(full)}; euconsent-v2=${no}`, { sources: ['tcf'] }))).toBe(
      'ddd',
    )
  })
})

const usSections = [...Sections.SECTION_ID_NAME_MAP].filter(([, name]) => /^us(?!p)/.test(name))
const objections = ['SaleOptOut', 'SharingOptOut', 'TargetedAdvertisingOptOut']

/** A GPP string with one section of US law, by the library, and which objections that law knows. */
const usString = (id: number, values: readonly number[], gpc: boolean | null) => {
  const model = new GppModel()
  model.setFieldValueBySectionId(id, 'SaleOptOut', 0)
  const known = objections.filter((name) => model.hasFieldBySectionId(id, name))
  for (const [index, name] of known.entries()) model.setFieldValueBySectionId(id, name, values[index] ?? 0)
  const hasGpc = model.hasFieldBySectionId(id, 'Gpc')
  if (hasGpc) {
    model.setFieldValueBySectionId(id, 'GpcSegmentIncluded', gpc !== null)
    if (gpc !== null) model.setFieldValueBySectionId(id, 'Gpc', gpc)
  }
  return {
    text: model.encode(),
    said: known.map((_, index) => values[index] ?? 0),
    gpc: hasGpc && gpc === true,
  }
}

/** Of Fibonacci codes: the first id, then how much further each next one is. */
const gppHeader = (...codes: readonly string[]): string =>
  base64Of(bitsOf(3, 6) + bitsOf(1, 6) + bitsOf(codes.length, 12) + codes.map((code) => `0${code}`).join(''))

const gpp = (text: string, settings: ConsentSettings = { sources: ['gpp'] }) =>
  read(`OTGPPConsent=${text}`, settings)

describe('a GPP string', () => {
  test('the library knows no section of US law that we do not', () => {
    expect(usSections.length).toBeGreaterThan(20)
    for (const [id] of usSections) expect(readUsSection(id, ''), String(id)).toBeNull()
    const unread = usSections.filter(
      ([id]) => gpp(usString(id, [2, 2, 2], null).text).marketing !== 'granted',
    )
    expect(unread).toEqual([])
  })

  test.each(usSections)('of section %i (%s) says what the library wrote into it', (id) => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 3, maxLength: 3 }),
        fc.option(fc.boolean()),
        (values, signal) => {
          const { text, said, gpc } = usString(id, values, signal)
          const section = readUsSection(id, readGppSections(text)?.get(id) ?? '')!
          expect(section.objections).toEqual(said)
          expect(section.gpc).toBe(gpc)
          const expected = gpc || said.includes(1) ? 'denied' : said.includes(2) ? 'granted' : 'unknown'
          expect(gpp(text).marketing).toBe(expected)
        },
      ),
    )
  })

  test.each(usSections)('of section %i (%s), cut short, grants nothing but what it says whole', (id) => {
    const { text } = usString(id, [2, 2, 2], false)
    const [, section = ''] = text.split('~')
    const [core = ''] = section.split('.')
    const whole = readUsSection(id, core)
    expect(whole?.objections.every((value) => value === 2)).toBe(true)
    for (let length = 0; length < core.length; length++) {
      const part = readUsSection(id, core.slice(0, length))
      // The last characters may hold padding, or fields of a later version.
      expect(part).toEqual(length < core.length - 2 ? null : part && whole)
    }
  })

  test('of several laws grants what all of them do', () => {
    const both = (nation: number, state: number) => {
      const model = new GppModel()
      for (const [id, value] of [
        [7, nation],
        [8, state],
      ] as const)
        model.setFieldValueBySectionId(id, 'SaleOptOut', value)
      return gpp(model.encode()).marketing
    }
    expect([both(2, 2), both(2, 1), both(1, 2), both(2, 0), both(0, 0)]).toEqual([
      'granted',
      'denied',
      'denied',
      'unknown',
      'unknown',
    ])
  })

  test('with a European section is no way around its refusal', () => {
    const usGrant = usString(7, [2, 2, 2], false).text.split('~')[1]
    const withEurope = (tc: string) => gpp(`${gppHeader('011', '00011')}~${tc}~${usGrant}`)
    expect(letters(withEurope(tcString({ purposes: [1, 7, 8], vendors: [] })))).toBe('ggd')
    expect(letters(withEurope(tcString({ purposes: [], vendors: [] })))).toBe('ddd')
    expect(withEurope('rubbish').source).toBe('none')
  })

  test('with a section that nobody here can read grants nothing', () => {
    // Canada's 5 and California's 8: Fibonacci codes of 5, and of the 3 between them.
    const header = gppHeader('00011', '0011')
    expect([...(readGppSections(`${header}~a~b`)?.keys() ?? [])]).toEqual([5, 8])
    expect(gpp(`${header}~BAAA~${usString(8, [2, 2], false).text.split('~')[1]}`)).toMatchObject({
      marketing: 'unknown',
      raw: expect.stringContaining('section 5=?'),
    })
  })

  test('whose header names a billion sections is not read', () => {
    // The library lists them: these few characters end its process.
    for (const zeros of [10, 20, 30, 40, 60]) {
      const header = base64Of(`${bitsOf(3, 6)}${bitsOf(1, 6)}${bitsOf(1, 12)}111${'0'.repeat(zeros)}11`)
      expect(readGppSections(header)).toBeNull()
      expect(gpp(`${header}~BVQqAAAAAgA`).source).toBe('none')
    }
    expect(readGppSections(base64Of(`${bitsOf(3, 6)}${bitsOf(1, 6)}${bitsOf(4095, 12)}`))).toBeNull()
  })

  test('speaks of marketing alone: what another tool says of the rest stands, without a conflict', () => {
    const settings: ConsentSettings = { sources: ['onetrust', 'gpp'] }
    const onetrust = 'OptanonConsent=interactionCount=1&groups=C0002:1,C0003:1,C0004:1'
    const state = read(`${onetrust}; OTGPPConsent=DBABLA~BVQqAAAAAgA.QA`, settings)
    expect([letters(state), state.conflict, state.source]).toEqual(['ggg', false, 'onetrust'])
    const refused = read(`${onetrust}; OTGPPConsent=DBABLA~BVQVAAAAAgA.QA`, settings)
    expect([letters(refused), refused.conflict]).toEqual(['gdg', true])
  })

  test('grants nothing from whatever text that the library does not find in it', () => {
    const seeds = casesOf('gpp').flatMap(valuesOf)
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...symbols, '~', '.'), maxLength: 60 }).map((one) => `DB${one}`),
      fc
        .tuple(
          fc.constantFrom(...seeds),
          fc.nat(),
          fc.string({ unit: fc.constantFrom(...symbols, '~', '.'), maxLength: 3 }),
        )
        .map(([seed, place, put]) => {
          const at = place % seed.length
          return seed.slice(0, at) + put + seed.slice(at + put.length)
        }),
    )
    fc.assert(
      fc.property(text, (value) => {
        const state = gpp(value.replaceAll(';', ''))
        if (granted(state).length === 0) return
        // Only now: a header that we have read is one that the library survives.
        const model = new GppModel(asSent(value))
        const refused = model
          .getSectionIds()
          .filter((id) =>
            objections.some(
              (name) =>
                model.hasFieldBySectionId(id, name) && Number(model.getFieldValueBySectionId(id, name)) === 1,
            ),
          )
        expect([model.getSectionIds().length > 0, refused]).toEqual([true, []])
      }),
      { numRuns: 3000 },
    )
  })
})
