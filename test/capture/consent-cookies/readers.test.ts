import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  consentSettingsSchema,
  consentSources,
  type ConsentSettings,
} from '../../../src/capture/consent-settings.ts'
import { consentCategories, noConsentSignal, type ConsentCategory } from '../../../src/event/consent.ts'
import {
  asSent,
  casesOf,
  granted,
  headerOf,
  letters,
  mutated,
  read,
  settingsOf,
  tools,
  valuesOf,
} from './tools.ts'

vi.setConfig({ testTimeout: 30_000 })

test('every source has a reader and vectors', () => {
  const known = [...tools.map(({ source }) => source), '_sw_consent', 'onetrust', 'cookiebot']
  expect(known.toSorted()).toEqual([...consentSources].toSorted())
})

describe.each(tools)('$source', (tool) => {
  const { source, cookie } = tool
  const settings = settingsOf(tool)
  const cases = casesOf(tool.vectors)
  const granting = cases.find((item) => item.expect.includes('g'))!

  test('all vectors are here, and their settings are such as the rules file takes', () => {
    expect(cases).toHaveLength(tool.count)
    expect(consentSettingsSchema.safeParse(settings).error).toBeUndefined()
  })

  test.each(cases)('$in reads as $expect', (item) => {
    const state = read(`a=b; ${headerOf(tool, item)}; c=d`, settings)
    expect(letters(state)).toBe(item.expect)
    expect(['none', source]).toContain(state.source)
  })

  test('is not read unless the site names it', () => {
    const header = headerOf(tool, granting)
    expect(granted(read(header, settings))).not.toEqual([])
    expect(read(header)).toEqual(noConsentSignal)
    expect(read(header, { ...settings, sources: ['onetrust'] })).toEqual(noConsentSignal)
  })

  test('a cookie header cut short by a cap grants nothing', () => {
    const filler = Array.from({ length: 200 }, (_, index) => `f${index}=1`).join('; ')
    expect(granted(read(`${headerOf(tool, granting)}; ${filler}`, settings))).toEqual([])
  })

  test('a grant that nobody confirmed is none where the site wants a choice', () => {
    const header = headerOf(tool, granting)
    const { explicit } = read(header, settings)
    const strict = granted(read(header, { ...settings, requireExplicit: true }))
    expect(strict.length > 0).toBe(explicit === true)
  })

  test('Sec-GPC refuses marketing whatever it says', () => {
    for (const item of cases)
      expect(read(headerOf(tool, item), settings, ['sec-gpc', '1'])).toMatchObject({
        marketing: 'denied',
        gpc: true,
      })
  })

  test('what is journaled is of recognised parts, and holds none of the identifiers', () => {
    for (const item of cases) {
      const { raw = '' } = read(headerOf(tool, item), settings)
      expect(raw).toMatch(/^[\w .:,=?{}|-]*$/)
      expect(raw).not.toMatch(/AAAA|12345678|2026-11|user_id|user_uid/)
      expect(raw.length).toBeLessThanOrEqual(256)
    }
  })

  test.each([
    ['sixteen thousand characters', 'x'.repeat(16_000)],
    ['a grant repeated beyond all measure', valuesOf(granting).join().repeat(2000).slice(0, 12_000)],
    ['deep JSON', '['.repeat(8000)],
    ['deep objects', '{"purposes":'.repeat(600)],
    [
      'an own __proto__',
      encodeURIComponent('{"__proto__":{"purposes":{"5":true},"categories":["marketing"]}}'),
    ],
    ['names of a prototype', '__proto__:yes,constructor:yes,toString:yes'],
    ['a lone escape', '%'],
    ['an escape of half a character', '%E0%A4%A'],
    ['a nul', '%00'],
    ['nothing', ''],
    ['base64 of nothing', '===='],
    ['a null', 'null'],
    ['an array', '[]'],
    ['an empty object', '{}'],
  ])('%s grants nothing and throws nothing', (_, value) => {
    expect(granted(read(`${cookie}=${value}`, settings))).toEqual([])
  })
})

describe.each(tools.filter(({ vectors }) => casesOf(vectors).every((item) => typeof item.in === 'string')))(
  '$source, sent twice',
  (tool) => {
    test('the strictest answer of each category stands, whatever the order', () => {
      const cases = casesOf(tool.vectors)
      const settings = settingsOf(tool)
      fc.assert(
        fc.property(fc.array(fc.constantFrom(...cases), { minLength: 1, maxLength: 4 }), (copies) => {
          const headers = copies.map((copy) => headerOf(tool, copy))
          const state = read(headers.join('; '), settings)
          expect(letters(read(headers.toReversed().join('; '), settings))).toBe(letters(state))
          for (const [index, category] of consentCategories.entries()) {
            const said = copies.map((copy) => copy.expect.charAt(index))
            const strictest = said.includes('d') ? 'denied' : said.includes('u') ? 'unknown' : 'granted'
            expect(state[category]).toBe(strictest)
          }
        }),
      )
    })
  },
)

describe('hostile values', () => {
  /** Decoded as often as any reader does, and once more; base64 opened. */
  const plain = (text: string): string => {
    let seen = asSent(text)
    for (let times = 0; times < 2; times++)
      seen += `\n${seen.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))}`
    return seen + Buffer.from(seen.split('\n').at(-1) ?? '', 'base64').toString()
  }
  /** The words without which a value cannot mean a grant, written apart from the readers; of bits the libraries judge. */
  const words: Readonly<Record<string, Readonly<Partial<Record<ConsentCategory, RegExp>>>>> = {
    usprivacy: { marketing: /1YN[YN-]/i },
    cookieyes: {
      analytics: /analytics\s*:\s*yes\s*(,|$)/m,
      marketing: /advertisement\s*:\s*yes\s*(,|$)/m,
      personalization: /functional\s*:\s*yes\s*(,|$)/m,
    },
    complianz: { marketing: /^allow$/m },
    iubenda: {
      analytics: /"4"\s*:\s*true\s*[,}]|"consent"\s*:\s*true\s*[,}]/,
      marketing: /"5"\s*:\s*true\s*[,}]|"consent"\s*:\s*true\s*[,}]/,
      personalization: /"3"\s*:\s*true\s*[,}]|"consent"\s*:\s*true\s*[,}]/,
    },
    didomi: {
      analytics: /"audience_measurement"/,
      marketing: /"targeted_ads"/,
      personalization: /"content_perso"/,
    },
    borlabs: {
      analytics: /"statistics"\s*:\s*\[\s*[^\]\s]/,
      marketing: /"marketing"\s*:\s*\[\s*[^\]\s]/,
      personalization: /"preferences"\s*:\s*\[\s*[^\]\s]/,
    },
    shopify: {
      analytics: /^3\.[A-Z]*A|"a"\s*:\s*("1"|true)/m,
      marketing: /^3\.[A-Z]*M|"m"\s*:\s*("1"|true)/m,
      personalization: /^3\.[A-Z]*P|"p"\s*:\s*("1"|true)/m,
    },
    trustarc: {
      analytics: /^permit.*2/m,
      marketing: /^permit.*3/m,
      personalization: /^permit.*2/m,
    },
    cookieconsent: {
      analytics: /"analytics"/,
      marketing: /"marketing"/,
      personalization: /"personalization"/,
    },
    klaro: {
      analytics: /"google_analytics"\s*:\s*true\s*[,}]/,
      marketing:
        /"facebook_pixel"\s*:\s*true\s*[,}][^]*"google_ads"\s*:\s*true\s*[,}]|"google_ads"\s*:\s*true\s*[,}][^]*"facebook_pixel"\s*:\s*true\s*[,}]/,
    },
    axeptio: {
      analytics: /"google_analytics"\s*:\s*true\s*[,}]/,
      marketing: /"facebook_pixel"\s*:\s*true\s*[,}]/,
    },
    cookie_information: {
      analytics: /cookie_cat_statistic/,
      marketing: /cookie_cat_marketing/,
      personalization: /cookie_cat_functional/,
    },
    cookiefirst: {
      analytics: /"performance"\s*:\s*true\s*[,}]/,
      marketing: /"advertising"\s*:\s*true\s*[,}]/,
      personalization: /"functional"\s*:\s*true\s*[,}]/,
    },
    cookie_script: {
      analytics: /"accept"[^]*performance|performance[^]*"accept"/,
      marketing: /"accept"[^]*targeting|targeting[^]*"accept"/,
      personalization: /"accept"[^]*functionality|functionality[^]*"accept"/,
    },
    wp_consent_api: { marketing: /^allow$/m },
    google_consent_mode: {
      analytics: /G1.1|1[13].*[nrtv]|analytics_storage["\s]*[:=]["\s]*granted/i,
      marketing: /1[13].*[nrtv]|ad_user_data["\s]*[:=]["\s]*granted/i,
      personalization: /1[13].*[nrtv]|personalization(_storage)?["\s]*[:=]["\s]*granted/i,
    },
  }

  const refusing = (text: string): string =>
    text
      .replaceAll('true', 'false')
      .replaceAll('yes', 'no')
      .replaceAll('allow', 'deny')
      .replaceAll('granted', 'denied')

  test.each(tools.filter(({ source }) => source in words))(
    '$source grants nothing without an outright grant in it',
    (tool) => {
      const settings = settingsOf(tool)
      const seeds = casesOf(tool.vectors).flatMap(valuesOf)
      const decoded = seeds.map((seed) => {
        try {
          return decodeURIComponent(seed)
        } catch {
          return seed
        }
      })
      const anything = fc.oneof(
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.json(),
        mutated(fc.constantFrom(...seeds, ...decoded)),
        mutated(fc.constantFrom(...decoded.map(refusing))),
        mutated(fc.constantFrom(...decoded)).map((text) => Buffer.from(text).toString('base64')),
        mutated(fc.constantFrom(...decoded)).map((text) => encodeURIComponent(text.toWellFormed())),
      )
      fc.assert(
        fc.property(anything, (value) => {
          const state = read(`${tool.cookie}=${value}`, settings)
          const forged = granted(state).filter(
            (category) => words[tool.source]?.[category]?.test(plain(value)) !== true,
          )
          expect(forged).toEqual([])
          expect(state.raw?.length ?? 0).toBeLessThanOrEqual(256)
        }),
        { numRuns: 2000 },
      )
    },
  )

  test('one more cookie never grants marketing where a tool has spoken', () => {
    const everything = tools.flatMap((tool) => casesOf(tool.vectors).map((item) => headerOf(tool, item)))
    const settings = tools.reduce<ConsentSettings>((whole, tool) => ({ ...whole, ...tool.settings }), {
      sources: [...consentSources],
    })
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...everything), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(...everything),
        (sent, further) => {
          const before = read(sent.join('; '), settings)
          fc.pre(before.source !== 'none' && before.marketing !== 'granted')
          expect(read([...sent, further].join('; '), settings).marketing).not.toBe('granted')
        },
      ),
      { numRuns: 500 },
    )
  })
})
