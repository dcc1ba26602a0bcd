import { spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import certificates from './certificates.json' with { type: 'json' }

/** Pebble, the ACME authority that its protocol's authors test with, as Debian packages it. */
export interface Pebble extends AsyncDisposable {
  readonly directory: string
}

/** Another than the one on the path. */
const command = process.env['PEBBLE'] ?? 'pebble'

export const pebbleIsThere = spawnSync(command, ['-h']).error === undefined

/** A name server that knows one answer: every name is this machine. */
const startNames = async () => {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    let end = 12
    while ((query[end] ?? 0) !== 0) end += (query[end] ?? 0) + 1
    const question = query.subarray(12, end + 5)
    const isAddress = query.readUInt16BE(end + 1) === 1
    const head = Buffer.from(query.subarray(0, 12))
    head.writeUInt16BE(0x8580, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(isAddress ? 1 : 0, 6)
    head.writeUInt32BE(0, 8)
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1])
    socket.send(Buffer.concat([head, question, ...(isAddress ? [answer] : [])]), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { port: socket.address().port, close: () => socket.close() }
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Tests names at these two ports of this machine; knows no patience and refuses no nonce. */
export const startPebble = async (ports: {
  readonly http: number
  readonly tls: number
}): Promise<Pebble> => {
  await using started = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-pebble-'))
  started.defer(() => rm(folder, { recursive: true }))
  const names = await startNames()
  started.defer(() => void names.close())
  const [port, management] = [await freePort(), await freePort()]
  const [certificate, privateKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(certificate, certificates.directory.cert)
  await writeFile(privateKey, certificates.directory.key)
  const config = join(folder, 'pebble.json')
  await writeFile(
    config,
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${management}`,
        certificate,
        privateKey,
        httpPort: ports.http,
        tlsPort: ports.tls,
        ocspResponderURL: '',
        externalAccountBindingRequired: false,
      },
    }),
  )
  const pebble = spawn(command, ['-config', config, '-dnsserver', `127.0.0.1:${names.port}`], {
    env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0', PEBBLE_AUTHZREUSE: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.defer(async () => {
    if (pebble.exitCode !== null) return
    pebble.kill('SIGKILL')
    await once(pebble, 'exit')
  })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString()
      if (said.includes('ACME directory available')) resolve()
    }
    pebble.stdout.on('data', hear)
    pebble.stderr.on('data', hear)
    pebble.once('exit', () => reject(new Error(`pebble ended: ${said}`)))
  })
  const rest = started.move()
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}
