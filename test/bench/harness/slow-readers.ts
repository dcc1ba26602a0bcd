import { connect, type Socket } from 'node:net'
import { visitor } from './wrk.ts'

/**
 * Visitors on bad lines: each asks for the same body and takes `bytes` of it ten times a second. They come from several
 * addresses. `node slow-readers.ts <port> <how many> <path> <bytes>`; says `reading` when all have their first bytes, and
 * goes on until it is ended.
 */
const [port = '', count = '', path = '', bytes = ''] = process.argv.slice(2)
const head = `GET ${path} HTTP/1.1\r\n${Object.entries(visitor)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')}\r\n`

const begin = (index: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({
      port: Number(port),
      host: '127.0.0.1',
      localAddress: `127.0.0.${2 + (index % 20)}`,
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the body broke off')))
    socket.once('readable', () => resolve(socket))
    socket.write(head)
  })

const readers = await Promise.all(Array.from({ length: Number(count) }, (_, index) => begin(index)))
process.stdout.write('reading\n')
setInterval(() => {
  for (const socket of readers) socket.read(Math.min(Number(bytes), socket.readableLength))
}, 100)
