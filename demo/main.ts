import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseFlags } from '../src/config.ts'
import { startGateway } from '../src/gateway/gateway.ts'
import { createLog } from '../src/log.ts'
import { startGa4 } from '../test/platforms/ga4.ts'
import { startMeta } from '../test/platforms/meta.ts'
import { startWebhook } from '../test/platforms/webhook.ts'
import { rowsOf, table, type Stands } from './report.ts'
import { startShop } from './shop.ts'
import { createShopper } from './shopper.ts'

/** The whole product on one machine: a shop, strict stand-ins for the platforms, the gateway, and a shopper. */

const secrets = {
  DEMO_META_TOKEN: 'demo-meta-token',
  DEMO_GA4_SECRET: 'demo-ga4-secret',
  DEMO_WEBHOOK_SECRET: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
}
const host = 'shop.example.com'
const patienceMs = 30_000
const heads = ['platform', 'event', 'value', 'order / product', 'recognised by', 'event id']

const say = (text = ''): void => {
  process.stdout.write(`${text}\n`)
}

/** The demo's rules with the addresses of this run, in a folder of their own beside the store. */
const writeRules = async (folder: string, addresses: Readonly<Record<string, string>>): Promise<string> => {
  const template = await readFile(new URL('rules.json', import.meta.url), 'utf8')
  const text = Object.entries(addresses).reduce(
    (rules, [name, address]) => rules.replaceAll(`{{${name}}}`, address),
    template,
  )
  const path = join(folder, 'rules.json')
  await writeFile(path, text)
  return path
}

/** What the script does, told as it happens. */
const goShopping = async (gateway: string): Promise<void> => {
  const shopper = createShopper(gateway, host)
  const step = async (words: string, act: () => Promise<unknown>): Promise<void> => {
    say(`  · ${words}`)
    await act()
  }
  await step('opens the shop and looks at a lamp; no consent yet', async () => {
    await shopper.open('/?utm_source=meta&fbclid=IwAR0demoClick')
    await shopper.open('/products/lamp?fbclid=IwAR0demoClick')
  })
  await step('accepts the banner', async () => {
    shopper.setCookie('_sw_consent', 'analytics.marketing.personalization')
    shopper.setCookie('_fbp', 'fb.1.1763632800000.1234567890')
    shopper.setCookie('_ga', 'GA1.1.1234567890.1763632800')
  })
  await step('looks at a kettle and puts it into the basket', async () => {
    await shopper.open('/products/kettle?fbclid=IwAR0demoClick')
    await shopper.post('/cart', { sku: 'kettle' })
  })
  await step('buys kettle and lamp', async () => {
    await shopper.post('/cart', { sku: 'lamp' })
    const page = await shopper.post('/checkout', { email: 'ann.shopper@example.com' })
    await step('reloads the thank-you page, twice', async () => {
      await shopper.open(page.url)
      await shopper.open(page.url)
    })
  })
  const stranger = createShopper(gateway, host)
  await step('somebody else refuses the banner and buys a chair', async () => {
    stranger.setCookie('_sw_consent', 'none')
    await stranger.post('/cart', { sku: 'chair' })
    await stranger.post('/checkout', { email: 'private@example.com' })
  })
}

/** Two views with consent and one order for Meta and GA4, the order for the webhook. */
const complete = ({ meta, ga4, webhook }: Stands): boolean =>
  meta.received.some((event) => event.event_name === 'Purchase') &&
  meta.received.some((event) => event.event_name === 'ViewContent') &&
  ga4.received.some((event) => event.name === 'purchase') &&
  ga4.received.some((event) => event.name === 'view_item') &&
  webhook.received.length > 0

const waitFor = async (holds: () => boolean): Promise<boolean> => {
  const until = Date.now() + patienceMs
  while (!holds() && Date.now() < until) await sleep(50)
  return holds()
}

const stayUp = async (stands: Stands, signal: AbortSignal): Promise<void> => {
  let seen = rowsOf(stands).length
  while (!signal.aborted) {
    await sleep(500, undefined, { signal }).catch(() => undefined)
    const rows = rowsOf(stands)
    for (const row of rows.slice(seen)) say(`  received: ${row.filter((cell) => cell !== '').join('  ')}`)
    seen = rows.length
  }
}

export const run = async (args: readonly string[]): Promise<number> => {
  const { values } = parseFlags(args, ['port'], { booleans: ['once', 'verbose'] })
  const once = values['once'] === true
  const folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true, force: true }))

  const shop = stack.use(await startShop())
  const stands: Stands = {
    meta: stack.use(await startMeta({ pixelId: '1234567890', accessToken: secrets.DEMO_META_TOKEN })),
    ga4: stack.use(await startGa4({ measurementId: 'G-DEMO1234', apiSecret: secrets.DEMO_GA4_SECRET })),
    webhook: stack.use(await startWebhook({ secret: secrets.DEMO_WEBHOOK_SECRET })),
  }
  const rules = await writeRules(folder, {
    shop: String(shop.port),
    meta: stands.meta.url,
    ga4: stands.ga4.url,
    webhook: stands.webhook.url,
  })
  const port = Number(values['port'] ?? 0)
  const gateway = await startGateway(
    {
      rules,
      listen: { host: '127.0.0.1', port },
      store: { engine: 'sqlite', path: join(folder, 'sluice.db') },
      trustedProxies: [],
      allowPrivateNetworks: ['127.0.0.0/8'],
      logLevel: 'warn',
      secretKeys: [],
      retentionDays: 1,
    },
    { log: createLog(values['verbose'] === true ? 'debug' : 'warn'), env: secrets },
  )
  stack.defer(() => gateway.close(5_000))

  say(`Sluice at ${gateway.url}, in front of a shop at ${shop.url}`)
  say(`Meta at ${stands.meta.url}, GA4 at ${stands.ga4.url}, a webhook at ${stands.webhook.url}\n`)
  say('A shopper')
  await goShopping(gateway.url)
  say('\nWhat the platforms received')
  const arrived = await waitFor(() => complete(stands))
  say(table(heads, rowsOf(stands)))
  const counts = `${stands.meta.deduplicated} at Meta, ${stands.webhook.deduplicated} at the webhook`
  say(
    `\nRepeats the platforms had to drop: ${counts}. The reloads never left the gateway; what was refused never did.`,
  )
  if (!arrived) {
    say('\nNot everything arrived in time.')
    return 1
  }
  if (once) return 0
  say(`\nShop yourself: ${gateway.url}   (Ctrl-C ends it)`)
  const stopping = new AbortController()
  process.once('SIGINT', () => stopping.abort())
  process.once('SIGTERM', () => stopping.abort())
  await stayUp(stands, stopping.signal)
  return 0
}
