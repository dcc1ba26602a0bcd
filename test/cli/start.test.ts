import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { startWebhook } from '../platforms/webhook.ts'
import { runSluice, startGatewayProcess } from '../support/gateway-process.ts'
import { until } from '../support/until.ts'
import { secrets, smallRules, temporaryFolder } from './folder.ts'

vi.setConfig({ testTimeout: 60_000 })

/** The process: how it says that it is ready, how it ends, and what it leaves. */

const page = '<title>Thank you</title><b class="total">12,50 EUR</b><i id="email">ann@example.com</i>'
const visitor = {
  host: 'shop.example.com',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
  cookie: '_sw_consent=all',
}

const open = async (
  gateway: string,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> => {
  const answer = await request(`${gateway}${path}`, { headers: visitor })
  return { status: answer.statusCode, text: await answer.body.text() }
}

interface LogLine {
  readonly level: string
  readonly msg: string
}
const linesOf = (output: string): readonly LogLine[] =>
  output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine)

test('a port that is taken stops the start with 78 and says so', async () => {
  await using folder = await temporaryFolder()
  await using other = await startHttpOrigin((_incoming, response) => response.end('mine'))
  const rules = await folder.write('rules.json', smallRules())
  const { host } = new URL(other.url)
  const ran = await runSluice(
    ['start', '--rules', rules, '--listen', host, '--store', `sqlite:${folder.path}/s.db`],
    secrets,
  )
  expect(ran.code).toBe(78)
  expect(ran.stderr).toBe(`sluice start: cannot listen on ${host}: another process listens there already\n`)
  expect(await (await request(other.url)).body.text()).toBe('mine')
})

test('an address this machine has not stops it in the same way', async () => {
  await using folder = await temporaryFolder()
  const rules = await folder.write('rules.json', smallRules())
  const ran = await runSluice(
    ['start', '--rules', rules, '--listen', '203.0.113.5:0', '--store', `sqlite:${folder.path}/s.db`],
    secrets,
  )
  expect(ran.code).toBe(78)
  expect(ran.stderr).toBe('sluice start: cannot listen on 203.0.113.5:0: this machine has no such address\n')
})

describe('SIGTERM', () => {
  test('ends it with 0: one line said it was ready, what was accepted is on the disk, nothing personal in the log', async () => {
    await using folder = await temporaryFolder()
    await using origin = await startHttpOrigin((_incoming, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(page),
    )
    await using webhook = await startWebhook({ secret: secrets.HOOK_SECRET })
    const rules = await folder.write(
      'rules.json',
      smallRules({ origin: origin.url, hook: `${webhook.url}/in` }),
    )
    const database = join(folder.path, 'sluice.db')
    await using gateway = await startGatewayProcess({
      rules,
      database,
      env: secrets,
      flags: ['--log-level', 'debug'],
    })
    for (const id of ['A-1', 'A-2', 'A-3'])
      expect(await open(gateway.url, `/order-received/${id}?status=paid`)).toEqual({
        status: 200,
        text: page,
      })
    await until(
      () => webhook.received.length,
      (count) => count === 3,
    )
    // The first has its answer; the last may be on its way when the signal comes.
    await open(gateway.url, '/order-received/A-4?status=paid')
    expect(await gateway.end('SIGTERM')).toBe(0)

    const lines = linesOf(gateway.output())
    expect(lines.filter(({ msg }) => msg.startsWith('ready: '))).toMatchObject([
      {
        level: 'info',
        listen: gateway.url,
        store: `sqlite:${database}`,
        sites: 1,
        rules: 2,
        integrations: 2,
      },
    ])
    expect(lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
    for (const secret of ['ann@example.com', ...Object.values(secrets)])
      expect(gateway.output()).not.toContain(secret)

    const store = await openSqliteStore({ path: database })
    try {
      const { events } = await store.events({ site: 'shop', limit: 10 })
      expect(events.map(({ orderId }) => orderId ?? '').sort()).toEqual(['A-1', 'A-2', 'A-3', 'A-4'])
      // Released or settled, but in nobody's hands.
      expect(
        events.flatMap(({ deliveries }) => deliveries).filter(({ status }) => status === 'claimed'),
      ).toEqual([])
    } finally {
      await store.close()
    }
  })

  test('lets a page under way finish first; a second one does not wait for it', async () => {
    await using folder = await temporaryFolder()
    /** Answers the request for `/slow` that is waiting; there is one at a time. */
    let slow = Promise.withResolvers<() => void>()
    await using origin = await startHttpOrigin((incoming, response) => {
      const answer = (): void => void response.writeHead(200, { 'content-type': 'text/html' }).end(page)
      if (incoming.url === '/slow') slow.resolve(answer)
      else answer()
    })
    const rules = await folder.write('rules.json', smallRules({ origin: origin.url }))
    const options = { rules, database: join(folder.path, 'sluice.db'), env: secrets }
    const stopping = (output: string): boolean => output.includes('stopping: no new requests')

    await using patient = await startGatewayProcess(options)
    const whole = open(patient.url, '/slow')
    const answer = await slow.promise
    const ended = patient.end('SIGTERM')
    await until(patient.output, stopping)
    await expect(open(patient.url, '/')).rejects.toThrow(/ECONNREFUSED|other side closed|ECONNRESET/)
    answer()
    expect(await whole).toEqual({ status: 200, text: page })
    expect(await ended).toBe(0)

    slow = Promise.withResolvers()
    await using hurried = await startGatewayProcess(options)
    const cut = open(hurried.url, '/slow').catch(() => 'cut')
    await slow.promise
    hurried.child.kill('SIGTERM')
    await until(hurried.output, stopping)
    expect(await hurried.end('SIGTERM')).toBe(1)
    expect(hurried.output()).toContain('stopping now: told twice')
    expect(await cut).toBe('cut')
  })
})

test('SIGHUP reads the rules again, and a bad file leaves the old ones in force', async () => {
  await using folder = await temporaryFolder()
  await using origin = await startHttpOrigin((_incoming, response) => response.end('here'))
  const rules = await folder.write('rules.json', smallRules({ origin: origin.url }))
  await using gateway = await startGatewayProcess({
    rules,
    database: join(folder.path, 'sluice.db'),
    env: secrets,
  })
  gateway.child.kill('SIGHUP')
  await until(gateway.output, (output) => output.includes('new rules are in force'))
  await folder.write('rules.json', '{ "sites": [ }')
  await until(gateway.output, (output) => output.includes('the new rules are refused'))
  expect(await open(gateway.url, '/')).toEqual({ status: 200, text: 'here' })
  expect(await gateway.end('SIGINT')).toBe(0)
})
