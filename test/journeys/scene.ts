import type { RequestListener } from 'node:http'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { request } from 'undici'
import { startShop, type Shop } from '../../demo/shop.ts'
import { createShopper, type Shopper } from '../../demo/shopper.ts'
import type { Config } from '../../src/config.ts'
import { startGateway, type Gateway } from '../../src/gateway/gateway.ts'
import { createLog } from '../../src/log.ts'
import type { RulesFile } from '../../src/rules-file/schema.ts'
import { pendingStatuses, type DeliveryStatus, type StoredEvent } from '../../src/store/store.ts'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { startGa4, type Ga4Platform } from '../platforms/ga4.ts'
import { startMeta, type MetaPlatform } from '../platforms/meta.ts'
import { startWebhook, type WebhookPlatform } from '../platforms/webhook.ts'
import { until } from '../support/until.ts'

/** A shop, the gateway before it and the platforms behind it, all on real sockets; disposing of it ends them all. */

type SiteFile = RulesFile['sites'][number]
export type RuleFile = SiteFile['rules'][number]
export type IntegrationFile = NonNullable<SiteFile['integrations']>[number]

export const host = 'shop.example.com'

/** An address that can be a visitor's; the loopback's cannot. */
export const visitorAddress = '81.2.69.142'

/** What a browser says when a person opens a page. */
export const browser: Readonly<Record<string, string>> = {
  host,
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  accept: 'text/html,application/xhtml+xml',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'x-forwarded-for': visitorAddress,
}

export const secrets = {
  META_TOKEN: 'meta-token-of-the-test',
  GA4_SECRET: 'ga4-secret-of-the-test',
  TIKTOK_TOKEN: 'tiktok-token-of-the-test',
  HOOK_SECRET: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
}

export const purchase: RuleFile = {
  id: 'order-placed',
  match: { path: '/order-received/:orderId' },
  actions: [
    {
      type: 'fire_conversion_event',
      eventType: 'purchase',
      extract: {
        orderId: { param: 'orderId' },
        email: { selector: '#email' },
        phone: { selector: '#phone' },
      },
    },
  ],
}

export const productView: RuleFile = {
  id: 'product-viewed',
  match: { path: '/products/*' },
  actions: [{ type: 'fire_conversion_event', eventType: 'view_content' }],
}

/** A thank-you page of a shop that prints what it knows of its customer. */
export const thanksPage = (
  orderId: string,
  person: { readonly email: string; readonly phone: string },
): string =>
  `<!doctype html><html lang="en"><head><title>Thank you</title><script type="application/ld+json">${JSON.stringify(
    { '@type': 'Order', orderNumber: orderId, price: '129.90', priceCurrency: 'EUR' },
  )}</script></head><body><p id="email">${person.email}</p><p id="phone">${person.phone}</p></body></html>`

/** One line of the log. */
interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

export interface Platforms {
  readonly meta: MetaPlatform
  readonly ga4: Ga4Platform
  readonly hook: WebhookPlatform
}

export interface Scene extends Platforms, AsyncDisposable {
  readonly gateway: Gateway
  /** `null` where the test brought an origin of its own. */
  readonly shop: Shop | null
  readonly originUrl: string
  readonly database: string
  readonly rulesPath: string
  /** Everything logged so far, at every level. */
  logText(): string
  log(): readonly LogLine[]
  /** Somebody with a browser and a jar of cookies. */
  visitor(headers?: Readonly<Record<string, string>>): Shopper
  /** One request without a jar; `headers` come on top of a browser's, and `undefined` takes one away. */
  ask(path: string, options?: AskOptions): Promise<Answer>
  /** Puts another text in the rules file's place, in one step. */
  writeRules(text: string): Promise<void>
  /** Newest first. */
  events(): Promise<readonly StoredEvent[]>
  /** The events once there are this many and nothing of them is pending. */
  settled(count: number): Promise<readonly StoredEvent[]>
  /** All that lies on the disk. */
  bytesOnDisk(): Promise<Buffer>
  /** Stops the gateway before the end of the scene; the platforms stay. */
  stop(deadlineMs?: number): Promise<void>
  /** Stops the gateway and starts another on the same rules and the same store. */
  restart(): Promise<void>
}

export interface AskOptions {
  readonly method?: 'GET' | 'HEAD' | 'POST'
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: string
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export interface SceneOptions {
  /** In the demo shop's place. */
  readonly origin?: RequestListener
  readonly site?: Partial<Omit<SiteFile, 'rules' | 'integrations'>>
  readonly rules?: readonly RuleFile[]
  /** Laid over Meta, GA4 and the webhook, by id; `null` leaves one out. */
  readonly integrations?: Readonly<Record<string, Partial<IntegrationFile> | null>>
  /** Besides those. */
  readonly furtherIntegrations?: readonly IntegrationFile[]
  readonly config?: Partial<Config>
}

/** `platform/status`, sorted: what became of an event. */
export const statusesOf = (event: StoredEvent | undefined): Readonly<Record<string, DeliveryStatus>> =>
  Object.fromEntries(
    (event?.deliveries ?? []).map(({ integration, status }) => [integration.split('/')[1], status]),
  )

export const standardIntegrations = ({ meta, ga4, hook }: Platforms): readonly IntegrationFile[] => [
  {
    id: 'meta',
    platform: 'meta',
    config: { pixelId: '1234567890', accessToken: { $env: 'META_TOKEN' } },
    endpoint: meta.url,
    batchWindow: 0,
  },
  {
    id: 'ga4',
    platform: 'ga4',
    config: { measurementId: 'G-TEST1234', apiSecret: { $env: 'GA4_SECRET' } },
    endpoint: ga4.url,
    batchWindow: 0,
  },
  {
    id: 'hook',
    platform: 'webhook',
    config: { url: `${hook.url}/orders`, auth: { type: 'signature', secret: { $env: 'HOOK_SECRET' } } },
  },
]

export const rulesText = (
  originUrl: string,
  platforms: Platforms,
  { site = {}, rules = [purchase, productView], integrations = {}, furtherIntegrations = [] }: SceneOptions,
): string =>
  JSON.stringify({
    sites: [
      {
        id: 'shop',
        hosts: ['*'],
        origin: originUrl,
        currency: 'EUR',
        consent: { sources: ['_sw_consent'] },
        // Patience beyond any commit of a busy machine: what these tests see must not hang on its speed.
        holdMs: 10_000,
        ...site,
        rules: [...rules],
        integrations: [
          ...standardIntegrations(platforms).flatMap((one) => {
            const over = integrations[one.id]
            return over === null ? [] : [{ ...one, ...over }]
          }),
          ...furtherIntegrations,
        ],
      },
    ],
  } satisfies RulesFile)

export const startScene = async (options: SceneOptions = {}): Promise<Scene> => {
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-journey-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const shop = options.origin === undefined ? started.use(await startShop()) : null
  const origin = options.origin === undefined ? null : started.use(await startHttpOrigin(options.origin))
  const platforms: Platforms = {
    meta: started.use(await startMeta({ pixelId: '1234567890', accessToken: secrets.META_TOKEN })),
    ga4: started.use(await startGa4({ measurementId: 'G-TEST1234', apiSecret: secrets.GA4_SECRET })),
    hook: started.use(await startWebhook({ secret: secrets.HOOK_SECRET })),
  }
  const originUrl = (shop ?? origin)?.url ?? ''
  const rulesPath = join(folder, 'rules.json')
  const database = join(folder, 'sluice.db')
  await writeFile(rulesPath, rulesText(originUrl, platforms, options))

  const logged: string[] = []
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      logged.push(chunk.toString())
      done()
    },
  })
  const start = (): Promise<Gateway> =>
    startGateway(
      {
        rules: rulesPath,
        listen: { host: '127.0.0.1', port: 0 },
        store: { engine: 'sqlite', path: database },
        trustedProxies: ['127.0.0.0/8'],
        allowPrivateNetworks: ['127.0.0.0/8'],
        logLevel: 'trace',
        secretKeys: [],
        retentionDays: 1,
        ...options.config,
      },
      { log: createLog('trace', sink), env: secrets },
    )
  let gateway = await start()
  let stopped: Promise<void> | null = null
  const stop = (deadlineMs = 5_000): Promise<void> => (stopped ??= gateway.close(deadlineMs))
  started.defer(() => stop())
  const rest = started.move()

  const events = async (): Promise<readonly StoredEvent[]> =>
    (await gateway.store.events({ site: 'shop', limit: 500 })).events
  const isSettled = ({ deliveries }: StoredEvent): boolean =>
    deliveries.every(({ status }) => !(pendingStatuses as readonly string[]).includes(status))

  return {
    ...platforms,
    get gateway() {
      return gateway
    },
    shop,
    originUrl,
    database,
    rulesPath,
    logText: () => logged.join(''),
    log: () => logged.map((line) => JSON.parse(line) as LogLine),
    visitor: (headers = {}) =>
      createShopper(gateway.url, host, { 'x-forwarded-for': visitorAddress, ...headers }),
    ask: async (path, { method = 'GET', headers = {}, body } = {}) => {
      const sent = Object.entries({ ...browser, ...headers }).flatMap(([name, value]) =>
        value === undefined ? [] : [name, value],
      )
      const answer = await request(`${gateway.url}${path}`, { method, headers: sent, body: body ?? null })
      return {
        status: answer.statusCode,
        headers: answer.headers,
        body: Buffer.from(await answer.body.arrayBuffer()),
      }
    },
    writeRules: async (text) => {
      await writeFile(`${rulesPath}.new`, text)
      await rename(`${rulesPath}.new`, rulesPath)
    },
    events,
    settled: (count) => until(events, (seen) => seen.length >= count && seen.every(isSettled)),
    bytesOnDisk: async () =>
      Buffer.concat(
        await Promise.all(
          ['', '-wal', '-shm'].map((end) => readFile(`${database}${end}`).catch(() => Buffer.alloc(0))),
        ),
      ),
    stop,
    restart: async () => {
      await stop()
      gateway = await start()
      stopped = null
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}
