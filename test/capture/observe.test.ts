import { gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import type { Observation, RequestHead, ResponseHead } from '../../src/capture/capture.ts'
import { compileTrust } from '../../src/capture/client-address.ts'
import { compileMatcher } from '../../src/capture/match.ts'
import { createCapture } from '../../src/capture/observe.ts'
import { createDomPool } from '../../src/capture/page/dom-pool.ts'
import { createProductCache } from '../../src/capture/product-cache.ts'
import type { Rule, SiteTraffic } from '../../src/capture/rules.ts'
import type { CapturedEvent } from '../../src/event/event.ts'
import { jsonLd } from './page/read.ts'

vi.setConfig({ testTimeout: 20_000 })

const start = Date.parse('2026-11-20T10:00:00Z')
const browser = ['Host', 'shop.example.com', 'User-Agent', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0']
const html: ResponseHead = { status: 200, rawHeaders: ['Content-Type', 'text/html; charset=utf-8'] }

const rule = (
  id: string,
  eventType: string,
  over: Partial<Rule> = {},
  action: Partial<Rule['actions'][0]> = {},
): Rule => ({
  id,
  match: { path: '/**' },
  actions: [{ type: 'fire_conversion_event', eventType, ...action }],
  ...over,
})

const product = jsonLd({
  '@type': 'Product',
  sku: 'lamp',
  name: 'Harbour Lamp',
  offers: { price: '64.95', priceCurrency: 'EUR' },
})
const order = jsonLd({ '@type': 'Order', orderNumber: 'A-1', price: '129.90', priceCurrency: 'EUR' })

/** Capture on its own: what it is told is written here, what it says is kept. */
const startCapture = (
  rules: readonly Rule[],
  {
    onEvent,
    site = {},
  }: { onEvent?: (event: CapturedEvent) => Promise<unknown>; site?: Partial<SiteTraffic> } = {},
) => {
  const matcherOf = (some: readonly Rule[]) =>
    compileMatcher([
      { id: 'shop', hosts: ['shop.example.com'], origin: 'http://127.0.0.1:9', ...site, rules: [...some] },
    ])
  let matcher = matcherOf(rules)
  let now = start
  const events: CapturedEvent[] = []
  const skips: string[] = []
  const faults: unknown[] = []
  const dom = createDomPool()
  const capture = createCapture({
    matcher: () => matcher,
    trust: compileTrust([]),
    reader: { dom, products: createProductCache() },
    onEvent: (event) => {
      events.push(event)
      return onEvent?.(event) ?? Promise.resolve()
    },
    onSkip: (skip) => skips.push(`${skip.site}/${skip.rule}: ${skip.reason}`),
    onFault: (error) => faults.push(error),
  })
  const begin = (target: string, over: Partial<RequestHead> = {}): Observation | null =>
    capture.begin({
      method: 'GET',
      target,
      rawHeaders: browser,
      remoteAddress: '8.8.8.8',
      secure: true,
      receivedAt: (now += 1_000),
      ...over,
    })
  return {
    capture,
    events,
    skips,
    faults,
    begin,
    use: (some: readonly Rule[]) => {
      matcher = matcherOf(some)
    },
    /** A whole request and its answer; resolves when its events are handed over. */
    visit: async (
      target: string,
      body: string | Buffer,
      { answer = html, head = {} }: { answer?: ResponseHead; head?: Partial<RequestHead> } = {},
    ): Promise<Promise<void> | null> => {
      const observation = begin(target, head)
      observation?.responseHead(answer)
      const bytes = Buffer.from(body)
      for (let at = 0; at < bytes.length; at += 100) {
        const chunk = Buffer.from(bytes.subarray(at, at + 100))
        observation?.chunk(chunk)
        // The host may use its buffer again.
        chunk.fill(0)
      }
      const committed = observation?.end() ?? null
      await capture.idle()
      await committed
      return committed
    },
    [Symbol.asyncDispose]: () => dom.close(),
  }
}

describe('a request', () => {
  test('that no rule can fire for is not looked at again, and that is no skip', async () => {
    await using it = startCapture([rule('thanks', 'purchase', { match: { path: '/thanks' } })])
    expect(it.begin('/')).toBeNull()
    expect(it.begin('/thanks', { method: 'POST' })).toBeNull()
    expect(it.begin('/thanks', { rawHeaders: ['Host', 'other.example', ...browser.slice(2)] })).toBeNull()
    expect(it.begin('*', { method: 'OPTIONS' })).toBeNull()
    expect(it.begin('/thanks')).not.toBeNull()
    expect(it.skips).toEqual([])
  })

  test('of HEAD for a page that a rule is about opens nothing, and is a skip', async () => {
    await using it = startCapture([rule('thanks', 'purchase', { match: { path: '/thanks' } })])
    expect(it.begin('/thanks', { method: 'HEAD' })).toBeNull()
    expect(it.begin('/', { method: 'HEAD' })).toBeNull()
    expect(it.skips).toEqual(['shop/thanks: method'])
  })

  test('that nobody opened is counted for each rule that would have fired, with the reason', async () => {
    await using it = startCapture([
      rule('view', 'view_content'),
      rule('thanks', 'purchase', { match: { path: '/thanks' } }),
      rule('other', 'lead', { match: { path: '/other' } }),
    ])
    expect(
      it.begin('/thanks', { rawHeaders: ['Host', 'shop.example.com', 'User-Agent', 'Googlebot/2.1'] }),
    ).toBeNull()
    expect(it.begin('/x', { rawHeaders: [...browser, 'Sec-Purpose', 'prefetch'] })).toBeNull()
    expect(it.skips).toEqual(['shop/view: bot', 'shop/thanks: bot', 'shop/view: prefetch'])
  })

  test('of a script or a frame fires the rules that ask for it, and only those', async () => {
    await using it = startCapture([
      rule('page', 'view_content'),
      rule('any', 'search', { navigation: false }),
    ])
    const head = { rawHeaders: [...browser, 'Sec-Fetch-Dest', 'empty', 'Sec-Fetch-Mode', 'cors'] }
    await it.visit('/find?q=lamp', '{}', {
      head,
      answer: { status: 200, rawHeaders: ['Content-Type', 'application/json'] },
    })
    expect(it.events.map(({ event }) => event.ruleId)).toEqual(['any'])
    expect(it.skips).toEqual(['shop/page: not_document'])
  })

  test('with POST fires the rules that name it', async () => {
    await using it = startCapture([
      rule('sent', 'lead', { match: { path: '/contact', method: ['GET', 'POST'] } }),
      rule('seen', 'view_content', { match: { path: '/contact' } }),
    ])
    await it.visit('/contact', '<title>Sent</title>', { head: { method: 'POST' } })
    expect(it.events.map(({ event }) => event.ruleId)).toEqual(['sent'])
  })

  test('keeps the rules it began with', async () => {
    await using it = startCapture([rule('before', 'view_content')])
    const observation = it.begin('/')
    it.use([rule('after', 'view_content')])
    observation?.responseHead(html)
    expect(observation?.end()).toBeNull()
    await it.capture.idle()
    await it.visit('/', '')
    expect(it.events.map(({ event }) => event.ruleId)).toEqual(['before', 'after'])
  })
})

describe('an answer', () => {
  test.each<[name: string, answer: ResponseHead, reason: string]>([
    ['that is an error', { ...html, status: 404 }, 'status'],
    ['that is a part', { ...html, status: 206 }, 'status'],
    ['that is a redirect', { status: 302, rawHeaders: ['Location', '/'] }, 'status'],
    ['that is no page', { status: 200, rawHeaders: ['Content-Type', 'application/pdf'] }, 'content_type'],
    ['without a type', { status: 200, rawHeaders: [] }, 'content_type'],
    ['that the browser has', { status: 304, rawHeaders: [] }, 'not_modified'],
  ])('%s makes no order, and is counted', async (_name, answer, reason) => {
    await using it = startCapture([rule('order', 'purchase')])
    await it.visit('/thanks', order, { answer })
    expect(it.events).toEqual([])
    expect(it.skips).toEqual([`shop/order: ${reason}`])
  })

  test('that breaks off fires nothing, wherever it breaks, and is counted once for each rule', async () => {
    await using it = startCapture([rule('order', 'purchase'), rule('view', 'view_content')])
    it.begin('/a')?.abort()
    const late = it.begin('/b')
    late?.responseHead(html)
    late?.chunk(Buffer.from(order))
    late?.abort()
    await it.capture.idle()
    expect(it.events).toEqual([])
    expect(it.skips).toEqual([
      'shop/order: aborted',
      'shop/view: aborted',
      'shop/order: aborted',
      'shop/view: aborted',
    ])
    expect(late?.end()).toBeNull()
  })

  test('that breaks off is not counted for a rule that its status had excluded', async () => {
    await using it = startCapture([
      rule('gone', 'lead', { match: { path: '/**', status: 410 } }),
      rule('view', 'view_content'),
    ])
    const observation = it.begin('/')
    observation?.responseHead(html)
    observation?.abort()
    expect(it.skips).toEqual(['shop/gone: status', 'shop/view: aborted'])
  })

  test('without a head makes nothing', async () => {
    await using it = startCapture([rule('order', 'purchase')])
    expect(it.begin('/')?.end()).toBeNull()
    expect(it.events).toEqual([])
  })
})

describe('a page', () => {
  test('fires every rule that matches, each action of it, with one reading', async () => {
    await using it = startCapture([
      rule('order', 'purchase', {
        actions: [
          { type: 'fire_conversion_event', eventType: 'purchase', targets: ['meta'] },
          { type: 'fire_conversion_event', eventType: 'subscribe' },
        ],
      }),
      rule('view', 'page_view', {}, { enrich: 'off' }),
    ])
    await it.visit('/thanks', order)
    expect(it.events.map(({ event, targets }) => [event.ruleId, event.type, event.custom, targets])).toEqual([
      ['order', 'purchase', { value: 129.9, currency: 'EUR', orderId: 'A-1' }, ['meta']],
      ['order', 'subscribe', { value: 129.9, currency: 'EUR', orderId: 'A-1' }, null],
      ['view', 'page_view', {}, null],
    ])
    // The same order under another name is another event.
    expect(new Set(it.events.map(({ event }) => event.id)).size).toBe(3)
  })

  test('in pieces, compressed, and in buffers that are used again is read all the same', async () => {
    await using it = startCapture([rule('view', 'view_item')])
    await it.visit('/p/lamp', gzipSync(product), {
      answer: { status: 200, rawHeaders: [...html.rawHeaders, 'Content-Encoding', 'gzip'] },
    })
    expect(it.events[0]).toMatchObject({
      event: {
        type: 'view_content',
        name: 'view_item',
        occurredAt: start + 1_000,
        source: 'page',
        page: { url: 'https://shop.example.com/p/lamp' },
        custom: { value: 64.95, currency: 'EUR', contentIds: ['lamp'], contentName: 'Harbour Lamp' },
        visitor: { ip: '8.8.8.8' },
      },
      warnings: [],
    })
  })

  test('is searched as a whole for selectors and patterns, on a thread of its own', async () => {
    await using it = startCapture([
      rule(
        'order',
        'purchase',
        {},
        {
          extract: {
            orderId: { selector: '[data-order]', attribute: 'data-order' },
            value: [{ selector: '.nothing' }, { regex: 'Total: ([0-9,]+)' }],
            email: { selector: 'a[href^="mailto:"]' },
          },
        },
      ),
      rule('lead', 'lead', {}, { extract: { contentName: { selector: 'h1' } } }),
    ])
    await it.visit(
      '/thanks',
      '<h1>Thank you</h1><p data-order="B-7">Total: 12,50</p><a href="mailto:x">ann@example.com</a>',
    )
    expect(it.events[0]).toMatchObject({
      event: { custom: { orderId: 'B-7', value: 12.5, currency: 'EUR' } },
      userData: { email: 'ann@example.com' },
      sources: [
        { field: 'value', from: 'rule: regex Total: ([0-9,]+)' },
        { field: 'orderId', from: 'rule: selector [data-order] @data-order' },
        { field: 'email', from: 'rule: selector a[href^="mailto:"]' },
        { field: 'currency', from: 'default' },
      ],
      warnings: expect.arrayContaining(['currency_defaulted']),
    })
    expect(it.events[1]).toMatchObject({ event: { custom: { contentName: 'Thank you' } }, userData: {} })
    expect(JSON.stringify(it.events.map(({ event }) => event))).not.toContain('ann@example.com')
  })

  test('that no rule takes anything from is not kept', async () => {
    await using it = startCapture([
      rule(
        'order',
        'purchase',
        { match: { path: '/thanks/:id' } },
        { enrich: 'off', extract: { orderId: { param: 'id' } } },
      ),
    ])
    await it.visit('/thanks/Z-9', order)
    expect(it.events[0]?.event).toMatchObject({ custom: { orderId: 'Z-9' } })
    expect(it.events[0]?.event.page).not.toHaveProperty('title')
  })

  test('in a coding nobody here reads makes its event without it, and says so', async () => {
    await using it = startCapture([
      rule(
        'order',
        'purchase',
        { match: { path: '/thanks/:id' } },
        { extract: { orderId: { param: 'id' } } },
      ),
    ])
    await it.visit('/thanks/A-1', order, {
      answer: { status: 200, rawHeaders: [...html.rawHeaders, 'Content-Encoding', 'exi'] },
    })
    expect(it.events[0]).toMatchObject({
      event: { custom: { orderId: 'A-1' } },
      warnings: ['page_unsupported_encoding', 'page_not_read'],
    })
    expect(it.events[0]?.event.custom.value).toBeUndefined()
  })

  test('whose title or search words name somebody is told without them', async () => {
    await using it = startCapture([
      rule(
        'order',
        'purchase',
        {},
        {
          extract: {
            firstName: { selector: '#name' },
            searchString: { query: 'q' },
            email: { selector: '#mail' },
          },
        },
      ),
    ])
    const of = (title: string): string =>
      `<title>${title}</title><b id="name">Ann</b><b id="mail">ann@example.com</b>`
    await it.visit('/a?q=bob%40example.com', of('Thank you, Ann!'))
    await it.visit('/b?q=lamp', of('Receipt for ANN@example.com'))
    await it.visit('/c?q=lamp', of('Thank you'))
    expect(
      it.events.map(({ event, warnings }) => [
        event.page.title,
        event.custom.searchString,
        warnings.filter((one) => one.startsWith('person')),
      ]),
    ).toEqual([
      [undefined, undefined, ['person_in_title', 'person_in_search']],
      [undefined, 'lamp', ['person_in_title']],
      ['Thank you', 'lamp', []],
    ])
  })

  test('currency: the page’s, else the site’s, else EUR with a warning', async () => {
    const priced = '<p class="total">12.50</p>'
    const value = { value: { selector: '.total' } }
    await using bare = startCapture([rule('a', 'purchase', {}, { extract: value })])
    await bare.visit('/', priced)
    await using swiss = startCapture([rule('a', 'purchase', {}, { extract: value })], {
      site: { currency: 'CHF' },
    })
    await swiss.visit('/', priced)
    await swiss.visit('/', priced + order)
    expect(
      [...bare.events, ...swiss.events].map(({ event, warnings }) => [
        event.custom.currency,
        warnings.includes('currency_defaulted'),
      ]),
    ).toEqual([
      ['EUR', true],
      ['CHF', false],
      ['CHF', false],
    ])
  })
})

describe('a page that is not sent again (304)', () => {
  const unchanged: ResponseHead = { status: 304, rawHeaders: ['ETag', '"1"'] }

  test('counts as a view, with the facts of the time it was read', async () => {
    await using it = startCapture([rule('view', 'view_content')])
    await it.visit('/p/lamp?utm_source=x', product)
    await it.visit('/p/lamp', '', { answer: unchanged })
    const [first, second] = it.events
    expect(second?.event.custom).toEqual(first?.event.custom)
    expect(second?.event.custom).toMatchObject({ value: 64.95, contentIds: ['lamp'] })
    expect(second?.event.id).not.toBe(first?.event.id)
    expect(second?.warnings).toEqual(['product_from_cache:1s'])
  })

  test('counts without facts when it was never read, and says so', async () => {
    await using it = startCapture([rule('view', 'view_content')])
    await it.visit('/p/lamp', '', { answer: unchanged })
    expect(it.events[0]).toMatchObject({
      event: { type: 'view_content', custom: {} },
      warnings: ['page_not_read'],
    })
  })

  test('is no second order, nor is an order ever remembered', async () => {
    await using it = startCapture([
      rule('order', 'purchase', { match: { path: '/o/*' } }),
      rule('view', 'view_content'),
    ])
    await it.visit('/o/A-1', order + product)
    await it.visit('/o/A-1', '', { answer: unchanged })
    expect(it.events.map(({ event }) => event.type)).toEqual(['purchase', 'view_content', 'view_content'])
    expect(it.events[2]?.event.custom).toEqual({})
    expect(it.skips).toEqual(['shop/order: not_modified'])
  })

  test('a rule that also makes an order takes no price from another visit, in whatever order its actions stand', async () => {
    const both = rule('both', 'view_content', {
      match: { path: '/p/lamp', cookie: { buys: '*' } },
      actions: [
        { type: 'fire_conversion_event', eventType: 'view_content' },
        { type: 'fire_conversion_event', eventType: 'purchase' },
      ],
    })
    await using it = startCapture([
      rule('view', 'view_content', { match: { path: '/p/*', cookie: { buys: null } } }),
      both,
    ])
    await it.visit('/p/lamp', product)
    await it.visit('/p/lamp', product, {
      head: { rawHeaders: [...browser, 'Cookie', 'buys=1'] },
      answer: { status: 200, rawHeaders: [...html.rawHeaders, 'Content-Encoding', 'exi'] },
    })
    expect(it.events.map(({ event }) => [event.type, event.custom.value])).toEqual([
      ['view_content', 64.95],
      ['view_content', undefined],
      ['purchase', undefined],
    ])
  })
})

describe('the end of a page', () => {
  test('is worth waiting for when a real-time event is being committed, and for no other', async () => {
    const commit = Promise.withResolvers<void>()
    await using it = startCapture(
      [
        rule('order', 'purchase', { match: { path: '/thanks' } }),
        rule('view', 'view_content'),
        rule('own', 'Quiz done', { match: { path: '/quiz' } }),
      ],
      { onEvent: () => commit.promise },
    )
    const end = (target: string): Promise<void> | null => {
      const observation = it.begin(target)
      observation?.responseHead(html)
      observation?.chunk(Buffer.from(order))
      return observation?.end() ?? null
    }
    expect(end('/p/lamp')).toBeNull()
    // Nobody can say that a custom event may wait.
    expect(end('/quiz')).toBeInstanceOf(Promise)
    let committed = false
    const wait = end('/thanks')?.then(() => (committed = true))
    await it.capture.idle()
    expect(it.events).toHaveLength(5)
    expect(committed).toBe(false)
    commit.resolve()
    await wait
    expect(committed).toBe(true)
  })

  test('never rejects: an event that cannot be handed over is a fault of ours, and told', async () => {
    await using it = startCapture([rule('order', 'purchase')], {
      onEvent: () => Promise.reject(new Error('no room')),
    })
    await it.visit('/thanks', order)
    expect(it.faults).toEqual([new Error('no room')])
  })

  test('is behind the events of all pages once capture is idle', async () => {
    await using it = startCapture([
      rule('view', 'view_content', {}, { extract: { contentName: { selector: 'h1' } } }),
    ])
    for (let page = 0; page < 5; page += 1) {
      const observation = it.begin(`/p/${page}`)
      observation?.responseHead(html)
      observation?.chunk(Buffer.from(`<h1>Lamp ${page}</h1>`))
      expect(observation?.end()).toBeNull()
    }
    expect(it.events).toEqual([])
    await it.capture.idle()
    expect(it.events.map(({ event }) => event.custom.contentName)).toEqual([
      'Lamp 0',
      'Lamp 1',
      'Lamp 2',
      'Lamp 3',
      'Lamp 4',
    ])
  })
})

describe('a page that came again', () => {
  const withGa = { rawHeaders: [...browser, 'Cookie', '_ga=GA1.1.1234567890.1763632800'] }

  test('is the same lead and another view', async () => {
    await using it = startCapture([rule('lead', 'lead'), rule('view', 'page_view')])
    for (let look = 0; look < 3; look += 1) await it.visit('/thanks', '<p>Thank you</p>', { head: withGa })
    const ids = (type: string) =>
      it.events.filter(({ event }) => event.type === type).map(({ event }) => event.id)
    expect(ids('lead')).toHaveLength(3)
    expect(new Set(ids('lead')).size, 'one lead, which the intake takes once').toBe(1)
    expect(new Set(ids('page_view')).size).toBe(3)
  })

  test('is the same order whatever the browser', async () => {
    await using it = startCapture([rule('order', 'purchase')])
    await it.visit('/thanks', order, { head: withGa })
    await it.visit('/thanks?from=mail', order)
    expect(new Set(it.events.map(({ event }) => event.id)).size).toBe(1)
  })
})

describe('a page that lacks what the rule requires', () => {
  test('fires nothing, and says so; another action of the rule fires all the same', async () => {
    await using it = startCapture([
      rule('order', 'purchase', {
        match: { path: '/**', method: 'POST' },
        actions: [
          { type: 'fire_conversion_event', eventType: 'purchase', require: ['orderId', 'value'] },
          { type: 'fire_conversion_event', eventType: 'initiate_checkout' },
        ],
      }),
    ])
    await it.visit('/checkout', '<form>Please name your street</form>', { head: { method: 'POST' } })
    expect(it.events.map(({ event }) => event.type)).toEqual(['initiate_checkout'])
    expect(it.skips).toEqual(['shop/order: incomplete'])
    await it.visit('/checkout', order, { head: { method: 'POST' } })
    expect(it.events.map(({ event }) => event.type)).toContain('purchase')
    expect(it.skips).toHaveLength(1)
    expect(it.faults).toEqual([])
  })

  test('what a person gave counts as a fact', async () => {
    await using it = startCapture([
      rule('lead', 'lead', {}, { extract: { email: { selector: '#email' } }, require: ['email'] }),
    ])
    await it.visit('/thanks', '<p id="email">ann@example.com</p>')
    await it.visit('/thanks', '<p>Thank you</p>')
    expect(it.events).toHaveLength(1)
    expect(it.skips).toEqual(['shop/lead: incomplete'])
  })
})

test("who is the site's own, or at work on it, is told per site", async () => {
  await using it = startCapture([rule('view', 'page_view')], {
    site: {
      monitoring: { addresses: ['8.8.4.4'] },
      previews: { query: { draft: '*' } },
      bots: { allow: ['curl'] },
    },
  })
  await it.visit('/a', '', { head: { remoteAddress: '8.8.4.4' } })
  await it.visit('/a?draft', '')
  await it.visit('/a', '', { head: { rawHeaders: ['Host', 'shop.example.com', 'User-Agent', 'curl/8.5.0'] } })
  expect(it.skips).toEqual(['shop/view: monitoring', 'shop/view: preview'])
  expect(it.events).toHaveLength(1)
})
