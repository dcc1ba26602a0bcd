import { load } from 'cheerio'
import { describe, expect, test, vi } from 'vitest'
import type { Amendment, ResponseHead } from '../../../src/capture/capture.ts'
import { compileTrust } from '../../../src/capture/client-address.ts'
import type { DataLayerWish } from '../../../src/capture/data-layer/layer.ts'
import { compileMatcher } from '../../../src/capture/match.ts'
import { createCapture } from '../../../src/capture/observe.ts'
import { createDomPool } from '../../../src/capture/page/dom-pool.ts'
import { createProductCache } from '../../../src/capture/product-cache.ts'
import type { Action, Rule } from '../../../src/capture/rules.ts'
import type { CapturedEvent } from '../../../src/event/event.ts'
import { jsonLd } from '../page/read.ts'

vi.setConfig({ testTimeout: 30_000 })

/** Capture on its own: what it asks its host to add is read here. */

const html: ResponseHead = {
  status: 200,
  rawHeaders: ['Content-Type', 'text/html', 'Cache-Control', 'private'],
}
const browser = ['Host', 'shop.example.com', 'User-Agent', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0']

const wished: DataLayerWish = {
  enabled: true,
  variableName: 'dataLayer',
  externalDataLayerName: null,
  eventMapping: {},
  serverTiming: false,
}

const rule = (eventType: string, action: Partial<Action> = {}, over: Partial<Rule> = {}): Rule => ({
  id: eventType,
  match: { path: '/**' },
  actions: [{ type: 'fire_conversion_event', eventType, ...action }],
  ...over,
})

const order = `<!doctype html><html>${jsonLd({ '@type': 'Order', orderNumber: 'A-1', price: '129.90', priceCurrency: 'EUR' })}</html>`

/** By which a reload is known. */
const known = ['Cookie', '_fbp=fb.1.1763632800000.1234567890']

interface Told {
  readonly amendment: Amendment | null
  readonly events: readonly CapturedEvent[]
  /** What the page's own scripts would find; `null`: nothing follows the page. */
  readonly entries: readonly Readonly<Record<string, unknown>>[] | null
  readonly tail: string
  readonly results: readonly string[]
  readonly serverTiming: readonly string[]
  /** Whether the host is to wait for the commit. */
  readonly waits: boolean
}

const visit = async (
  rules: readonly Rule[],
  page: string,
  {
    wish = {},
    answer = html,
    target = '/order/A-1?mail=jo@example.org',
    headers = [],
    commits = true,
    reads = true,
  }: {
    readonly wish?: Partial<DataLayerWish>
    readonly answer?: ResponseHead
    readonly target?: string
    readonly headers?: readonly string[]
    /** Whether the store answers. */
    readonly commits?: boolean
    /** Whether the page is read before its tail is asked for. */
    readonly reads?: boolean
  } = {},
): Promise<Told> => {
  const events: CapturedEvent[] = []
  const results: string[] = []
  const faults: unknown[] = []
  await using dom = { pool: createDomPool(), [Symbol.asyncDispose]: () => dom.pool.close() }
  const capture = createCapture({
    matcher: () =>
      compileMatcher([
        { id: 'shop', hosts: ['shop.example.com'], origin: 'http://127.0.0.1:9', rules: [...rules] },
      ]),
    trust: compileTrust([]),
    reader: { dom: dom.pool, products: createProductCache() },
    onEvent: (event) => {
      events.push(event)
      return commits ? Promise.resolve() : new Promise(() => {})
    },
    onSkip: () => {},
    dataLayerOf: () => ({ ...wished, ...wish }),
    onDataLayer: ({ site, result }) => results.push(`${site}/${result}`),
    onFault: (error) => faults.push(error),
  })
  const observation = capture.begin({
    method: 'GET',
    target,
    rawHeaders: [...browser, ...headers],
    remoteAddress: '8.8.8.8',
    secure: true,
    receivedAt: Date.parse('2026-11-20T10:00:00Z'),
  })
  const amendment = observation?.responseHead(answer) ?? null
  const bytes = Buffer.from(page)
  observation?.chunk(bytes)
  amendment?.page?.passed(bytes)
  const commit = observation?.end() ?? null
  if (reads) await capture.idle()
  if (commits && reads) await commit
  const added = amendment?.page?.tail() ?? null
  const tail = added === null ? '' : Buffer.from(added).toString('latin1')
  const inline = /\(window,document,\[.*?\],(\[.*\])\)<\/script>$/.exec(tail)?.[1]
  const attribute = load(tail)('script').attr('data-entries')
  await capture.idle()
  expect(faults).toEqual([])
  const fields = amendment?.fields ?? []
  return {
    amendment,
    events,
    entries: added === null ? null : JSON.parse(inline ?? attribute ?? 'null'),
    tail,
    results,
    serverTiming: fields.filter((_, index) => fields[index - 1] === 'Server-Timing'),
    waits: commit !== null,
  }
}

describe('a page that fires', () => {
  test('is told the id, the value and the currency of its event', async () => {
    const { entries, events, results, waits } = await visit([rule('purchase')], order)
    expect(entries).toEqual([
      { event: 'purchase', event_id: events[0]?.event.id, value: 129.9, currency: 'EUR', order_id: 'A-1' },
    ])
    expect(events[0]?.event.id).toMatch(/^[0-9a-f]{32}$/)
    expect(results).toEqual(['shop/pushed'])
    expect(waits).toBe(true)
  })

  test('is told the same id when it is opened again', async () => {
    const [first, again] = [await visit([rule('purchase')], order), await visit([rule('purchase')], order)]
    expect(again.entries).toEqual(first.entries)
  })

  test('is told of every event, under the names the site gave them, those that travel in batches among them', async () => {
    const { entries, events, waits } = await visit([rule('page_view'), rule('purchase')], order, {
      wish: { eventMapping: { purchase: 'sluice_purchase' } },
    })
    expect(entries?.map(({ event }) => event)).toEqual(['page_view', 'sluice_purchase'])
    expect(entries?.map(({ event_id: id }) => id)).toEqual(events.map(({ event }) => event.id))
    expect(new Set(entries?.map(({ event_id: id }) => id)).size).toBe(2)
    expect(waits).toBe(true)
    expect((await visit([rule('page_view')], order)).waits).toBe(true)
    expect((await visit([rule('page_view')], order, { wish: { enabled: false } })).waits).toBe(false)
  })

  test('is told nothing of a person, wherever a rule looks for facts', async () => {
    const page = `<!doctype html><html><title>Thanks, Jo Miller</title><p id=mail>jo@example.org</p><p id=name>Miller</p><p id=tel>+49 30 1234567</p></html>`
    const { entries, events, tail } = await visit(
      [
        rule('purchase', {
          extract: {
            email: { selector: '#mail' },
            lastName: { selector: '#name' },
            phone: { selector: '#tel' },
            externalId: { const: 'customer-77' },
            orderId: { query: 'mail' },
            contentIds: { const: ['lamp', 'for miller', 'customer-77', 'other@example.org'] },
            contentName: { selector: '#name' },
            contentType: { selector: '#mail' },
            searchString: { selector: '#tel' },
            value: { const: 5 },
          },
          set: { note: 'jo@example.org' },
        }),
      ],
      page,
    )
    expect(events[0]?.userData).toMatchObject({ email: 'jo@example.org', lastName: 'Miller' })
    expect(entries).toEqual([
      { event: 'purchase', event_id: events[0]?.event.id, value: 5, currency: 'EUR', content_ids: ['lamp'] },
    ])
    expect(tail).not.toMatch(/miller|example\.org|1234567|customer-77|81\.2|Firefox/i)
  })

  test('is told while its event still waits for the store, for the host’s patience has ended', async () => {
    const { entries, events, results } = await visit([rule('purchase')], order, { commits: false })
    expect(entries).toMatchObject([{ event_id: events[0]?.event.id }])
    expect(results).toEqual(['shop/pushed'])
  })

  test('that was not read in time is told nothing, and that is counted', async () => {
    const { entries, results, events } = await visit([rule('purchase')], order, { reads: false })
    expect(entries).toBeNull()
    expect(results).toEqual(['shop/late'])
    expect(events).toHaveLength(1)
  })

  test('is told of a lead the same id when it is reloaded', async () => {
    const lead = () => visit([rule('lead')], '<!doctype html><p>Thank you</p>', { headers: known })
    const [first, again] = [await lead(), await lead()]
    expect(first.entries).toEqual(again.entries)
    expect(first.entries).toMatchObject([{ event: 'lead', event_id: first.events[0]?.event.id }])
  })

  test('that lacks what its rule requires is told nothing', async () => {
    const { entries, results, events } = await visit([rule('purchase', { require: ['orderId'] })], '<html>')
    expect([entries, results, events]).toEqual([null, ['shop/incomplete'], []])
  })

  test('in a frame is told as well, where its rule counts it', async () => {
    const headers = ['Sec-Fetch-Dest', 'iframe', 'Sec-Fetch-Mode', 'navigate']
    const { results } = await visit([rule('purchase', {}, { frames: true })], order, { headers })
    expect(results).toEqual(['shop/pushed'])
  })

  test('has a second layer told as well', async () => {
    const { tail } = await visit([rule('purchase')], order, {
      wish: { externalDataLayerName: 'digitalData' },
    })
    expect(tail).toContain('["dataLayer","digitalData"]')
    const twice = await visit([rule('purchase')], order, { wish: { externalDataLayerName: 'dataLayer' } })
    expect(twice.tail).toContain('["dataLayer"]')
  })

  test('in UTF-16 is told in UTF-16', async () => {
    const utf16 = {
      status: 200,
      rawHeaders: ['Content-Type', 'text/html; charset=utf-16be', 'Cache-Control', 'no-store'],
    }
    const bytes = Buffer.from('<html>x', 'utf16le').swap16()
    const { tail } = await visit([rule('page_view')], bytes.toString('latin1'), { answer: utf16 })
    // The helper's page passes as UTF-8 text of these bytes, which are ASCII.
    expect(tail.startsWith('\0<\0s\0c\0r\0i\0p\0t\0>')).toBe(true)
  })
})

describe('left as it is, and counted, is', () => {
  const withPolicy = (policy: string): ResponseHead => ({
    ...html,
    rawHeaders: [...html.rawHeaders, 'Content-Security-Policy', policy],
  })
  test.each<[result: string, page: string, answer: ResponseHead]>([
    ['fragment', '<p>x</p>', html],
    ['open_markup', `${order}<!--`, html],
    ['charset', '<html><meta charset=iso-2022-jp>', html],
    ['policy', order, withPolicy("script-src 'none'")],
    ['policy', `<html><meta http-equiv=content-security-policy content="script-src 'none'">`, html],
    [
      'shared_cache',
      order,
      { ...html, rawHeaders: ['Content-Type', 'text/html', 'Cache-Control', 'public'] },
    ],
    ['not_html', order, { ...html, rawHeaders: ['Content-Type', 'application/xhtml+xml'] }],
    ['encoding', order, { ...html, rawHeaders: [...html.rawHeaders, 'Content-Encoding', 'compress'] }],
  ])('%s: %s', async (result, page, answer) => {
    const { entries, results, events } = await visit([rule('page_view')], page, { answer })
    expect(entries).toBeNull()
    expect(results).toEqual([`shop/${result}`])
    expect(events).toHaveLength(1)
  })

  test('what a script or a frame asked for, and a page that the browser has already', async () => {
    const fetched = await visit([rule('page_view', {}, { navigation: false })], order, {
      headers: ['Sec-Fetch-Dest', 'empty', 'Sec-Fetch-Mode', 'cors'],
    })
    expect([fetched.amendment, fetched.events.length]).toEqual([null, 1])
    const unchanged = await visit([rule('page_view')], '', { answer: { status: 304, rawHeaders: [] } })
    expect([unchanged.amendment, unchanged.events.length]).toEqual([null, 1])
  })
})

describe('Server-Timing', () => {
  const wish = { enabled: false, serverTiming: true }
  const timing = async (some: Rule, page = order) => {
    const { serverTiming, events, amendment } = await visit([some], page, {
      wish,
      headers: known,
      target: '/order/Q-9?order=Q-9',
    })
    expect(amendment?.page).toBeUndefined()
    return { serverTiming, id: events[0]?.event.id ?? '' }
  }
  const fromPath = { param: 'id' }
  const path = { match: { path: '/order/:id' } }

  test.each<[name: string, rule: Rule]>([
    ['an order number in the path', rule('purchase', { extract: { orderId: fromPath } }, path)],
    ['an order number in the query', rule('purchase', { extract: { orderId: { query: 'order' } } })],
    ['a fixed order number', rule('purchase', { set: { orderId: 'Z' } })],
    [
      'what is found before the page would be asked',
      rule('purchase', { extract: { orderId: [fromPath, { selector: 'p' }] } }, path),
    ],
    ['an event without any order', rule('page_view')],
    ['an event that takes nothing from the page', rule('lead', { enrich: 'off' })],
    [
      'a lead that a reload would repeat, worth what the rule says',
      rule('lead', { enrich: 'off', extract: { value: { const: 20 }, currency: { const: 'USD' } } }),
    ],
    [
      'what the rule requires and the request has',
      rule('purchase', { extract: { orderId: fromPath, value: { const: 1 } }, require: ['value'] }, path),
    ],
    ['an event whose number is not there', rule('page_view', { extract: { orderId: { query: 'none' } } })],
  ])('tells the id of %s, and it is the event’s', async (_, some) => {
    const { serverTiming, id } = await timing(some)
    expect(serverTiming).toEqual([`sluice-${some.actions[0]?.eventType};desc="${id}"`])
  })

  test.each<[name: string, rule: Rule]>([
    ['the page’s markup may bring', rule('purchase')],
    [
      'the page is asked for first',
      rule('purchase', { extract: { orderId: [{ jsonLd: 'Order.orderNumber' }, fromPath] } }, path),
    ],
    [
      'there is none, and whose worth, by which a reload is known, the page has',
      rule('lead', { enrich: 'off', extract: { value: { meta: 'price' } } }),
    ],
    [
      'there is none, and whose worth the page’s markup may bring',
      rule('My Event', { extract: { value: { const: 1 } } }),
    ],
    [
      'is known, while only the page has what the rule requires',
      rule('purchase', { extract: { orderId: fromPath }, require: ['value'] }, path),
    ],
    ['only the page has', rule('page_view', { extract: { orderId: { selector: 'p' } } })],
    [
      'is not where the rule looks, so that the page may bring it',
      rule('purchase', { extract: { orderId: { query: 'none' } } }),
    ],
  ])('keeps silent of an event whose order number %s', async (_, some) => {
    expect((await timing(some)).serverTiming).toEqual([])
  })

  test('has one metric for each event, and the page the same ids where it has both', async () => {
    const { serverTiming, entries, events, tail } = await visit(
      [rule('page_view'), rule('My Event', { enrich: 'off' }), rule('purchase')],
      order,
      { wish: { serverTiming: true, eventMapping: { page_view: 'seen' } } },
    )
    const ids = events.map(({ event }) => event.id)
    expect(serverTiming).toEqual([`sluice-seen;desc="${ids[0]}", sluice-My_Event;desc="${ids[1]}"`])
    expect(entries?.map(({ event_id: id }) => id)).toEqual(ids)
    expect(tail).not.toBe('')
  })

  test('is not given to a page that others may be given', async () => {
    const answer = { status: 200, rawHeaders: ['Content-Type', 'text/html', 'Cache-Control', 'max-age=60'] }
    expect((await visit([rule('page_view')], order, { wish, answer })).amendment).toBeNull()
  })
})
