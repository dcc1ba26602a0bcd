import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { chromiumIsThere, startChromium, type Chromium } from '../support/chromium.ts'
import { until } from '../support/until.ts'
import { bannerShop, buy, cookiesOf } from './banner-shop.ts'
import { startScene, statusesOf, visitorAddress } from './scene.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

/**
 * Tools whose choice no server can read: the README's lines that mirror it, as they stand there, against as much of each tool
 * as its documents promise to such lines.
 */

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const block = /```js\n(const mirror = [\s\S]*?)```/.exec(readme)?.[1] ?? ''
const [mirror = '', ...others] = block.split(/^(?=\/\/ (?:Usercentrics|Osano|Termly)$)/m)
const linesFor = (tool: string): string => others.find((lines) => lines.startsWith(`// ${tool}\n`)) ?? ''

interface Tool {
  readonly name: string
  /** Before the README's lines: the tool itself. */
  readonly fake: string
  /** Has somebody choose; the arguments are analytics and marketing. */
  readonly choose: (analytics: boolean, marketing: boolean) => string
}

const tools: readonly Tool[] = [
  {
    name: 'Usercentrics',
    fake: `var said = {}
      var __ucCmp = { getConsentDetails: async () => ({ categories: {
        analytics: { state: said.analytics ? 'ALL_ACCEPTED' : 'ALL_DENIED' },
        marketing: { state: said.marketing ? 'ALL_ACCEPTED' : 'SOME_ACCEPTED' },
        functional: { state: 'ALL_DENIED' },
      } }) }`,
    choose: (analytics, marketing) =>
      `said = ${JSON.stringify({ analytics, marketing })}
       for (const type of ['CMP_SHOWN', 'SAVE']) dispatchEvent(new CustomEvent('UC_UI_CMP_EVENT', { detail: { source: 'FIRST', type } }))`,
  },
  {
    name: 'Osano',
    fake: `var told = []
      var Osano = { cm: { addEventListener: (name, listener) => told.push([name, listener]) } }`,
    choose: (analytics, marketing) =>
      `for (const [name, listener] of told) if (name === 'osano-cm-consent-saved') listener({
         ESSENTIAL: 'ACCEPT', STORAGE: 'DENY', PERSONALIZATION: 'DENY', OPT_OUT: 'DENY',
         ANALYTICS: '${analytics ? 'ACCEPT' : 'DENY'}', MARKETING: '${marketing ? 'ACCEPT' : 'DENY'}',
       })`,
  },
  {
    name: 'Termly',
    fake: `var told = [], said = {}
      var Termly = { on: (name, listener) => told.push([name, listener]), getConsentState: () => said }
      addEventListener('DOMContentLoaded', () => onTermlyLoaded())`,
    choose: (analytics, marketing) =>
      `said = ${JSON.stringify({ essential: true, performance: false, analytics, advertising: marketing, social: false })}
       for (const [name, listener] of told) if (name === 'consent') listener({ consentState: said })`,
  },
]

describe.skipIf(!chromiumIsThere)(
  'in Chromium (skipped where there is none; CHROMIUM_PATH names one)',
  () => {
    let chromium: Chromium
    beforeAll(async () => {
      chromium = await startChromium()
    })
    afterAll(() => chromium[Symbol.asyncDispose]())

    test.each(tools)(
      'the README’s lines for $name tell the gateway of every choice',
      async ({ name, fake, choose }) => {
        const head = [fake, mirror, linesFor(name)].map((script) => `<script>${script}</script>`).join('')
        await using it = await startScene({ origin: bannerShop({ head, files: {} }) })
        await using visitor = await chromium.visitor({ headers: { 'x-forwarded-for': visitorAddress } })
        const { page } = visitor
        const mirrored = async () => (await cookiesOf(page)).get('_sw_consent')?.value
        const choices = [
          [false, false, 'none'],
          [true, false, 'analytics'],
          [true, true, 'analytics.marketing'],
        ] as const
        await page.goto(`${it.gateway.url}/`)
        expect(await mirrored()).toBeUndefined()
        for (const [order, [analytics, marketing, wanted]] of choices.entries()) {
          await page.goto(`${it.gateway.url}/`)
          await page.evaluate(choose(analytics, marketing))
          await until(mirrored, (text) => text === wanted)
          if (order === 0) await buy(page)
          else await page.goto(`${it.gateway.url}/order-received/A-${order + 1}`)
        }
        const events = await it.settled(3)
        expect(Object.fromEntries(events.map((event) => [event.orderId, statusesOf(event)]))).toEqual({
          'A-1': { meta: 'consent_denied', ga4: 'consent_denied', hook: 'consent_denied' },
          'A-2': { meta: 'consent_denied', ga4: 'sent', hook: 'consent_denied' },
          'A-3': { meta: 'sent', ga4: 'sent', hook: 'sent' },
        })
        expect(visitor.errors).toEqual([])
      },
    )
  },
)
