import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { request } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import { openSqliteStore } from '../src/store/sqlite/index.ts'
import { ConfigurationError, createGateway, UsageError } from '../src/index.ts'
import { collectedLog, env, folderOfItsOwn, rulesBefore, startProxyServer } from './journeys/hosts.ts'
import { browser, thanksPage } from './journeys/scene.ts'
import { startHttpOrigin } from './origins/http-origin.ts'
import { startWebhook } from './platforms/webhook.ts'
import { until } from './support/until.ts'

vi.setConfig({ testTimeout: 30_000 })

/** The package's door. */

const order = (id: string): string => thanksPage(id, { email: 'ann@example.com', phone: '' })

const shop = () =>
  startHttpOrigin((req, res) => {
    res.writeHead(200, { 'content-type': 'text/html' }).end(order(req.url?.split('/').at(-1) ?? ''))
  })

const open = async (url: string, path: string): Promise<string> =>
  (await request(`${url}${path}`, { headers: { ...browser, cookie: '_sw_consent=all' } })).body.text()

const nowhere = rulesBefore('http://127.0.0.1:9', 'http://127.0.0.1:9')

test('the package is found under its name', async () => {
  const name = 'sluice'
  expect(await import(name)).toHaveProperty('createGateway', createGateway)
})

describe('what is wrong is said before anything is watched', () => {
  test('every problem of a rules file, with its place', async () => {
    await using folder = await folderOfItsOwn()
    const rules = join(folder.path, 'rules.json')
    await writeFile(rules, '{\n  "sites": [{ "id": "shop", "hostz": ["a"], "origin": "x", "rules": [] }]\n}')
    const { log } = collectedLog()
    const made = createGateway({ rules, store: `sqlite:${folder.path}/s.db`, env, log })
    await expect(made).rejects.toThrow(ConfigurationError)
    await expect(made).rejects.toThrow(/rules\.json:2:\d+.*hostz/)
  })

  test('the same of a document handed over', async () => {
    await using folder = await folderOfItsOwn()
    const rules = { sites: [{ ...nowhere.sites[0]!, hosts: [] }] }
    const { log } = collectedLog()
    const made = createGateway({ rules, store: `sqlite:${folder.path}/s.db`, env, log })
    await expect(made).rejects.toThrow(/rules:.*hosts/)
  })

  test('that a site asks for events on its own host, where a plugin answers nothing', async () => {
    await using folder = await folderOfItsOwn()
    const rules = { sites: [{ ...nowhere.sites[0]!, ingest: { public: true } }] }
    const { log, text } = collectedLog()
    const gateway = await createGateway({ rules, store: `sqlite:${folder.path}/s.db`, env, log })
    await gateway.close()
    expect(text()).toContain('ingest.public')
  })

  test('a file that is not there, a store that is none, a setting that cannot be read', async () => {
    await using folder = await folderOfItsOwn()
    const { log } = collectedLog()
    const store = `sqlite:${folder.path}/s.db`
    await expect(createGateway({ rules: join(folder.path, 'no.json'), store, env, log })).rejects.toThrow(
      /there is no such file/,
    )
    await expect(createGateway({ rules: nowhere, store: 'redis:x', env, log })).rejects.toThrow(UsageError)
    const odd = { ...env, SLUICE_RETENTION_DAYS: 'many' }
    await expect(createGateway({ rules: nowhere, store, env: odd, log })).rejects.toThrow(/RETENTION/)
  })
})

test('closing commits what has passed, happens once, and takes nothing more; what was not delivered waits in the store', async () => {
  await using folder = await folderOfItsOwn()
  await using origin = await shop()
  await using host = await startProxyServer(origin.url)
  const { log, text } = collectedLog()
  // Nobody listens where the events should go.
  const rules = rulesBefore(origin.url, 'http://127.0.0.1:9')
  const gateway = await createGateway({ rules, store: `sqlite:${folder.path}/s.db`, env, log })
  gateway.attach(host.proxy)
  expect(await open(host.url, '/order-received/A-1')).toBe(order('A-1'))
  const [first, second] = [gateway.close({ deadlineMs: 5_000 }), gateway.close()]
  expect(first).toBe(second)
  await first
  const other = new EventEmitter()
  gateway.attach(other)
  expect(other.eventNames()).toEqual([])
  expect(text()).toContain('was not attached')
  expect(await open(host.url, '/order-received/A-2')).toBe(order('A-2'))

  const store = await openSqliteStore({ path: join(folder.path, 's.db') })
  const { events } = await store.events({ site: 'shop', limit: 9 })
  await store.close()
  expect(events).toMatchObject([{ orderId: 'A-1' }])
  expect(events[0]!.deliveries.map(({ status }) => status)).toEqual([
    expect.stringMatching(/queued|retrying/),
  ])
})

test('a site that asks for cookies gets none from who only looks on, and its operator is told', async () => {
  await using folder = await folderOfItsOwn()
  await using origin = await startHttpOrigin((_req, res) =>
    res.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'no-store' }).end('page'),
  )
  await using host = await startProxyServer(origin.url)
  const { log, text } = collectedLog()
  const [site] = rulesBefore(origin.url, 'http://127.0.0.1:9').sites
  const gateway = await createGateway({
    rules: { sites: [{ ...site!, identity: { setCookies: true } }] },
    store: `sqlite:${folder.path}/s.db`,
    env,
    log,
  })
  gateway.attach(host.proxy)
  const answer = await fetch(`${host.url}/order-received/A-1?gclid=A`, {
    headers: { cookie: '_sw_consent=all', 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' },
  })
  expect(answer.headers.getSetCookie()).toEqual([])
  expect(text()).toContain('identity.setCookies has no effect here')
  await gateway.close({ deadlineMs: 2_000 })
})

test('the rules file is watched: a good edit holds from the next page on, a bad one changes nothing', async () => {
  await using folder = await folderOfItsOwn()
  await using origin = await shop()
  await using hook = await startWebhook()
  await using host = await startProxyServer(origin.url)
  const { log, text } = collectedLog()
  const path = join(folder.path, 'rules.json')
  const rules = rulesBefore(origin.url, hook.url)
  await writeFile(path, JSON.stringify({ sites: [{ ...rules.sites[0]!, rules: [] }] }))
  const gateway = await createGateway({ rules: path, store: `sqlite:${folder.path}/s.db`, env, log })
  gateway.attach(host.proxy)
  await open(host.url, '/order-received/A-1')
  await writeFile(path, JSON.stringify(rules))
  gateway.reload()
  await until(text, (seen) => seen.includes('new rules are in force'))
  await open(host.url, '/order-received/A-2')
  await writeFile(path, '{ "sites": [')
  gateway.reload()
  await until(text, (seen) => seen.includes('the new rules are refused'))
  await open(host.url, '/order-received/A-3')
  await until(
    () => hook.received,
    (seen) => seen.length === 2,
  )
  const ids = hook.received.map(
    ({ json }) => (json as { customData: { orderId: string } }).customData.orderId,
  )
  expect(new Set(ids)).toEqual(new Set(['A-2', 'A-3']))
  expect(gateway.counts()).toMatchObject({ watching: 0, waiting: 0, lost: 0 })
  await gateway.close({ deadlineMs: 2_000 })
})

test('a data layer that a site wishes for is not written: a plugin alters nothing, waits for nobody, and says so', async () => {
  await using folder = await folderOfItsOwn()
  await using origin = await shop()
  await using hook = await startWebhook({})
  await using host = await startProxyServer(origin.url)
  const { log, text } = collectedLog()
  const before = rulesBefore(origin.url, hook.url)
  const dataLayer = { enabled: true, serverTiming: true }
  const rules = { ...before, sites: before.sites.map((site) => ({ ...site, dataLayer })) }
  const gateway = await createGateway({ rules, store: `sqlite:${folder.path}/s.db`, env, log })
  gateway.attach(host.proxy)
  const answer = await request(`${host.url}/order-received/A-1`, {
    headers: { ...browser, cookie: '_sw_consent=all' },
  })
  expect(await answer.body.text()).toBe(order('A-1'))
  expect(answer.headers).not.toHaveProperty('server-timing')
  expect(gateway.counts().dataLayer).toEqual({})
  expect(text()).toContain('dataLayer has no effect here')
  await gateway.close()
})
