import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { chromiumIsThere, startChromium, type Chromium, type Visitor } from '../support/chromium.ts'
import { until } from '../support/until.ts'
import { purchase, startScene, thanksPage, visitorAddress, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

/** A thank-you page is looked at in many ways, some of which ask for nothing; what a browser really sends, and what counts. */

const thanks = '/order-received/A-1'

interface Shop extends Scene {
  /** What the shop was asked for the thank-you page, in order: `opened`, `reloaded`, or its `Sec-Purpose`. */
  readonly asked: readonly string[]
}

const kindOf = ({ headers }: IncomingMessage): string =>
  headers['sec-purpose'] !== undefined
    ? String(headers['sec-purpose'])
    : headers['cache-control'] === undefined
      ? 'opened'
      : 'reloaded'

const startShop = async (
  options: { readonly front?: string; readonly caching?: string; readonly prefetch?: boolean } = {},
): Promise<Shop> => {
  const { front = '', caching = 'private, no-cache', prefetch } = options
  const asked: string[] = []
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url === '/favicon.ico') {
      response.writeHead(404).end()
      return
    }
    if (request.url === thanks) asked.push(kindOf(request))
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': caching })
    const shown = `<script>
      var shown = []
      addEventListener('pageshow', ({ persisted }) => shown.push(persisted ? 'from memory' : 'loaded'))
    </script>`
    const page =
      request.url === thanks
        ? thanksPage('A-1', { email: 'ann@example.com', phone: '' })
        : `<!doctype html><html><head>${front}</head><body></body></html>`
    response.end(
      page.replace(
        '</body>',
        `${shown}<a id="buy" href="${thanks}">Buy</a><a id="on" href="/next">On</a></body>`,
      ),
    )
  }
  const scene = await startScene({
    origin: answer,
    rules: [prefetch === undefined ? purchase : { ...purchase, prefetch }],
  })
  return Object.assign(scene, { asked })
}

/** What takes a page away must not take along the answer to the one who asked for it. */
const leaveBy = (page: Page, act: string): Promise<unknown> => page.evaluate(`void setTimeout(() => ${act})`)

const follow = async (page: Page, link: string, to: string): Promise<void> => {
  await leaveBy(page, `document.querySelector('${link}').click()`)
  await arrived(page, to)
}

/** By what the page itself says: one that was rendered ahead, or kept in memory, is not navigated to in the eyes of the driver. */
const arrived = (page: Page, path: string): Promise<unknown> =>
  until(
    // Between two pages there is nothing to ask.
    () =>
      page
        .evaluate('!document.prerendering && document.readyState === "complete" && location.pathname')
        .catch(() => ''),
    (now) => now === path,
  )

const speculation = (how: 'prefetch' | 'prerender'): string =>
  `<script type="speculationrules">{"${how}":[{"urls":["${thanks}"],"eagerness":"immediate"}]}</script>`
const ahead: readonly (readonly [name: string, head: string, purpose: string])[] = [
  ['prefetched by a link', `<link rel="prefetch" href="${thanks}">`, 'prefetch'],
  ['prefetched by speculation rules', speculation('prefetch'), 'prefetch'],
  ['prerendered', speculation('prerender'), 'prefetch;prerender'],
]

describe.skipIf(!chromiumIsThere)(
  'in Chromium (skipped where there is none; CHROMIUM_PATH names one)',
  () => {
    let chromium: Chromium
    beforeAll(async () => {
      chromium = await startChromium()
    })
    afterAll(() => chromium[Symbol.asyncDispose]())

    const enter = async (it: Scene): Promise<Visitor> => {
      const visitor = await chromium.visitor({
        headers: { 'x-forwarded-for': visitorAddress },
        cookies: { url: it.gateway.url, values: { _sw_consent: 'all', _ga: 'GA1.1.1234567890.1763632800' } },
      })
      await visitor.page.goto(`${it.gateway.url}/`)
      return visitor
    }
    const shown = (page: Page, wanted: readonly string[]): Promise<unknown> =>
      until(
        () => page.evaluate('shown'),
        (seen) => JSON.stringify(seen) === JSON.stringify(wanted),
      )
    /** Until the shop has been asked for the page ahead of anybody's click. */
    const loadedAhead = (it: Shop): Promise<unknown> =>
      until(
        () => it.asked,
        (asked) => asked.length > 0,
      )

    const countedOnce = async (it: Shop, duplicates: number): Promise<void> => {
      await until(it.events, ([event]) => event?.duplicates === duplicates)
      const [order, ...more] = await it.settled(1)
      expect(more).toEqual([])
      expect(order).toMatchObject({ orderId: 'A-1', duplicates })
      expect([it.meta, it.ga4, it.hook].map(({ received }) => received.length)).toEqual([1, 1, 1])
      expect(it.meta.requests).toHaveLength(1)
    }

    test('back and forward to a page that the browser keeps in memory ask for nothing: once', async () => {
      await using it = await startShop()
      await using visitor = await enter(it)
      const { page } = visitor
      await follow(page, '#buy', thanks)
      await follow(page, '#on', '/next')
      await leaveBy(page, 'history.back()')
      await arrived(page, thanks)
      await shown(page, ['loaded', 'from memory'])
      await leaveBy(page, 'history.back()')
      await arrived(page, '/')
      await leaveBy(page, 'history.forward()')
      await arrived(page, thanks)
      await shown(page, ['loaded', 'from memory', 'from memory'])
      expect(it.asked).toEqual(['opened'])
      await countedOnce(it, 0)
    })

    test('back to a page with no-store, which some browsers ask for anew and some do not: once', async () => {
      await using it = await startShop({ caching: 'no-store' })
      await using visitor = await enter(it)
      const { page } = visitor
      await follow(page, '#buy', thanks)
      await page.evaluate('window.left = true')
      await follow(page, '#on', '/next')
      await leaveBy(page, 'history.back()')
      await arrived(page, thanks)
      const fromMemory = await page.evaluate('window.left === true')
      expect(it.asked).toEqual(fromMemory ? ['opened'] : ['opened', 'opened'])
      await countedOnce(it, it.asked.length - 1)
    })

    test('reloads, and the link followed again: once', async () => {
      await using it = await startShop()
      await using visitor = await enter(it)
      const { page } = visitor
      await follow(page, '#buy', thanks)
      await page.reload()
      await follow(page, '#on', '/next')
      await follow(page, '#buy', thanks)
      expect(it.asked).toEqual(['opened', 'reloaded', 'opened'])
      await countedOnce(it, 2)
    })

    test.each(ahead)('a thank-you page %s and never opened does not count', async (_, front, purpose) => {
      await using it = await startShop({ front })
      await using visitor = await enter(it)
      await loadedAhead(it)
      expect(it.gateway.counts().skipped).toEqual({ 'shop/prefetch': 1 })
      expect(it.asked).toEqual([purpose])
      expect(visitor.errors).toEqual([])
      expect(await it.events()).toEqual([])
    })

    test.each(ahead.slice(1))(
      'one %s and opened from there makes no request, so it counts when it is loaded anew: once',
      async (_, front, purpose) => {
        await using it = await startShop({ front })
        await using visitor = await enter(it)
        const { page } = visitor
        await loadedAhead(it)
        await follow(page, '#buy', thanks)
        expect(it.asked).toEqual([purpose])
        await page.reload()
        expect(it.asked).toEqual([purpose, 'reloaded'])
        await countedOnce(it, 0)
      },
    )

    test.each(ahead)(
      'one %s, with "prefetch": false in its rule, counts when it is opened: once',
      async (_, front) => {
        await using it = await startShop({ front, prefetch: false })
        await using visitor = await enter(it)
        const { page } = visitor
        await until(
          () => it.gateway.counts().skipped,
          (skipped) => skipped['shop/prefetch'] === 1,
        )
        expect(it.asked).toEqual([])
        await follow(page, '#buy', thanks)
        expect(it.asked).toEqual(['opened'])
        await page.reload()
        await countedOnce(it, 1)
      },
    )
  },
)
