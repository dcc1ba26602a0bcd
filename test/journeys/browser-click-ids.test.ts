import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { chromiumIsThere, startChromium, type Chromium, type Visitor } from '../support/chromium.ts'
import { banners, bannerShop, buy, choose, cookiesOf, type Banner } from './banner-shop.ts'
import { startScene, statusesOf, visitorAddress, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

/**
 * Somebody clicks an ad and meets a consent banner: the landing is asked for before anybody could consent, and what is kept
 * of the click hangs on what they say then. In the browser's own cookie jar.
 */

/** A name, for cookies of an address have no domain; see the browser's flags. */
const addressOf = (it: Scene): string => `http://www.example.com:${new URL(it.gateway.url).port}`

const scene = (banner: Banner): Promise<Scene> =>
  startScene({
    origin: bannerShop(banner),
    site: { consent: banner.consent, identity: { setCookies: true } },
  })

const landing = '/?fbclid=IwAR0click&gclid=CjwClick'
const dayS = 86_400

describe.skipIf(!chromiumIsThere)(
  'in Chromium (skipped where there is none; CHROMIUM_PATH names one)',
  () => {
    let chromium: Chromium
    beforeAll(async () => {
      chromium = await startChromium()
    })
    afterAll(() => chromium[Symbol.asyncDispose]())

    const land = async (it: Scene): Promise<Visitor> => {
      const visitor = await chromium.visitor({ headers: { 'x-forwarded-for': visitorAddress } })
      await visitor.page.goto(`${addressOf(it)}${landing}`)
      return visitor
    }
    const kept = async ({ page }: Visitor): Promise<readonly string[]> =>
      [...(await cookiesOf(page)).keys()].filter((name) => /^_(fbc|gcl|sw)/.test(name)).sort()

    describe.each(banners)('a click that lands on the banner of $name', (banner) => {
      test('accepted there: the next page keeps it, its order has it, and so has one of days later', async () => {
        await using it = await scene(banner)
        await using visitor = await land(it)
        const { page } = visitor
        expect(await kept(visitor)).toEqual([])
        await choose(page, banner, 'accept')
        await buy(page)

        const jar = await cookiesOf(page)
        expect(await kept(visitor)).toEqual(['_fbc', '_gcl_aw', '_sw_click'])
        expect(jar.get('_fbc')?.value).toMatch(/^fb\.1\.\d{13}\.IwAR0click$/)
        expect(jar.get('_gcl_aw')?.value).toMatch(/^GCL\.\d{10}\.CjwClick$/)
        expect(jar.get('_sw_click')?.value).toMatch(/^1:\d{10}!.*gclid:\d{13}:CjwClick/)
        for (const name of ['_fbc', '_gcl_aw', '_sw_click']) {
          const cookie = jar.get(name)
          expect(cookie).toMatchObject({ domain: '.example.com', path: '/', sameSite: 'Lax', secure: false })
          // What the tags write, the tags can read.
          expect(cookie?.httpOnly).toBe(name === '_sw_click')
          expect(((cookie?.expires ?? 0) - Date.now() / 1000) / dayS).toBeCloseTo(90, 0)
        }

        await page.goto(`${addressOf(it)}/order-received/A-2`)
        await it.settled(2)
        expect(
          it.meta.received.map(({ user_data, custom_data }) => [custom_data?.['order_id'], user_data['fbc']]),
        ).toEqual(['A-1', 'A-2'].map((order) => [order, jar.get('_fbc')?.value]))
        expect(it.hook.received.map(({ json }) => (json as { clickIds: unknown }).clickIds)).toEqual(
          Array.from({ length: 2 }, () => ({ fbclid: 'IwAR0click', gclid: 'CjwClick' })),
        )
      })

      test('refused there: nothing is kept, and no order tells of it', async () => {
        await using it = await scene(banner)
        await using visitor = await land(it)
        await choose(visitor.page, banner, 'refuse')
        await buy(visitor.page)
        const [order] = await it.settled(1)
        expect(await kept(visitor)).toEqual([])
        expect(Object.values(statusesOf(order))).toEqual(Array.from({ length: 3 }, () => 'consent_denied'))
        const bytes = await it.bytesOnDisk()
        expect(['IwAR0click', 'CjwClick'].filter((id) => bytes.includes(id))).toEqual([])
      })

      test('accepted, and taken back later: our own cookie goes, which no script could delete', async () => {
        await using it = await scene(banner)
        await using visitor = await land(it)
        const { page } = visitor
        await choose(page, banner, 'accept')
        await buy(page)
        expect(await kept(visitor)).toContain('_sw_click')
        await it.settled(1)

        await choose(page, banner, 'refuse')
        await page.goto(`${addressOf(it)}/order-received/A-2`)
        expect(await kept(visitor)).toEqual(['_fbc', '_gcl_aw'])
        const [second] = await it.settled(2)
        expect(Object.values(statusesOf(second))).toEqual(Array.from({ length: 3 }, () => 'consent_denied'))
        expect(it.meta.received.map(({ custom_data }) => custom_data?.['order_id'])).toEqual(['A-1'])
      })
    })
  },
)
