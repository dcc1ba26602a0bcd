/** Pages as shops have them, of any size; and pages as nobody should have them. All made here, the same in every run. */

export type PageKind = 'plain' | 'product' | 'order'

/** A small generator of our own, so that every run measures the same bytes. */
const createDice = (seed: number): ((sides: number) => number) => {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

const words =
  'brass lamp with opal glass and a switch that clicks made by hand near the water for long evenings oak linen wool kettle chair blanket light warm free delivery within two days größe farbe menge'.split(
    ' ',
  )

const jsonLd = (value: object): string =>
  `<script type="application/ld+json">${JSON.stringify({ '@context': 'https://schema.org', ...value })}</script>\n`

const organization = {
  '@type': 'Organization',
  name: 'Lock & Harbour',
  url: 'https://shop.test/',
  logo: 'https://shop.test/static/logo.svg',
  sameAs: ['https://social.example/lock', 'https://video.example/harbour'],
}

const breadcrumbs = {
  '@type': 'BreadcrumbList',
  itemListElement: ['Home', 'Lighting', 'Lamps'].map((name, index) => ({
    '@type': 'ListItem',
    position: index + 1,
    name,
    item: `https://shop.test/${name.toLowerCase()}`,
  })),
}

const product = {
  '@type': 'Product',
  '@id': 'https://shop.test/products/harbour-lamp#product',
  name: 'Harbour Lamp',
  sku: 'LMP-64',
  gtin13: '4006381333931',
  brand: { '@type': 'Brand', name: 'Lock & Harbour' },
  category: 'Home > Lighting > Lamps',
  image: ['https://shop.test/static/lamp-1.jpg', 'https://shop.test/static/lamp-2.jpg'],
  description: 'Brass, opal glass, a switch that clicks.',
  aggregateRating: { '@type': 'AggregateRating', ratingValue: '4.7', reviewCount: '112' },
  offers: {
    '@type': 'Offer',
    url: 'https://shop.test/products/harbour-lamp',
    price: '64.95',
    priceCurrency: 'EUR',
    availability: 'https://schema.org/InStock',
    itemCondition: 'https://schema.org/NewCondition',
  },
}

const order = {
  '@type': 'Order',
  orderNumber: 'A-100234',
  orderStatus: 'https://schema.org/OrderProcessing',
  price: '253.95',
  priceCurrency: 'EUR',
  acceptedOffer: [
    { sku: 'LMP-64', name: 'Harbour Lamp', price: '64.95', quantity: 1 },
    { sku: 'CHR-12', name: 'Quay Chair', price: '189.00', quantity: 1 },
  ].map(({ sku, name, price, quantity }) => ({
    '@type': 'Offer',
    price,
    priceCurrency: 'EUR',
    eligibleQuantity: { '@type': 'QuantitativeValue', value: quantity },
    itemOffered: { '@type': 'Product', sku, name },
  })),
}

const openGraph = `<meta property="og:type" content="product">
<meta property="og:title" content="Harbour Lamp">
<meta property="og:url" content="https://shop.test/products/harbour-lamp">
<meta property="og:image" content="https://shop.test/static/lamp-1.jpg">
<meta property="product:price:amount" content="64.95">
<meta property="product:price:currency" content="EUR">
`

const headOf = (kind: PageKind): string => {
  const facts = {
    plain: jsonLd(organization),
    product: openGraph + jsonLd(organization) + jsonLd(breadcrumbs) + jsonLd(product),
    order: jsonLd(organization) + jsonLd(order),
  }[kind]
  return `<!doctype html>
<html lang="de"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Harbour Lamp &middot; Lock &amp; Harbour</title>
<link rel="canonical" href="https://shop.test/products/harbour-lamp">
<link rel="stylesheet" href="/static/shop.css?v=41"><link rel="preload" as="font" href="/static/inter.woff2" crossorigin>
${facts}<script>window.dataLayer = window.dataLayer || []; dataLayer.push({ event: 'page', pageType: '${kind}' })</script>
</head><body>
`
}

type Block = (dice: (sides: number) => number) => string

const sentence: Block = (dice) =>
  Array.from({ length: 8 + dice(20) }, () => words[dice(words.length)] ?? '').join(' ')

const card: Block = (dice) => {
  const id = dice(90_000) + 10_000
  return `<li class="grid__item"><a class="card card--product" href="/products/item-${id}?ref=grid" data-id="${id}">
  <picture><source type="image/avif" srcset="/img/${id}-400.avif 400w, /img/${id}-800.avif 800w"><img loading="lazy" width="400" height="400" alt="${words[dice(words.length)]} ${words[dice(words.length)]}" src="/img/${id}-400.jpg"></picture>
  <span class="card__title">${words[dice(words.length)]} ${words[dice(words.length)]}</span> <span class="card__price" data-price="${dice(300)}.${dice(90) + 10}">${dice(300)},${dice(90) + 10}&nbsp;&euro;</span></a></li>
`
}

const review: Block = (dice) =>
  `<article class="review"><h3>${words[dice(words.length)]}</h3><p>${sentence(dice)}. <em>${sentence(dice)}</em></p><p>${sentence(dice)} &amp; ${sentence(dice)}.</p></article>\n`

const drawing: Block = (dice) =>
  `<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M${dice(24)} ${dice(24)}c${Array.from({ length: 24 }, () => (dice(240) / 10).toFixed(1)).join(' ')}z"/></svg>\n`

const style: Block = (dice) =>
  `<style>${Array.from({ length: 12 }, () => `.c-${dice(1e6)}{display:grid;gap:${dice(40)}px;color:#${(dice(4096) + 4096).toString(16).slice(1)}}`).join('\n')}</style>\n`

const state: Block = (dice) =>
  `<script>window.__STATE__${dice(1e6)} = ${JSON.stringify(Array.from({ length: 20 }, () => ({ id: dice(1e6), html: `<b>${words[dice(words.length)]}</b>`.replace('</', '<\\/'), stock: dice(9), text: sentence(dice) })))}</script>\n`

const menu: Block = (dice) =>
  `<ul class="menu">${Array.from({ length: 10 }, () => `<li><a href="/${words[dice(words.length)]}/${words[dice(words.length)]}"><span>${words[dice(words.length)]}</span></a></li>`).join('')}</ul>\n`

/** By how often they are met: mostly cards and text, some drawings, styles and a good deal of script. */
const blocks: readonly Block[] = [card, card, card, review, menu, drawing, card, state, review, style]

const foot = '</body></html>\n'

/** Exactly `bytes` long, or as short as its head allows. */
export const shopPage = (kind: PageKind, bytes: number, seed = 1): Buffer => {
  const dice = createDice(seed)
  const parts = [
    Buffer.from(bytes < 4096 ? '<!doctype html><html><head><title>Lamp</title></head><body>' : headOf(kind)),
  ]
  let size = (parts[0]?.length ?? 0) + foot.length
  for (let turn = 0; ; turn += 1) {
    const block = Buffer.from((blocks[turn % blocks.length] ?? card)(dice))
    if (size + block.length > bytes) break
    parts.push(block)
    size += block.length
  }
  return Buffer.concat([...parts, Buffer.from('.'.repeat(Math.max(0, bytes - size)) + foot)])
}

const fill = (piece: string, bytes: number): string =>
  piece.repeat(Math.ceil(bytes / piece.length)).slice(0, bytes)

/** Pages made to cost as much as a page can; each is one idea. */
export const hostilePages = (bytes: number): ReadonlyMap<string, Buffer> =>
  new Map(
    Object.entries({
      'nothing but `<`': fill('<', bytes),
      '`<!--` without end': fill('<!--', bytes),
      '`<a ` and one quote, never closed': `<a title="${fill('<b>', bytes)}`,
      'tags that each open a quote': fill('<a b="', bytes),
      '`itemprop` soup': fill('<p itemprop=price>1', bytes),
      '`itemscope` nested without end': fill(
        '<div itemscope itemtype=https://schema.org/Product itemprop=offers>',
        bytes,
      ),
      '`</` without end': fill('</', bytes),
      'scripts that speak of `dataLayer`': fill(
        '<script>dataLayer.push({a:[1,2,{b:"</a>"}]})</script>',
        bytes,
      ),
      'JSON-LD, one block nested deep': `<script type="application/ld+json">${fill('[{"@graph":', bytes)}</script>`,
      'JSON-LD, small blocks': fill(
        '<script type="application/ld+json">{"@type":"Product","name":"a","offers":{"price":1}}</script>',
        bytes,
      ),
      'JSON-LD, one large block': `<script type="application/ld+json">[${fill('{"@type":"Product","name":"a","offers":{"@type":"Offer","price":"1.00"}},', bytes)}{}]</script>`,
      '`<meta>` without end': fill('<meta property="og:title" content="a">', bytes),
      'a script of `<!--<script`': `<script>${fill('<!--<script ', bytes)}`,
      'one tag of many attributes': `<p ${fill('a=b ', bytes)}>`,
      'UTF-16': `\uFEFF${fill('<p itemprop=name>ab', bytes / 2 - 1)}`,
    }).map(([name, text]) => [
      name,
      name === 'UTF-16' ? Buffer.from(text, 'utf16le') : Buffer.from(text.slice(0, bytes)),
    ]),
  )
