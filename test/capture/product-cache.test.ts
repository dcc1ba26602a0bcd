import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OrderFacts, PageFacts, ProductFacts } from '../../src/capture/page/facts.ts'
import { createProductCache } from '../../src/capture/product-cache.ts'
import { mayCache } from '../../src/capture/product-cacheable.ts'

const hour = 60 * 60 * 1000
const day = 24 * hour
const start = Date.UTC(2026, 10, 20)

const shoe: ProductFacts = {
  value: 79.9,
  currency: 'EUR',
  contentIds: ['S-1', '0047'],
  contentName: 'Schuh „Größe 42“ ☕',
  contentCategory: null,
  source: 'json-ld: Product.offers.price',
  origin: 'json-ld',
  warnings: ['price_range'],
}

describe('time', () => {
  test('facts come back as they were, with their age, for 24 hours from reading', () => {
    const cache = createProductCache()
    cache.put('k', shoe, start, { etag: 'W/"1"' })
    expect(cache.get('k', start)).toEqual({ facts: shoe, ageMs: 0, etag: 'W/"1"' })
    expect(cache.get('k', start + day - 1)).toEqual({ facts: shoe, ageMs: day - 1, etag: 'W/"1"' })
    expect(cache.get('k', start + day)).toBeNull()
    expect(cache.size()).toBe(0)
  })

  test('being asked for does not make them younger, being read again does', () => {
    const cache = createProductCache()
    cache.put('k', shoe, start)
    for (let hours = 1; hours < 24; hours++) expect(cache.get('k', start + hours * hour)).not.toBeNull()
    cache.put('k', { ...shoe, value: 69.9 }, start + 23 * hour)
    expect(cache.get('k', start + 25 * hour)).toMatchObject({ facts: { value: 69.9 }, ageMs: 2 * hour })
    expect(cache.get('k', start + 47 * hour)).toBeNull()
  })

  test('"no product here" is an answer of its own, for ten minutes', () => {
    const cache = createProductCache()
    cache.put('k', null, start)
    expect(cache.get('k', start + 10 * 60_000 - 1)).toEqual({ facts: null, ageMs: 599_999, etag: null })
    expect(cache.get('k', start + 10 * 60_000)).toBeNull()
    expect(cache.get('never seen', start)).toBeNull()
  })

  test.each([
    ['shorter for a site', { ttlMs: hour }, hour],
    ['never longer', { ttlMs: 10 * day }, day],
  ])('a life can be %s', (_name, details, lives) => {
    const cache = createProductCache()
    cache.put('k', shoe, start, details)
    expect(cache.get('k', start + lives - 1)).not.toBeNull()
    expect(cache.get('k', start + lives)).toBeNull()
  })

  test('a site that wants none has none, and what was there is gone', () => {
    const cache = createProductCache()
    cache.put('k', shoe, start)
    cache.put('k', shoe, start, { ttlMs: 0 })
    expect(cache.get('k', start)).toBeNull()
  })

  test('a site’s short life holds for "no product here" too', () => {
    const cache = createProductCache()
    cache.put('k', null, start, { ttlMs: 1000 })
    expect(cache.get('k', start + 1000)).toBeNull()
  })

  test('a clock set back does not lengthen a life', () => {
    const cache = createProductCache()
    cache.put('k', shoe, start)
    expect(cache.get('k', start - 1000)).toMatchObject({ ageMs: 0 })
    expect(cache.get('k', start - day)).toBeNull()
  })
})

describe('bounds', () => {
  test('bytes are bounded, the longest unused go first', () => {
    const cache = createProductCache({ maxBytes: 100_000 })
    for (let index = 0; index < 1000; index++) {
      cache.put(`key ${index}`, shoe, start)
      cache.get('key 0', start)
      expect(cache.bytes()).toBeLessThanOrEqual(100_000)
    }
    expect(cache.size()).toBeGreaterThan(50)
    expect(cache.size()).toBeLessThan(500)
    expect(cache.get('key 0', start)).not.toBeNull()
    expect(cache.get('key 1', start)).toBeNull()
    expect(cache.get('key 999', start)).not.toBeNull()
  })

  test('entries are bounded', () => {
    const cache = createProductCache({ maxEntries: 10 })
    for (let index = 0; index < 100; index++) cache.put(`${index}`, null, start)
    expect(cache.size()).toBe(10)
  })

  test('an entry too large for the cache is not kept, and neither is the one it replaces', () => {
    const cache = createProductCache()
    cache.put('k', shoe, start)
    cache.put('k', { ...shoe, contentName: 'x'.repeat(100_000) }, start)
    expect(cache.get('k', start)).toBeNull()
    expect(cache.bytes()).toBe(0)
  })

  test('the bound holds for whatever is put', () => {
    const facts: fc.Arbitrary<ProductFacts> = fc
      .record({
        contentName: fc.option(fc.string({ maxLength: 3000 })),
        contentIds: fc.array(fc.string({ maxLength: 100 }), { maxLength: 20 }),
      })
      .map((some) => ({ ...shoe, ...some }))
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.option(facts)), { maxLength: 60 }), (puts) => {
        const cache = createProductCache({ maxBytes: 20_000 })
        for (const [key, product] of puts) {
          cache.put(`${key}`, product, start)
          expect(cache.bytes()).toBeLessThanOrEqual(20_000)
          const kept = cache.get(`${key}`, start)
          expect(kept === null || JSON.stringify(kept.facts) === JSON.stringify(product)).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('clear empties it', () => {
    const cache = createProductCache()
    cache.put('k', shoe, start)
    cache.clear()
    expect([cache.size(), cache.bytes(), cache.get('k', start)]).toEqual([0, 0, null])
  })
})

describe('nobody can change what is kept', () => {
  test('neither who put it nor who got it', () => {
    const cache = createProductCache()
    const mine = structuredClone(shoe) as { contentIds: string[] } & ProductFacts
    cache.put('k', mine, start)
    mine.contentIds.push('later')
    const got = cache.get('k', start)?.facts as { contentIds: string[] } & ProductFacts
    got.contentIds.push('also later')
    expect(cache.get('k', start)?.facts).toEqual(shoe)
  })
})

describe('orders never enter', () => {
  const order: OrderFacts = {
    value: 129.8,
    currency: 'EUR',
    orderId: 'A-1001',
    lines: [{ id: 'S-1', quantity: 2, price: 59.9 }],
    source: 'json-ld: Order.totalPaymentDue.price',
    origin: 'json-ld',
    warnings: [],
  }

  test('a page with an order is refused, though it shows a product too', () => {
    const page: Pick<PageFacts, 'order' | 'product'> = { order, product: shoe }
    const ask = (pageHasOrder: boolean): boolean =>
      mayCache({
        url: 'https://shop.example/p/shoe',
        eventType: 'view_content',
        requestHeaders: [],
        response: { status: 200, rawHeaders: ['content-type', 'text/html'] },
        pageHasOrder,
      })
    expect(ask(page.order !== null)).toBe(false)
    expect(ask(false)).toBe(true)
  })

  test('facts that carry more than a product’s leave the rest behind', () => {
    const cache = createProductCache()
    const both: ProductFacts & OrderFacts = { ...order, ...shoe }
    cache.put('k', both, start)
    const kept = cache.get('k', start)
    expect(kept?.facts).toEqual(shoe)
    expect(JSON.stringify(kept)).not.toContain('A-1001')
  })

  test('the type of what is kept has no place for an order', () => {
    const cache = createProductCache()
    // @ts-expect-error an order is no product
    cache.put('k', order, start)
    expect(JSON.stringify(cache.get('k', start))).not.toContain('A-1001')
  })
})
