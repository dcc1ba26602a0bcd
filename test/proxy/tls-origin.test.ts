import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer, type Server } from 'node:https'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import certificate from '../origins/origin-test-certificate.json' with { type: 'json' }
import { request, siteAt, startGateway } from './support.ts'

const startTlsOrigin = async () => {
  const names: (string | false | null)[] = []
  const { key, cert } = certificate
  const server: Server = createTlsServer({ key, cert }, (req, res) => res.end(`for ${req.headers.host}`))
  server.on('secureConnection', (socket) => names.push(socket.servername))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    names,
    url: `https://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const trusting = { originTls: { ca: certificate.cert } }

describe('an origin over TLS', () => {
  test('is known by its own name, whatever Host the visitors bring, and one connection serves them all', async () => {
    await using origin = await startTlsOrigin()
    const sites = ['a.test', 'b.test'].map((host) =>
      siteAt(origin.url, { hosts: [host], originHost: 'origin.test' }),
    )
    await using gateway = await startGateway(sites, trusting)
    for (const host of ['a.test', 'b.test', 'a.test'])
      expect(await gateway.exchange(request('GET /', undefined, '', host))).toContain('for origin.test')
    expect(origin.names).toEqual(['origin.test'])
  })

  test.each([
    ['a name its certificate lacks', { originHost: 'other.test' }, trusting],
    ['an address its certificate lacks', {}, trusting],
    ['an authority nobody trusts', { originHost: 'origin.test' }, {}],
  ])('that shows %s is a 502', async (_name, site, options) => {
    await using origin = await startTlsOrigin()
    await using gateway = await startGateway([siteAt(origin.url, site)], options)
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 502 /)
    expect(gateway.warnings[0]!.fields).toMatchObject({ code: 'certificate' })
  })

  test('that offers HTTP/2 is asked in HTTP/1.1, so that fields stay as they are', async () => {
    const { key, cert } = certificate
    const versions: string[] = []
    const server = createSecureServer({ key, cert, allowHTTP1: true }, (req, res) => {
      versions.push(req.httpVersion)
      res.writeHead(200, ['X-Twice', 'one', 'X-Twice', 'two']).end(req.rawHeaders.join('|'))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await using gateway = await startGateway(
      [siteAt(`https://127.0.0.1:${port}`, { originHost: 'origin.test' })],
      trusting,
    )
    const answer = await gateway.exchange(request('GET /', ['X-A: 1', 'X-A: 2', 'Connection: close']))
    expect(versions).toEqual(['1.1'])
    expect(answer).toContain('X-Twice: one\r\nX-Twice: two\r\n')
    expect(answer).toContain('X-A|1|X-A|2')
    server.close()
  })

  test('that takes the connection and says nothing is a 504', async () => {
    const silent = createServer(() => {})
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    await using gateway = await startGateway(`https://127.0.0.1:${port}`, { limits: { connectMs: 50 } })
    expect(await gateway.exchange(request('GET /'))).toMatch(/^HTTP\/1\.1 504 /)
    expect(gateway.warnings[0]!.fields).toMatchObject({ code: 'connect_timeout' })
    silent.close()
  })
})
