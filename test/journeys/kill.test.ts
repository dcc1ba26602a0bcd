import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { expect, test } from 'vitest'
import { startWebhook } from '../platforms/webhook.ts'
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts'
import { until } from '../support/until.ts'

/**
 * The promise that everything else rests on: whoever got the complete page has their order reported, and in effect once,
 * whatever moment the process dies at.
 */

const kills = 20
const visitorsAtOnce = 6

const orderPage = (id: string): string =>
  `<!doctype html><title>Thank you</title><script type="application/ld+json">${JSON.stringify({
    '@type': 'Order',
    orderNumber: id,
    price: '10.00',
    priceCurrency: 'EUR',
  })}</script>${'<p>words</p>'.repeat(500)}`

const startOrigin = async () => {
  const server = createServer((incoming, response) => {
    const page = Buffer.from(orderPage(incoming.url?.split('/').at(-1) ?? ''))
    // Half of the pages are sized and half chunked: the last byte is held in another way.
    const sized = page.length % 2 === 0
    response.writeHead(200, {
      'content-type': 'text/html',
      ...(sized ? { 'content-length': page.length } : {}),
    })
    response.write(page.subarray(0, 1_000))
    response.end(page.subarray(1_000))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Ends one process at random, at times the supervisor; answers whether the gateway went with it. */
const killOne = async (gateway: GatewayProcess): Promise<boolean> => {
  const begun = gateway.output().matchAll(/"pid":(\d+),"msg":"a process has begun"/g)
  const members = [...begun].map(([, pid]) => Number(pid)).filter(lives)
  const pid = members[Math.floor(Math.random() * (members.length + 1))]
  if (pid === undefined) await gateway.end('SIGKILL')
  else process.kill(pid, 'SIGKILL')
  return pid === undefined
}

test.each([
  { kind: 'of the process', workers: 0 },
  { kind: 'of any of its processes', workers: 2 },
])(
  `after ${kills} kills $kind in the middle of traffic, every visitor with the whole page has a delivered event, none twice`,
  { timeout: 240_000 },
  async ({ workers }) => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-kill-'))
    await using origin = await startOrigin()
    await using webhook = await startWebhook()
    const rules = join(folder, 'rules.json')
    await writeFile(
      rules,
      JSON.stringify({
        sites: [
          {
            id: 'shop',
            hosts: ['*'],
            origin: `http://127.0.0.1:${origin.port}`,
            // Patience beyond any commit of a busy test machine: what is shown here is the hold, not its end.
            holdMs: 10_000,
            rules: [
              {
                id: 'order',
                match: { path: '/thanks/:id' },
                actions: [{ type: 'fire_conversion_event', eventType: 'purchase' }],
              },
            ],
            integrations: [
              {
                id: 'hook',
                platform: 'webhook',
                config: { url: `${webhook.url}/in` },
                consent: { required: false },
                rateLimit: { lifted: true },
              },
            ],
          },
        ],
      }),
    )
    const options = { rules, database: join(folder, 'sluice.db'), workers, flags: ['--log-level', 'info'] }
    const complete = new Set<string>()
    let next = 0

    const visit = async (gateway: GatewayProcess, agent: Agent): Promise<void> => {
      const id = `K-${(next += 1)}`
      const answer = await request(`${gateway.url}/thanks/${id}`, {
        dispatcher: agent,
        headers: { host: 'shop.example.com', 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0' },
      })
      const text = await answer.body.text()
      if (answer.statusCode === 200 && text === orderPage(id)) complete.add(id)
    }

    await using started = new AsyncDisposableStack()
    let gateway: GatewayProcess | null = null
    for (let round = 0; round < kills; round += 1) {
      gateway ??= started.use(await startGatewayProcess(options))
      const one: GatewayProcess = gateway
      const agent = new Agent({ connections: visitorsAtOnce })
      const over = new AbortController()
      const visitors = Array.from({ length: visitorsAtOnce }, async () => {
        while (!over.signal.aborted) await visit(one, agent).catch(() => undefined)
      })
      const before = complete.size
      await until(
        () => complete.size,
        (size) => size > before,
        // Nobody serves for a while when all were killed in a row: whoever dies at once is replaced later and later.
        60_000,
      )
      await sleep(Math.random() * 150)
      if (await killOne(one)) gateway = null
      over.abort()
      await Promise.all(visitors)
      await agent.destroy()
    }
    await gateway?.end('SIGKILL')

    await using last = await startGatewayProcess(options)
    const arrived = () =>
      new Set(
        webhook.received.map(({ json }) => (json as { customData: { orderId: string } }).customData.orderId),
      )
    await until(arrived, (seen) => complete.isSubsetOf(seen), 60_000)
    expect(await last.end('SIGTERM')).toBe(0)

    expect(complete.size).toBeGreaterThan(kills)
    expect([...complete.difference(arrived())]).toEqual([])
    // One id per order: what was sent twice, for want of a note of the first answer, carried the same id.
    const ids = Map.groupBy(
      webhook.received,
      ({ json }) => (json as { customData: { orderId: string } }).customData.orderId,
    )
    expect([...ids.values()].filter((deliveries) => deliveries.length > 1)).toEqual([])
    await rm(folder, { recursive: true, force: true })
  },
)
