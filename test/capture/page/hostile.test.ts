/** Pages made to be slow. What is held is the number of turns and the bytes kept; clocks prove nothing. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSkimmer, skim, skimLimits } from '../../../src/capture/page/skim.ts'
import { jsonLd, read } from './read.ts'

const size = 2_000_000
const flood = (text: string): Buffer => Buffer.from(text.repeat(Math.ceil(size / text.length)).slice(0, size))

const floods = [
  '<',
  '<a ',
  '<a b="',
  `<a b='"`,
  '<!--',
  '<!-- > ',
  '<!----!>',
  '<script',
  '<script>',
  '<script></script>',
  '<script><!--<script>',
  '<script><!-- -->',
  '</',
  '</a',
  '</a>',
  '<b itemprop=price>',
  '<b itemprop=price>1</b>',
  '<div itemscope itemprop=offers itemtype=Product>',
  '<meta name=a content=b>',
  '<h1>',
  '<title>',
  '<template>',
  '<svg><![CDATA[',
  '<script type=application/ld+json>',
  '<script type=application/ld+json>{}</script>',
  '<script>dataLayer.push({a:</script>',
  '<![CDATA[',
  '<?',
  '\0',
  '&amp;',
]

describe('a hostile page', () => {
  test.each(floods)('of %s is walked in linear turns, in slices, and keeps little', (text) => {
    const skimmer = createSkimmer(flood(text))
    let slices = 1
    while (!skimmer.step()) slices += 1
    const { steps, remainder, jsonLd: blocks, dataLayer } = skimmer.result()
    expect(steps).toBeLessThanOrEqual(size)
    expect(steps / slices).toBeLessThanOrEqual(1024)
    // An element is kept whole, so that the last one may reach beyond the limit.
    expect(remainder.length).toBeLessThanOrEqual(skimLimits.bytes + 98_304)
    expect(blocks.length).toBeLessThanOrEqual(skimLimits.jsonLdBlocks)
    expect(dataLayer.reduce((sum, part) => sum + part.length, 0)).toBeLessThanOrEqual(
      skimLimits.dataLayerBytes,
    )
  })

  test.each(floods)('of %s is read to no price', async (text) => {
    const facts = await read(flood(text))
    expect(facts.product?.value ?? null).toBeNull()
    expect(facts.order).toBeNull()
  })

  test.each([
    ['deep', '['.repeat(200_000)],
    ['deep and closed', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
    ['wide', `[${'{},'.repeat(100_000)}{}]`],
    ['of many keys', `{${Array.from({ length: 60_000 }, (_, index) => `"k${index}":1`).join(',')}}`],
    ['of broken strings', `["${'\n'.repeat(400_000)}"]`],
  ])('with JSON-LD that is %s is read on', async (_, text) => {
    const page = `<script type="application/ld+json">${text}</script><meta property="product:price:amount" content="15">`
    expect((await read(page)).product?.value).toBe(15)
  })

  test('whose things refer to each other in circles is read', async () => {
    const page = jsonLd({
      '@graph': [
        {
          '@type': 'Product',
          '@id': '#a',
          name: 'A',
          offers: [{ '@id': '#b' }],
          isVariantOf: { '@id': '#a' },
        },
        {
          '@type': 'Offer',
          '@id': '#b',
          offers: [{ '@id': '#b' }, { '@id': '#c' }],
          itemOffered: { '@id': '#a' },
        },
        { '@type': 'Offer', '@id': '#c', offers: { '@id': '#b' }, price: 3, priceCurrency: 'EUR' },
      ],
    })
    expect((await read(page)).product).toMatchObject({ value: 3, currency: 'EUR' })
  })

  test('whose offers multiply by reference costs no more than its budget', async () => {
    const offers = Array.from({ length: 2000 }, () => ({ '@id': '#x' }))
    const page = jsonLd(
      { '@type': 'Offer', '@id': '#x', offers },
      Array.from({ length: 500 }, (_, index) => ({
        '@type': 'Product',
        name: `p${index}`,
        offers: { '@id': '#x' },
      })),
    )
    expect((await read(page)).warnings).toContain('multiple_products')
  })

  test('that is cut anywhere is read without complaint', async () => {
    const page = `<title>a</title>${jsonLd({ '@type': 'Product', offers: { price: 1 } })}<b itemscope><i itemprop="x">y`
    for (let end = 0; end <= page.length; end += 1) {
      const facts = await read(page.slice(0, end))
      expect([null, 1]).toContain(facts.product?.value ?? null)
    }
  })

  test.each([
    ['at the end of the page', '<b itemprop="price">12'],
    ['inside the last tag', '<b itemprop="price">12<sup'],
    ['between its parts', `<b itemprop="price">${' '.repeat(2046)}12<i>.99</i></b></div></div>`],
    ['by its own length', `<b itemprop="price">${' '.repeat(2046)}12.99</b></div></div>`],
  ])('cut %s gives no part of a number', async (_, end) => {
    const page = `<div itemscope itemtype="https://schema.org/Product"><div itemprop="offers" itemscope>${end}`
    const facts = await read(page)
    expect(facts.product?.value ?? null).toBeNull()
    expect(facts.microdata('price')).toBeNull()
  })

  test('says so when a cap was met, and keeps what was found before', async () => {
    const page = Buffer.concat([Buffer.from('<meta name=a content=b>'), flood('<b itemprop=price>')])
    const facts = await read(page)
    expect(facts.warnings).toContain('page_truncated')
    expect(facts.meta('a')).toBe('b')
  })

  test('of any bytes never makes the reading throw', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 512 }), async (bytes) => {
        await expect(read(bytes)).resolves.toBeDefined()
      }),
    )
  })

  test('made of real markup in any disorder never makes the reading throw, and never gives a strange number', async () => {
    const pieces = fc.constantFrom(
      '<script type="application/ld+json">',
      '</script>',
      '{"@type":"Product","offers":{"price":"1.299","priceCurrency":"EUR"}}',
      '{"@type":"Order","price":',
      '{"@graph":[',
      ']}',
      '"-5"',
      '<div itemscope itemtype="https://schema.org/Product" itemprop="offers">',
      '<span itemprop="price" content="',
      '1e999',
      '">',
      '</div>',
      '</span>',
      '<!--',
      '-->',
      '<meta property="product:price:amount" content="',
      '<template>',
      '<svg>',
      '\0',
      '\u{1F600}',
      "dataLayer.push({a:'",
    )
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 25 }), fc.string(), async (parts, path) => {
        const facts = await read(parts.join(''))
        for (const value of [facts.product?.value ?? null, facts.order?.value ?? null]) {
          if (value === null) continue
          expect(value).toBeGreaterThan(0)
          expect(value).toBeLessThanOrEqual(1e10)
        }
        for (const look of [facts.jsonLd, facts.meta, facts.microdata, facts.dataLayer]) look(path)
      }),
      { numRuns: 500 },
    )
  })

  test('gives every other task a turn while it is read', async () => {
    let turns = 0
    let reading = true
    const count = (): void => {
      turns += 1
      if (reading) setImmediate(count)
    }
    setImmediate(count)
    await read(flood('<b itemprop=price>1</b>'))
    reading = false
    expect(turns).toBeGreaterThan(20)
  })

  test('a page in the middle of a larger buffer is not read beyond its ends', () => {
    const bytes = Buffer.from('<meta name=a content=b><meta name=c content=d>')
    const text = skim(bytes.subarray(23)).remainder.toString()
    expect(text).toContain('"d"')
    expect(text).not.toContain('"b"')
  })
})
