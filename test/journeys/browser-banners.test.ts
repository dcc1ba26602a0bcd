import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { ConsentState } from '../../src/event/consent.ts'
import { startTiktok, type TiktokPlatform } from '../platforms/tiktok.ts'
import { chromiumIsThere, startChromium, type Chromium } from '../support/chromium.ts'
import { until } from '../support/until.ts'
import {
  banners,
  bannerShop,
  buy,
  choose,
  customer,
  tagIds,
  type Banner,
  type Choice,
} from './banner-shop.ts'
import { purchase, secrets, startScene, statusesOf, visitorAddress, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

/** What somebody clicks in a real banner, and who then hears of their order. */

interface Shop extends Scene {
  readonly tiktok: TiktokPlatform
}

const startBannerShop = async (
  banner: Pick<Banner, 'head' | 'files' | 'consent'>,
  { open = true }: { readonly open?: boolean } = {},
): Promise<Shop> => {
  const tiktok = await startTiktok({ pixelCode: 'C0PIXELTEST', accessToken: secrets.TIKTOK_TOKEN })
  const scene = await startScene({
    origin: bannerShop(banner),
    site: { consent: banner.consent },
    rules: [purchase],
    integrations: { hook: open ? { consent: { required: false } } : null },
    furtherIntegrations: [
      {
        id: 'tiktok',
        platform: 'tiktok',
        config: { pixelCode: 'C0PIXELTEST', accessToken: { $env: 'TIKTOK_TOKEN' } },
        endpoint: tiktok.url,
        consent: { whenDenied: open ? 'flag' : 'drop' },
      },
    ],
  })
  const end = scene[Symbol.asyncDispose].bind(scene)
  return Object.assign(scene, {
    tiktok,
    [Symbol.asyncDispose]: async () => {
      await end()
      await tiktok[Symbol.asyncDispose]()
    },
  })
}

/** What each platform has got: how many, and of TikTok in which form. */
const received = ({ meta, ga4, tiktok, hook }: Shop) => ({
  meta: meta.received.length,
  ga4: ga4.received.length,
  tiktok: tiktok.received.map((event) => (event['limited_data_use'] === true ? 'flagged' : 'whole')),
  hook: hook.received.length,
})

type Received = ReturnType<typeof received>
type Step = Choice | 'buy'

interface Row {
  readonly name: string
  readonly steps: readonly Step[]
  readonly headers?: Readonly<Record<string, string>>
  readonly outcome: Received
  readonly found: Partial<ConsentState>
}

const everybody: Received = { meta: 1, ga4: 1, tiktok: ['whole'], hook: 1 }
/** TikTok is asked to take refusals in its own form, and the webhook asks for no consent. */
const refused: Received = { meta: 0, ga4: 0, tiktok: ['flagged'], hook: 1 }
const granted = { analytics: 'granted', marketing: 'granted', explicit: true } as const
const denied = { analytics: 'denied', marketing: 'denied', explicit: true } as const

const rows: readonly Row[] = [
  { name: 'accepts', steps: ['accept', 'buy'], outcome: everybody, found: granted },
  { name: 'refuses', steps: ['refuse', 'buy'], outcome: refused, found: denied },
  {
    name: 'accepts analytics only',
    steps: ['part', 'buy'],
    outcome: { ...refused, ga4: 1 },
    found: { ...denied, analytics: 'granted' },
  },
  {
    name: 'leaves it alone',
    steps: ['buy'],
    outcome: { meta: 0, ga4: 0, tiktok: [], hook: 1 },
    found: { analytics: 'unknown', marketing: 'unknown', source: 'none' },
  },
  {
    name: 'accepts, and withdraws before buying',
    steps: ['accept', 'refuse', 'buy'],
    outcome: refused,
    found: denied,
  },
  {
    name: 'accepts, in a browser that sends Sec-GPC',
    steps: ['accept', 'buy'],
    headers: { 'sec-gpc': '1' },
    outcome: { ...refused, ga4: 1 },
    found: { analytics: 'granted', marketing: 'denied', gpc: true },
  },
]

const consentOf = (facts: string | undefined): ConsentState =>
  (JSON.parse(facts ?? '{}') as { readonly consent: ConsentState }).consent

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Everything by which this customer could be found again. */
const traces = [
  customer.email,
  hashOf(customer.email),
  hashOf('14155550134'),
  hashOf('+14155550134'),
  visitorAddress,
  tagIds.fbp,
  tagIds.ga,
  'Chrome/142',
]
const tracesOn = async (it: Scene): Promise<readonly string[]> => {
  const bytes = await it.bytesOnDisk()
  return traces.filter((trace) => bytes.includes(trace))
}

describe.skipIf(!chromiumIsThere)(
  'in Chromium (skipped where there is none; CHROMIUM_PATH names one)',
  () => {
    let chromium: Chromium
    beforeAll(async () => {
      chromium = await startChromium()
    })
    afterAll(() => chromium[Symbol.asyncDispose]())

    const enter = async (it: Scene, headers: Readonly<Record<string, string>> = {}) => {
      const visitor = await chromium.visitor({ headers: { 'x-forwarded-for': visitorAddress, ...headers } })
      await visitor.page.goto(`${it.gateway.url}/`)
      return visitor
    }

    describe.each(banners)('a visitor who meets the banner of $name', (banner) => {
      test.each(rows)('and $name', async ({ steps, headers, outcome, found }) => {
        await using it = await startBannerShop(banner)
        await using visitor = await enter(it, headers)
        for (const step of steps)
          await (step === 'buy' ? buy(visitor.page) : choose(visitor.page, banner, step))
        const [order, ...more] = await it.settled(1)
        expect(more).toEqual([])
        expect(received(it)).toEqual(outcome)
        expect(consentOf(order?.facts)).toMatchObject(found)
        expect(order).toMatchObject({ orderId: 'A-1', duplicates: 0, holdsPersonalData: false })
        expect(statusesOf(order)).toEqual({
          meta: outcome.meta === 1 ? 'sent' : 'consent_denied',
          ga4: outcome.ga4 === 1 ? 'sent' : 'consent_denied',
          tiktok: outcome.tiktok.length === 1 ? 'sent' : 'consent_denied',
          hook: 'sent',
        })
        for (const event of it.tiktok.received)
          expect(Object.keys(event.user).includes('email')).toBe(!outcome.tiktok.includes('flagged'))
        expect(it.ga4.ignored).toEqual([])
        expect(visitor.errors).toEqual([])
        await it.stop()
        expect(await tracesOn(it)).toEqual([])
      })

      test('and refuses, buys, accepts on the thank-you page and sees it again: the order is delivered then, once', async () => {
        await using it = await startBannerShop(banner)
        await using visitor = await enter(it)
        const { page } = visitor
        await choose(page, banner, 'refuse')
        await buy(page)
        await it.settled(1)
        expect(received(it)).toEqual(refused)

        await choose(page, banner, 'accept')
        // The first of them completes the order, the second is a repeat.
        for (let look = 0; look < 2; look += 1) await page.reload()
        const [order, ...more] = await until(
          () => it.settled(1),
          ([event]) => event?.duplicates === 1,
        )
        expect(more).toEqual([])
        // What went flagged is not sent again whole.
        expect(received(it)).toEqual({ ...everybody, tiktok: ['flagged'] })
        expect(it.meta.received.map(({ event_id }) => event_id)).toEqual([order?.eventId])
        expect([it.meta.deduplicated, it.ga4.deduplicated, it.tiktok.deduplicated]).toEqual([0, 0, 0])
        expect(it.hook.deduplicated).toBe(0)
      })

      test('and does not accept leaves nothing of themselves on the disk, where all ask for consent', async () => {
        await using it = await startBannerShop(banner, { open: false })
        await using visitor = await enter(it)
        await choose(visitor.page, banner, 'refuse')
        await buy(visitor.page)
        const [order] = await it.settled(1)
        expect(statusesOf(order)).toEqual({
          meta: 'consent_denied',
          ga4: 'consent_denied',
          tiktok: 'consent_denied',
        })
        // While it still runs: nothing was written that had to be erased.
        expect(await tracesOn(it)).toEqual([])
        expect(traces.filter((trace) => JSON.stringify(order).includes(trace))).toEqual([])
      })
    })
  },
)
