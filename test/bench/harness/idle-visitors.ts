import { connect } from 'node:net'
import { visitor } from './wrk.ts'

/**
 * Visitors who have had their page and keep the connection. They come from several addresses. `node idle-visitors.ts <port>
 * <how many> <path>`; says `idle` when all are, with how many have left again, and stays until it is ended.
 */
const [port = '', count = '', path = ''] = process.argv.slice(2)
const head = `GET ${path} HTTP/1.1\r\n${Object.entries(visitor)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')}\r\n`

let left = 0
const visit = (index: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({
      port: Number(port),
      host: '127.0.0.1',
      localAddress: `127.0.0.${2 + (index % 20)}`,
    })
    socket.once('error', reject)
    socket.on('close', () => (left += 1))
    let pieces = ''
    socket.on('data', (chunk: Buffer) => {
      pieces += chunk.toString('latin1')
      const body = pieces.indexOf('\r\n\r\n') + 4
      const length = Number(/^content-length: (\d+)/im.exec(pieces)?.[1])
      if (body > 3 && pieces.length >= body + length) resolve()
    })
    socket.write(head)
  })

const atATime = 200
for (let index = 0; index < Number(count); index += atATime)
  await Promise.all(
    Array.from({ length: Math.min(atATime, Number(count) - index) }, (_, one) => visit(index + one)),
  )
process.stdout.write(`idle, ${left} left\n`)
