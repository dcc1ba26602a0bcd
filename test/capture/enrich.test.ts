import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { enrich, type Enrichment } from '../../src/capture/enrich.ts'
import type { OrderFacts, ProductFacts } from '../../src/capture/page/facts.ts'
import type { CustomData } from '../../src/event/event.ts'
import type { EventType } from '../../src/event/names.ts'
import { jsonLd, read } from './page/read.ts'

const order: OrderFacts = {
  value: 129.9,
  currency: 'EUR',
  orderId: 'A-1',
  lines: [{ id: 'lamp', name: 'Lamp', quantity: 2, price: 64.95 }, { id: 'chair' }],
  source: 'json-ld: Order.price',
  origin: 'json-ld',
  warnings: ['order_warning'],
}
const product: ProductFacts = {
  value: 64.95,
  currency: 'EUR',
  contentIds: ['lamp', '4006381333931'],
  contentName: 'Lamp',
  contentCategory: 'Lighting',
  source: 'json-ld: Product.offers.price',
  origin: 'json-ld',
  warnings: ['product_warning'],
}
const ofOrder: CustomData = {
  value: 129.9,
  currency: 'EUR',
  orderId: 'A-1',
  contentIds: ['lamp', 'chair'],
  contents: order.lines,
  numItems: 3,
}
const ofProduct: CustomData = {
  value: 64.95,
  currency: 'EUR',
  contentIds: ['lamp'],
  contentName: 'Lamp',
  contentCategory: 'Lighting',
}
const nothing: CustomData = {}

const page = (found: OrderFacts | null) => ({ order: found, warnings: ['page_warning'] })

describe('what fills an event that knows nothing yet', () => {
  test.each<
    [
      type: EventType,
      mode: Enrichment,
      order: OrderFacts | null,
      product: ProductFacts | null,
      custom: CustomData,
    ]
  >([
    ['purchase', 'auto', order, product, ofOrder],
    ['purchase', 'auto', order, null, ofOrder],
    // The one main product of a page without an order: a shop that sells one thing at a time.
    ['purchase', 'auto', null, product, ofProduct],
    ['purchase', 'auto', null, null, nothing],
    ['purchase', 'order', order, product, ofOrder],
    ['purchase', 'order', null, product, nothing],
    ['purchase', 'any', order, product, ofOrder],
    ['purchase', 'any', null, product, ofProduct],
    ['purchase', 'off', order, product, nothing],
    ['lead', 'auto', order, product, ofOrder],
    ['lead', 'auto', null, product, ofProduct],
    ['subscribe', 'auto', order, null, ofOrder],
    ['view_content', 'auto', null, product, ofProduct],
    // A product beside an order is a recommendation, and an order beside a product view is somebody else's affair.
    ['view_content', 'auto', order, product, nothing],
    ['view_content', 'any', order, product, ofProduct],
    ['view_content', 'order', null, product, nothing],
    ['view_content', 'off', null, product, nothing],
    ['add_to_cart', 'auto', null, product, ofProduct],
    ['Brochure ordered', 'auto', null, product, ofProduct],
  ])('%s, enrich %s', (type, mode, found, main, custom) => {
    expect(enrich(type, mode, {}, page(found), main).custom).toEqual(custom)
  })

  test('says where each fact came from, and hands on what the page was odd about', () => {
    const fromOrder = enrich('purchase', 'auto', {}, page(order), product)
    expect(new Set(fromOrder.sources.map(({ from }) => from))).toEqual(new Set(['json-ld: Order.price']))
    expect(fromOrder.sources.map(({ field }) => field)).toEqual(Object.keys(ofOrder))
    expect(fromOrder.warnings).toEqual(['page_warning', 'order_warning'])
    expect(enrich('view_content', 'auto', {}, page(null), product).warnings).toEqual([
      'page_warning',
      'product_warning',
    ])
    expect(enrich('purchase', 'off', {}, page(order), product)).toEqual({
      custom: {},
      sources: [],
      warnings: [],
    })
  })

  test('a product remembered from before stands in for a page that could not be read', () => {
    expect(enrich('view_content', 'auto', {}, null, product).custom).toEqual(ofProduct)
  })
})

describe('what the rule read stays', () => {
  test('only what is missing is filled', () => {
    const { custom, sources } = enrich(
      'purchase',
      'auto',
      { orderId: 'mine', contentIds: ['x'] },
      page(order),
      null,
    )
    expect(custom).toEqual({ ...ofOrder, orderId: 'mine', contentIds: ['x'] })
    expect(sources.map(({ field }) => field)).toEqual(['value', 'currency', 'contents', 'numItems'])
  })

  test('whatever the event, the page and the wish', () => {
    const some = fc.record(
      {
        value: fc.double({ min: 0, max: 1e6, noNaN: true }),
        currency: fc.constantFrom('EUR', 'USD', 'JPY'),
        orderId: fc.string({ minLength: 1 }),
        contentName: fc.string({ minLength: 1 }),
        contentIds: fc.array(fc.string(), { minLength: 1 }),
        numItems: fc.nat(),
      },
      { requiredKeys: [] },
    )
    const money = {
      value: fc.option(fc.constantFrom(5, 10)),
      currency: fc.option(fc.constantFrom('EUR', 'USD')),
    }
    fc.assert(
      fc.property(
        some,
        fc.constantFrom('purchase', 'lead', 'view_content', 'own'),
        fc.constantFrom<Enrichment>('auto', 'order', 'any', 'off'),
        fc.option(fc.record(money)),
        fc.option(fc.record(money)),
        (given, type, mode, orderMoney, productMoney) => {
          const { custom } = enrich(
            type,
            mode,
            given,
            page(orderMoney === null ? null : { ...order, ...orderMoney }),
            productMoney === null ? null : { ...product, ...productMoney },
          )
          expect(custom).toMatchObject(given)
        },
      ),
    )
  })
})

describe('value and currency come from one node', () => {
  test.each<
    [
      name: string,
      given: CustomData,
      found: Partial<OrderFacts>,
      money: Pick<CustomData, 'value' | 'currency'>,
    ]
  >([
    ['neither known: both of the node', {}, {}, { value: 129.9, currency: 'EUR' }],
    ['a value of the rule is not given the page’s currency', { value: 50 }, {}, { value: 50 }],
    ['unless it is the node’s own value', { value: 129.9 }, {}, { value: 129.9, currency: 'EUR' }],
    [
      'a currency of the rule is not given another currency’s value',
      { currency: 'USD' },
      {},
      { currency: 'USD' },
    ],
    ['but the value of its own', { currency: 'EUR' }, {}, { value: 129.9, currency: 'EUR' }],
    [
      'or of a node that names none',
      { currency: 'USD' },
      { currency: null },
      { value: 129.9, currency: 'USD' },
    ],
    ['a node with a currency and no value says nothing', {}, { value: null }, {}],
    ['a node with a value and no currency says only that', {}, { currency: null }, { value: 129.9 }],
    ['nothing is free by mistake', { value: 0 }, {}, { value: 0 }],
  ])('%s', (_name, given, found, money) => {
    const { custom } = enrich(
      'purchase',
      'auto',
      given,
      page({ ...order, ...found, orderId: null, lines: [] }),
      null,
    )
    expect(custom).toEqual(money)
  })
})

describe('on real pages', () => {
  const total = { '@type': 'Order', orderNumber: 'A-1', price: '30.00', priceCurrency: 'EUR' }
  const recommended = {
    '@type': 'Product',
    sku: 'r',
    name: 'R',
    offers: { price: '5.00', priceCurrency: 'EUR' },
  }
  const another = { ...recommended, sku: 's', name: 'S', offers: { price: '6.00', priceCurrency: 'EUR' } }

  test.each([
    ['an order and a recommendation: the order', [total, recommended], 30],
    ['one product and no order: the product', [recommended], 5],
    ['several products and no order: nothing', [recommended, another], undefined],
  ])('a purchase, %s', async (_name, blocks, value) => {
    const facts = await read(jsonLd(...blocks))
    expect(enrich('purchase', 'auto', {}, facts, facts.product).custom.value).toBe(value)
  })
})
