import { createServer } from 'node:http'
import { Pool } from 'undici'

/**
 * The floor: undici's dispatcher between two sockets. Of all that a proxy owes its visitors only this is done: the fields
 * that frame a connection stay behind, and a slow reader slows the origin. Nothing is looked at, added or guarded.
 */
const [origin = '', port] = process.argv.slice(2)
const pool = new Pool(origin, { connections: 256, pipelining: 1 })

const left = new Set(['connection', 'keep-alive', 'transfer-encoding'])

const passedOn = (raw: readonly (string | Buffer)[]): string[] => {
  const kept: string[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = String(raw[index])
    if (!left.has(name.toLowerCase())) kept.push(name, String(raw[index + 1]))
  }
  return kept
}

createServer((request, response) => {
  pool.dispatch(
    {
      path: request.url ?? '/',
      method: request.method ?? 'GET',
      headers: passedOn(request.rawHeaders),
      body: request.method === 'GET' ? null : request,
    },
    {
      onRequestStart: () => undefined,
      onResponseStart: (controller, status, _headers, reason) => {
        // A flat array of name and value over HTTP/1.1, which is all this origin speaks.
        response.writeHead(status, reason, passedOn(controller.rawHeaders as readonly Buffer[]))
      },
      onResponseData: (controller, chunk) => {
        if (response.write(chunk)) return
        controller.pause()
        response.once('drain', () => controller.resume())
      },
      onResponseEnd: () => {
        response.end()
      },
      onResponseError: () => {
        response.destroy()
      },
    },
  )
}).listen(Number(port), '127.0.0.1')
