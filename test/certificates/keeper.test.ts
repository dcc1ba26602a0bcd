import { readFileSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createKeeper, type Keeper, type Wanted } from '../../src/certificates/keeper.ts'
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import { eventually, request, siteAt } from '../proxy/support.ts'
import { startTlsGateway, type TlsGateway } from '../proxy/tls-support.ts'
import certificates from './certificates.json' with { type: 'json' }

let folder: string
let keeper: Keeper
let said: { level: string; message: string; fields: Record<string, unknown> }[]

const say =
  (level: string) =>
  (fields: object, message: string): void =>
    void said.push({ level, message, fields: { ...fields } })

const file = (name: string): string => join(folder, name)
/** In the way of careful tools: another file in its place. */
const put = async (name: string, text: string): Promise<void> => {
  await writeFile(file(`${name}.new`), text)
  await rename(file(`${name}.new`), file(name))
}
const putPair = async (name: string, pair: { cert: string; key: string }): Promise<void> => {
  await put(`${name}.crt`, pair.cert)
  await put(`${name}.key`, pair.key)
}
const wanted = (name: string, hosts: readonly string[], issued = false): Wanted => ({
  hosts,
  files: { cert: file(`${name}.crt`), key: file(`${name}.key`) },
  issued,
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-certificates-'))
  said = []
  keeper = createKeeper({
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    readText: (path) => readFileSync(path, 'utf8'),
    now: Date.now,
    debounceMs: 20,
    pollMs: 200,
  })
})
afterEach(async () => {
  keeper.close()
  await rm(folder, { recursive: true })
})

const serialOf = async (gateway: TlsGateway, servername = 'shop.test'): Promise<string> => {
  const socket = await gateway.handshake({ servername, checkServerIdentity: () => undefined })
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}
const refused = async (gateway: TlsGateway, servername: string): Promise<boolean> =>
  serialOf(gateway, servername).then(
    () => false,
    () => true,
  )

const startGateway = async (origin: string): Promise<TlsGateway> =>
  startTlsGateway([siteAt(origin, { hosts: ['*'] })], { certificates: keeper.certificates })

describe('a certificate', () => {
  test('is found by name: the exact one, then the longest wildcard, then any', async () => {
    await putPair('shop', certificates.shop)
    await putPair('renewed', certificates.renewed)
    await putPair('other', certificates.other)
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    keeper.follow([wanted('shop', ['shop.test']), wanted('renewed', ['*.shop.test'])])
    const exact = await serialOf(gateway, 'shop.test')
    const below = await serialOf(gateway, 'A.shop.test')
    expect(below).not.toBe(exact)
    expect(await refused(gateway, 'other.test')).toBe(true)
    expect(await refused(gateway, '')).toBe(true)
    keeper.follow([wanted('shop', ['shop.test']), wanted('other', ['*'])])
    const any = await serialOf(gateway, 'whatever.test')
    expect(await serialOf(gateway, '')).toBe(any)
    expect(await serialOf(gateway, 'shop.test')).toBe(exact)
    expect(await serialOf(gateway, 'a.shop.test')).toBe(any)
    // A site that is gone is gone with its certificate.
    keeper.follow([wanted('shop', ['shop.test'])])
    expect(await refused(gateway, 'whatever.test')).toBe(true)
    expect(await refused(gateway, '')).toBe(true)
  })

  test('that is replaced holds for the next handshake, and no connection is dropped', async () => {
    await putPair('shop', certificates.shop)
    keeper.follow([wanted('shop', ['shop.test'])])
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    const before = await serialOf(gateway)
    const held = await gateway.visitTls()
    held.socket.write(request('GET /1', []))
    await held.until('hello')
    const session = gateway.http2()
    const first = session.request({ ':path': '/2' })
    await new Promise((resolve) => first.resume().on('close', resolve))

    await putPair('shop', certificates.renewed)
    await eventually(() => said.some(({ message }) => message === 'a new certificate is in force'))
    expect(await serialOf(gateway)).not.toBe(before)
    held.socket.write(request('GET /3'))
    await held.closed()
    expect(held.received().match(/200 OK/g)).toHaveLength(2)
    const second = session.request({ ':path': '/4' })
    const status = new Promise((resolve) => second.on('response', (head) => resolve(head[':status'])))
    second.resume()
    expect(await status).toBe(200)
  })

  test.each<[string, () => Promise<void>, string]>([
    [
      'is torn',
      () => put('shop.crt', certificates.renewed.cert.slice(0, 300)),
      'this is no certificate in PEM form',
    ],
    [
      'has the key of another',
      () => put('shop.key', certificates.other.key),
      'the key does not belong to the certificate',
    ],
    ['is gone', () => rm(file('shop.crt')), 'cannot be read: there is no such file'],
  ])('whose successor %s is kept, and that is said', async (_name, spoil, problem) => {
    await putPair('shop', certificates.shop)
    keeper.follow([wanted('shop', ['shop.test'])])
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    const before = await serialOf(gateway)
    await spoil()
    await eventually(() => said.length === 1)
    expect(said[0]).toMatchObject({
      level: 'error',
      message: 'the new certificate is refused; the old one is kept',
      fields: { hosts: ['shop.test'], problems: [expect.stringContaining(problem)] },
    })
    expect(JSON.stringify(said)).not.toMatch(/BEGIN|PRIVATE/)
    expect(await serialOf(gateway)).toBe(before)
    // The same through a reload of the rules, and nothing is said twice.
    keeper.follow([wanted('shop', ['shop.test'])])
    keeper.look()
    expect(await serialOf(gateway)).toBe(before)
    expect(said).toHaveLength(1)
    // Until the mistake is mended.
    await putPair('shop', certificates.renewed)
    await eventually(() => said.some(({ message }) => message === 'a new certificate is in force'))
    expect(await serialOf(gateway)).not.toBe(before)
  })

  test('that is yet to be issued is waited for without a word', async () => {
    keeper.follow([wanted('shop', ['shop.test'], true)])
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    expect(await refused(gateway, 'shop.test')).toBe(true)
    expect(said).toEqual([])
    await putPair('shop', certificates.shop)
    await eventually(() => said.some(({ message }) => message === 'a new certificate is in force'))
    expect(await refused(gateway, 'shop.test')).toBe(false)
  })

  test('that is missing though the rules name it is an error, and the others serve', async () => {
    await putPair('shop', certificates.shop)
    keeper.follow([wanted('gone', ['other.test']), wanted('shop', ['shop.test'])])
    expect(said).toMatchObject([{ level: 'error', message: 'a certificate cannot be used' }])
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(origin.url)
    expect(await refused(gateway, 'shop.test')).toBe(false)
  })

  test('that visitors will trip over is served, with a warning', async () => {
    await putPair('expired', certificates.expired)
    keeper.follow([wanted('expired', ['shop.test', 'other.test'])])
    expect(said.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'the certificate ran out on 2021-01-01'],
      ['warn', 'the certificate is not for other.test; it names shop.test'],
    ])
  })
})
