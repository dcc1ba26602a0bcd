import { connect } from 'node:net'
import type { Amendment, Capture, Observation, RequestHead, ResponseHead } from '../../src/capture/capture.ts'
import { createProxy, type Proxy, type ProxyOptions } from '../../src/proxy/proxy.ts'
import { createRouter, type RoutedSite, type SiteRouter } from '../../src/proxy/router.ts'
import { listenTo, type RawConnection } from '../origins/raw-origin.ts'

/** What tests of the proxy share: a gateway in front of one origin, and a visitor made of bytes. */

const noCapture: Capture = { begin: () => null }

export interface Gateway extends AsyncDisposable {
  readonly proxy: Proxy
  readonly port: number
  readonly url: string
  readonly warnings: { readonly fields: Record<string, unknown>; readonly message: string }[]
  /** Puts other sites in force, as a reload does. */
  use(sites: readonly RoutedSite[]): void
  /** A new raw connection to the gateway. */
  visit(): Promise<RawConnection>
  /** Sends bytes on a new connection and answers everything received until the gateway closes it. */
  exchange(bytes: string | Buffer): Promise<string>
}

export const siteAt = (origin: string, more: Partial<RoutedSite> = {}): RoutedSite => ({
  id: 'shop',
  hosts: ['shop.test'],
  origin,
  ...more,
})

export const startGateway = async (
  site: string | readonly RoutedSite[],
  options: Partial<ProxyOptions> = {},
): Promise<Gateway> => {
  let router: SiteRouter = createRouter(typeof site === 'string' ? [siteAt(site)] : site)
  const warnings: { fields: Record<string, unknown>; message: string }[] = []
  const proxy = createProxy({
    sites: () => router,
    capture: noCapture,
    now: Date.now,
    via: 'sluice-test',
    log: {
      warn: (fields, message) => {
        warnings.push({ fields: { ...fields }, message })
      },
    },
    ...options,
  })
  const { port } = await proxy.listen({ host: '127.0.0.1', port: 0 })
  const visit = (): Promise<RawConnection> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(listenTo(socket)))
      socket.once('error', reject)
    })
  return {
    proxy,
    port,
    url: `http://127.0.0.1:${port}`,
    warnings,
    use: (sites) => {
      router = createRouter(sites)
    },
    visit,
    async exchange(bytes) {
      const visitor = await visit()
      visitor.socket.write(bytes)
      await visitor.closed()
      visitor.socket.destroy()
      return visitor.received()
    },
    async [Symbol.asyncDispose]() {
      await proxy.close(0)
    },
  }
}

/** The head of a request in bytes; the connection closes after its answer unless `fields` say otherwise. */
export const request = (
  line: string,
  fields: readonly string[] = ['Connection: close'],
  body = '',
  host = 'shop.test',
): string =>
  `${line} HTTP/1.1\r\nHost: ${host}\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`

/** Still there? A plain request is answered as ever. */
export const stillServes = async (gateway: Gateway, path = '/alive'): Promise<string> =>
  gateway.exchange(request(`GET ${path}`))

export interface Recorded {
  readonly head: RequestHead
  responseHead: ResponseHead | null
  readonly chunks: Buffer[]
  ended: boolean
  aborted: boolean
}

/** A capture that writes down what it is told and lets the test decide when the event is committed. */
export const recordingCapture = (
  commit: () => Promise<void> | null = () => null,
  amendment: Amendment | null = null,
): Capture & { readonly seen: Recorded[] } => {
  const seen: Recorded[] = []
  return {
    seen,
    begin(head) {
      const recorded: Recorded = { head, responseHead: null, chunks: [], ended: false, aborted: false }
      seen.push(recorded)
      const observation: Observation = {
        responseHead: (responseHead) => {
          recorded.responseHead = responseHead
          return amendment
        },
        chunk: (bytes) => {
          recorded.chunks.push(Buffer.from(bytes))
        },
        end: () => {
          recorded.ended = true
          return commit()
        },
        abort: () => {
          recorded.aborted = true
        },
      }
      return observation
    },
  }
}

/** Turns of the event loop until the condition holds; for what has no event to wait for. */
export const eventually = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Splits a raw HTTP message into its status line, its field lines and its body. */
export const parseRaw = (raw: string): { line: string; fields: string[]; body: string } => {
  const at = raw.indexOf('\r\n\r\n')
  const [line = '', ...fields] = raw.slice(0, at).split('\r\n')
  return { line, fields, body: raw.slice(at + 4) }
}
