import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { catalogue, cartPage, homePage, orderPage, productPage, type Order } from './shop-pages.ts'

/** A small real shop: the origin that the demo, the journeys and the benchmarks stand the gateway in front of. */
export interface Shop extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Requests that reached the shop, newest last: `GET /products/lamp`. */
  readonly requests: readonly string[]
  readonly orders: ReadonlyMap<string, Order>
}

const cookieOf = (request: IncomingMessage, name: string): string | undefined =>
  request.headers.cookie
    ?.split(';')
    .map((pair) => pair.trim().split('='))
    .find(([key]) => key === name)?.[1]

const formOf = async (request: IncomingMessage): Promise<URLSearchParams> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

/** As shops do: the best coding the browser takes, and a length, because the page is whole. */
const answerPage = (request: IncomingMessage, response: ServerResponse, html: string): void => {
  const accepted = request.headers['accept-encoding'] ?? ''
  const plain = Buffer.from(html)
  const [coding, body] = accepted.includes('br')
    ? (['br', brotliCompressSync(plain)] as const)
    : accepted.includes('gzip')
      ? (['gzip', gzipSync(plain)] as const)
      : ([null, plain] as const)
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': body.length,
    vary: 'accept-encoding',
    ...(coding === null ? {} : { 'content-encoding': coding }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

const redirect = (response: ServerResponse, location: string, cookie?: string): void => {
  response.writeHead(303, { location, ...(cookie === undefined ? {} : { 'set-cookie': cookie }) })
  response.end()
}

/** Order numbers start anew with every process: `1` names the first of this run. */
export const startShop = async (
  options: { readonly port?: number; readonly runId?: string } = {},
): Promise<Shop> => {
  const { runId = Date.now().toString(36) } = options
  const requests: string[] = []
  const orders = new Map<string, Order>()

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://shop.invalid')
    requests.push(`${request.method} ${url.pathname}`)
    const [, section, name] = url.pathname.split('/')
    const cart = (cookieOf(request, 'cart') ?? '').split('.').filter((sku) => catalogue.has(sku))
    const product = catalogue.get(name ?? '')

    if (url.pathname === '/') return answerPage(request, response, homePage(cart.length))
    if (section === 'products' && product !== undefined)
      return answerPage(request, response, productPage(product, cart.length))
    if (url.pathname === '/cart' && request.method === 'POST') {
      const sku = (await formOf(request)).get('sku') ?? ''
      return redirect(response, '/cart', `cart=${[...cart, sku].join('.')}; Path=/`)
    }
    if (url.pathname === '/cart') return answerPage(request, response, cartPage(cart))
    if (url.pathname === '/checkout' && request.method === 'POST') {
      const email = (await formOf(request)).get('email') ?? ''
      const order: Order = { id: `D-${runId}-${orders.size + 1}`, skus: cart, email }
      orders.set(order.id, order)
      return redirect(response, `/order-received/${order.id}`, 'cart=; Path=/; Max-Age=0')
    }
    const order = orders.get(name ?? '')
    if (section === 'order-received' && order !== undefined)
      return answerPage(request, response, orderPage(order))
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n')
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    orders,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
