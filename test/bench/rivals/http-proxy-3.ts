import { Agent, createServer } from 'node:http'
import { createProxyServer } from 'http-proxy-3'

/** http-proxy-3 as its users should run it: bare, with a keep-alive pool. */
const [origin = '', port] = process.argv.slice(2)
const proxy = createProxyServer({ target: origin, agent: new Agent({ keepAlive: true, maxSockets: 256 }) })
proxy.on('error', (_error, _request, response) => {
  if ('writeHead' in response) response.writeHead(502).end()
})
createServer((request, response) => proxy.web(request, response)).listen(Number(port), '127.0.0.1')
