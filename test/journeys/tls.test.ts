import { connect as connectHttp2 } from 'node:http2'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import certificates from '../certificates/certificates.json' with { type: 'json' }
import { pebbleIsThere, startPebble } from '../certificates/pebble.ts'
import { until } from '../support/until.ts'
import { browser, purchase, rulesText, startScene, thanksPage, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 60_000 })

/** The gateway by itself on the internet: no other proxy ends TLS for it. */

const name = 'shop.test'
const loopback = { host: '127.0.0.1', port: 0 }
const person = { email: 'jo@example.org', phone: '+4930123456' }
const cookie = '_sw_consent=all'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-tls-'))
})
afterEach(() => rm(folder, { recursive: true }))

const put = async (pair: { readonly cert: string; readonly key: string }): Promise<void> => {
  for (const [file, text] of [
    ['shop.crt', pair.cert],
    ['shop.key', pair.key],
  ] as const) {
    await writeFile(join(folder, `${file}.new`), text)
    await rename(join(folder, `${file}.new`), join(folder, file))
  }
}

const portOf = (url: string | null): number => Number(new URL(url ?? '').port)

const handshake = (it: Scene, protocol: string): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect(
      {
        port: portOf(it.gateway.tlsUrl),
        host: '127.0.0.1',
        servername: name,
        ALPNProtocols: [protocol],
        rejectUnauthorized: false,
      },
      () => resolve(socket),
    )
    socket.once('error', reject)
  })

const issuerOf = async (it: Scene): Promise<string> => {
  const socket = await handshake(it, 'http/1.1')
  const { issuer } = socket.getPeerX509Certificate()!
  socket.destroy()
  return issuer
}

/** A page over HTTP/2, as a browser asks for it. */
const openPage = async (it: Scene, path: string): Promise<string> => {
  const socket = await handshake(it, 'h2')
  const session = connectHttp2(`https://${name}`, { createConnection: () => socket })
  const { host: _, ...headers } = browser
  const stream = session.request({ ...headers, ':path': path, ':authority': name, cookie })
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  session.destroy()
  return Buffer.concat(chunks).toString()
}

const page = thanksPage('7', person)
const site = { hosts: [name], tls: { cert: '', key: '' }, redirectToHttps: true }
const integrations = { meta: null, ga4: null }

test('an order placed over HTTP/2 is delivered, and a new certificate changes nothing for who is there', async () => {
  await put(certificates.shop)
  await using it = await startScene({
    origin: (_req, res) => res.setHeader('content-type', 'text/html').end(page),
    config: { tlsListen: loopback },
    site: { ...site, tls: { cert: join(folder, 'shop.crt'), key: join(folder, 'shop.key') } },
    rules: [purchase],
    integrations,
  })
  expect(it.gateway.tlsUrl).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
  expect(await openPage(it, '/order-received/7')).toBe(page)
  const [event] = await it.settled(1)
  expect(event?.deliveries.map(({ status }) => status)).toEqual(['sent'])
  expect(JSON.stringify(event)).toContain(`https://${name}/order-received/7`)

  // Over http one is sent on, and nothing fires.
  const answer = await it.ask('/order-received/8', { headers: { host: name, cookie } })
  expect([answer.status, answer.headers['location']]).toEqual([308, `https://${name}/order-received/8`])

  await put(certificates.renewed)
  await until(
    () => it.log(),
    (lines) => lines.some(({ msg }) => msg === 'a new certificate is in force'),
  )
  expect(await openPage(it, '/order-received/9')).toBe(page)
  expect(await it.settled(2)).toHaveLength(2)
  expect(it.logText()).not.toMatch(/PRIVATE KEY/)
})

test('a certificate that does not fit its key stops the start, with the line that names it', async () => {
  await put({ cert: certificates.shop.cert, key: certificates.other.key })
  const files = { cert: join(folder, 'shop.crt'), key: join(folder, 'shop.key') }
  await expect(
    startScene({ config: { tlsListen: loopback }, site: { ...site, tls: files } }),
  ).rejects.toThrow(/rules\.json:\d+:\d+ {2}sites\[0\]\.tls\.key: the key does not belong to the certificate/)
})

test('sites with certificates and no listener for them are spoken of', async () => {
  await put(certificates.shop)
  const files = { cert: join(folder, 'shop.crt'), key: join(folder, 'shop.key') }
  await using it = await startScene({ site: { hosts: [name], tls: files } })
  expect(it.gateway.tlsUrl).toBeNull()
  expect(it.log().filter(({ level }) => level === 'warn')).toMatchObject([
    { msg: 'sites have "tls", and nothing is served over it: there is no --tls-listen' },
  ])
})

describe.skipIf(!pebbleIsThere)('with pebble (skipped where it is not installed)', () => {
  test('a site that comes to ask for it has its certificate issued, and keeps it', async () => {
    const ca = join(folder, 'authority.pem')
    await writeFile(ca, certificates.authority)
    const options = {
      origin: (_req: unknown, res: { end(text: string): unknown }) => void res.end(page),
      config: { tlsListen: loopback },
      site: { hosts: [name], redirectToHttps: true },
      rules: [purchase],
      integrations,
    }
    await using it = await startScene(options)
    await using pebble = await startPebble({
      http: portOf(it.gateway.url),
      tls: portOf(it.gateway.tlsUrl),
    })
    const rules = rulesText(it.originUrl, it, { ...options, site: { ...options.site, tls: 'acme' } })
    const acme = { email: 'jo@shop.test', directory: pebble.directory, ca }
    await it.writeRules(JSON.stringify({ acme, ...(JSON.parse(rules) as object) }))
    await until(
      () => it.log(),
      (lines) => lines.some(({ msg }) => msg === 'a new certificate is in force'),
    )
    expect(await issuerOf(it)).toContain('Pebble')
    expect(await openPage(it, '/')).toBe(page)
    await it.restart()
    expect(await issuerOf(it)).toContain('Pebble')
    const issued = it.log().filter(({ msg }) => msg === 'a certificate has been issued')
    expect(issued).toHaveLength(1)
    expect(it.logText()).not.toMatch(/PRIVATE KEY|jo@shop\.test/)
  })
})
