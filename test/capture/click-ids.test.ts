import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readClickIds } from '../../src/capture/click-ids.ts'
import { readCookies } from '../../src/capture/cookies.ts'
import { clickIdNames } from '../../src/event/click-ids.ts'

const now = 1_763_632_800_000

const read = (given: { query?: string; cookie?: string; referrer?: string }) =>
  readClickIds({
    query: given.query ?? '',
    jar: readCookies(given.cookie === undefined ? [] : ['Cookie', given.cookie]),
    referrer: given.referrer,
    host: 'shop.example',
    now,
  })

describe('click ids of the address', () => {
  test.each(clickIdNames)('%s is read, with the time of the visit', (name) => {
    expect(read({ query: `a=1&${name}=AbC_-9` })).toEqual({ [name]: { value: 'AbC_-9', seenAt: now } })
  })

  test.each(['ScCid', 'sccid', 'SCCID'])("Snapchat's parameter may be written %s", (name) => {
    expect(read({ query: `${name}=AbC` })).toEqual({ sccid: { value: 'AbC', seenAt: now } })
  })

  test('other names are case-sensitive', () => {
    expect(read({ query: 'GCLID=a&Fbclid=b' })).toEqual({})
  })

  test('several at once are all kept', () => {
    expect(Object.keys(read({ query: 'gclid=a&gbraid=b&wbraid=c' })).sort()).toEqual([
      'gbraid',
      'gclid',
      'wbraid',
    ])
  })

  test.each([
    ['plus signs stay', 'epik=a+b/c%3D%3D', 'a+b/c=='],
    ['decoded once only', 'epik=a%252Fb', 'a%2Fb'],
    ['blanks around are cut', 'epik=%20abc%20', 'abc'],
    ['the first usable of several', 'epik=&epik=undefined&epik=real&epik=other', 'real'],
    ['a broken percent sign stays', 'epik=50%', '50%'],
    ['500 characters', `epik=${'x'.repeat(500)}`, 'x'.repeat(500)],
  ])('%s', (_name, query, value) => {
    expect(read({ query }).epik?.value).toBe(value)
  })

  test.each([
    'epik=',
    'epik',
    'epik=deleted',
    'epik=undefined',
    'epik=null',
    'epik=0',
    'epik=a%20b',
    'epik=a%0Ab',
    'epik=%3Cscript%3E',
    'epik=%C3%A4',
    `epik=${'x'.repeat(501)}`,
    'xepik=a',
  ])('%s is no click id', (query) => {
    expect(read({ query })).toEqual({})
  })
})

describe('click ids of cookies', () => {
  test.each([
    ['_fbc=fb.1.1763000000000.IwAR0abc', 'fbclid', 'IwAR0abc', 1_763_000_000_000],
    ['_gcl_aw=GCL.1763000000.CjwTEST_gclid', 'gclid', 'CjwTEST_gclid', 1_763_000_000_000],
    ['_gcl_aw=GCL.1763000000.Cjw.with.dots', 'gclid', 'Cjw.with.dots', 1_763_000_000_000],
    ['_gcl_gb=GCL.1763000000.TESTwbraid', 'wbraid', 'TESTwbraid', 1_763_000_000_000],
    ['_gcl_ag=2.1.kTESTgbraid$i1763000000', 'gbraid', 'TESTgbraid', 1_763_000_000_000],
    ['_gcl_ag=2.1.i1763000000%24bx%24kTEST.gbraid', 'gbraid', 'TEST.gbraid', 1_763_000_000_000],
    ['_gcl_dc=GCL.1763000000.TESTdclid', 'dclid', 'TESTdclid', 1_763_000_000_000],
    ['FPGCLAW=2.1.kTESTgclid$i1763000000', 'gclid', 'TESTgclid', 1_763_000_000_000],
    ['FPGCLAW=GCL.1763000000.TESTgclid', 'gclid', 'TESTgclid', 1_763_000_000_000],
    ['FPGCLGB=2.1.kTESTwbraid$i1763000000', 'wbraid', 'TESTwbraid', 1_763_000_000_000],
    ['FPGCLAG=2.1.kTESTgbraid$i1763000000', 'gbraid', 'TESTgbraid', 1_763_000_000_000],
    ['_gcl_aw=2.1.kTESTgclid', 'gclid', 'TESTgclid', undefined],
    ['_epik=dj0yJnU9TESTTEST', 'epik', 'dj0yJnU9TESTTEST', undefined],
    ['ttclid=E.C.P.CExample', 'ttclid', 'E.C.P.CExample', undefined],
    ['_scclid=00000000-0000-4000', 'sccid', '00000000-0000-4000', undefined],
    ['twclid=2abcDEFghi', 'twclid', '2abcDEFghi', undefined],
    ['_twclid=2abcDEFghi', 'twclid', '2abcDEFghi', undefined],
    [
      `_twclid=${encodeURIComponent('{"pixelVersion":"0.0.1","timestamp":1763000000000,"twclid":"2abcDEFghi"}')}`,
      'twclid',
      '2abcDEFghi',
      1_763_000_000_000,
    ],
    [
      'li_fat_id=00000000-0000-4000-8000-000000000000',
      'li_fat_id',
      '00000000-0000-4000-8000-000000000000',
      undefined,
    ],
    ['_rdt_cid=12345_abc', 'rdt_cid', '12345_abc', undefined],
    [
      '_uetmsclkid=_uet00000000000000000000000000000abc',
      'msclkid',
      '00000000000000000000000000000abc',
      undefined,
    ],
  ] as const)('%s', (cookie, name, value, seenAt) => {
    expect(read({ cookie })).toEqual({ [name]: seenAt === undefined ? { value } : { value, seenAt } })
  })

  test.each([
    '_gcl_au=1.1.987654321.1763632800',
    '_gcl_gs=2.1.k1$i1763632800$u12345',
    '_gcl_aw=GCL.1763000000.',
    '_gcl_aw=1.2.3',
    '_gcl_ag=2.1.i1763000000',
    '_gcl_aw=GCL.1763000000.deleted',
    'twclid={"twclid":5}',
    'twclid={"x":',
    'twclid={}',
    'twclid={"__proto__":{"twclid":"2abcDEFghi"}}',
    '_uetmsclkid=_uet',
    'ttclid=undefined',
    '_fbc=fb.1.1763000000000',
    '_pin_unauth=abc',
  ])('%s holds none', (cookie) => {
    expect(read({ cookie })).toEqual({})
  })

  test('a time that cannot be is left out and the click id kept', () => {
    expect(read({ cookie: '_gcl_aw=GCL.99999999999.TEST' }).gclid).toEqual({ value: 'TEST' })
    expect(read({ cookie: '_gcl_aw=GCL.1.TEST' }).gclid).toEqual({ value: 'TEST' })
  })

  test('of several cookies the newest click stands, without times the first by rank', () => {
    const aw = '_gcl_aw=GCL.1763000000.OLDER; _gcl_aw=GCL.1763000009.NEWEST; FPGCLAW=GCL.1763000005.NEWER'
    expect(read({ cookie: aw }).gclid?.value).toBe('NEWEST')
    expect(read({ cookie: 'twclid=second; _twclid=first' }).twclid?.value).toBe('first')
  })
})

describe('precedence', () => {
  test('the address wins over a cookie', () => {
    expect(read({ query: 'gclid=NEW', cookie: '_gcl_aw=GCL.1763000000.OLD' }).gclid).toEqual({
      value: 'NEW',
      seenAt: now,
    })
  })

  test('a click seen before keeps the time it was first seen', () => {
    expect(read({ query: 'gclid=SAME', cookie: '_gcl_aw=GCL.1763000000.SAME' }).gclid).toEqual({
      value: 'SAME',
      seenAt: 1_763_000_000_000,
    })
  })

  test('an unusable parameter leaves the cookie in force', () => {
    expect(read({ query: 'gclid=null', cookie: '_gcl_aw=GCL.1763000000.OLD' }).gclid?.value).toBe('OLD')
  })

  test('the page before on the same site is asked last: there the visitor was asked for consent', () => {
    const referrer = 'https://shop.example:8443/landing?fbclid=FROMREF&gclid=FROMREF'
    const found = { value: 'FROMREF', seenAt: now }
    expect(read({ referrer })).toEqual({ fbclid: found, gclid: found })
    expect(read({ referrer, cookie: '_fbc=fb.1.1763000000000.KEPT' }).fbclid?.value).toBe('KEPT')
    expect(read({ referrer, query: 'fbclid=URL&gclid=URL' })).toMatchObject({
      fbclid: { value: 'URL' },
      gclid: { value: 'URL' },
    })
  })

  test.each([
    'https://elsewhere.example',
    'https://www.shop.example',
    'https://shop.example.elsewhere.example',
  ])('of %s, which is another site, fbclid alone is taken', (site) => {
    expect(read({ referrer: `${site}/?fbclid=A&gclid=B&ttclid=C` })).toEqual({
      fbclid: { value: 'A', seenAt: now },
    })
  })

  test('a referrer that is no address says nothing', () => {
    expect(read({ referrer: 'no address?fbclid=a' })).toEqual({})
    expect(read({ referrer: 'shop.example/?gclid=a' })).toEqual({})
  })
})

test('nothing a visitor sends makes it throw, or yields what is no identifier', () => {
  const names = fc.constantFrom(
    ...clickIdNames,
    '_fbc',
    '_gcl_aw',
    '_gcl_ag',
    '_twclid',
    '_uetmsclkid',
    '__proto__',
  )
  const pairs = fc.array(fc.tuple(names, fc.string({ unit: 'binary' })), { maxLength: 5 })
  fc.assert(
    fc.property(pairs, pairs, fc.string(), (parameters, cookies, referrer) => {
      const ids = read({
        query: parameters.map(([name, value]) => `${name}=${value}`).join('&'),
        cookie: cookies.map(([name, value]) => `${name}=${value}`).join(';'),
        referrer,
      })
      for (const id of Object.values(ids)) expect(id.value).toMatch(/^[A-Za-z0-9_\-.~%+/=]{1,500}$/)
    }),
    { numRuns: 1000 },
  )
})
