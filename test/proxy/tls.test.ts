import { once } from 'node:events'
import { connect, createSecureContext, type ConnectionOptions } from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { Certificates } from '../../src/proxy/tls-listener.ts'
import certificates from '../certificates/certificates.json' with { type: 'json' }
import { answering, ok, startRawOrigin } from '../origins/raw-origin.ts'
import { eventually, parseRaw, recordingCapture, request, siteAt, startGateway } from './support.ts'
import { authority, shopCertificates, startTlsGateway, type TlsGateway } from './tls-support.ts'

/** `agreed …`, or the alert that the gateway answered with. */
const shake = async (gateway: TlsGateway, options: ConnectionOptions = {}): Promise<string> => {
  const socket = connect({
    port: gateway.tlsPort,
    host: '127.0.0.1',
    servername: 'shop.test',
    ca: authority,
    ...options,
  })
  try {
    await once(socket, 'secureConnect')
    return `agreed ${socket.alpnProtocol === false ? 'on nothing' : socket.alpnProtocol} over ${socket.getProtocol()}`
  } catch (error) {
    return /SSL alert number (\d+)/.exec(String(error))?.[0] ?? String(error)
  } finally {
    socket.destroy()
  }
}

const unrecognizedName = 'SSL alert number 112'
const noApplicationProtocol = 'SSL alert number 120'
const protocolVersion = 'SSL alert number 70'
const handshakeFailure = 'SSL alert number 40'

describe('a handshake', () => {
  const old = { ciphers: 'DEFAULT@SECLEVEL=0' }
  test.each<[string, ConnectionOptions, string]>([
    ['with HTTP/2 first', { ALPNProtocols: ['h2', 'http/1.1'] }, 'agreed h2 over TLSv1.3'],
    ['with HTTP/2 last', { ALPNProtocols: ['http/1.1', 'h2'] }, 'agreed h2 over TLSv1.3'],
    ['without HTTP/2', { ALPNProtocols: ['http/1.1'] }, 'agreed http/1.1 over TLSv1.3'],
    ['that offers no protocol', {}, 'agreed on nothing over TLSv1.3'],
    ['that offers others only', { ALPNProtocols: ['spdy/3', 'acme-tls/1'] }, noApplicationProtocol],
    ['of TLS 1.2', { maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] }, 'agreed h2 over TLSv1.2'],
    ['of TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ...old }, protocolVersion],
    ['of TLS 1.0', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ...old }, protocolVersion],
    ['for a name below the site', { servername: 'a.shop.test' }, 'agreed on nothing over TLSv1.3'],
    ['for a name of no site', { servername: 'other.test' }, unrecognizedName],
    [
      'for a name of no site by a browser',
      { servername: 'other.test', ALPNProtocols: ['h2', 'http/1.1'] },
      unrecognizedName,
    ],
    [
      'for a name of no site, of TLS 1.2',
      { servername: 'other.test', maxVersion: 'TLSv1.2' },
      unrecognizedName,
    ],
    ['for nobody', { servername: '', checkServerIdentity: () => undefined }, handshakeFailure],
  ])('%s', async (_name, options, expected) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url)
    expect(await shake(gateway, options)).toBe(expected)
    if (!expected.startsWith('agreed'))
      await eventually(() => Object.values(gateway.proxy.stats.handshakeFailed).length === 1)
    // And the next is none the worse for it.
    expect(await shake(gateway)).toMatch(/^agreed/)
  })

  test('for nobody is served where a site takes any name, and its successor follows', async () => {
    let use: Parameters<Certificates['followNameless']>[0] = () => {}
    const any: Certificates = {
      find: () => createSecureContext(certificates.shop),
      followNameless: (listener) => {
        use = listener
        listener(certificates.shop)
      },
    }
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url, { certificates: any })
    const serial = async (): Promise<string> => {
      const socket = await gateway.handshake({ servername: '', checkServerIdentity: () => undefined })
      const { serialNumber } = socket.getPeerCertificate()
      socket.destroy()
      return serialNumber
    }
    const first = await serial()
    use(certificates.renewed)
    expect(await serial()).not.toBe(first)
    use(null)
    expect(await shake(gateway, { servername: '', checkServerIdentity: () => undefined })).toBe(
      handshakeFailure,
    )
  })

  test('what is no handshake at all is closed', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url)
    const visitor = await gateway.visit()
    visitor.socket.destroy()
    const { connect: connectPlain } = await import('node:net')
    const socket = connectPlain(gateway.tlsPort, '127.0.0.1')
    socket.write(request('GET /'))
    socket.resume()
    await once(socket, 'close')
    await eventually(() => Object.values(gateway.proxy.stats.handshakeFailed).length === 1)
    expect(origin.connections).toHaveLength(0)
  })
})

describe('HTTP/1.1 over TLS is held to the same as without', () => {
  test.each([
    ['two hosts', 400, 'GET / HTTP/1.1\r\nHost: shop.test\r\nHost: shop.test\r\n\r\n'],
    ['a host of no site', 421, 'GET / HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n'],
    ['no request', 400, 'hello there\r\n\r\n'],
    ['CONNECT', 405, 'CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test\r\n\r\n'],
    ['headers beyond measure', 431, `GET / HTTP/1.1\r\nHost: shop.test\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`],
  ])('%s: %i', async (_name, status, bytes) => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url)
    const visitor = await gateway.visitTls()
    visitor.socket.write(bytes)
    await visitor.closed()
    expect(visitor.received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(origin.connections).toHaveLength(0)
  })

  test('a slow head', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url, {
      limits: { clientHeadersMs: 50, clientRequestMs: 50, clientCheckMs: 10 },
    })
    const visitor = await gateway.visitTls()
    visitor.socket.write('GET / HTTP/1.1\r\nHost:')
    await visitor.closed()
    expect(visitor.received()).toMatch(/^HTTP\/1\.1 408 /)
  })

  test('a client of HTTP/1.0 whose page breaks off hears no farewell', async () => {
    await using origin = await startRawOrigin(async ({ socket, until }) => {
      await until('\r\n\r\n')
      socket.write('HTTP/1.1 200 OK\r\n\r\npart')
    })
    await using gateway = await startTlsGateway(origin.url)
    const visitor = await gateway.visitTls()
    let failed = ''
    visitor.socket.on('error', (error: NodeJS.ErrnoException) => (failed = error.code ?? ''))
    visitor.socket.write('GET / HTTP/1.0\r\nHost: shop.test\r\n\r\n')
    await visitor.until('part')
    origin.connections[0]!.socket.resetAndDestroy()
    await visitor.closed()
    await eventually(() => gateway.proxy.stats.cutShort === 1)
    expect(['', 'ECONNRESET', 'ERR_SSL_UNEXPECTED_EOF_WHILE_READING']).toContain(failed)
  })
})

describe('whoever came over http is sent to https', () => {
  const redirecting = (origin: string, redirectToHttps: boolean | number = true) => [
    siteAt(origin, { redirectToHttps }),
  ]

  test.each([
    ['GET /a/../b?x=%41', 'shop.test', true, 'https://shop.test/a/../b?x=%41'],
    ['POST /form', 'shop.test:8080', true, 'https://shop.test/form'],
    ['GET //other.test/', 'shop.test', true, 'https://shop.test//other.test/'],
    ['GET /', 'Shop.Test', 8443, 'https://Shop.Test:8443/'],
    ['GET /.well-known/other', 'shop.test', true, 'https://shop.test/.well-known/other'],
  ])('%s at %s (%s): %s', async (line, host, redirectToHttps, location) => {
    await using origin = await startRawOrigin(answering(ok()))
    const capture = recordingCapture()
    await using gateway = await startGateway(redirecting(origin.url, redirectToHttps), { capture })
    const { line: status, fields } = parseRaw(await gateway.exchange(request(line, undefined, '', host)))
    expect(status).toBe('HTTP/1.1 308 Permanent Redirect')
    expect(fields).toContain(`Location: ${location}`)
    expect([origin.connections.length, capture.seen.length]).toEqual([0, 0])
    expect(gateway.proxy.stats.redirected).toBe(1)
  })

  test('but not who came over https, by our socket or by the word of a proxy of ours', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(redirecting(origin.url))
    const visitor = await gateway.visitTls()
    visitor.socket.write(request('GET /'))
    await visitor.closed()
    expect(visitor.received()).toMatch(/^HTTP\/1\.1 200 /)
    await using behind = await startGateway(redirecting(origin.url), { trust: () => true })
    const said = (proto: string): string =>
      request('GET /', [`X-Forwarded-Proto: ${proto}`, 'Connection: close'])
    expect(await behind.exchange(said('https'))).toMatch(/^HTTP\/1\.1 200 /)
    expect(await behind.exchange(said('http'))).toMatch(/^HTTP\/1\.1 308 /)
    // A visitor's own word is none.
    expect(await gateway.exchange(said('https'))).toMatch(/^HTTP\/1\.1 308 /)
  })

  test('nor an authority that tests whether the name leads here', async () => {
    await using origin = await startRawOrigin(answering(ok('of the origin')))
    await using gateway = await startGateway(redirecting(origin.url))
    const path = '/.well-known/acme-challenge/token-of-the-origin'
    expect(await gateway.exchange(request(`GET ${path}`))).toContain('of the origin')
  })

  test('nor anyone of a site that does not ask for it', async () => {
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startGateway(redirecting(origin.url, false))
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('an authority that tests a name', () => {
  const proofOf = (token: string): string | null =>
    token === 'a-token-of-ours-0' ? 'a-token-of-ours-0.print' : null
  const path = '/.well-known/acme-challenge/'

  test('is answered before any site and any rule', async () => {
    await using origin = await startRawOrigin(answering(ok('of the origin')))
    const capture = recordingCapture()
    await using gateway = await startTlsGateway([siteAt(origin.url, { redirectToHttps: true })], {
      proofOf,
      capture,
    })
    const ask = (line: string, host = 'shop.test') => gateway.exchange(request(line, undefined, '', host))
    expect(parseRaw(await ask(`GET ${path}a-token-of-ours-0`)).body).toBe('a-token-of-ours-0.print')
    // A name that is to be served soon is tested before it is.
    expect(parseRaw(await ask(`GET ${path}a-token-of-ours-0`, 'soon.test')).body).toBe(
      'a-token-of-ours-0.print',
    )
    expect(origin.connections).toHaveLength(0)
    // The origin may have an authority of its own.
    expect(await ask(`GET ${path}a-token-of-another`)).toContain('of the origin')
    expect(await ask(`POST ${path}a-token-of-ours-0`)).toContain('of the origin')
    expect(await ask(`GET ${path}../a-token-of-ours-0`)).toContain('of the origin')
    expect(capture.seen).toHaveLength(3)
  })

  test('by TLS alone sees the certificate made for it, and visitors never do (RFC 8737)', async () => {
    const proof = createSecureContext(certificates.other)
    const proving: Certificates = {
      ...shopCertificates,
      proof: (name) => (name === 'shop.test' || name === 'other.test' ? proof : null),
    }
    await using origin = await startRawOrigin(answering(ok()))
    await using gateway = await startTlsGateway(origin.url, { certificates: proving })
    const shown = async (
      servername: string,
      maxVersion: 'TLSv1.2' | 'TLSv1.3',
    ): Promise<string | undefined> => {
      const socket = await gateway.handshake({
        servername,
        maxVersion,
        ALPNProtocols: ['acme-tls/1'],
        checkServerIdentity: () => undefined,
      })
      const { subjectaltname } = socket.getPeerCertificate()
      await once(socket.resume(), 'close')
      return subjectaltname
    }
    // Before its first certificate, and when that is to be renewed.
    for (const name of ['other.test', 'shop.test'])
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
        expect(await shown(name, version)).toBe('DNS:other.test')
    const visitor = await gateway.visitTls({ ALPNProtocols: ['http/1.1'] })
    visitor.socket.write(request('GET /'))
    await visitor.closed()
    expect(visitor.received()).toMatch(/^HTTP\/1\.1 200 /)
    expect(await shake(gateway, { servername: 'other.test', ALPNProtocols: ['h2'] })).toBe(
      noApplicationProtocol,
    )
  })
})
