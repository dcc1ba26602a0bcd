import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planCookies } from '../../../src/capture/identity/plan.ts'
import type { IdentitySettings } from '../../../src/capture/identity/settings.ts'
import { day, now } from './times.ts'
import { parseSetCookie, siteWith, visitOf, type Asked } from './visitor.ts'

const plan = (asked: Asked, identity: IdentitySettings = { setCookies: true }, late = false) =>
  planCookies(visitOf(asked, siteWith(identity)), identity, { random: () => 0.25, late }).map(({ field }) =>
    parseSetCookie(field),
  )

/** Name to value. */
const values = (...args: Parameters<typeof plan>) =>
  Object.fromEntries(plan(...args).map(({ name, value }) => [name, value]))

/** The jar of a browser that took these. */
const jarOf = (cookies: Readonly<Record<string, string>>): string =>
  Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')

const noFbp = { setCookies: true, fbp: false }
const landing =
  '/?fbclid=FB&gclid=GA&gbraid=GB&wbraid=WB&ttclid=TT&ScCid=SC&epik=EP&twclid=TW&li_fat_id=LI&rdt_cid=RD&msclkid=MS'

describe('a landing with marketing consent', () => {
  test('keeps every click id, each in its platform’s cookie and all in ours', () => {
    expect(values({ target: landing }, noFbp)).toEqual({
      _fbc: `fb.1.${now}.FB`,
      _gcl_aw: `GCL.${now / 1000}.GA`,
      _gcl_ag: `2.1.kGB$i${now / 1000}`,
      _gcl_gb: `GCL.${now / 1000}.WB`,
      ttclid: 'TT',
      _scclid: 'SC',
      _epik: 'EP',
      _twclid: encodeURIComponent(`{"timestamp":${now},"twclid":"TW"}`),
      li_fat_id: 'LI',
      _rdt_cid: 'RD',
      _uetmsclkid: '_uetMS',
      _sw_click:
        `1:${now / 1000}!fbclid:${now}:FB!gclid:${now}:GA!wbraid:${now}:WB!gbraid:${now}:GB!ttclid:${now}:TT` +
        `!sccid:${now}:SC!epik:${now}:EP!twclid:${now}:TW!li_fat_id:${now}:LI!rdt_cid:${now}:RD!msclkid:${now}:MS`,
    })
  })

  test('a visitor who has it all gets nothing more', () => {
    const cookie = jarOf(values({ target: landing }, noFbp))
    expect(plan({ cookie }, noFbp)).toEqual([])
    expect(plan({ cookie, target: landing, at: now + day }, noFbp)).toEqual([])
  })

  test('in the cookie of the domain that is set, as Meta counts it', () => {
    expect(values({ target: '/?fbclid=NEW', host: 'shop.example.co.uk' }, noFbp)).toMatchObject({
      _fbc: `fb.2.${now}.NEW`,
    })
    expect(values({ target: '/?fbclid=NEW', host: '127.0.0.1' }, noFbp)).toMatchObject({
      _fbc: `fb.0.${now}.NEW`,
    })
  })

  test('of one click id leaves the others’ cookies alone', () => {
    const first = values({ target: '/?gclid=A&epik=E' }, noFbp)
    const second = values({ target: '/?gclid=B', cookie: jarOf(first), at: now + 1000 }, noFbp)
    expect(Object.keys(second)).toEqual(['_gcl_aw', '_sw_click'])
    expect(second['_gcl_aw']).toBe(`GCL.${now / 1000 + 1}.B`)
    expect(second['_sw_click']).toContain(`!gclid:${now + 1000}:B!epik:${now}:E`)
  })

  test('a tag’s own cookie of this click is left to the tag, and remembered', () => {
    const cookie = '_fbc=fb.1.1763000000000.SAME.AQQCAQIB'
    expect(values({ target: '/?fbclid=SAME', cookie }, noFbp)).toEqual({
      _sw_click: `1:${now / 1000}!fbclid:1763000000000:SAME`,
    })
  })

  test('an fbclid that Meta’s format cannot carry is in no _fbc', () => {
    expect(Object.keys(values({ target: '/?fbclid=a.b' }, noFbp))).toEqual(['_sw_click'])
  })
})

describe('what a browser has dropped', () => {
  test('is set again from our own cookie, with the time of the click and the rest of its life', () => {
    const first = values({ target: '/?fbclid=FB&gclid=GA&twclid=TW' }, noFbp)
    const later = plan({ cookie: `_sw_click=${first['_sw_click']}`, at: now + 20 * day }, noFbp)
    expect(Object.fromEntries(later.map(({ name, value }) => [name, value]))).toEqual({
      _fbc: first['_fbc'],
      _gcl_aw: first['_gcl_aw'],
      _twclid: first['_twclid'],
    })
    for (const { attributes } of later) expect(attributes).toContain(`Max-Age=${(70 * day) / 1000}`)
  })

  test('of the tags’ own browser ids, too', () => {
    const cookie = '_fbp=fb.1.1763000000000.12; _ttp=01K_.tt.1; _scid=0000-4000'
    const first = values({ cookie })
    expect(first).toEqual({
      _sw_click: `1:${now / 1000}!fbp:${now}:fb.1.1763000000000.12!ttp:${now}:01K_.tt.1!scid:${now}:0000-4000`,
    })
    expect(values({ cookie: jarOf(first), at: now + 20 * day })).toEqual({
      _fbp: 'fb.1.1763000000000.12',
      _ttp: '01K_.tt.1',
      _scid: '0000-4000',
    })
  })

  test('is gone when the click is too old', () => {
    const first = values({ target: '/?fbclid=FB' }, noFbp)
    const cookie = `_sw_click=${first['_sw_click']}`
    expect(plan({ cookie, at: now + 90 * day }, noFbp)).toEqual([])
    expect(plan({ cookie, at: now + 90 * day }, { ...noFbp, maxAgeDays: 400 })).not.toEqual([])
  })
})

describe('our own cookie', () => {
  test('is renewed in the second half of its life, and the browser ids with it, but no click', () => {
    const first = values({ target: '/?gclid=GA', cookie: '_ttp=TTP' }, noFbp)
    const cookie = `${jarOf(first)}; _ttp=TTP`
    expect(plan({ cookie, at: now + 45 * day }, noFbp)).toEqual([])
    const renewed = plan({ cookie, at: now + 46 * day }, noFbp)
    expect(renewed.map(({ name }) => name)).toEqual(['_ttp', '_sw_click'])
    for (const { attributes } of renewed) expect(attributes).toContain('Max-Age=7776000')
  })

  test('alone is hidden from scripts: the tags must be able to read theirs', () => {
    for (const { name, attributes } of plan({ target: landing }))
      expect(attributes.includes('HttpOnly')).toBe(name === '_sw_click')
  })
})

describe('the attributes', () => {
  const all = ['Path=/', 'Domain=example.com', 'Max-Age=7776000', 'SameSite=Lax', 'Secure']
  const without = (text: string) => all.filter((one) => !one.startsWith(text))
  test.each<[string, Asked, Partial<IdentitySettings>, readonly string[]]>([
    ['over https', {}, {}, all],
    ['over http', { secure: false }, {}, without('Secure')],
    ['over http behind what ends TLS, as configured', { secure: false }, { secure: true }, all],
    ['over https, switched off', {}, { secure: false }, without('Secure')],
    ['on an address', { host: '127.0.0.1:8080' }, {}, without('Domain')],
    ['on localhost', { host: 'localhost:8080' }, {}, without('Domain')],
    ['on an IPv6 address', { host: '[::1]:8080' }, {}, without('Domain')],
    [
      'on a domain configured',
      { host: 'a.shop.example.com' },
      { cookieDomain: 'shop.example.com' },
      ['Path=/', 'Domain=shop.example.com', ...all.slice(2)],
    ],
    [
      'for as long as configured',
      {},
      { maxAgeDays: 400 },
      [...all.slice(0, 2), 'Max-Age=34560000', ...all.slice(3)],
    ],
  ])('%s', (_name, asked, identity, expected) => {
    const set = plan({ target: '/?gclid=A', ...asked }, { ...noFbp, ...identity })
    expect(set.map(({ name }) => name)).toEqual(['_gcl_aw', '_sw_click'])
    expect(set[0]?.attributes).toEqual(expected)
    expect(set[1]?.attributes).toEqual([...expected, 'HttpOnly'])
  })
})

describe('without a grant of marketing', () => {
  test.each<[string, Asked]>([
    ['nothing known', { consent: null }],
    ['a refusal', { consent: 'none' }],
    ['analytics alone', { consent: 'analytics' }],
    ['a contradiction', { consent: 'marketing', cookie: '_sw_consent=none' }],
    ['an objection of the browser', { headers: ['Sec-GPC', '1'] }],
    ['something unreadable', { consent: 'maybe' }],
    ['more cookies than are read', { cookie: `x=${'x'.repeat(17_000)}` }],
  ])('nothing is set: %s', (_name, asked) => {
    expect(plan({ target: landing, ...asked })).toEqual([])
  })

  test('our own cookie goes when marketing is refused, and only then', () => {
    const cookie = jarOf(values({ target: '/?gclid=A' }))
    const [gone, ...more] = plan({ cookie, consent: 'none' })
    expect(more).toEqual([])
    expect(gone?.name).toBe('_sw_click')
    expect(gone?.attributes).toEqual([
      'Path=/',
      'Domain=example.com',
      'Max-Age=0',
      'SameSite=Lax',
      'Secure',
      'HttpOnly',
    ])
    expect(plan({ cookie, consent: null })).toEqual([])
  })
})

describe('_fbp', () => {
  const fbp = `fb.1.${now}.${2 ** 29}`
  test('is only proposed at first, and set when the proposal has come back and can have no rival', () => {
    const first = values({})
    expect(first).toEqual({ _sw_click: `1:${now / 1000}!fbp:${now}:${fbp}` })
    const cookie = jarOf(first)
    expect(plan({ cookie, at: now + 7_999 })).toEqual([])
    expect(values({ cookie, at: now + 8_000 })).toEqual({ _fbp: fbp })
    expect(plan({ cookie: `${cookie}; _fbp=${fbp}`, at: now + 9_000 })).toEqual([])
  })

  test('of the pixel wins over a proposal', () => {
    const cookie = `${jarOf(values({}))}; _fbp=fb.1.1763632800500.77`
    expect(values({ cookie, at: now + 60_000 })).toEqual({
      _sw_click: `1:${now / 1000 + 60}!fbp:${now + 60_000}:fb.1.1763632800500.77`,
    })
  })

  test('is not proposed where the site does not want it, nor by a late answer', () => {
    expect(plan({}, noFbp)).toEqual([])
    expect(plan({}, { setCookies: true }, true)).toEqual([])
  })

  test('leaves our cookie alone while it may have a rival: a click waits in its platform’s cookie, and is not lost', () => {
    const cookie = jarOf(values({}))
    const set = (at: number, late: boolean) =>
      Object.keys(values({ cookie, target: '/?gclid=A', at }, undefined, late))
    for (const late of [false, true]) {
      expect(set(now + 1000, late)).toEqual(['_gcl_aw'])
      expect(set(now + 10_000, late)).toEqual(['_gcl_aw', '_fbp', '_sw_click'])
    }
    const behind = `${cookie}; _gcl_aw=GCL.${now / 1000 + 1}.A`
    expect(values({ cookie: behind, at: now + 10_000 })['_sw_click']).toContain(`!gclid:${now + 1000}:A!fbp:`)
  })

  test('a late first answer keeps its click in the platform’s cookie alone', () => {
    expect(Object.keys(values({ target: '/?gclid=A' }, undefined, true))).toEqual(['_gcl_aw'])
    expect(Object.keys(values({ target: '/?gclid=A' }, noFbp, true))).toEqual(['_gcl_aw', '_sw_click'])
  })
})

describe('hostile values', () => {
  test.each([
    'a%3Bb',
    'a%0d%0aSet-Cookie:x=1',
    '%00',
    'a%20b',
    'a,b',
    '%22a%22',
    'a%5Cb',
    'ä',
    'x'.repeat(501),
  ])('%s is never written', (value) => {
    expect(plan({ target: `/?gclid=${value}&epik=${value}&fbclid=${value}` }, noFbp)).toEqual([])
    expect(plan({ cookie: `_ttp=${value}; _gcl_aw=GCL.1763000000.${value}` }, noFbp)).toEqual([])
  })

  test('nothing a visitor sends gets anything but a well-formed cookie', () => {
    const name = fc.constantFrom(
      'fbclid',
      'gclid',
      'twclid',
      'epik',
      '_fbp',
      '_fbc',
      '_ttp',
      '_sw_click',
      '_gcl_aw',
    )
    const pairs = fc.array(fc.tuple(name, fc.oneof(fc.string({ unit: 'binary' }), fc.string())), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(pairs, pairs, (parameters, cookies) => {
        const asked = {
          target: `/?${parameters.map(([key, value]) => `${key}=${value}`).join('&')}`,
          cookie: cookies.map(([key, value]) => `${key}=${value}`).join('; '),
        }
        for (const { field } of planCookies(
          visitOf(asked),
          { setCookies: true },
          { random: () => 0, late: false },
        ))
          expect(field).toMatch(
            /^[a-zA-Z_]+=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+; Path=\/; Domain=example\.com; Max-Age=\d+; SameSite=Lax; Secure(; HttpOnly)?$/,
          )
      }),
      { numRuns: 500 },
    )
  })
})

describe('the events of the same request', () => {
  test('have the ids as the cookies will have them', () => {
    const visit = visitOf({ target: '/?fbclid=FB', host: 'shop.example.co.uk' })
    expect(visit.browserIds.fbc).toBe(`fb.2.${now}.FB`)
    expect(visit.clickIds.fbclid).toEqual({ value: 'FB', seenAt: now })
  })

  test('and later ones have them from whichever cookie is left, with the time of the click', () => {
    const first = values({ target: landing, cookie: '_ttp=TTP' })
    const { _sw_click: own, ...platforms } = first
    const at = now + 20 * day
    const fromOwn = visitOf({ cookie: `_sw_click=${own}`, at })
    expect(fromOwn.browserIds).toMatchObject({
      fbc: `fb.1.${now}.FB`,
      fbp: `fb.1.${now}.${2 ** 29}`,
      ttp: 'TTP',
    })
    expect(Object.values(fromOwn.clickIds)).toHaveLength(11)
    for (const { seenAt } of Object.values(fromOwn.clickIds)) expect(seenAt).toBe(now)
    const fromPlatforms = visitOf({ cookie: jarOf(platforms), at })
    expect(Object.keys(fromPlatforms.clickIds).sort()).toEqual(Object.keys(fromOwn.clickIds).sort())
    expect(fromPlatforms.browserIds.fbc).toBe(`fb.1.${now}.FB`)
  })

  test('do not know an _fbp that may yet lose', () => {
    const cookie = jarOf(values({}))
    expect(visitOf({ cookie, at: now + 7_000 }).browserIds.fbp).toBeUndefined()
    expect(visitOf({ cookie, at: now + 8_000 }).browserIds.fbp).toBe(`fb.1.${now}.${2 ** 29}`)
  })
})
