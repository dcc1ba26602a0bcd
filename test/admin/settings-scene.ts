import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { auditRoutes } from '../../src/admin/audit.ts'
import { dataLayerRoutes } from '../../src/admin/data-layer.ts'
import { eventRoutes } from '../../src/admin/events.ts'
import { integrationHealthRoutes } from '../../src/admin/integration-health.ts'
import { integrationRoutes } from '../../src/admin/integrations.ts'
import { keyRoutes } from '../../src/admin/key-routes.ts'
import { createKeys, type Scope } from '../../src/admin/keys.ts'
import { mappingRoutes } from '../../src/admin/mappings.ts'
import type { Route } from '../../src/admin/route.ts'
import { startAdmin } from '../../src/admin/server.ts'
import { testCallRoutes } from '../../src/admin/test-call.ts'
import { createTurnstile } from '../../src/admin/turnstile.ts'
import { webhookRoutes } from '../../src/admin/webhooks.ts'
import { systemClock } from '../../src/clock.ts'
import { createAddressGuard } from '../../src/delivery/address-guard.ts'
import { createCredentials } from '../../src/delivery/credentials.ts'
import { createTransport } from '../../src/delivery/http.ts'
import { createIntake, type Intake } from '../../src/delivery/intake.ts'
import { createLanes } from '../../src/delivery/lanes.ts'
import type { Integration } from '../../src/sites/configure.ts'
import type { DataLayerSettings } from '../../src/sites/data-layer.ts'
import { createDataLayers, type DataLayers } from '../../src/sites/data-layers.ts'
import { createManagedIntegrations, withManaged, type ManagedIntegrations } from '../../src/sites/managed.ts'
import { createSealer } from '../../src/sites/secrets.ts'
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/index.ts'

/** The part of the admin API that changes settings, on a real store with real lanes, asked over real HTTP. */

export const adminKey = 'the-admin-key-of-the-test'
/** 32 bytes each. */
export const sealingKeys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)].map((key) => key.toString('base64'))

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- what an answer holds is what the tests find out
  readonly json: any
}

export interface SettingsScene extends AsyncDisposable {
  readonly store: SqliteStore
  readonly managed: ManagedIntegrations
  readonly dataLayers: DataLayers
  readonly intake: Intake
  readonly routes: readonly Route[]
  readonly faults: readonly unknown[]
  readonly url: string
  ask(
    method: string,
    path: string,
    options?: {
      readonly body?: unknown
      readonly key?: string
      readonly headers?: Readonly<Record<string, string>>
    },
  ): Promise<Answered>
  /** Of the site `shop`. */
  key(scopes: readonly Scope[], site?: string): Promise<string>
  /** Every byte that lies on the disk, the log of the store included. */
  bytes(): Promise<Buffer>
}

export interface SceneOptions {
  readonly declared?: readonly Integration[]
  /** By the rules file, of the site `shop`. */
  readonly declaredDataLayer?: DataLayerSettings
  readonly sealingKeys?: readonly string[]
  /** Where the store lies; it is left there. */
  readonly folder?: string
}

export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'sluice-admin-'))

export const startSettingsScene = async (options: SceneOptions = {}): Promise<SettingsScene> => {
  const { declared = [] } = options
  const folder = options.folder ?? (await temporaryFolder())
  const clock = systemClock
  const store = await openSqliteStore({ path: join(folder, 'sluice.db') })
  const keyList = options.sealingKeys ?? sealingKeys.slice(0, 1)
  const sealer = keyList.length === 0 ? null : createSealer(keyList)
  const transport = createTransport({
    guard: createAddressGuard({ allow: ['127.0.0.0/8'] }),
    userAgent: 'sluice-test',
  })
  const names = ['shop', 'blog']
  const managed = createManagedIntegrations({
    store,
    sealer,
    sites: () => names.map((id) => ({ id })),
    now: clock.now,
  })
  const dataLayers = createDataLayers({
    store,
    declared: (site) => (site === 'shop' ? (options.declaredDataLayer ?? null) : null),
  })
  const lanes = createLanes({ store, transport, sealer, clock, random: () => 0.5, report: () => {} })
  let inForce = withManaged(declared, await managed.load())
  lanes.follow(inForce)
  managed.onChange((integrations) => {
    inForce = withManaged(declared, integrations)
    lanes.follow(inForce)
  })
  const intake = createIntake({
    store,
    clock,
    sealer,
    integrationsOf: (site) => inForce.filter((one) => one.site === site),
    wake: lanes.wake,
  })
  const credentials = createCredentials({ transport, clock })
  const keys = createKeys(store, adminKey)
  const shared = {
    store,
    managed,
    dataLayers,
    clock,
    sealer,
    transport,
    credentials,
    keys,
    declared: (site: string) => declared.filter((one) => one.site === site),
    sites: () =>
      names.map((id) => ({
        id,
        currency: 'EUR',
        integrations: inForce.filter((one) => one.site === id),
      })),
    lanes,
    now: clock.now,
    rulesFile: 'rules.json',
  }
  const common = [...integrationRoutes(shared), ...testCallRoutes(shared), ...eventRoutes(shared)]
  const routes = [
    ...keyRoutes(shared),
    ...auditRoutes(shared),
    ...common,
    ...mappingRoutes(shared),
    ...webhookRoutes({ ...shared, routes: common }),
    ...dataLayerRoutes(shared),
    ...integrationHealthRoutes(shared),
  ]
  const faults: unknown[] = []
  const admin = await startAdmin({
    listen: { host: '127.0.0.1', port: 0 },
    keys,
    version: '0.0.0',
    turnstile: createTurnstile(clock.now, { ingest: 100_000, management: 100_000 }),
    onFault: ({ error }) => faults.push(error),
    routes,
  })
  const ask: SettingsScene['ask'] = async (method, path, { body, key = adminKey, headers = {} } = {}) => {
    const answer = await request(`${admin.url}${path}`, {
      method: method as 'GET',
      headers: {
        authorization: `Bearer ${key}`,
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
  }
  return {
    store,
    managed,
    dataLayers,
    intake,
    routes,
    faults,
    url: admin.url,
    ask,
    key: async (scopes, site = 'shop') => {
      const made = await ask('POST', `/api/v1/sites/${site}/keys`, { body: { name: 'a key', scopes } })
      return String(made.json.key)
    },
    bytes: async () => {
      const files = await readdir(folder)
      return Buffer.concat(await Promise.all(files.map((file) => readFile(join(folder, file)))))
    },
    [Symbol.asyncDispose]: async () => {
      await admin.close()
      await lanes.stop(AbortSignal.timeout(2_000))
      credentials.close()
      await transport.close()
      await store.close()
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A value in the place of each `:name`, so that a route can be asked for. */
export const addressOf = (path: string, site: string): string =>
  path
    .replace(':siteId', site)
    .replace(':provider', 'crm')
    .replace(':webhookId', 'crm')
    .replace(':keyId', '0123456789abcdef')
    .replace(':eventId', 'e1')
