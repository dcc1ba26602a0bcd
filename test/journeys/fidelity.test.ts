import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Agent, createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { until } from '../support/until.ts'
import { browser, startScene, type RuleFile, type Scene } from './scene.ts'

vi.setConfig({ testTimeout: 120_000 })

/** The site's bytes pass unchanged, with every part of capture looking at them. */

const handMade = join(import.meta.dirname, '../capture/page/hand-made')
/** Saved pages of real shops are not ours to keep here; they are read where they lie. */
const corpus = join(
  process.env['SLUICE_CORPUS'] ?? resolve(import.meta.dirname, '../../../shared/corpus'),
  'pages',
)

const encodings: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  identity: (body) => body,
  gzip: gzipSync,
  deflate: deflateSync,
  br: (body) => brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: zstdCompressSync,
}

interface Sent {
  readonly head: readonly string[]
  readonly hash: string
}

const hashOf = (body: Buffer): string => createHash('sha256').update(body).digest('hex')

/** Fields as a real origin sends them: repeats, odd case, empty values, and no order that anybody would guess. */
const headOf = (encoding: string, charset: string): string[] => [
  'Date',
  'Fri, 20 Nov 2026 10:00:00 GMT',
  'SERVER',
  'nginx/1.29.3',
  'content-TYPE',
  charset === '' ? 'text/html' : `text/html;charset=${charset}`,
  ...(encoding === 'identity' ? [] : ['Content-Encoding', encoding]),
  'Set-Cookie',
  'session=1; Path=/; HttpOnly',
  'X-Empty',
  '',
  'set-cookie',
  'cart=; Path=/; Max-Age=0',
  'ETag',
  'W/"5f3-19"',
  'Vary',
  'Accept-Encoding, Cookie',
  'Cache-Control',
  'private, max-age=0, no-transform',
  'Link',
  '</style.css>; rel=preload; as=style',
]

interface Page {
  readonly file: string
  readonly bytes: Buffer
  readonly charset: string
}

const pagesIn = (folder: string): readonly Page[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.html'))
    .map((file) => ({
      file,
      bytes: readFileSync(join(folder, file)),
      charset: file.includes('utf16') ? '' : 'UTF-8',
    }))

/** `/thanks/<encoding>/<sized|chunked>/<file>` answers that page in that way, and remembers what it sent. */
const startOrigin = async (pages: readonly Page[]) => {
  const sent = new Map<string, Sent>()
  const byFile = new Map(pages.map((page) => [page.file, page]))
  const server = createServer((incoming, response) => {
    const [, , encoding = '', framing = '', file = ''] = incoming.url?.split('/') ?? []
    const { bytes, charset } = byFile.get(file)!
    const body = encodings[encoding]!(bytes)
    const head = [
      ...headOf(encoding, charset),
      ...(framing === 'sized' ? ['Content-Length', String(body.length)] : []),
    ]
    sent.set(incoming.url ?? '', { head, hash: hashOf(body) })
    response.sendDate = false
    response.writeHead(200, head)
    // In pieces that respect no boundary of anything.
    for (let at = 0; at < body.length; at += 7_919) response.write(body.subarray(at, at + 7_919))
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    sent,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding'])
const endToEnd = (rawHeaders: readonly string[]): readonly string[] =>
  rawHeaders.filter((_, index) => !hopByHop.has(rawHeaders[index - (index % 2)]!.toLowerCase()))

const open = async (url: string, agent: Agent): Promise<Sent> => {
  const outgoing = httpRequest(url, { agent, headers: { ...browser, cookie: '_sw_consent=all' } })
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return { head: endToEnd(incoming.rawHeaders), hash: hashOf(Buffer.concat(chunks)) }
}

/** A real-time rule that reads everything it can: markup for the order, the whole document for the rest. */
const curious: RuleFile = {
  id: 'order-placed',
  match: { path: '/thanks/**' },
  actions: [
    {
      type: 'fire_conversion_event',
      eventType: 'purchase',
      extract: {
        value: [{ jsonLd: 'Order.price' }, { microdata: 'Order.price' }, { dataLayer: 'ecommerce.value' }],
        contentName: { meta: 'og:title' },
        email: [{ selector: 'a[href^="mailto:"]' }, { regex: '[\\w.]+@[\\w.]+' }],
      },
    },
  ],
}
const seen: RuleFile = {
  id: 'viewed',
  match: { path: '/thanks/**' },
  actions: [{ type: 'fire_conversion_event', eventType: 'view_content' }],
}

const passAll = async (
  pages: readonly Page[],
  ways: readonly (readonly [encoding: string, framing: string])[],
  rules: readonly RuleFile[],
): Promise<Scene['log'] extends () => infer Lines ? Lines : never> => {
  await using origin = await startOrigin(pages)
  await using it = await startScene({
    // The scene's own origin stays unused: this one writes down what it sends.
    origin: (_incoming, response) => response.end(),
    site: { origin: origin.url },
    rules,
    integrations: { meta: null, ga4: null, hook: { status: 'paused' } },
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const paths = pages.flatMap(({ file }) =>
    ways.map(([encoding, framing]) => `/thanks/${encoding}/${framing}/${file}`),
  )
  const changed: { readonly path: string; readonly got: Sent; readonly sent: Sent | undefined }[] = []
  const queue = [...paths]
  const visitors = Array.from({ length: 8 }, async () => {
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const got = await open(`${it.gateway.url}${path}`, agent)
      const sent = origin.sent.get(path)
      if (sent?.hash !== got.hash || JSON.stringify(sent.head) !== JSON.stringify(got.head))
        changed.push({ path, got, sent })
    }
  })
  await Promise.all(visitors)
  agent.destroy()
  expect(changed).toEqual([])
  expect(origin.sent.size).toBe(paths.length)

  // Capture did look: every page became its events.
  const counted = async (): Promise<number> => {
    let count = 0
    for (let cursor: string | undefined; ;) {
      const page = await it.gateway.store.events({
        site: 'shop',
        limit: 500,
        ...(cursor === undefined ? {} : { cursor }),
      })
      count += page.events.length + page.events.reduce((sum, { duplicates }) => sum + duplicates, 0)
      if (page.nextCursor === null) return count
      cursor = page.nextCursor
    }
  }
  await until(counted, (count) => count === paths.length * rules.length, 60_000)
  return it.log().filter(({ level }) => level === 'error' || level === 'fatal')
}

const everyWay = Object.keys(encodings).flatMap((encoding) =>
  (['sized', 'chunked'] as const).map((framing) => [encoding, framing] as const),
)

describe('body and end-to-end fields of every page pass byte for byte', () => {
  test('of our own pages, in every coding, sized and chunked, under rules that read all they can', async () => {
    expect(await passAll(pagesIn(handMade), everyWay, [curious, seen])).toEqual([])
  })

  test.runIf(existsSync(corpus))(
    'of saved pages of real shops, up to megabytes (needs the folder SLUICE_CORPUS)',
    async () => {
      const ways = everyWay.filter((_, index) => index % 2 === (index >> 1) % 2)
      expect(new Set(ways.map(([encoding]) => encoding)).size).toBe(5)
      expect(await passAll(pagesIn(corpus), ways, [seen])).toEqual([])
    },
  )
})
