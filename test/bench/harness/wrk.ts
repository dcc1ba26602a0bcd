import { request } from 'node:http'
import { request as requestTls } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { findTool, otherCores } from './machine.ts'
import { startProcess, type Running } from './processes.ts'

/** Load by wrk, and what it cost the one who bore it. */

export interface Load {
  readonly port: number
  readonly path: string
  /** Whole ones: wrk takes no others. */
  readonly seconds: number
  readonly connections?: number
  /** Each request on a connection of its own. */
  readonly newConnections?: boolean
  /**
   * Each request gets a path of its own, with a number that no other round uses: below `path` one request of `every`,
   * the others below `elsewhere`.
   */
  readonly numbered?: { readonly every: number; readonly elsewhere: string }
}

export interface Round {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p99Ms: number
  /** CPU of the measured process per request in µs; NaN where it cannot be known. */
  readonly cpuMicros: number
  /** Share of one core that the measured process used: well below 1 means that something else was the bottleneck. */
  readonly coreShare: number
}

export const host = 'shop.test'

/** What a browser sends with a navigation, as every rival gets it too. wrk itself would send no more than a Host. */
export const visitor: Readonly<Record<string, string>> = {
  Host: host,
  'User-Agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language': 'de-DE,de;q=0.9,en;q=0.7',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Site': 'same-origin',
  Referer: `https://${host}/products/`,
  Cookie:
    '_sw_consent=analytics.marketing.personalization; _ga=GA1.1.1034577410.1763632800; _fbp=fb.1.1763632800000.1098115397; cart=3f9a2c',
}

const numberedScript = new URL('./numbered.lua', import.meta.url).pathname
let roundsSoFar = 0

const units: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 }
const milliseconds = (text: string): number => {
  const match = /^([\d.]+)(us|ms|s|m)$/.exec(text)
  return match === null ? Number.NaN : Number(match[1]) * (units[match[2] ?? ''] ?? Number.NaN)
}

/** Throws when an answer was wrong or a socket failed: a broken server is not a fast one. */
const readWrk = (
  output: string,
  whose: string,
  closing: boolean,
): { requests: number; requestsPerSecond: number; p99Ms: number } => {
  const trouble = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(output)?.[0]
  // Some close as they were asked to and do not say so in their answer, and wrk takes that for an error of reading.
  const harmless = closing
    ? /^Socket errors: connect 0, read \d+, write 0, timeout \d+/
    : /^Socket errors: connect 0, read 0, write 0, timeout \d+/
  if (trouble !== undefined && !harmless.test(trouble))
    throw new Error(`wrk saw trouble at ${whose}: ${trouble}`)
  const requests = Number(/(\d+) requests in/.exec(output)?.[1])
  const requestsPerSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1])
  if (!(requests > 0) || !(requestsPerSecond > 0))
    throw new Error(`wrk said nothing of use of ${whose}:\n${output}`)
  return { requests, requestsPerSecond, p99Ms: milliseconds(/^ +99%\s+(\S+)$/m.exec(output)?.[1] ?? '') }
}

export const load = async (measured: Running | null, options: Load): Promise<Round> => {
  const { port, path, seconds, connections = 64, newConnections = false, numbered } = options
  const wrk = findTool('wrk')
  if (wrk === null) throw new Error('wrk is not installed')
  const url = `http://127.0.0.1:${port}`
  const base = `${Date.now().toString(36)}-${roundsSoFar++}-`
  const target =
    numbered === undefined
      ? [`${url}${path}`]
      : ['-s', numberedScript, url, '--', path, base, numbered.elsewhere, String(numbered.every)]
  const fields = newConnections ? { ...visitor, Connection: 'close' } : visitor
  const headers = Object.entries(fields).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const before = measured?.cpuMicros() ?? Number.NaN
  const begun = performance.now()
  await using running = await startProcess(
    'wrk',
    wrk,
    [
      '-t',
      '1',
      '-c',
      String(connections),
      '-d',
      `${seconds}s`,
      '--timeout',
      '10s',
      '--latency',
      ...headers,
      ...target,
    ],
    { cores: otherCores },
  )
  await running.ended()
  const tookMicros = (performance.now() - begun) * 1_000
  const spent = (measured?.cpuMicros() ?? Number.NaN) - before
  const { requests, requestsPerSecond, p99Ms } = readWrk(
    running.output(),
    measured?.name ?? 'the origin',
    newConnections,
  )
  return { requests, requestsPerSecond, p99Ms, cpuMicros: spent / requests, coreShare: spent / tookMicros }
}

const get = (port: number, path: string, tls: boolean): Promise<{ status: number; body: Buffer }> =>
  new Promise((resolve, reject) => {
    const where = { host: '127.0.0.1', port, path, headers: visitor, agent: false } as const
    // The certificate is the bench's own.
    const ask = tls ? requestTls({ ...where, servername: host, rejectUnauthorized: false }) : request(where)
    ask
      .on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }))
        response.on('error', reject)
      })
      .on('error', reject)
      .end()
  })

/** Waits until the server answers with exactly these bytes; a server that answers anything else is not measured. */
export const expectPage = async (
  running: Running,
  port: number,
  path: string,
  page: Buffer,
  tls = false,
): Promise<void> => {
  const deadline = performance.now() + 30_000
  let seen = 'no connection'
  while (performance.now() < deadline) {
    try {
      const { status, body } = await get(port, path, tls)
      if (status === 200 && body.equals(page)) return
      seen = `status ${status} and ${body.length} bytes in place of ${page.length}`
    } catch (error) {
      seen = String(error)
    }
    await sleep(50)
  }
  throw new Error(`${running.name} does not serve ${path}: ${seen}\n${running.output()}`)
}
