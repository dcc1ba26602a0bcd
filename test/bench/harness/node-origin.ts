import { createServer } from 'node:http'
import { pages } from './origin.ts'

/** The origin where nginx is not installed: as light as this runtime can be. `node node-origin.ts <port>` */
const server = createServer((request, response) => {
  const body = pages.get(request.url?.split('/')[1] ?? '')
  response.writeHead(body === undefined ? 404 : 200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': body?.length ?? 0,
  })
  response.end(body)
})
server.keepAliveTimeout = 3_600_000
server.listen(Number(process.argv[2]), '127.0.0.1')
