import { createServer } from 'node:http'

/** Takes whatever is posted, as fast as it comes. `node sink.ts <port>` */
createServer((request, response) => {
  request.resume()
  request.on('end', () => response.writeHead(200, { 'Content-Length': '0' }).end())
}).listen(Number(process.argv[2]), '127.0.0.1')
