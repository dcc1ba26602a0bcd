import { request } from 'undici'
import { createIngestDoor, type IngestDoor } from '../../src/admin/ingest-door.ts'
import { createKeys, type Keys } from '../../src/admin/keys.ts'
import { createMetrics, type Counted } from '../../src/admin/metrics.ts'
import { adminRoutes } from '../../src/admin/routes.ts'
import { startAdmin } from '../../src/admin/server.ts'
import type { AdminSite } from '../../src/admin/sites.ts'
import { createTurnstile } from '../../src/admin/turnstile.ts'
import { systemClock } from '../../src/clock.ts'
import { createCredentials } from '../../src/delivery/credentials.ts'
import type { Intake } from '../../src/delivery/intake.ts'
import { findDestination } from '../../src/destinations/index.ts'
import { configureIntegration, type Integration } from '../../src/sites/configure.ts'
import type { IntegrationDeclaration } from '../../src/sites/integration.ts'
import { createDataLayers } from '../../src/sites/data-layers.ts'
import { createManagedIntegrations } from '../../src/sites/managed.ts'
import { secretValues } from '../../src/sites/mask.ts'
import { skipsOf } from '../../src/gateway/skips.ts'
import { startEngine, type Engine } from './engine.ts'

/** The admin API on a real engine, asked over real HTTP. */
export interface AdminScene extends AsyncDisposable {
  readonly url: string
  readonly engine: Engine
  readonly faults: readonly unknown[]
  /** The other way in: what a request to a site's own host is handed to. */
  readonly door: IngestDoor
  ask(
    method: string,
    path: string,
    options?: {
      readonly body?: unknown
      readonly key?: string | null
      readonly headers?: Readonly<Record<string, string>>
    },
  ): Promise<{
    readonly status: number
    readonly headers: Readonly<Record<string, unknown>>
    readonly text: string
    /** As the API's documents say; read freely by tests. */
    readonly json: ReturnType<typeof JSON.parse>
  }>
}

export const adminKey = 'the-admin-key-of-the-test'

export const integrationOf = (site: string, declaration: IntegrationDeclaration): Integration => {
  const destination = findDestination(declaration.platform)
  if (destination === null) throw new Error(`no platform ${declaration.platform}`)
  const settings = destination.settings.parse(declaration.config)
  return configureIntegration(
    { id: site },
    declaration,
    destination,
    settings,
    secretValues(destination.settings, settings),
  )
}

const nothingCounted: Counted = {
  cookies: { 'shop/set': 3 },
  requests: 7,
  activeRequests: 1,
  unknownHost: 2,
  refused: { two_hosts: 3 },
  originFailed: {},
  holdExpired: 4,
  redirected: 6,
  connectionsRefused: 8,
  handshakeFailed: { unknown_name: 9 },
  sessionsEnded: {},
  webSockets: 10,
  skipped: { 'shop/bot': 5 },
  skippedByRule: { 'shop/order-placed/bot': 5 },
  dataLayer: { 'shop/pushed': 11 },
  eventsWaiting: 0,
  eventsLost: 0,
}

export const startAdminScene = async (
  sites: readonly AdminSite[],
  options: {
    readonly keys?: Keys
    readonly intake?: Intake
    readonly notReady?: () => string | null
    readonly requestsPerSecond?: number
    /** Of the listener; the system's when absent. */
    readonly now?: () => number
    /** Where the store lies; it is left there. */
    readonly folder?: string
    /** What the lanes serve; the sites' own when absent. */
    readonly lanes?: readonly Integration[]
  } = {},
): Promise<AdminScene> => {
  const { folder, lanes = sites.flatMap(({ integrations }) => integrations) } = options
  const engine = await startEngine(lanes, folder === undefined ? {} : { folder })
  const faults: unknown[] = []
  const { store, transport } = engine
  const keys = createKeys(store, adminKey)
  const managed = createManagedIntegrations({ store, sealer: null, sites: () => sites, now: Date.now })
  await managed.load()
  const shared = {
    keys: options.keys ?? keys,
    turnstile: createTurnstile(options.now ?? Date.now, {
      ingest: options.requestsPerSecond ?? 10_000,
      management: options.requestsPerSecond ?? 10_000,
    }),
    onFault: (fault: { readonly error: unknown }) => void faults.push(fault.error),
  }
  const intake = options.intake ?? engine.intake
  const door = createIngestDoor({ ...shared, intake, sites: () => sites, now: Date.now })
  const admin = await startAdmin({
    ...shared,
    listen: { host: '127.0.0.1', port: 0 },
    version: '0.0.0',
    routes: adminRoutes({
      intake,
      store,
      transport,
      managed,
      dataLayers: createDataLayers({ store, declared: () => null }),
      keys,
      clock: systemClock,
      sealer: null,
      credentials: createCredentials({ transport, clock: systemClock }),
      declared: (site) => sites.find(({ id }) => id === site)?.integrations ?? [],
      rulesFile: 'rules.json',
      lanes: engine.lanes,
      sites: () => sites,
      now: Date.now,
      notReady: options.notReady ?? (() => null),
      startedAt: Date.now(),
      skippedOf: (site) => skipsOf(nothingCounted.skippedByRule, site),
      metrics: createMetrics({
        counted: () => nothingCounted,
        store,
        now: Date.now,
        open: true,
      }),
    }),
  })
  return {
    url: admin.url,
    engine,
    faults,
    door,
    ask: async (method, path, { body, key = adminKey, headers = {} } = {}) => {
      const answer = await request(`${admin.url}${path}`, {
        method: method as 'GET',
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      })
      const text = await answer.body.text()
      let json: unknown
      try {
        json = JSON.parse(text)
      } catch {
        json = undefined
      }
      return { status: answer.statusCode, headers: answer.headers, text, json }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([admin.close(), door.close()])
      await engine[Symbol.asyncDispose]()
    },
  }
}
