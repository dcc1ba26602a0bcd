import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An origin that is an ordinary HTTP server. */
export interface HttpOrigin extends AsyncDisposable {
  readonly url: string
  readonly server: Server
}

export const startHttpOrigin = async (
  listener: RequestListener,
  options: ServerOptions = {},
): Promise<HttpOrigin> => {
  const server = createServer(options, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
