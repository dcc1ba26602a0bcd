import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { Cookie, Page } from 'puppeteer-core'
import { until } from '../support/until.ts'
import { thanksPage, type SceneOptions } from './scene.ts'

/**
 * A shop whose every page has a real consent banner, as npm has it, and a visitor's hands on that banner. Its tags care for
 * no consent: their cookies are there whatever was chosen, as on many a site.
 */

type Consent = NonNullable<NonNullable<SceneOptions['site']>['consent']>

export interface Banner {
  readonly name: string
  /** What a site that uses it writes in its rules. */
  readonly consent: Consent
  /** The cookie in which it keeps the choice. */
  readonly cookie: string
  /** For the head of a page. */
  readonly head: string
  /** Address to file. */
  readonly files: Readonly<Record<string, string>>
  /** What to click, one after the other. */
  readonly clicks: Readonly<Record<Choice, readonly string[]>>
  /** Brings back the settings, as the link in a site's footer does. */
  readonly reopen: string
  /** Once the settings are open; `accept` and `refuse` there are not those of the first banner. */
  readonly inSettings: Readonly<Record<'accept' | 'refuse', readonly string[]>>
}

/** A part is analytics, without marketing. */
export type Choice = 'accept' | 'refuse' | 'part'

const fileOf = (specifier: string): string =>
  readFileSync(fileURLToPath(import.meta.resolve(specifier)), 'utf8')

const cookieconsent: Banner = {
  name: 'cookieconsent',
  cookie: 'cc_cookie',
  consent: { sources: ['cookieconsent'], cookieconsent: { categories: { marketing: ['ads'] } } },
  files: {
    '/banner/cookieconsent.js': fileOf('vanilla-cookieconsent/dist/cookieconsent.umd.js'),
    '/banner/cookieconsent.css': fileOf('vanilla-cookieconsent/dist/cookieconsent.css'),
  },
  head: `<link rel="stylesheet" href="/banner/cookieconsent.css"><script src="/banner/cookieconsent.js"></script><script>
    addEventListener('DOMContentLoaded', () => CookieConsent.run({
      // It hides from browsers that a program drives.
      hideFromBots: false,
      disablePageInteraction: false,
      categories: { necessary: { enabled: true, readOnly: true }, analytics: {}, ads: {} },
      language: { default: 'en', translations: { en: {
        consentModal: { title: 'Cookies?', acceptAllBtn: 'Yes', acceptNecessaryBtn: 'No', showPreferencesBtn: 'Some' },
        preferencesModal: {
          title: 'Which?', acceptAllBtn: 'All', acceptNecessaryBtn: 'None', savePreferencesBtn: 'These',
          sections: [
            { title: 'Counting', linkedCategory: 'analytics' },
            { title: 'Advertising', linkedCategory: 'ads' },
          ],
        },
      } } },
    }))
  </script>`,
  clicks: {
    accept: ['#cc-main .cm [data-role=all]'],
    refuse: ['#cc-main .cm [data-role=necessary]'],
    part: [
      '#cc-main .cm [data-role=show]',
      '#cc-main .pm .section__toggle[value=analytics]',
      '#cc-main .pm [data-role=save]',
    ],
  },
  reopen: 'CookieConsent.showPreferences()',
  inSettings: {
    accept: ['#cc-main .pm [data-role=all]'],
    refuse: ['#cc-main .pm [data-role=necessary]'],
  },
}

const klaroSwitches = [
  ...['matomo', 'facebook_pixel', 'tiktok_pixel'].map((name) => `#klaro .cookie-modal #service-item-${name}`),
  '#klaro .cookie-modal .cm-btn-accept',
]

const klaro: Banner = {
  name: 'Klaro',
  cookie: 'klaro',
  consent: {
    sources: ['klaro'],
    klaro: { services: { analytics: ['matomo'], marketing: ['facebook_pixel', 'tiktok_pixel'] } },
  },
  // With its styles inside.
  files: { '/banner/klaro.js': fileOf('klaro/dist/klaro.js') },
  head: `<script>
    var klaroConfig = {
      version: 1, acceptAll: true, default: false, lang: 'en',
      services: [
        { name: 'matomo', title: 'Matomo', purposes: ['analytics'] },
        { name: 'facebook_pixel', title: 'Facebook', purposes: ['marketing'] },
        { name: 'tiktok_pixel', title: 'TikTok', purposes: ['marketing'] },
      ],
    }
  </script><script defer src="/banner/klaro.js"></script>`,
  clicks: {
    accept: ['#klaro .cookie-notice .cm-btn-success'],
    refuse: ['#klaro .cookie-notice .cn-decline'],
    part: [
      '#klaro .cookie-notice .cn-learn-more',
      '#klaro .cookie-modal #service-item-matomo',
      '#klaro .cookie-modal .cm-btn-accept',
    ],
  },
  reopen: 'klaro.show(undefined, true)',
  // Who has decided before has switches there, and no more buttons for all of them.
  inSettings: { accept: klaroSwitches, refuse: klaroSwitches },
}

export const banners: readonly Banner[] = [cookieconsent, klaro]

export const customer = { email: 'ann.shopper@example.com', phone: '+1 415 555 0134' }
export const tagIds = { fbp: '1.1763632800000.1234567890', ga: '1234567890.1763632800' }

const tags = `<script>
  document.cookie = '_fbp=fb.${tagIds.fbp}; path=/'
  document.cookie = '_ga=GA1.1.${tagIds.ga}; path=/'
</script>`

/** Answered for every address that is no file of the banner's. */
export const bannerShop =
  ({ head, files }: Pick<Banner, 'head' | 'files'>): RequestListener =>
  (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const file = files[path]
    if (file !== undefined) {
      const type = path.endsWith('.css') ? 'text/css' : 'text/javascript'
      response.writeHead(200, { 'content-type': type, 'cache-control': 'max-age=600' }).end(file)
      return
    }
    if (path === '/favicon.ico') {
      response.writeHead(404).end()
      return
    }
    const order = /^\/order-received\/([\w-]+)$/.exec(path)?.[1]
    const body =
      order === undefined
        ? '<!doctype html><html lang="en"><head><title>The shop</title></head><body><h1>The shop</h1><a id="buy" href="/order-received/A-1">Buy</a></body></html>'
        : thanksPage(order, customer)
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'private, no-cache',
    })
    response.end(body.replace('</head>', `${head}${tags}</head>`))
  }

/** What the browser's jar holds, those among it that no script can see. */
export const cookiesOf = async (page: Page): Promise<ReadonlyMap<string, Cookie>> =>
  new Map((await page.browserContext().cookies()).map((cookie) => [cookie.name, cookie]))

const cookieText = async (page: Page, name: string): Promise<string | null> =>
  (await cookiesOf(page)).get(name)?.value ?? null

/** The mouse is not used: banners slide in and lists unfold, and where a button is just then is a matter of time. */
const click = async (page: Page, selector: string): Promise<void> => {
  const element = await page.waitForSelector(selector, { timeout: 10_000 })
  await element?.evaluate((found) => (found as unknown as { click(): void }).click())
}

/** By the banner's own buttons; over when its cookie has another value than before. */
export const choose = async (page: Page, banner: Banner, choice: Choice): Promise<void> => {
  const before = await cookieText(page, banner.cookie)
  if (before !== null && choice !== 'part') await page.evaluate(banner.reopen)
  const clicks = before !== null && choice !== 'part' ? banner.inSettings[choice] : banner.clicks[choice]
  for (const selector of clicks) await click(page, selector)
  await until(
    () => cookieText(page, banner.cookie),
    (now) => now !== null && now !== before,
  )
}

/** As a visitor does who has filled a cart; answers when the page is there. */
export const buy = async (page: Page): Promise<void> => {
  // Later than the answer to this call, which would else go with the page.
  const click = "void setTimeout(() => document.querySelector('#buy').click())"
  await Promise.all([page.waitForNavigation(), page.evaluate(click)])
}
