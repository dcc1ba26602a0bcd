import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { expect, test, vi } from 'vitest'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { runSluice, startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts'
import { until } from '../support/until.ts'

vi.setConfig({ testTimeout: 120_000 })

/** The gateway in several processes: a supervisor, two fronts and a back. */

const key = 'an-admin-key-of-32-characters-000'

const rule = (path: string) => ({
  id: 'order',
  match: { path },
  actions: [
    {
      type: 'fire_conversion_event',
      eventType: 'purchase',
      extract: { orderId: { param: 'orderId' } },
    },
  ],
})

const startFleet = async (flags: readonly string[] = []) => {
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-fleet-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const origin = started.use(
    await startHttpOrigin((incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><p>${incoming.url}</p>`)
    }),
  )
  const hook = started.use(await startWebhook())
  const rules = join(folder, 'rules.json')
  const writeRules = (path: string): Promise<void> =>
    writeFile(
      rules,
      JSON.stringify({
        sites: [
          {
            id: 'shop',
            hosts: ['*'],
            origin: origin.url,
            holdMs: 10_000,
            rules: [rule(path)],
            integrations: [
              {
                id: 'hook',
                platform: 'webhook',
                config: { url: `${hook.url}/in` },
                consent: { required: false },
                rateLimit: { lifted: true },
              },
            ],
          },
        ],
      }),
    )
  await writeRules('/thanks/:orderId')
  const gateway = started.use(
    await startGatewayProcess({
      rules,
      database: join(folder, 'sluice.db'),
      workers: 2,
      env: { SLUICE_ADMIN_KEY: key },
      flags,
    }),
  )
  const rest = started.move()
  return {
    gateway,
    hook,
    rules,
    writeRules,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

const begun = (gateway: GatewayProcess): readonly (readonly [name: string, pid: number])[] =>
  [...gateway.output().matchAll(/"process":"([^"]+)","pid":(\d+),"msg":"a process has begun"/g)].map(
    ([, name = '', pid]) => [name, Number(pid)] as const,
  )

const pidOf = (gateway: GatewayProcess, name: string): number =>
  begun(gateway).findLast(([one]) => one === name)?.[1] ?? 0

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Kills one and waits until another stands in its place. */
const kill = async (gateway: GatewayProcess, name: string): Promise<void> => {
  const pid = pidOf(gateway, name)
  process.kill(pid, 'SIGKILL')
  await until(
    () => pidOf(gateway, name),
    (now) => now !== pid,
    60_000,
  )
}

const visit = async (gateway: GatewayProcess, path: string, dispatcher: Agent): Promise<number> => {
  const answer = await request(`${gateway.url}${path}`, {
    dispatcher,
    headers: { host: 'shop.example.com', 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' },
  })
  await answer.body.dump()
  return answer.statusCode
}

/** Each on a connection of its own, so that they are dealt out to all fronts. */
const visitAll = (gateway: GatewayProcess, paths: readonly string[]): Promise<readonly number[]> =>
  Promise.all(
    paths.map(async (path) => {
      const agent = new Agent()
      try {
        return await visit(gateway, path, agent)
      } finally {
        await agent.close()
      }
    }),
  )

const orders = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
const ordersAt = (received: readonly { readonly json: unknown }[]): ReadonlySet<string> =>
  new Set(received.map(({ json }) => (json as { customData: { orderId: string } }).customData.orderId))
const arrivedAt =
  (hook: Awaited<ReturnType<typeof startWebhook>>, wanted: readonly string[]) => (): Promise<unknown> =>
    until(
      () => ordersAt(hook.received),
      (seen) => new Set(wanted).isSubsetOf(seen),
      60_000,
    )

const adminOf = (gateway: GatewayProcess): string => /"admin":"([^"]+)"/.exec(gateway.output())?.[1] ?? ''
const ask = async (gateway: GatewayProcess, path: string, body?: object) => {
  const answer = await request(`${adminOf(gateway)}${path}`, {
    method: body === undefined ? 'GET' : 'PUT',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  return { status: answer.statusCode, text: await answer.body.text() }
}

/** Kept open, to be asked again and again. */
const keepOpen = async (gateway: GatewayProcess): Promise<Socket> => {
  const socket = connect(gateway.port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}
const askOn = async (socket: Socket): Promise<boolean> => {
  if (socket.destroyed) return false
  const got = once(socket, 'data').then(
    ([data]) => String(data).startsWith('HTTP/1.1 200'),
    () => false,
  )
  const lost = once(socket, 'close').then(
    () => false,
    () => false,
  )
  socket.write('GET /x HTTP/1.1\r\nHost: shop.example.com\r\n\r\n')
  return Promise.race([got, lost])
}

test('all fronts serve, their orders reach the platform, and the back counts them together', async () => {
  await using it = await startFleet()
  const wanted = orders('A', 20)
  expect(
    await visitAll(
      it.gateway,
      wanted.map((id) => `/thanks/${id}`),
    ),
  ).toEqual(wanted.map(() => 200))
  await arrivedAt(it.hook, wanted)()
  await until(
    () => ask(it.gateway, '/metrics'),
    ({ text }) => text.includes('sluice_http_requests_total 20\n'),
  )
  expect(
    begun(it.gateway)
      .map(([name]) => name)
      .toSorted(),
  ).toEqual(['back', 'front-1', 'front-2'])
  expect((await ask(it.gateway, '/readyz')).status).toBe(200)
})

test('a front that dies takes only its own connections with it, and is replaced', async () => {
  await using it = await startFleet()
  // Enough that not all of them come to one front by chance.
  const visitors = 32
  const sockets = await Promise.all(Array.from({ length: visitors }, () => keepOpen(it.gateway)))
  expect(await Promise.all(sockets.map(askOn))).not.toContain(false)
  const requests = async () =>
    Number(/sluice_http_requests_total (\d+)/.exec((await ask(it.gateway, '/metrics')).text)?.[1])
  // What a front counts it tells every second; what it has told outlives it.
  await until(requests, (count) => count === visitors)
  await kill(it.gateway, 'front-1')
  const survived = await Promise.all(sockets.map(askOn))
  const left = survived.filter(Boolean).length
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(visitors)
  const wanted = orders('B', 10)
  expect(
    await visitAll(
      it.gateway,
      wanted.map((id) => `/thanks/${id}`),
    ),
  ).toEqual(wanted.map(() => 200))
  await arrivedAt(it.hook, wanted)()
  for (const socket of sockets) socket.destroy()
  await until(requests, (count) => count === visitors + left + 10)
})

test('while there is no back the site is served and orders are committed; the next one delivers them', async () => {
  await using it = await startFleet()
  const pid = pidOf(it.gateway, 'back')
  process.kill(pid, 'SIGKILL')
  const wanted = orders('C', 10)
  expect(
    await visitAll(
      it.gateway,
      wanted.map((id) => `/thanks/${id}`),
    ),
  ).toEqual(wanted.map(() => 200))
  const address = adminOf(it.gateway)
  await arrivedAt(it.hook, wanted)()
  expect(pidOf(it.gateway, 'back')).not.toBe(pid)
  expect(adminOf(it.gateway)).toBe(address)
  expect((await ask(it.gateway, '/readyz')).status).toBe(200)
})

test('new rules are in force in every process, also in one that comes later, and bad ones in none', async () => {
  await using it = await startFleet()
  const said = (words: string) =>
    until(
      () => it.gateway.output(),
      (output) => output.includes(words),
    )
  await it.writeRules('/danke/:orderId')
  await said('new rules are in force')
  const both = orders('D', 10)
  await visitAll(
    it.gateway,
    both.map((id) => `/danke/${id}`),
  )
  await arrivedAt(it.hook, both)()
  await kill(it.gateway, 'front-2')
  const later = orders('E', 10)
  await visitAll(
    it.gateway,
    later.map((id) => `/danke/${id}`),
  )
  await arrivedAt(it.hook, later)()
  await writeFile(it.rules, '{ "sites": [] ')
  await said('the new rules are refused')
  const still = orders('F', 10)
  await visitAll(
    it.gateway,
    still.map((id) => `/danke/${id}`),
  )
  await arrivedAt(it.hook, still)()
  expect(ordersAt(it.hook.received)).toEqual(new Set([...both, ...later, ...still]))
})

test('an integration made through the API gets the orders of every front', async () => {
  await using it = await startFleet()
  await using second = await startWebhook()
  const made = await ask(it.gateway, '/api/v1/sites/shop/integrations/second', {
    platform: 'webhook',
    config: { url: `${second.url}/in` },
    consent: { required: false },
    rateLimit: { lifted: true },
  })
  expect(made.status).toBeLessThan(300)
  const seconds = () => ordersAt(second.received)
  let round = 0
  // Every front hears of it, each in its own time: from some round on all orders of all fronts go there, too.
  await until(
    async () => {
      round += 1
      const wanted = orders(`G${round}`, 8)
      await visitAll(
        it.gateway,
        wanted.map((id) => `/thanks/${id}`),
      )
      await arrivedAt(it.hook, wanted)()
      return new Set(wanted).isSubsetOf(seconds())
    },
    Boolean,
    60_000,
  )
})

test('a data layer set through the API is written by every front', async () => {
  await using it = await startFleet()
  const put = await ask(it.gateway, '/api/v1/sites/shop/integrations/data-layer', { enabled: true })
  expect(put.status).toBe(200)
  const page = async (id: string): Promise<string> => {
    const agent = new Agent()
    try {
      const answer = await request(`${it.gateway.url}/thanks/${id}`, {
        dispatcher: agent,
        headers: { host: 'shop.example.com', 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' },
      })
      return await answer.body.text()
    } finally {
      await agent.close()
    }
  }
  await until(
    async () => (await Promise.all(orders('L', 8).map(page))).map((html) => html.includes('"event_id":"')),
    (told) => !told.includes(false),
    60_000,
  )
})

test('told to stop, it finishes a page under way, ends well and leaves no process behind', async () => {
  await using it = await startFleet()
  const pids = begun(it.gateway).map(([, pid]) => pid)
  const wanted = orders('H', 6)
  const visits = visitAll(
    it.gateway,
    wanted.map((id) => `/thanks/${id}`),
  )
  expect(await visits).toEqual(wanted.map(() => 200))
  expect(await it.gateway.end('SIGTERM')).toBe(0)
  expect(pids.filter(lives)).toEqual([])
  await arrivedAt(it.hook, wanted)()
})

test('a killed supervisor leaves no process behind', async () => {
  await using it = await startFleet()
  const pids = begun(it.gateway).map(([, pid]) => pid)
  expect(pids.filter(lives)).toHaveLength(3)
  await it.gateway.end('SIGKILL')
  await until(
    () => pids.filter(lives),
    (left) => left.length === 0,
  )
})

test.each([
  ['visitors', '--listen'],
  ['the admin API', '--admin-listen'],
])('a port for %s that is taken stops the start with one message', async (_who, flag) => {
  await using it = await startFleet()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-taken-'))
  const start = `start --rules ${it.rules} --store sqlite:${join(folder, 'other.db')} --workers 2`
  const listen = `--listen 127.0.0.1:0 --admin-listen off ${flag} 127.0.0.1:${it.gateway.port}`
  const { code, stderr } = await runSluice(`${start} ${listen}`.split(' '), { SLUICE_ADMIN_KEY: key })
  await rm(folder, { recursive: true, force: true })
  expect(code).toBe(78)
  expect(stderr.trim()).toBe(
    `sluice start: cannot listen on 127.0.0.1:${it.gateway.port}: another process listens there already`,
  )
})
