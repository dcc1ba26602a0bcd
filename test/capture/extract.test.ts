import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { extract, type ExtractContext } from '../../src/capture/extract.ts'
import type { Action, Source } from '../../src/capture/rules.ts'
import { jsonLd, read } from './page/read.ts'

type Extract = NonNullable<Action['extract']>

const page = await read(
  [
    jsonLd({
      '@type': 'Order',
      orderNumber: 'L-1',
      price: '10.50',
      priceCurrency: 'EUR',
      orderedItem: [{ '@type': 'Product', sku: 's1' }],
    }),
    '<meta property="order:currency" content="chf"><meta name="Total" content="20.50">',
    '<div itemscope itemtype="https://schema.org/Product"><span itemprop="sku">m-7</span><meta itemprop="price" content="30.50"></div>',
    '<script>dataLayer.push({ event: "purchase", ecommerce: { value: 40.5, ids: ["d1", "d2"] } })</script>',
  ].join(''),
)

const context = (over: Partial<ExtractContext> = {}): ExtractContext => ({
  params: { orderId: 'P-1' },
  query: (name) => new URLSearchParams('order=Q-1&empty=&value=50.5').get(name),
  cookie: (name) => ({ order: 'C-1' })[name] ?? null,
  header: (name) => ({ 'x-order': 'H-1' })[name] ?? null,
  page,
  dom: new Map(),
  ...over,
})

/** One field from one source, found in the document where the source asks for it. */
const one = (field: keyof Extract, source: Source, found?: string, over: Partial<ExtractContext> = {}) =>
  extract({ [field]: source }, {}, context({ dom: new Map([[source, found ?? null]]), ...over }))

describe('every kind of source', () => {
  test.each<[kind: string, source: Source, orderId: string | undefined, found?: string]>([
    ['const', { const: 'K-1' }, 'K-1'],
    ['param', { param: 'orderId' }, 'P-1'],
    ['query', { query: 'order' }, 'Q-1'],
    ['cookie', { cookie: 'order' }, 'C-1'],
    ['header', { header: 'x-order' }, 'H-1'],
    ['jsonLd', { jsonLd: 'Order.orderNumber' }, 'L-1'],
    ['meta', { meta: 'order:currency' }, 'chf'],
    ['microdata', { microdata: 'Product.sku' }, 'm-7'],
    ['dataLayer', { dataLayer: 'event' }, 'purchase'],
    ['selector', { selector: '.order' }, 'S-1', 'S-1'],
    ['selector and attribute', { selector: '.order', attribute: 'data-id' }, 'A-1', 'A-1'],
    ['regex', { regex: 'Order (\\w+)' }, 'R-1', 'R-1'],
    ['a parameter the path has not', { param: 'constructor' }, undefined],
    ['an empty query parameter', { query: 'empty' }, undefined],
    ['a cookie nobody sent', { cookie: 'other' }, undefined],
    ['markup the page has not', { jsonLd: 'Invoice.accountId' }, undefined],
    ['a selector that finds nothing', { selector: '.none' }, undefined],
  ])('%s', (_kind, source, orderId, found) => {
    const { custom, sources, warnings } = one('orderId', source, found)
    expect(custom).toEqual(orderId === undefined ? {} : { orderId })
    expect(sources).toHaveLength(orderId === undefined ? 0 : 1)
    expect(warnings).toEqual(orderId === undefined ? ['not_found:orderId'] : [])
  })

  test('says in the words of the rule where a fact was read', () => {
    const from = (source: Source, found?: string) => one('orderId', source, found).sources
    expect(from({ selector: '#o', attribute: 'data-id' }, 'x')).toEqual([
      { field: 'orderId', from: 'rule: selector #o @data-id' },
    ])
    expect(from({ jsonLd: 'Order.orderNumber' })).toEqual([
      { field: 'orderId', from: 'rule: jsonLd Order.orderNumber' },
    ])
    expect(from({ query: 'order' })).toEqual([{ field: 'orderId', from: 'rule: query order' }])
  })

  test('an answer that was no page has nothing of the page, and the rest all the same', () => {
    const wishes: Extract = {
      orderId: { query: 'order' },
      value: [
        { jsonLd: 'Order.price' },
        { meta: 'Total' },
        { microdata: 'price' },
        { dataLayer: 'ecommerce.value' },
      ],
    }
    expect(extract(wishes, {}, context({ page: null }))).toMatchObject({
      custom: { orderId: 'Q-1' },
      warnings: ['not_found:value'],
    })
  })
})

describe('a list of sources', () => {
  test('is tried in order, and the first that has the field counts', () => {
    const { custom, sources } = extract(
      {
        orderId: [
          { cookie: 'none' },
          { query: 'empty' },
          { jsonLd: 'Order.orderNumber' },
          { query: 'order' },
        ],
      },
      {},
      context(),
    )
    expect(custom.orderId).toBe('L-1')
    expect(sources).toEqual([{ field: 'orderId', from: 'rule: jsonLd Order.orderNumber' }])
  })

  test('goes on where a source holds a text that makes no sense for its field', () => {
    const total: Source = { selector: '.total' }
    const { custom, sources } = extract(
      {
        value: [total, { query: 'order' }, { dataLayer: 'ecommerce.value' }],
        currency: [{ query: 'order' }, { const: 'usd' }],
      },
      {},
      context({ dom: new Map([[total, 'on request']]) }),
    )
    expect(custom).toEqual({ value: 40.5, currency: 'USD' })
    expect(sources).toEqual([
      { field: 'currency', from: 'rule: const' },
      { field: 'value', from: 'rule: dataLayer ecommerce.value' },
    ])
  })
})

describe('amounts', () => {
  test.each<[text: string, over: Partial<ExtractContext>, value: number | undefined]>([
    ['1.234,50 €', {}, 1234.5],
    ['$1,234.50', {}, 1234.5],
    ['12,5', {}, 12.5],
    ['0', {}, 0],
    ['free', {}, 0],
    ['1.299 Ft', { decimal: ',' }, 1299],
    ['¥1,299', { currency: 'JPY' }, 1299],
    ['-12,50 €', {}, undefined],
    ['12,50 € / 14,90 €', {}, undefined],
    ['NaN', {}, undefined],
    ['Infinity', {}, undefined],
    ['1e9', {}, undefined],
    ['0x10', {}, undefined],
    ['', {}, undefined],
  ])('%j with %j is %s', (text, over, value) => {
    expect(one('value', { selector: '.total' }, text, over).custom.value).toBe(value)
  })

  test.each<[name: string, wishes: Extract, over: Partial<ExtractContext>, value: number]>([
    [
      'cents of the currency the rule names',
      { value: { query: 'v', minorUnits: true }, currency: { const: 'EUR' } },
      {},
      12.99,
    ],
    ['cents where nobody names a currency', { value: { query: 'v', minorUnits: true } }, {}, 12.99],
    ['yen have none', { value: { query: 'v', minorUnits: true }, currency: { const: 'JPY' } }, {}, 1299],
    [
      'dinars have thousandths',
      { value: { query: 'v', minorUnits: true }, currency: { const: 'KWD' } },
      {},
      1.299,
    ],
    [
      'the site says which currency it is',
      { value: { query: 'v', minorUnits: true } },
      { currency: 'JPY' },
      1299,
    ],
    [
      'a rule knows better than the site',
      { value: { query: 'v', minorUnits: true }, currency: { const: 'EUR' } },
      { currency: 'JPY' },
      12.99,
    ],
  ])('in minor units: %s', (_name, wishes, over, value) => {
    const { custom } = extract(wishes, {}, context({ query: () => '1299', ...over }))
    expect(custom.value).toBe(value)
  })

  test('each source of a list divides for itself', () => {
    const wishes: Extract = {
      value: [{ query: 'none', minorUnits: true }, { query: 'value' }],
      currency: { const: 'EUR' },
    }
    expect(extract(wishes, {}, context()).custom.value).toBe(50.5)
  })

  test('a value is never anything but a number that is finite and not negative', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.double().map(String),
          fc.constantFrom('-1', '٣٤', '1,2,3', 'EUR', '1'.repeat(40)),
        ),
        fc.boolean(),
        (text, minorUnits) => {
          const source: Source = { selector: 'x', minorUnits }
          const { value } = one('value', source, text).custom
          expect(value === undefined || (Number.isFinite(value) && value >= 0)).toBe(true)
        },
      ),
    )
  })
})

describe('texts, lists and counts', () => {
  test.each<[text: string, currency: string | undefined]>([
    ['eur', 'EUR'],
    [' € ', 'EUR'],
    ['$', undefined],
    ['XYZ', undefined],
    ['Euro und Cent', undefined],
  ])('the currency %j is %s', (text, currency) => {
    expect(one('currency', { selector: 'x' }, text).custom.currency).toBe(currency)
  })

  test('texts lose control characters and what is beyond measure', () => {
    const name = one('contentName', { selector: 'h1' }, ` A\u0000 lamp\r\n${'x'.repeat(5_000)}`).custom
      .contentName
    expect(name).toHaveLength(1_000)
    expect(name).toMatch(/^A {1,2}lamp x+$/)
  })

  test('ids come as a list of the page or as a text with separators, each once and bounded', () => {
    expect(one('contentIds', { dataLayer: 'ecommerce.ids' }).custom.contentIds).toEqual(['d1', 'd2'])
    expect(one('contentIds', { const: 'a, b;b | c,,' }).custom.contentIds).toEqual(['a', 'b', 'c'])
    expect(one('contentIds', { const: ['a', ' b ', 'a'] }).custom.contentIds).toEqual(['a', 'b'])
    const many = one('contentIds', {
      const: Array.from({ length: 500 }, (_, n) => `${n}-${'x'.repeat(300)}`),
    })
    expect(many.custom.contentIds).toHaveLength(100)
    expect(Math.max(...(many.custom.contentIds ?? []).map(({ length }) => length))).toBe(100)
    expect(one('contents', { const: 'a,b' }).custom.contents).toEqual([{ id: 'a' }, { id: 'b' }])
  })

  test.each<[text: string, count: number | undefined]>([
    ['3', 3],
    [' 0 ', 0],
    ['2.5', undefined],
    ['-1', undefined],
    ['many', undefined],
    ['99999999', undefined],
  ])('%j pieces are %s', (text, count) => {
    expect(one('numItems', { selector: 'x' }, text).custom.numItems).toBe(count)
  })

  test('people are kept apart from the event', () => {
    const { custom, userData, sources } = extract(
      { email: { const: ' Ann@Example.com ' }, phone: { query: 'none' }, externalId: { cookie: 'order' } },
      {},
      context(),
    )
    expect(custom).toEqual({})
    expect(userData).toEqual({ email: 'Ann@Example.com', externalId: 'C-1' })
    // Where it was read may be shown to anybody; what was read may not.
    expect(JSON.stringify(sources)).not.toContain('Example.com')
  })
})

describe('set', () => {
  test('gives fixed values, before whatever the page says', () => {
    const { custom, sources, warnings } = extract(
      { contentType: { query: 'none' }, value: { query: 'value' } },
      { contentType: 'product', value: 9.99 },
      context(),
    )
    expect(custom).toEqual({ contentType: 'product', value: 9.99 })
    expect(sources).toEqual([
      { field: 'value', from: 'rule: set' },
      { field: 'contentType', from: 'rule: set' },
    ])
    expect(warnings).toEqual([])
  })

  test('a fixed value that makes no sense lets the page speak', () => {
    expect(
      extract({ value: { query: 'value' } }, { value: 'a lot', currency: 'XYZ' }, context()).custom,
    ).toEqual({
      value: 50.5,
    })
  })

  test('names of your own become properties, also those of every object', () => {
    const fixed = Object.fromEntries([
      ['plan', 'gold'],
      ['seats', 3],
      ['trial', false],
      ['constructor', 'x'],
    ])
    expect(extract({}, fixed, context()).custom).toEqual({ properties: fixed })
    expect(extract({}, {}, context()).custom).toEqual({})
  })
})
