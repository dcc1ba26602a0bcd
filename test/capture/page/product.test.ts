import { describe, expect, test } from 'vitest'
import { jsonLd, read } from './read.ts'

const offer = (price: unknown, more: object = {}) => ({
  '@type': 'Offer',
  price,
  priceCurrency: 'EUR',
  ...more,
})
const product = (name: string, price: unknown, more: object = {}) => ({
  '@type': 'Product',
  name,
  offers: offer(price),
  ...more,
})
const gone = { availability: 'https://schema.org/OutOfStock' }
const priceOf = async (html: string, url = 'https://shop.example/page'): Promise<number | null> =>
  (await read(html, { url })).product?.value ?? null

const item = (name: string, price: string, attributes = ''): string =>
  `<div itemscope itemtype="https://schema.org/Product" ${attributes}><b itemprop="name">${name}</b>
  <div itemprop="offers" itemscope itemtype="https://schema.org/Offer"><meta itemprop="priceCurrency" content="EUR">
  <span itemprop="price" content="${price}"></span></div></div>`

describe('the main product', () => {
  test.each([
    ['the only one', jsonLd(product('A', 1)), 1],
    [
      'what the page calls its main entity',
      jsonLd(product('B', 2), { '@type': 'ItemPage', mainEntity: product('A', 1) }),
      1,
    ],
    [
      'what the page refers to as its main entity',
      jsonLd({
        '@graph': [
          { '@type': 'WebPage', mainEntity: { '@id': '#a' } },
          product('B', 2),
          product('A', 1, { '@id': '#a' }),
        ],
      }),
      1,
    ],
    ['the one with the address of the page', jsonLd(product('B', 2), product('A', 1, { url: '/page' })), 1],
    [
      'the one with the canonical address',
      `<link rel="canonical" href="https://shop.example/a">${jsonLd(product('B', 2), product('A', 1, { url: 'https://shop.example/a' }))}`,
      1,
    ],
    ['the one whose name is the heading', `${jsonLd(product('B', 2), product('A', 1))}<h1> A </h1>`, 1],
    ['the one that the title names', `<title>A | Shop</title>${jsonLd(product('B', 2), product('A', 1))}`, 1],
    ['one that is stated twice', jsonLd(product('A', 1), { '@type': 'Product', name: 'A', sku: 'x' }), 1],
    [
      'the one beside a list of others',
      jsonLd(product('A', 1), { '@type': 'ItemList', itemListElement: [product('B', 2)] }),
      1,
    ],
    [
      'the one beside events',
      jsonLd(product('A', 1), { '@type': 'MusicEvent', name: 'B', offers: offer(2) }),
      1,
    ],
    ['an event', jsonLd({ '@type': 'MusicEvent', name: 'B', offers: offer(2) }), 2],
    ['a car', jsonLd({ '@type': 'Car', name: 'B', offers: offer(2) }), 2],
    ['what an offer offers', jsonLd({ ...offer(3), itemOffered: { '@type': 'Product', name: 'A' } }), 3],
    ['the subject of a rating', jsonLd({ '@type': 'AggregateRating', itemReviewed: product('A', 1) }), 1],
    [
      'a product with the id of the last crumb',
      jsonLd(
        { '@type': 'BreadcrumbList', itemListElement: [{ '@type': 'ListItem', item: { '@id': '#a' } }] },
        product('A', 1, { '@id': '#a' }),
      ),
      1,
    ],
    [
      'the one in which the others stand',
      `${item('A', '1').replace(/<\/div>$/, '')}${item('B', '2')}</div>`,
      1,
    ],
    [
      'the one that the page label repeats',
      `<html itemscope itemtype="http://schema.org/Product"><meta itemprop="name" content="Shop">${item('A', '1')}`,
      1,
    ],
    [
      'the one marked as main in the elements',
      `${item('A', '1', 'itemprop="mainEntity"')}${item('B', '2')}`,
      1,
    ],
  ])('is %s', async (_, html, price) => {
    expect(await priceOf(html)).toBe(price)
  })

  test.each([
    ['several with different names', jsonLd(product('A', 1), product('B', 2))],
    [
      'several that all claim the address of the page',
      jsonLd(product('A', 1, { url: '/page' }), product('B', 2, { url: '/page' })),
    ],
    [
      'several with the same junk for a number',
      jsonLd(product('A', 1, { sku: '0' }), product('B', 2, { sku: '0' })),
    ],
    [
      'a list of one',
      jsonLd({ '@type': 'ItemList', itemListElement: { '@type': 'ListItem', item: product('A', 1) } }),
    ],
    [
      'a list by reference',
      jsonLd({
        '@graph': [
          { '@type': 'ItemList', itemListElement: { item: { '@id': '#a' } } },
          product('A', 1, { '@id': '#a' }),
        ],
      }),
    ],
    ['a collection', jsonLd({ '@type': 'CollectionPage', name: 'All' }, product('A', 1))],
    ['a product named by an article', jsonLd({ '@type': 'NewsArticle', headline: 'X' }, product('A', 1))],
    [
      'an article with a product beside it in the elements',
      `${jsonLd({ '@type': 'NewsArticle', headline: 'X' })}${item('A', '1')}`,
    ],
    [
      'a recommendation inside a product',
      jsonLd({ '@type': 'Product', name: 'A', isRelatedTo: product('B', 2) }),
    ],
    ['a review of a product', jsonLd({ '@type': 'Review', itemReviewed: product('A', 1) })],
    ['several in the elements', item('A', '1') + item('B', '2')],
    ['a list in the elements', `<ul itemscope itemtype="https://schema.org/ItemList">${item('A', '1')}</ul>`],
    ['prices outside of any thing', '<span itemprop="price" content="5"></span>'],
    [
      'a share price',
      '<div itemscope itemtype="http://schema.org/Intangible/FinancialQuote"><b itemprop="price">5</b></div>',
    ],
  ])('is not found in %s', async (_, html) => {
    expect((await read(html)).product?.value ?? null).toBeNull()
  })

  test('without a price takes none from another product further down', async () => {
    const facts = await read(
      `${jsonLd({ '@type': 'Product', name: 'Copper kettle' })}${item('Blue towel', '2')}`,
    )
    expect(facts.product).toMatchObject({ contentName: 'Copper kettle', value: null })
  })

  test('has one id, its name and its category', async () => {
    const facts = await read(
      jsonLd(product('A', 1, { sku: '007', mpn: 'm', gtin13: 'g', category: 'Kitchen' })),
    )
    expect(facts.product).toMatchObject({ contentIds: ['007'], contentName: 'A', contentCategory: 'Kitchen' })
  })

  test.each([
    [{ productID: 'sku:12' }, '12'],
    [{ productId: '12' }, '12'],
    [{ mpn: 'm', gtin13: 'g' }, 'm'],
    [{ '@id': 'https://shop.example/p/12' }, '12'],
    [{ offers: offer(1, { sku: 'of' }) }, 'of'],
  ])('%o: the best id there is', async (more, id) => {
    expect((await read(jsonLd(product('A', 1, more)))).product?.contentIds).toEqual([id])
  })
})

describe('the price', () => {
  const priced = (offers: unknown): string => jsonLd({ '@type': 'Product', name: 'A', offers })

  test.each([
    ['the lowest in stock', [offer(5, gone), offer(7), offer(6)], 6],
    ['the lowest of all when all are sold out', [offer(5, gone), offer(4, gone)], 4],
    ['new rather than used', [offer(3, { itemCondition: 'https://schema.org/UsedCondition' }), offer(9)], 9],
    ['used when nothing is new', [offer(3, { itemCondition: 'UsedCondition' })], 3],
    ['never that of members', [offer(3, { validForMemberTier: { '@id': '#gold' } }), offer(9)], 9],
    ['never a placeholder beside a real one', [offer(0), offer(9)], 9],
    [
      'the low end of a range',
      { '@type': 'AggregateOffer', lowPrice: 4, highPrice: 8, priceCurrency: 'EUR' },
      4,
    ],
    [
      'from the offers of a range without ends',
      { '@type': 'AggregateOffer', offers: [offer(5), offer(4)] },
      4,
    ],
    ['in lists of lists', [[[offer(5)]], offer(6)], 5],
    ['an amount of money', offer({ '@type': 'MonetaryAmount', value: '5', currency: 'EUR' }), 5],
    ['in a value object', offer({ '@value': '5' }), 5],
  ])('is %s', async (_, offers, price) => {
    expect(await priceOf(priced(offers))).toBe(price)
  })

  const specification = (price: number, more: object = {}) => ({
    '@type': 'UnitPriceSpecification',
    price,
    priceCurrency: 'EUR',
    ...more,
  })
  test.each([
    ['crossed out', { priceType: 'https://schema.org/StrikethroughPrice' }],
    ['a list price', { priceType: 'https://schema.org/ListPrice' }],
    ['for members', { validForMemberTier: { '@id': '#x' } }],
    ['per kilogram', { referenceQuantity: { value: 1, unitCode: 'KGM' } }],
    ['an instalment', { billingDuration: 12 }],
    ['not yet in force', { validFrom: '2027-01-01' }],
    ['no longer in force', { validThrough: '2026-01-01' }],
    ['for delivery', { '@type': 'DeliveryChargeSpecification' }],
  ])('is never one that is %s', async (_, more) => {
    const facts = await read(
      priced({ '@type': 'Offer', priceSpecification: [specification(1, more), specification(9)] }),
    )
    expect(facts.product).toMatchObject({ value: 9, currency: 'EUR' })
    const alone = await read(priced({ '@type': 'Offer', priceSpecification: specification(1, more) }))
    expect(alone.product?.value).toBeNull()
  })

  test.each(['"-5"', '"Call us"', '1e999', 'null', 'true', '""', '"5 - 10"', '{}', '"NaN"'])(
    '%s is none',
    async (price) => {
      expect(await priceOf(jsonLd(product('A', 'PRICE')).replace('"PRICE"', price))).toBeNull()
    },
  )

  test('of a variant is that of the one the address asks for', async () => {
    const group = jsonLd({
      '@type': 'ProductGroup',
      name: 'T',
      hasVariant: [
        product('T s', 5, { sku: 's1' }),
        product('T m', 7, { sku: 'm1', url: 'https://shop.example/t?size=m' }),
      ],
    })
    expect(await priceOf(group)).toBe(5)
    expect((await read(group)).product?.warnings).toContain('variant_unknown')
    expect(await priceOf(group, 'https://shop.example/t?size=m')).toBe(7)
    expect(await priceOf(group, 'https://shop.example/t?variant=m1')).toBe(7)
  })

  test('of variants that stand beside their group is found through it', async () => {
    const page = jsonLd(
      { '@type': 'ProductGroup', '@id': '#g', name: 'T', productGroupID: 'T1' },
      product('T small', 6, { isVariantOf: { '@id': '#g' } }),
      product('T large', 5, { isVariantOf: { '@id': '#g' }, offers: offer(5, gone) }),
    )
    expect(await priceOf(page)).toBe(6)
  })

  test('in an element where an old price is crossed out is the new one', async () => {
    const page = item('A', '').replace('content=""></span>', '><del>20,00 €</del> <ins>15,00 €</ins></span>')
    expect(await priceOf(page)).toBe(15)
  })

  test('in an element with raised cents is not a hundred times too much', async () => {
    const page = item('A', '').replace('content=""></span>', '>12<sup>99</sup> €</span>')
    expect(await priceOf(page)).toBeNull()
  })

  test('of an offer that forgot its property counts for the product around it', async () => {
    expect(await priceOf(item('A', '4').replace('itemprop="offers" ', ''))).toBe(4)
  })
})

describe('several sources', () => {
  const og = (price: string, currency?: string): string =>
    `<meta property="og:price:amount" content="${price}">${currency === undefined ? '' : `<meta property="og:price:currency" content="${currency}">`}`

  test('the first in order of precedence wins, and disagreement is said', async () => {
    const facts = await read(og('12', 'EUR') + item('A', '11') + jsonLd(product('A', 10)))
    expect(facts.product).toMatchObject({
      value: 10,
      origin: 'json-ld',
      source: 'json-ld: Product.offers.price',
    })
    expect(facts.product?.warnings).toContain('sources_disagree')
  })

  test('a price without currency takes it from an equal price, and from no other', async () => {
    const bare = jsonLd({ '@type': 'Product', name: 'A', offers: { price: 10 } })
    expect((await read(bare + og('10.00', 'GBP'))).product).toMatchObject({ value: 10, currency: 'GBP' })
    expect((await read(bare + og('12.00', 'GBP'))).product).toMatchObject({ value: 10, currency: null })
  })

  test('an ambiguous price is decided by a witness, or not at all', async () => {
    const doubtful = jsonLd(product('A', '1.299'))
    expect((await read(doubtful)).product).toMatchObject({ value: null, currency: null })
    expect((await read(doubtful + og('1,299.00', 'EUR'))).product).toMatchObject({
      value: 1299,
      currency: 'EUR',
    })
    const card = '<meta name="twitter:label1" content="Preis"><meta name="twitter:data1" content="1.299 €">'
    expect((await read(doubtful + card)).product?.value).toBe(1299)
    expect((await read(doubtful + og('99', 'EUR'))).product).toMatchObject({ value: null })
    expect((await read(doubtful, { decimal: ',' })).product?.value).toBe(1299)
    expect((await read(doubtful, { decimal: '.' })).product?.value).toBe(1.299)
  })

  test('a card alone is no answer', async () => {
    const card = '<meta name="twitter:label1" content="Price"><meta name="twitter:data1" content="$12">'
    expect((await read(card)).product).toBeNull()
  })

  test('a block that no strict reader reads yields to one that they do', async () => {
    const broken =
      '<script type="application/ld+json">{"@type":"Product","name":"A","offers":{"price":9,"priceCurrency":"EUR"},}</script>'
    expect((await read(broken)).product?.value).toBe(9)
    expect((await read(broken + og('7', 'EUR'))).product?.value).toBe(7)
  })

  test('a retired currency is kept, and said', async () => {
    const facts = await read(
      jsonLd({ '@type': 'Product', name: 'A', offers: { price: 1, priceCurrency: 'HRK' } }),
    )
    expect(facts.product).toMatchObject({ currency: 'HRK', warnings: ['retired_currency'] })
  })
})

describe('meta tags', () => {
  const meta = (tags: Readonly<Record<string, string>>): string =>
    Object.entries(tags)
      .map(([name, content]) => `<meta property="${name}" content="${content}">`)
      .join('')

  test.each([
    [
      'a sale that is over',
      { 'product:sale_price:amount': '5', 'product:sale_price_dates:end': '2026-01-01' },
      8,
    ],
    [
      'a sale that has not begun',
      { 'product:sale_price:amount': '5', 'product:sale_price_dates:start': '2027-01-01' },
      8,
    ],
    [
      'a sale that is on',
      { 'product:sale_price:amount': '5', 'product:sale_price_dates:end': '2027-01-01' },
      5,
    ],
    [
      'prices before tax and before the sale',
      { 'product:pretax_price:amount': '5', 'product:original_price:amount': '9' },
      8,
    ],
  ])('%s', async (_, tags, price) => {
    expect(await priceOf(meta({ 'product:price:amount': '8', ...tags }))).toBe(price)
  })

  test('with many different prices are a group, which has none', async () => {
    const tags = meta({ 'product:price:amount': '8' }) + meta({ 'product:price:amount': '9' })
    expect(await priceOf(tags)).toBeNull()
  })

  test('give the catalogue id and the title of a product page', async () => {
    const page = meta({ 'og:type': 'product', 'og:title': 'A &amp; B', 'product:retailer_item_id': 'c1' })
    expect((await read(page)).product).toMatchObject({
      value: null,
      contentName: 'A & B',
      contentIds: ['c1'],
    })
  })

  test('of an ordinary page make no product', async () => {
    expect((await read(meta({ 'og:type': 'website', 'og:title': 'A' }))).product).toBeNull()
  })
})

describe('RDFa', () => {
  test.each([
    [
      'schema.org',
      '<div vocab="https://schema.org/" typeof="Product"><b property="name">A</b><div property="offers" typeof="Offer"><b property="price" content="5">x</b><b property="priceCurrency" content="USD"></b></div></div>',
    ],
    [
      'prefixed',
      '<div typeof="schema:Product"><div property="schema:offers" typeof="schema:Offer"><b property="schema:price">5</b><b property="schema:priceCurrency" content="USD"></b></div></div>',
    ],
    [
      'GoodRelations',
      '<div typeof="gr:Offering"><div rel="gr:hasPriceSpecification" typeof="gr:UnitPriceSpecification"><b property="gr:hasCurrencyValue" content="5"></b><b property="gr:hasCurrency" content="USD"></b></div></div>',
    ],
  ])('of %s is read', async (_, html) => {
    expect((await read(html)).product).toMatchObject({ value: 5, currency: 'USD', origin: 'rdfa' })
  })
})
