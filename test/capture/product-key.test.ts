import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { productKey } from '../../src/capture/product-key.ts'
import type { KeyQuestion } from '../../src/capture/product-key.ts'

const key = (url: string, more: Partial<KeyQuestion> = {}): string | null =>
  productKey({ site: 'shop', url, requestHeaders: [], responseHeaders: [], ...more })
const shoe = 'https://shop.example/p/shoe'

describe('addresses of one page share a key', () => {
  test.each([
    ['scheme', 'http://shop.example/p/shoe'],
    ['case of the host', 'https://SHOP.Example/p/shoe'],
    ['default port', 'https://shop.example:443/p/shoe'],
    ['default port of http', 'http://shop.example:80/p/shoe'],
    ['fragment', `${shoe}#reviews`],
    ['an empty query', `${shoe}?`],
    ['empty pairs', `${shoe}?&&`],
    ['encoded letters', 'https://shop.example/p/%73%68oe'],
    ['a click id', `${shoe}?fbclid=IwAR0abc`],
    ['campaign parameters', `${shoe}?utm_source=x&utm_medium=y&UTM_Campaign=z`],
    [
      'all the others',
      `${shoe}?gclid=1&gbraid=1&wbraid=1&dclid=1&gad_source=1&gad_campaignid=1&ttclid=1&ScCid=1&epik=1&twclid=1` +
        `&li_fat_id=1&rdt_cid=1&msclkid=1&mc_cid=1&mc_eid=1&_ga=1&_gl=1&srsltid=1&igshid=1&yclid=1`,
    ],
    ['a click id in disguise', `${shoe}?%66bclid=1`],
  ])('%s', (_name, url) => {
    expect(key(url)).toBe(key(shoe))
    expect(key(url)).toMatch(/^[\w-]{43}$/)
  })

  test.each([
    ['order of parameters', `${shoe}?size=42&color=red`, `${shoe}?color=red&size=42`],
    ['case of escapes', `${shoe}?q=%c3%a4`, `${shoe}?q=%C3%A4`],
    ['campaigns between', `${shoe}?a=1&gclid=2&b=3`, `${shoe}?b=3&a=1`],
    ['no path', 'https://shop.example', 'https://shop.example/'],
  ])('%s', (_name, one, other) => {
    expect(key(one)).not.toBeNull()
    expect(key(one)).toBe(key(other))
  })
})

describe('different pages have different keys', () => {
  test.each([
    ['case of the path', 'https://shop.example/p/Shoe'],
    ['a trailing slash', `${shoe}/`],
    ['a doubled slash', 'https://shop.example//p/shoe'],
    ['dot segments', 'https://shop.example/x/../p/shoe'],
    ['another port', 'https://shop.example:8443/p/shoe'],
    ['the other scheme’s port', 'https://shop.example:80/p/shoe'],
    ['another host', 'https://shop.example.net/p/shoe'],
    ['an encoded slash', 'https://shop.example/p%2Fshoe'],
    ['a variant', `${shoe}?variant=2`],
    ['a parameter like a campaign’s', `${shoe}?utmost=1`],
    ['an empty value', `${shoe}?variant=`],
  ])('%s', (_name, url) => {
    expect(key(url)).not.toBeNull()
    expect(key(url)).not.toBe(key(shoe))
  })

  test('repeated parameters keep their order', () => {
    expect(key(`${shoe}?a=1&a=2`)).not.toBe(key(`${shoe}?a=2&a=1`))
  })

  test('sites do not share', () => {
    expect(key(shoe, { site: 'other' })).not.toBe(key(shoe))
  })

  test('countries do not share, where the country is known', () => {
    const keys = [null, 'DE', 'FR'].map((country) => key(shoe, { country }))
    expect(new Set(keys).size).toBe(3)
  })
})

test('the order of parameters with different names never matters', () => {
  const name = fc.stringMatching(/^[a-z]{1,6}$/)
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, fc.stringMatching(/^[\w%]{0,5}$/)), {
        selector: ([name]) => name,
        maxLength: 15,
      }),
      fc.infiniteStream(fc.nat()),
      (pairs, random) => {
        const shuffled = pairs
          .map((pair) => ({ pair, at: random.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ pair }) => pair)
        const address = (some: typeof pairs): string =>
          `${shoe}?${some.map((pair) => pair.join('=')).join('&')}`
        expect(key(address(shuffled))).toBe(key(address(pairs)))
      },
    ),
  )
})

describe('cacheQuery', () => {
  const cacheQuery = ['variant', 'gclid']
  test('is all that counts, even of what is dropped otherwise', () => {
    expect(key(`${shoe}?variant=1&ref=x`, { cacheQuery })).toBe(key(`${shoe}?variant=1`, { cacheQuery }))
    expect(key(`${shoe}?variant=2`, { cacheQuery })).not.toBe(key(`${shoe}?variant=1`, { cacheQuery }))
    expect(key(`${shoe}?gclid=1`, { cacheQuery })).not.toBe(key(shoe, { cacheQuery }))
  })

  test('may be empty: the path alone is the page', () => {
    expect(key(`${shoe}?variant=1`, { cacheQuery: [] })).toBe(key(shoe))
  })
})

describe('cookies and headers', () => {
  const cookie = (value: string) => ({ requestHeaders: ['Cookie', value] })

  test('cookies do not count, unless the site says so', () => {
    expect(key(shoe, cookie('currency=USD'))).toBe(key(shoe))
    const varyCookies = ['currency', 'price_*']
    const named = (value: string): string | null => key(shoe, { ...cookie(value), varyCookies })
    expect(named('currency=USD')).not.toBe(named('currency=EUR'))
    expect(named('currency=USD')).not.toBe(key(shoe, { varyCookies }))
    expect(named('price_list=b2b')).not.toBe(named('price_list=b2c'))
    expect(named('price_list=b2b; currency=USD; other=1')).toBe(named('currency=USD; price_list=b2b'))
  })

  test('one cookie’s value cannot pass for another cookie', () => {
    const varyCookies = ['a', 'b']
    const named = (value: string): string | null => key(shoe, { ...cookie(value), varyCookies })
    expect(named('a=1; b=2')).not.toBe(named('a=1,b,2'))
    expect(named('a=1; a=2')).not.toBe(named('a=1'))
  })

  test.each(['Accept-Encoding', 'User-Agent', 'origin', 'Sec-Fetch-Mode', 'Cookie'])(
    'a page that varies by %s costs the same',
    (name) => {
      const more = { requestHeaders: [name, 'something'], responseHeaders: ['Vary', name] }
      expect(key(shoe, more)).toBe(key(shoe))
    },
  )

  test('a page that varies by language or country has a key for each, whatever the case and the number of fields', () => {
    const named = (language: string, ...responseHeaders: string[]): string | null =>
      key(shoe, { requestHeaders: ['accept-language', language], responseHeaders })
    expect(named('de', 'Vary', 'Accept-Language')).not.toBe(named('fr', 'Vary', 'Accept-Language'))
    expect(named('de', 'vary', 'accept-encoding', 'VARY', 'ACCEPT-LANGUAGE')).toBe(
      named('de', 'Vary', 'Accept-Language, Accept-Encoding'),
    )
    expect(named('de')).toBe(named('fr'))
  })
})

describe('no key', () => {
  const parameters = (count: number): string =>
    `${shoe}?${Array.from({ length: count }, (_, index) => `p${index}=1`).join('&')}`

  test.each([
    ['what is no web address', 'ftp://shop.example/p'],
    ['a path alone', '/p/shoe'],
    ['an address with a user', 'https://user:pass@shop.example/p'],
    ['nothing', ''],
    ['a long path', `${shoe}${'x'.repeat(2100)}`],
    ['a long query', `${shoe}?q=${'x'.repeat(2100)}`],
    ['21 parameters', parameters(21)],
  ])('%s', (_name, url) => {
    expect(key(url)).toBeNull()
  })

  test('20 parameters and any number of campaigns are fine', () => {
    expect(key(`${parameters(20)}&${Array.from({ length: 50 }, () => 'utm_x=1').join('&')}`)).toBe(
      key(parameters(20)),
    )
  })

  test('a long cookie or header that counts, or more cookies than are read', () => {
    const long = 'x'.repeat(2100)
    expect(
      key(shoe, { requestHeaders: ['cookie', `currency=${long}`], varyCookies: ['currency'] }),
    ).toBeNull()
    expect(key(shoe, { requestHeaders: ['accept', long], responseHeaders: ['vary', 'accept'] })).toBeNull()
    expect(key(shoe, { requestHeaders: ['cookie', `a=1; ${'b=2; '.repeat(300)}`] })).toBeNull()
    expect(key(shoe, { requestHeaders: ['cookie', `other=${long}`] })).toBe(key(shoe))
  })

  test('is ever a reason to throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const url of [text, `https://shop.example/${text}`, `${shoe}?${text}`])
          expect(key(url) ?? 'x'.repeat(43)).toHaveLength(43)
      }),
    )
  })
})
