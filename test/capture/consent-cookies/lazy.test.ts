import { expect, test } from 'vitest'
import { compileTrust } from '../../../src/capture/client-address.ts'
import { compileMatcher } from '../../../src/capture/match.ts'
import { createCapture } from '../../../src/capture/observe.ts'
import { createDomPool } from '../../../src/capture/page/dom-pool.ts'
import { createProductCache } from '../../../src/capture/product-cache.ts'
import type { CapturedEvent } from '../../../src/event/event.ts'

test('a request that matches no rule never has its cookies looked at; one that fires has', async () => {
  const matcher = compileMatcher([
    {
      id: 'shop',
      hosts: ['shop.example.com'],
      origin: 'http://127.0.0.1:9',
      consent: { sources: ['tcf', 'gpp'] },
      rules: [
        {
          id: 'thanks',
          match: { path: '/thanks' },
          actions: [{ type: 'fire_conversion_event', eventType: 'page_view' }],
        },
      ],
    },
  ])
  await using dom = { pool: createDomPool(), [Symbol.asyncDispose]: () => dom.pool.close() }
  const events: CapturedEvent[] = []
  const capture = createCapture({
    matcher: () => matcher,
    trust: compileTrust([]),
    reader: { dom: dom.pool, products: createProductCache() },
    onEvent: (event) => Promise.resolve(events.push(event)),
    onSkip: () => undefined,
    onFault: (error) => {
      throw error
    },
  })
  let looks = 0
  const rawHeaders = ['Host', 'shop.example.com', 'User-Agent', 'Mozilla/5.0 Firefox/140.0', 'Cookie', '']
  Object.defineProperty(rawHeaders, 5, {
    get: () => {
      looks += 1
      return 'euconsent-v2=CQlH_MAQlH_MAAKACBENEsFgAMOAAAAAAAYgF5wAQF5gAAAA'
    },
  })
  const begin = (target: string) =>
    capture.begin({
      method: 'GET',
      target,
      rawHeaders,
      remoteAddress: '192.0.2.1',
      secure: true,
      receivedAt: Date.parse('2026-11-20T10:00:00Z'),
    })

  expect(begin('/products/lamp')).toBeNull()
  expect(looks).toBe(0)

  const observation = begin('/thanks')
  observation?.responseHead({ status: 200, rawHeaders: ['Content-Type', 'text/html'] })
  observation?.chunk(Buffer.from('<title>Thanks</title>'))
  await observation?.end()
  await capture.idle()
  expect(looks).toBeGreaterThan(0)
  expect(events.map(({ event }) => [event.consent.source, event.consent.marketing])).toEqual([
    ['tcf', 'granted'],
  ])
})
