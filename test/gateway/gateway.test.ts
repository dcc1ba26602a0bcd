import { join } from 'node:path'
import { writeFile } from 'node:fs/promises'
import { request } from 'undici'
import { describe, expect, test, vi } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { startGateway } from '../../src/gateway/gateway.ts'
import { collectedLog, env, folderOfItsOwn, rulesBefore } from '../journeys/hosts.ts'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { until } from '../support/until.ts'

vi.setConfig({ testTimeout: 60_000 })

const start = async (folder: string, origin: string, store = 's.db') => {
  const rules = join(folder, 'rules.json')
  await writeFile(rules, JSON.stringify(rulesBefore(origin, 'http://127.0.0.1:9')))
  const { log, text } = collectedLog()
  const flags = ['--rules', rules, '--listen', '127.0.0.1:0', '--store', `sqlite:${folder}/${store}`]
  const gateway = await startGateway(readConfig(flags, env), { log, env })
  return Object.assign(gateway, { text, [Symbol.asyncDispose]: () => gateway.close(1_000) })
}

/** An origin that answers with the `Via` it was sent. */
const echoVia = () => startHttpOrigin((req, res) => res.end(req.headers.via))

const viaThrough = async (url: string): Promise<string> => (await request(url)).body.text()

describe('the name in Via', () => {
  test('is one for all processes before one store, and another before another', async () => {
    await using folder = await folderOfItsOwn()
    await using origin = await echoVia()
    const names: string[] = []
    for (const store of ['s.db', 's.db', 'other.db']) {
      await using gateway = await start(folder.path, origin.url, store)
      names.push(await viaThrough(gateway.url))
    }
    expect(names[0]).toMatch(/^1\.1 sluice-[0-9a-f]{12}$/)
    expect(names[1]).toBe(names[0])
    expect(names[2]).not.toBe(names[0])
  })

  test('lets two gateways stand in a row', async () => {
    await using folder = await folderOfItsOwn()
    await using outer = await folderOfItsOwn()
    await using origin = await echoVia()
    await using inside = await start(folder.path, origin.url)
    await using outside = await start(outer.path, inside.url)
    expect((await viaThrough(outside.url)).split(', ')).toHaveLength(2)
  })
})

describe('the access log', () => {
  test('has a line for each failure and none for what went well', async () => {
    await using folder = await folderOfItsOwn()
    await using origin = await startHttpOrigin((req, res) => {
      if (req.url?.startsWith('/bad')) res.writeHead(500)
      res.end('x')
    })
    await using gateway = await start(folder.path, origin.url)
    for (const path of ['/good', '/bad?email=ann@example.com&page=2', '/good'])
      await (await request(`${gateway.url}${path}`)).body.dump()
    await until(gateway.text, (text) => text.includes('"msg":"request"'))
    const lines = gateway
      .text()
      .split('\n')
      .filter((line) => line.includes('"msg":"request"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toMatchObject([{ site: 'shop', method: 'GET', path: '/bad?page=2', status: 500 }])
    expect(gateway.text()).not.toContain('ann@example.com')
  })

  test('of the process is whole when it ends', async () => {
    await using folder = await folderOfItsOwn()
    await using origin = await echoVia()
    const rules = join(folder.path, 'rules.json')
    await writeFile(rules, JSON.stringify(rulesBefore(origin.url, 'http://127.0.0.1:9')))
    const gateway = await startGatewayProcess({
      rules,
      database: join(folder.path, 's.db'),
      env,
      flags: ['--access-log', 'all'],
    })
    for (let index = 0; index < 100; index += 1)
      await (await request(`${gateway.url}/page/${index}`)).body.dump()
    expect(await gateway.end('SIGTERM')).toBe(0)
    const paths = gateway
      .output()
      .split('\n')
      .filter((line) => line.includes('"msg":"request"'))
      .map((line) => (JSON.parse(line) as { path: string }).path)
    expect(paths).toEqual(Array.from({ length: 100 }, (_, index) => `/page/${index}`))
  })
})

describe('a header in which proxies name the visitor', () => {
  test.each<[readonly string[], boolean]>([
    [[], true],
    [['--trusted-proxies', '10.0.0.0/8'], false],
  ])('with %j: whether the log says that it is read of nobody is %s', async (flags, warned) => {
    await using folder = await folderOfItsOwn()
    const rules = join(folder.path, 'rules.json')
    const { sites } = rulesBefore('http://127.0.0.1:9', 'http://127.0.0.1:9')
    await writeFile(rules, JSON.stringify({ sites: [{ ...sites[0], countryHeader: 'CF-IPCountry' }] }))
    const { log, text } = collectedLog()
    const all = [
      '--rules',
      rules,
      '--listen',
      '127.0.0.1:0',
      '--store',
      `sqlite:${folder.path}/s.db`,
      ...flags,
    ]
    const gateway = await startGateway(readConfig(all, env), { log, env })
    await gateway.close(1_000)
    expect(text().includes('countryHeader is read of nobody')).toBe(warned)
  })
})
