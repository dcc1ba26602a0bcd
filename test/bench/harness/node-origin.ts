import { createServer } from 'node:http'
import { downloads, pages } from './origin.ts'

const piece = Buffer.alloc(65_536)

/** The origin where nginx is not installed: as light as this runtime can be. `node node-origin.ts <port>` */
const server = createServer((request, response) => {
  const name = request.url?.split('/')[1] ?? ''
  const body = pages.get(name)
  const size = body?.length ?? downloads.get(name)
  response.writeHead(size === undefined ? 404 : 200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': size ?? 0,
  })
  if (body !== undefined || size === undefined) {
    response.end(body)
    return
  }
  let left = size
  const more = (): void => {
    while (left > 0) {
      left -= piece.length
      if (!response.write(piece)) {
        response.once('drain', more)
        return
      }
    }
    response.end()
  }
  more()
})
server.keepAliveTimeout = 3_600_000
server.listen(Number(process.argv[2]), '127.0.0.1')
