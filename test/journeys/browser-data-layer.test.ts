import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  chromiumIsThere,
  startChromium,
  userAgent,
  type Chromium,
  type Visitor,
} from '../support/chromium.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { startScene, visitorAddress, type Scene, type SceneOptions } from './scene.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

/** A real browser before a real gateway: what a page's own pixel sends, and what a page's policy lets run. */

const order = (head: string, body = ''): string =>
  `<!doctype html><html><head>${head}<script type="application/ld+json">${JSON.stringify({
    '@type': 'Order',
    orderNumber: 'A-1',
    price: '129.90',
    priceCurrency: 'EUR',
  })}</script></head><body><h1>Thank you</h1>${body}</body></html>`

/** As the README has it. */
const pixel = (address: string): string => `<script>
  window.dataLayer = window.dataLayer || []
  addEventListener('DOMContentLoaded', function () {
    var done = dataLayer.find(function (entry) { return entry.event === 'purchase' && entry.event_id })
    if (done) new Image().src = '${address}/tr?ev=Purchase&eid=' + done.event_id + '&v=' + done.value
  })
</script>`

type DataLayer = NonNullable<NonNullable<SceneOptions['site']>['dataLayer']>

const header = 'content-security-policy'
const type = { 'content-type': 'text/html; charset=utf-8' }

describe.skipIf(!chromiumIsThere)(
  'in Chromium (skipped where there is none; CHROMIUM_PATH names one)',
  () => {
    let chromium: Chromium
    beforeAll(async () => {
      chromium = await startChromium()
    })
    afterAll(() => chromium[Symbol.asyncDispose]())

    const sceneOf = (
      answer: (req: IncomingMessage, res: ServerResponse) => void,
      dataLayer: DataLayer = { enabled: true },
    ): Promise<Scene> => startScene({ origin: answer, site: { dataLayer: dataLayer } })

    const visit = async (it: Scene): Promise<Visitor> =>
      chromium.visitor({
        headers: { 'x-forwarded-for': visitorAddress },
        cookies: { url: it.gateway.url, values: { _sw_consent: 'all' } },
      })

    const layerOf = (visitor: Visitor): Promise<readonly Record<string, unknown>[]> =>
      visitor.page.evaluate('JSON.parse(JSON.stringify(window.dataLayer || []))') as Promise<
        readonly Record<string, unknown>[]
      >

    test('the page’s pixel sends the id that the platform got from the gateway, on every reload', async () => {
      const sent: string[] = []
      await using tr = await startServer((req, res) => {
        sent.push(req.url ?? '')
        res.end()
      })
      await using it = await sceneOf((_req, res) => {
        res.writeHead(200, { ...type, 'content-encoding': 'gzip' })
        res.end(gzipSync(order(pixel(tr.url))))
      })
      await using visitor = await visit(it)
      await visitor.page.goto(`${it.gateway.url}/order-received/A-1`)
      const [event] = await until(
        () => it.meta.received,
        (received) => received.length === 1,
      )
      await until(
        () => sent,
        (seen) => seen.length === 1,
      )
      await visitor.page.reload()
      await until(
        () => sent,
        (seen) => seen.length === 2,
      )
      const wanted = `/tr?ev=Purchase&eid=${event?.event_id}&v=129.9`
      expect(sent).toEqual([wanted, wanted])
      expect(event).toMatchObject({ event_name: 'Purchase', user_data: { client_user_agent: userAgent } })
      expect(visitor.errors).toEqual([])
      expect(await it.settled(1)).toHaveLength(1)
      expect(it.meta.received).toHaveLength(1)
      // The document is what the origin sent, and nothing beside it.
      expect(await visitor.page.evaluate('document.body.lastElementChild.outerHTML')).toBe(
        '<h1>Thank you</h1>',
      )
    })

    test.each<[name: string, policy: string]>([
      ['no script of the page but by its nonce', "script-src 'nonce-r4nd0m'; object-src 'none'"],
      [
        'the strict form of it',
        "script-src 'nonce-r4nd0m' 'strict-dynamic' https: 'unsafe-inline'; base-uri 'none'",
      ],
      ['files of the site only', "default-src 'self'; base-uri *"],
      [
        'its nonce and, in a second policy, files of the site',
        "script-src 'nonce-r4nd0m', script-src 'self'",
      ],
      ['only what is to be found by hash', ''],
    ])('a policy that permits %s lets the script run, and reports nothing', async (_, written) => {
      const { loader } = await import('../../src/capture/data-layer/script.ts')
      const policy = written === '' ? `script-src '${loader.integrity}'` : written
      await using it = await sceneOf((_req, res) => {
        res.writeHead(200, { ...type, [header]: policy })
        // A page may say that its addresses are another's.
        res.end(order(policy.includes('base-uri *') ? '<base href="http://elsewhere.invalid/">' : ''))
      })
      await using visitor = await visit(it)
      await visitor.page.goto(`${it.gateway.url}/order-received/A-1`)
      const [event] = await it.settled(1)
      expect(await layerOf(visitor)).toMatchObject([
        { event: 'purchase', event_id: event?.eventId, value: 129.9 },
      ])
      expect(visitor.console.filter((line) => /policy/i.test(line))).toEqual([])
      expect(it.gateway.counts().dataLayer).toEqual({ 'shop/pushed': 1 })
    })

    test.each<[name: string, headers: Record<string, string>, head: string]>([
      ['in its head', { [header]: "script-src 'none'" }, ''],
      ['in a meta tag', {}, `<meta http-equiv="${header}" content="script-src 'none'">`],
    ])(
      'a page whose policy %s permits no script is left as it is, and so is its console',
      async (_, headers, head) => {
        const html = order(head)
        await using it = await sceneOf((_req, res) => {
          res.writeHead(200, { ...type, ...headers })
          res.end(html)
        })
        await using visitor = await visit(it)
        const answer = await visitor.page.goto(`${it.gateway.url}/order-received/A-1`)
        await it.settled(1)
        expect(await answer?.text()).toBe(html)
        expect(visitor.console.filter((line) => /policy/i.test(line))).toEqual([])
        expect(it.gateway.counts().dataLayer).toEqual({ 'shop/policy': 1 })
      },
    )

    test('a page in UTF-16 runs the script, too', async () => {
      await using it = await sceneOf((_req, res) => {
        res.writeHead(200, { 'content-type': 'text/html' })
        res.end(Buffer.from(`\ufeff${order('')}`, 'utf16le'))
      })
      await using visitor = await visit(it)
      await visitor.page.goto(`${it.gateway.url}/order-received/A-1`)
      const [event] = await it.settled(1)
      expect(await layerOf(visitor)).toMatchObject([{ event_id: event?.eventId }])
    })

    test('a page that wants no byte added reads the id of its Server-Timing', async () => {
      await using it = await sceneOf(
        (_req, res) => {
          res.writeHead(200, type)
          res.end(order(''))
        },
        { serverTiming: true },
      )
      await using visitor = await visit(it)
      await visitor.page.goto(`${it.gateway.url}/order-received/A-1`)
      const [event] = await it.settled(1)
      expect(
        await visitor.page.evaluate(
          "performance.getEntriesByType('navigation')[0].serverTiming.find(({ name }) => name === 'sluice-purchase').description",
        ),
      ).toBe(event?.eventId)
      expect(await layerOf(visitor)).toEqual([])
    })
  },
)
