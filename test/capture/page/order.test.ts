import { describe, expect, test } from 'vitest'
import { jsonLd, read } from './read.ts'

const order = (more: object = {}) => ({
  '@type': 'Order',
  orderNumber: 'A-1',
  price: '20.00',
  priceCurrency: 'EUR',
  ...more,
})
const line = (sku: string, price?: number, quantity?: number) => ({
  '@type': 'Offer',
  itemOffered: { '@type': 'Product', sku, name: `Name ${sku}` },
  ...(price === undefined ? {} : { price, priceCurrency: 'EUR' }),
  ...(quantity === undefined ? {} : { eligibleQuantity: { '@type': 'QuantitativeValue', value: quantity } }),
})

describe('an order', () => {
  test.each([
    ['its price', order()],
    ['its total price', order({ price: undefined, totalPrice: '20.00' })],
    [
      'what is due',
      order({ price: undefined, totalPaymentDue: { '@type': 'MonetaryAmount', value: 20, currency: 'EUR' } }),
    ],
    [
      'what is due on its invoice',
      order({ price: undefined, partOfInvoice: { totalPaymentDue: { price: 20, priceCurrency: 'EUR' } } }),
    ],
    ['its price, not the sum of its lines', order({ acceptedOffer: [line('a', 5)] })],
    ['its price before any discount is taken off again', order({ discount: '3.00' })],
    [
      'the sum of its lines, where nothing else is said',
      order({ price: undefined, acceptedOffer: [line('a', 5, 3), line('b', 5)] }),
    ],
    ['as the main entity of its page', { '@type': 'WebPage', mainEntity: order() }],
    ['as the object of an action', { '@type': 'ConfirmAction', object: order() }],
    ['as stated twice', [order(), order()]],
  ])('is worth %s', async (_, block) => {
    expect((await read(jsonLd(block))).order).toMatchObject({ value: 20, currency: 'EUR', orderId: 'A-1' })
  })

  test('that lacks a price in one line is worth nothing known', async () => {
    const page = jsonLd(order({ price: undefined, acceptedOffer: [line('a', 5), line('b')] }))
    expect((await read(page)).order).toMatchObject({ value: null, currency: null, orderId: 'A-1' })
  })

  test('of zero is worth nothing known, and says so', async () => {
    const facts = await read(jsonLd(order({ price: '0.00' })))
    expect(facts.order).toMatchObject({ value: null, currency: null, warnings: ['zero_total'] })
  })

  test('that was cancelled is worth nothing', async () => {
    const facts = await read(jsonLd(order({ orderStatus: 'https://schema.org/OrderCancelled' })))
    expect(facts.order).toMatchObject({ value: null, warnings: ['order_not_in_force'] })
  })

  test('that is ambiguous is worth nothing known', async () => {
    expect((await read(jsonLd(order({ price: '1.299' })))).order).toMatchObject({
      value: null,
      warnings: ['ambiguous_price'],
    })
  })

  test('has its lines, with what is known of each', async () => {
    const facts = await read(jsonLd(order({ acceptedOffer: [line('a', 5, 2), line('b')] })))
    expect(facts.order?.lines).toEqual([
      { id: 'a', name: 'Name a', quantity: 2, price: 5 },
      { id: 'b', name: 'Name b' },
    ])
    const items = await read(
      jsonLd(
        order({
          orderedItem: {
            '@type': 'OrderItem',
            orderQuantity: 3,
            orderedItem: { '@type': 'Product', sku: 'c' },
          },
        }),
      ),
    )
    expect(items.order?.lines).toEqual([{ id: 'c', quantity: 3 }])
  })

  test('is not among several: a history has no order just placed', async () => {
    const facts = await read(jsonLd(order(), order({ orderNumber: 'A-2' })))
    expect(facts.order).toBeNull()
    expect(facts.warnings).toContain('multiple_orders')
  })

  test('is told apart from what is recommended beside it', async () => {
    const shown = { '@type': 'Product', name: 'B', offers: { price: 5, priceCurrency: 'EUR' } }
    const facts = await read(jsonLd(shown, order()))
    expect(facts.order?.value).toBe(20)
    expect(facts.product?.value).toBe(5)
  })

  test('may be an invoice, with the number of the order it refers to', async () => {
    const facts = await read(
      jsonLd({
        '@type': 'Invoice',
        minimumPaymentDue: { price: 5, priceCurrency: 'USD' },
        totalPaymentDue: { price: 70, priceCurrency: 'USD' },
        referencesOrder: [{ '@type': 'Order', orderNumber: 77 }],
      }),
    )
    expect(facts.order).toMatchObject({
      value: 70,
      currency: 'USD',
      orderId: '77',
      source: 'json-ld: Invoice.totalPaymentDue.price',
    })
  })

  test('may be a reservation', async () => {
    const facts = await read(
      jsonLd({
        '@type': 'LodgingReservation',
        reservationNumber: 'R9',
        totalPrice: '300.00',
        priceCurrency: 'USD',
      }),
    )
    expect(facts.order).toMatchObject({ value: 300, currency: 'USD', orderId: 'R9' })
  })

  test('is read from elements', async () => {
    const facts =
      await read(`<div itemscope itemtype="https://schema.org/Order"><b itemprop="orderNumber">N1</b>
      <meta itemprop="priceCurrency" content="EUR"><span itemprop="price">1.234,56 €</span>
      <div itemprop="acceptedOffer" itemscope itemtype="https://schema.org/Offer"><meta itemprop="price" content="1199"></div></div>`)
    expect(facts.order).toMatchObject({ value: 1234.56, currency: 'EUR', orderId: 'N1', origin: 'microdata' })
  })

  test('is not made of a data layer', async () => {
    expect(
      (await read('<script>dataLayer.push({ecommerce:{transaction_id:"T",value:1}})</script>')).order,
    ).toBeNull()
  })
})
