import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { readConsent } from '../../../src/capture/consent-cookies/index.ts'
import { readCookies } from '../../../src/capture/cookies.ts'
import type { ConsentSettings } from '../../../src/capture/consent-settings.ts'
import { consentCategories, noConsentSignal } from '../../../src/event/consent.ts'
import { casesOf, granted, letters, mutated, read, type Case } from './tools.ts'

vi.setConfig({ testTimeout: 30_000 })

interface SingleCase extends Case {
  readonly in: string
}

const tools = [
  {
    cookie: 'OptanonConsent',
    source: 'onetrust',
    // Too long to be listed: 16 007 characters.
    cases: [
      ...casesOf<SingleCase>('onetrust'),
      { in: `groups=${'C0004:1,'.repeat(2001)}`.slice(0, 16_007), expect: 'uuu' },
    ],
    count: 16,
  },
  { cookie: 'CookieConsent', source: 'cookiebot', cases: casesOf<SingleCase>('cookiebot'), count: 15 },
  {
    cookie: '_sw_consent',
    source: '_sw_consent',
    cases: [
      ...casesOf<SingleCase>('sw-consent'),
      { in: 'marketing '.repeat(100), expect: 'uuu' },
      { in: `marketing.${'x.'.repeat(32)}`, expect: 'uuu' },
    ],
    count: 19,
  },
] as const

describe.each(tools)('$cookie', ({ cookie, source, cases, count }) => {
  test('all vectors are here', () => {
    expect(cases).toHaveLength(count)
  })

  test.each(cases)('$in reads as $expect', ({ in: value, expect: expected }) => {
    const state = read(`a=b; ${cookie}=${value}; c=d`)
    expect(letters(state)).toBe(expected)
    expect(['none', source]).toContain(state.source)
  })

  test('only the cookie of an enabled source is read', () => {
    const granting = cases.find((item) => item.expect === 'ggg')?.in ?? ''
    expect(letters(read(`${cookie}=${granting}`, { sources: [source] }))).toBe('ggg')
    expect(read(`${cookie}=${granting}`, { sources: [] })).toEqual(noConsentSignal)
  })

  test('of several copies the strictest answer of each category stands, whatever their order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...cases.filter((item) => item.in.length < 1000)), {
          minLength: 1,
          maxLength: 4,
        }),
        (copies) => {
          const state = read(copies.map((copy) => `${cookie}=${copy.in}`).join('; '))
          const reverse = read(
            copies
              .toReversed()
              .map((copy) => `${cookie}=${copy.in}`)
              .join('; '),
          )
          expect(letters(reverse)).toBe(letters(state))
          for (const [index, category] of consentCategories.entries()) {
            const said = copies.map((copy) => copy.expect.charAt(index))
            const strictest = said.includes('d') ? 'denied' : said.includes('u') ? 'unknown' : 'granted'
            expect(state[category]).toBe(strictest)
          }
        },
      ),
    )
  })
})

describe('what a tool tells of the choice', () => {
  test.each([
    ['OptanonConsent=interactionCount=1&groups=C0004:1', true],
    ['OptanonConsent=interactionCount=0&groups=C0004:1', false],
    ['OptanonConsent=interactionCount=2&AwaitingReconsent=true&groups=C0004:1', false],
    ['OptanonConsent=groups=C0004:1', null],
    ['OptanonConsent=interactionCount=1&groups=C0004:1&interactionCount=0', false],
    ["CookieConsent={stamp:'x',marketing:true,method:'explicit'}", true],
    ["CookieConsent={stamp:'x',marketing:true,method:'implied'}", false],
    ["CookieConsent={stamp:'x',marketing:true,method:'explicit',method:'implied'}", false],
    ["CookieConsent={stamp:'x',marketing:true}", true],
    ["CookieConsent={stamp:'-1',marketing:true}", false],
    ['CookieConsent={marketing:true}', null],
    ['CookieConsent=-1', false],
    ['_sw_consent=marketing', true],
  ])('%s: explicit is %s', (cookie, explicit) => {
    const state = read(cookie)
    expect(state.marketing).toBe('granted')
    expect(state.explicit).toBe(explicit)
    const strict = read(cookie, { requireExplicit: true })
    expect(strict.marketing).toBe(explicit === true ? 'granted' : 'unknown')
  })

  test('a refusal that nobody confirmed is a refusal all the same', () => {
    expect(
      read('OptanonConsent=interactionCount=0&groups=C0004:0', { requireExplicit: true }).marketing,
    ).toBe('denied')
  })
})

describe('OneTrust', () => {
  test("a site's own group ids count for the categories it names, OneTrust's for the others", () => {
    const settings: ConsentSettings = { onetrust: { groups: { marketing: ['4', 'BG51'] } } }
    expect(letters(read('OptanonConsent=groups=C0002:1,C0004:0,4:1,BG51:1', settings))).toBe('ggu')
    expect(letters(read('OptanonConsent=groups=C0002:1,4:1,BG51:0', settings))).toBe('gdu')
    expect(letters(read('OptanonConsent=groups=C0002:1,4:1', settings))).toBe('ggu')
    expect(letters(read('OptanonConsent=groups=C0002:1,C0004:1', settings))).toBe('guu')
  })

  test('a `groups` inside the encoded address of the landing page is no field', () => {
    const address = encodeURIComponent('https://shop.example/?a=1&groups=C0004:1&x')
    expect(read(`OptanonConsent=interactionCount=1&landingPath=${address}`).marketing).toBe('unknown')
    expect(
      read(`OptanonConsent=${encodeURIComponent(`interactionCount=1&landingPath=${address}&groups=C0004:0`)}`)
        .marketing,
    ).toBe('denied')
  })

  test('a flag that is neither 0 nor 1 takes the grant beside it away', () => {
    expect(letters(read('OptanonConsent=groups=C0002:1,C0004:1,C0004:no'))).toBe('guu')
  })
})

describe('Cookiebot', () => {
  test.each([
    "{stamp:'x',marketing:'true'}",
    "{stamp:'x\\',marketing:true,z:'y'}",
    "{stamp:'x',marketing:true",
    '{marketing:true}{marketing:true}',
    '{x:{marketing:true}}',
    '{x:[{marketing:true}]}',
    '[{marketing:true}]',
    '{"a":"b\\",marketing:true,"}',
    '{marketing:TRUE}',
    '{marketing:true;}',
    '{amarketing:true,necessary:true}',
  ])('%s grants nothing', (value) => {
    expect(read(`CookieConsent=${value.replaceAll(';', '%3B')}`).marketing).not.toBe('granted')
  })
})

describe('_sw_consent', () => {
  test.each([
    ['none.marketing', 'ddd'],
    ['marketing.none', 'ddd'],
    ['necessary.marketing', 'dgd'],
    ['marketing:1+analytics=granted', 'ggu'],
    ['analytics|marketing:no', 'gdd'],
    ['marketing:1:0', 'uuu'],
    ['marketing,marketing:1,marketing:0', 'ddd'],
    ['marketing%3A1', 'ugu'],
    ['all.foo', 'ggg'],
  ])('%s reads as %s', (value, expected) => {
    expect(letters(read(`_sw_consent=${value}`))).toBe(expected)
  })
})

describe('several sources', () => {
  const onetrust = (marketing: 0 | 1) =>
    `OptanonConsent=interactionCount=1&groups=C0002:1,C0003:1,C0004:${marketing}`

  test('the first in order names the state', () => {
    const state = read(`CookieConsent=-1; ${onetrust(1)}; _sw_consent=all`)
    expect(state).toMatchObject({ source: '_sw_consent', conflict: false, marketing: 'granted' })
    expect(read(`CookieConsent=-1; ${onetrust(1)}`).source).toBe('onetrust')
  })

  test('sources that disagree give the strictest answer, and say so', () => {
    const state = read(`_sw_consent=all; ${onetrust(0)}`)
    expect(state).toMatchObject({
      analytics: 'granted',
      marketing: 'denied',
      personalization: 'granted',
      source: '_sw_consent',
      conflict: true,
    })
    expect(state.raw).toContain('_sw_consent: all')
    expect(state.raw).toContain('onetrust: groups=')
  })

  test('a source that is silent on a category takes it from one that grants it', () => {
    expect(read(`_sw_consent=all; OptanonConsent=groups=C0002:1`)).toMatchObject({
      marketing: 'unknown',
      conflict: true,
    })
  })

  test('the cookie of a source that is not enabled is not heard', () => {
    expect(read(`_sw_consent=none; ${onetrust(1)}`, { sources: ['onetrust'] })).toMatchObject({
      marketing: 'granted',
      source: 'onetrust',
      conflict: false,
    })
  })

  test('a cookie that cannot be read leaves the answer to the next source', () => {
    expect(read(`_sw_consent=%E0%A4%A; ${onetrust(1)}; CookieConsent=yes`)).toMatchObject({
      marketing: 'granted',
      source: 'onetrust',
      conflict: false,
    })
  })

  test('site settings that name no sources enable all three', () => {
    for (const cookie of ['_sw_consent=all', onetrust(1), 'CookieConsent=-1']) {
      expect(read(cookie, {}).marketing).toBe('granted')
    }
  })

  test('nothing found is unknown', () => {
    expect(read('a=b')).toEqual(noConsentSignal)
    expect(readConsent([], readCookies([]), undefined)).toEqual(noConsentSignal)
  })

  test('a Cookie header cut short by a cap grants nothing and still refuses', () => {
    const filler = Array.from({ length: 200 }, (_, index) => `f${index}=1`).join('; ')
    expect(letters(read(`_sw_consent=analytics:0,marketing:1; ${filler}; _sw_consent=none`))).toBe('duu')
  })
})

describe('Sec-GPC', () => {
  test.each([
    ['1', 'gdg', true],
    ['0', 'ggg', false],
    ['1, 1', 'gdg', true],
    ['0, 1', 'gdg', true],
    ['true', 'ggg', false],
    ['11', 'ggg', false],
    ['', 'ggg', false],
  ])('%j on a full grant leaves %s', (value, expected, gpc) => {
    const state = read('_sw_consent=all', undefined, ['sec-gpc', value])
    expect(letters(state)).toBe(expected)
    expect(state.gpc).toBe(gpc)
    expect(state.conflict).toBe(false)
  })

  test('one of several headers is enough', () => {
    expect(letters(read('_sw_consent=all', {}, ['Sec-GPC', '0', 'Sec-GPC', '1']))).toBe('gdg')
  })

  test('a site may ignore it', () => {
    const state = read('_sw_consent=all', { gpc: 'ignore' }, ['Sec-GPC', '1'])
    expect(letters(state)).toBe('ggg')
    expect(state.gpc).toBe(false)
  })

  test('it refuses where no tool has spoken', () => {
    expect(read('a=b', { gpc: 'honor' }, ['Sec-GPC', '1'])).toEqual({
      ...noConsentSignal,
      marketing: 'denied',
      gpc: true,
    })
  })
})

describe('evidence', () => {
  test('holds what decided and none of the identifiers beside it', () => {
    const onetrust = read(
      'OptanonConsent=consentId=11111111-2222&landingPath=%2F%3Fmail%3Dann%40example.com&interactionCount=0&groups=C0001%3A1%2CC0004%3A0',
    )
    expect(onetrust.raw).toBe('groups=C0001:1,C0004:0&interactionCount=0')
    const cookiebot = read("CookieConsent={stamp:'AbCdEf==',necessary:true,marketing:false,iab2:'CQx'}")
    expect(cookiebot.raw).toBe('{necessary:true,preferences:?,statistics:?,marketing:false}')
    expect(read('_sw_consent=Marketing,ann@example').raw).toBe('marketing.?')
  })

  test('is at most 256 characters long', () => {
    const groups = Array.from({ length: 60 }, (_, index) => `C${index}:1`).join(',')
    expect(read(`OptanonConsent=groups=${groups}`).raw).toHaveLength(256)
  })
})

describe('hostile input', () => {
  /** Decoded as often as any reader does, and once more. */
  const plain = (text: string): string => {
    let seen = text
    for (let times = 0; times < 4; times++) {
      seen += `\n${seen.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))}`
    }
    return seen
  }
  const group = { analytics: 'C0002', marketing: 'C0004', personalization: 'C0003' }
  const key = { analytics: 'statistics', marketing: 'marketing', personalization: 'preferences' }
  type Category = (typeof consentCategories)[number]
  const outright: Record<string, (text: string, category: Category) => boolean> = {
    OptanonConsent: (text, category) => plain(text).includes(`${group[category]}:1`),
    CookieConsent: (text, category) =>
      /^"?-1"?$/.test(text.trim()) || new RegExp(`${key[category]}["']?\\s*:\\s*true`).test(plain(text)),
    _sw_consent: (text, category) => {
      const seen = plain(text).toLowerCase()
      return seen.includes(category) || seen.includes('all')
    },
  }

  const flipped = (text: string): string =>
    text
      .replace(/(:|%3A|%253A)1(?=,|%2C|%252C|&|$)/gi, '$10')
      .replace(/true/g, 'false')
      .replace(/marketing(?!:)|analytics(?!:)|personalization(?!:)|all/gi, 'none')

  test.each(tools)('$cookie grants nothing without an outright grant in it', ({ cookie, cases }) => {
    const seeds = cases.map((item) => item.in).filter((text) => text.length < 1000)
    const anything = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      mutated(fc.constantFrom(...seeds)),
      mutated(fc.constantFrom(...seeds.map(flipped))),
    )
    fc.assert(
      fc.property(anything, (value) => {
        const state = read(`${cookie}=${value}`)
        const forged = granted(state).filter((category) => outright[cookie]?.(value, category) !== true)
        expect(forged).toEqual([])
        expect(state.raw?.length ?? 0).toBeLessThanOrEqual(256)
      }),
      { numRuns: 3000 },
    )
  })

  test('one more cookie never adds a grant to a tool that has spoken', () => {
    const cookies = tools.flatMap(({ cookie, cases }) =>
      cases.filter((item) => item.in.length < 1000).map((item) => `${cookie}=${item.in}`),
    )
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...cookies), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(...cookies),
        (sent, further) => {
          const before = read(sent.join('; '))
          fc.pre(before.source !== 'none')
          const after = read([...sent, further].join('; '))
          expect(granted(after).filter((category) => before[category] !== 'granted')).toEqual([])
        },
      ),
    )
  })
})
