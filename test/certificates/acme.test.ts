import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { X509Certificate } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openCertificateFolder, type CertificateFolder } from '../../src/certificates/folder.ts'
import type { Authority } from '../../src/certificates/issue.ts'
import { createIssuer, type Issuer } from '../../src/certificates/issuer.ts'
import { createKeeper, type Keeper } from '../../src/certificates/keeper.ts'
import type { ProxyOptions } from '../../src/proxy/proxy.ts'
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import { request, siteAt } from '../proxy/support.ts'
import { startTlsGateway, type TlsGateway } from '../proxy/tls-support.ts'
import certificates from './certificates.json' with { type: 'json' }
import { pebbleIsThere, startPebble } from './pebble.ts'

/** A gateway that has its certificates issued, tested against Pebble (`apt-get install pebble`). */

let path: string
let folder: CertificateFolder
let keeper: Keeper
let issuer: Issuer
let said: { level: string; message: string; fields: Record<string, unknown> }[]
let now: number

const log = Object.fromEntries(
  ['info', 'warn', 'error'].map((level) => [
    level,
    (fields: object, message: string) => void said.push({ level, message, fields: { ...fields } }),
  ]),
) as unknown as Parameters<typeof createKeeper>[0]['log']
const readText = (file: string): string => readFileSync(file, 'utf8')
const newIssuer = (): Issuer =>
  createIssuer({ folder, log, readText, now: () => now, onIssued: () => keeper.look() })

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'sluice-acme-')), 'certificates')
  folder = await openCertificateFolder(path)
  said = []
  now = Date.now()
  keeper = createKeeper({ log, readText, now: () => now, proof: folder.readProofPair })
  issuer = newIssuer()
})
afterEach(async () => {
  await issuer.close()
  keeper.close()
  await rm(join(path, '..'), { recursive: true })
})

const authorityAt = (directory: string): Authority => ({
  directory,
  email: 'someone@shop.test',
  ca: certificates.authority,
})
const startGateway = (origin: string, more: Partial<ProxyOptions> = {}): Promise<TlsGateway> =>
  startTlsGateway([siteAt(origin, { hosts: ['shop.test', 'www.shop.test'], redirectToHttps: true })], {
    certificates: keeper.certificates,
    proofOf: folder.readProof,
    ...more,
  })
const want = (...names: readonly string[]): void =>
  keeper.follow(names.map((name) => ({ hosts: [name], files: folder.filesOf(name), issued: true })))
const shown = async (gateway: TlsGateway, servername: string): Promise<X509Certificate> => {
  const socket = await gateway.handshake({ servername, rejectUnauthorized: false })
  const certificate = socket.getPeerX509Certificate()!
  socket.destroy()
  return certificate
}
const messages = (): readonly string[] => said.map(({ message }) => message)

describe.skipIf(!pebbleIsThere)(
  'from pebble (skipped where it is not installed)',
  { timeout: 60_000 },
  () => {
    test('each name gets a certificate of its own, which is served, and nobody else can read its key', async () => {
      await using origin = await startRawOrigin(answering(ok()))
      await using gateway = await startGateway(origin.url)
      await using pebble = await startPebble({ http: gateway.port, tls: gateway.tlsPort })
      want('shop.test', 'www.shop.test')
      issuer.follow(['shop.test', 'www.shop.test'], authorityAt(pebble.directory))
      await issuer.idle()
      expect(messages().filter((message) => message === 'a certificate has been issued')).toHaveLength(2)
      for (const name of ['shop.test', 'www.shop.test']) {
        const certificate = await shown(gateway, name)
        expect([certificate.subjectAltName, certificate.issuer]).toEqual([
          `DNS:${name}`,
          expect.stringContaining('Pebble Intermediate CA'),
        ])
      }
      const visitor = await gateway.visitTls({ rejectUnauthorized: false })
      visitor.socket.write(request('GET /'))
      await visitor.closed()
      expect(visitor.received()).toContain('200 OK')
      // The authority was answered by the gateway: the origin has seen one visitor and nothing else.
      expect(
        origin.connections
          .map((one) => one.received())
          .join('')
          .match(/HTTP\/1\.1\r\n/g),
      ).toHaveLength(1)

      expect((await stat(path)).mode & 0o777).toBe(0o700)
      const files = await readdir(path)
      expect(files.toSorted()).toEqual([
        'account-127.0.0.1.pem',
        'history.json',
        'proofs',
        'shop.test.pem',
        'www.shop.test.pem',
      ])
      for (const file of files.filter((name) => name !== 'proofs'))
        expect([file, (await stat(join(path, file))).mode & 0o777]).toEqual([file, 0o600])
      expect(await readdir(join(path, 'proofs'))).toEqual([])
      expect(JSON.stringify(said)).not.toMatch(/BEGIN|PRIVATE/)
    })

    test('a certificate is renewed after two thirds of its life, and not before', async () => {
      await using origin = await startRawOrigin(answering(ok()))
      await using gateway = await startGateway(origin.url)
      await using pebble = await startPebble({ http: gateway.port, tls: gateway.tlsPort })
      const authority = authorityAt(pebble.directory)
      want('shop.test')
      issuer.follow(['shop.test'], authority)
      await issuer.idle()
      const first = await shown(gateway, 'shop.test')
      const life = first.validToDate.getTime() - first.validFromDate.getTime()
      const account = await readFile(join(path, 'account-127.0.0.1.pem'), 'utf8')

      now = first.validFromDate.getTime() + life * 0.66
      issuer.follow(['shop.test'], authority)
      await issuer.idle()
      expect((await shown(gateway, 'shop.test')).serialNumber).toBe(first.serialNumber)

      const held = await gateway.visitTls({ rejectUnauthorized: false })
      now = first.validFromDate.getTime() + life * 0.67
      issuer.follow(['shop.test'], authority)
      await issuer.idle()
      expect((await shown(gateway, 'shop.test')).serialNumber).not.toBe(first.serialNumber)
      // By the same account, with a key of its own, and without a word to who is there.
      expect(await readFile(join(path, 'account-127.0.0.1.pem'), 'utf8')).toBe(account)
      expect((await shown(gateway, 'shop.test')).publicKey.equals(first.publicKey)).toBe(false)
      held.socket.write(request('GET /'))
      await held.closed()
      expect(held.received()).toContain('200 OK')
    })

    test('where the port of http is closed, the name is proven over TLS at the next try', async () => {
      await using origin = await startRawOrigin(answering(ok()))
      await using gateway = await startGateway(origin.url)
      // Whoever asks at this port finds nobody.
      await using pebble = await startPebble({ http: 1, tls: gateway.tlsPort })
      const authority = authorityAt(pebble.directory)
      want('shop.test')
      issuer.follow(['shop.test'], authority)
      await issuer.idle()
      expect(said).toMatchObject([
        {
          level: 'error',
          message: 'no certificate was issued',
          fields: { host: 'shop.test', proof: 'http-01', failures: 1 },
        },
      ])
      // Not before its time, whoever asks.
      issuer.follow(['shop.test'], authority)
      await issuer.idle()
      await issuer.close()
      issuer = newIssuer()
      issuer.follow(['shop.test'], authority)
      await issuer.idle()
      expect(said).toHaveLength(1)

      now += 5 * 60_000
      issuer.follow(['shop.test'], authority)
      await issuer.idle()
      expect(messages()).toContain('a certificate has been issued')
      expect((await shown(gateway, 'shop.test')).subjectAltName).toBe('DNS:shop.test')
      expect(await readdir(join(path, 'proofs'))).toEqual([])
    })

    test('another authority is asked at once, and what it gave is kept through a restart', async () => {
      await using origin = await startRawOrigin(answering(ok()))
      await using gateway = await startGateway(origin.url)
      await using staging = await startPebble({ http: gateway.port, tls: gateway.tlsPort })
      await using production = await startPebble({ http: gateway.port, tls: gateway.tlsPort })
      want('shop.test')
      issuer.follow(['shop.test'], authorityAt(staging.directory))
      await issuer.idle()
      const first = await shown(gateway, 'shop.test')
      issuer.follow(['shop.test'], authorityAt(production.directory))
      await issuer.idle()
      const second = await shown(gateway, 'shop.test')
      expect(second.serialNumber).not.toBe(first.serialNumber)
      await issuer.close()
      issuer = newIssuer()
      issuer.follow(['shop.test'], authorityAt(production.directory))
      await issuer.idle()
      expect((await shown(gateway, 'shop.test')).serialNumber).toBe(second.serialNumber)
    })
  },
)

describe('one issuer at a time', () => {
  const nobody = authorityAt('https://127.0.0.1:1/directory')

  test('waits while another process is at it, and takes over from one that is gone', async () => {
    const lock = join(path, 'issuing.lock')
    await writeFile(lock, 'another-machine 1')
    issuer.follow(['shop.test'], nobody)
    await issuer.idle()
    expect(said).toEqual([])
    // It has not been heard of for long.
    now += 11 * 60_000
    expect(await folder.lock(now)).not.toBeNull()
  })

  test.each([
    ['of this process in an earlier life', () => process.pid],
    ['of a process that is gone', () => 2 ** 22 + 1],
  ])('a lock %s is none', async (_name, pid) => {
    const { hostname } = await import('node:os')
    await writeFile(join(path, 'issuing.lock'), `${hostname()} ${pid()}`)
    const lock = await folder.lock(now)
    expect(lock).not.toBeNull()
    expect(await folder.lock(now)).toBeNull()
    await lock!.release()
    expect(await readdir(path)).not.toContain('issuing.lock')
  })
})

describe('the folder', () => {
  test.each(['../token', '..', 'a/b', ''])('leads nowhere by %j', async (name) => {
    expect([folder.readProof(name), folder.readProofPair(name)]).toEqual([null, null])
    await expect(async () => folder.writeProof(name, 'x')).rejects.toThrow('no name for a file')
  })

  test('that was spoilt is as if it were new', async () => {
    await writeFile(join(path, 'history.json'), '{ torn')
    expect(await folder.readHistory()).toEqual({})
  })
})
