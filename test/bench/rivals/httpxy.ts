import { Agent, createServer } from 'node:http'
import { createProxyServer } from 'httpxy'

/** httpxy, with a pool of the same size as the others. */
const [origin = '', port] = process.argv.slice(2)
const proxy = createProxyServer({ target: origin, agent: new Agent({ keepAlive: true, maxSockets: 256 }) })
createServer((request, response) => {
  proxy.web(request, response).catch(() => response.destroy())
}).listen(Number(port), '127.0.0.1')
