import { describe, expect, test } from 'vitest'
import { jsonLd, read } from './read.ts'

describe('a look-up in JSON-LD', () => {
  const page = jsonLd(
    { '@type': 'BreadcrumbList', itemListElement: [{ name: 'Home' }] },
    {
      '@graph': [
        {
          '@type': 'http://schema.org/Order',
          orderNumber: 7,
          acceptedOffer: [{ price: '1' }, { price: '2', sku: 'x' }],
        },
        {
          '@type': 'Product',
          name: 'A',
          offers: { '@id': '#o' },
          inStock: true,
          weird: { __proto__: null, constructor: 'c' },
        },
        { '@type': 'Offer', '@id': '#o', price: 9.5 },
      ],
    },
  )
  test.each([
    ['Order.orderNumber', 7],
    ['order.orderNumber', 7],
    ['Order.acceptedOffer.price', '1'],
    ['Order.acceptedOffer.sku', 'x'],
    ['Order.acceptedOffer.1.price', '2'],
    ['Product.offers.price', 9.5],
    ['Product.inStock', true],
    ['Product.weird.constructor', 'c'],
    ['orderNumber', 7],
    ['Product.offers', null],
    ['Product.nothing', null],
    ['Product.toString', null],
    ['__proto__.x', null],
    ['', null],
    ['....', null],
  ])('%s is %j', async (path, value) => {
    expect((await read(page)).jsonLd(path)).toBe(value)
  })
})

describe('a look-up of a meta tag', () => {
  test.each([
    ['Order:Currency', 'EUR'],
    ['author', 'b'],
    ['empty', null],
    ['absent', null],
    ['constructor', null],
  ])('%s is %j', async (name, value) => {
    const page = `<meta property="order:currency" content=" EUR "><meta name="Author" content=""><meta name="author" content="b">
      <meta name="author" content="c"><meta name="empty" content="">`
    expect((await read(page)).meta(name)).toBe(value)
  })
})

describe('a look-up in microdata', () => {
  test.each([
    ['price', '71,9'],
    ['Product.offers.price', '5'],
    ['Product.name', 'Big kettle'],
    ['Product.url', '/a'],
    ['Product.made', '2020-01-01'],
    ['Product.absent', null],
    ['absent', null],
  ])('%s is %j', async (path, value) => {
    const page = `<b itemprop="price">71,9</b><div itemscope itemtype="https://schema.org/Product"><b itemprop="name">Big <i>kettle</i></b>
      <a itemprop="url" href="/a">x</a><time itemprop="made" datetime="2020-01-01">then</time>
      <div itemprop="offers" itemscope><b itemprop="price" content="5">5 €</b></div></div>`
    expect((await read(page)).microdata(path)).toBe(value)
  })
})

describe('a look-up in the data layer', () => {
  const look = async (script: string, path: string): Promise<unknown> =>
    (await read(`<script>${script}</script>`)).dataLayer(path)

  test.each([
    ['an object', 'dataLayer.push({"ecommerce":{"value":12.5}})', 'ecommerce.value', 12.5],
    [
      'names without quotes',
      "window.dataLayer.push({ecommerce:{currency:'EUR',},});",
      'ecommerce.currency',
      'EUR',
    ],
    ['a list that is assigned', 'var dataLayer = [{id: "a"}, {id: "b"}];', 'id', 'b'],
    [
      'the last push that has it',
      'dataLayer.push({a:1});dataLayer.push({a:2,b:1});dataLayer.push({b:3})',
      'a',
      2,
    ],
    ['several at once', 'dataLayer.push({a:1},{b:2})', 'b', 2],
    ['an item of each', 'dataLayer.push({items:[{id:"x"},{id:"y",q:2}]})', 'items.id', ['x', 'y']],
    ['an item by number', 'dataLayer.push({items:[{id:"x"},{id:"y"}]})', 'items.1.id', 'y'],
    ['a tagged event', 'gtag("event", "purchase", {transaction_id: "T1", value: 3})', 'transaction_id', 'T1'],
    ['a negative number', 'dataLayer.push({a:-1.5e2})', 'a', -150],
    ['a constant', 'dataLayer.push({a:true})', 'a', true],
    ['escapes', String.raw`dataLayer.push({a:'it\'s \u20ac\x41\n\/'})`, 'a', "it's €A\n/"],
    ['brackets in strings', 'dataLayer.push({a:"})]",b:2})', 'b', 2],
    ['comments', 'dataLayer.push({ /* x: 1 */ a: 2, // b\n b: 3 })', 'b', 3],
    ['a template without parts', 'dataLayer.push({a:`b`})', 'a', 'b'],
  ])('of %s', async (_, script, path, value) => {
    expect(await look(script, path)).toEqual(value)
  })

  test.each([
    ['an identifier', 'dataLayer.push({a: total, b: 1})'],
    ['a call', 'dataLayer.push({a: total({x:1}, "}"), b: 1})'],
    ['a sum', 'dataLayer.push({a: 1 + 1, b: 1})'],
    ['a method', 'dataLayer.push({a: "1".trim(), b: 1})'],
    ['a template with parts', 'dataLayer.push({a: `${1}`, b: 1})'],
    ['a function', 'dataLayer.push({a: function () { return {a: 1} }, b: 1})'],
    ['an arrow', 'dataLayer.push({a: () => ({a: 1}), b: 1})'],
    ['a later identifier for the same name', 'dataLayer.push({a: 1, a: x, b: 1})'],
    ['a spread', 'dataLayer.push({...a, b: 1})'],
    ['a method of the object', 'dataLayer.push({a() { return 1 }, b: 1})'],
  ])('with %s knows that key not, and the next one yet', async (_, script) => {
    expect(await look(script, 'a')).toBeNull()
    expect(await look(script, 'b')).toBe(1)
  })

  test.each([
    ['a push in a line comment', '// dataLayer.push({a:1})'],
    ['a push in a block comment', '/* dataLayer.push({a:1}) */'],
    ['another name', 'myDataLayer2.push({a:1}); notdataLayer.push({a:1})'],
    ['a command that is no event', 'gtag("config", "G-1", {a:1})'],
    ['a cut', 'dataLayer.push({a:'],
    ['hostile keys', 'dataLayer.push({"__proto__":{"a":1}})'],
  ])('of %s is nothing', async (_, script) => {
    expect(await look(script, 'a')).toBeNull()
  })

  test('runs nothing', async () => {
    await look('dataLayer.push({a: (globalThis.ran = 1)})', 'a')
    expect(Reflect.has(globalThis, 'ran')).toBe(false)
  })

  test('is not found in other kinds of script', async () => {
    const facts = await read('<script type="text/template">dataLayer.push({a:1})</script>')
    expect(facts.dataLayer('a')).toBeNull()
  })
})

describe('what a page calls itself', () => {
  test('is its first title and its canonical address', async () => {
    const facts = await read(
      '<title> A &amp;\n B </title><svg><title>C</title></svg><title>D</title><link rel="x CANONICAL" href="https://shop.example/a">',
    )
    expect(facts).toMatchObject({ title: 'A & B', canonicalUrl: 'https://shop.example/a' })
  })

  test('is nothing on an empty page', async () => {
    expect(await read('')).toMatchObject({
      title: null,
      canonicalUrl: null,
      order: null,
      product: null,
      warnings: ['no_structured_data'],
    })
  })
})
