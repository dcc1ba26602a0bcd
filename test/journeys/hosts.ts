import { once } from 'node:events'
import { Agent, createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { createProxyServer, type ServerOptions } from 'http-proxy-3'
import { readConfig } from '../../src/config.ts'
import { startGateway } from '../../src/gateway/gateway.ts'
import { createGateway } from '../../src/index.ts'
import { createLog, type Log } from '../../src/log.ts'
import type { RulesFile } from '../../src/rules-file/schema.ts'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { startWebhook, type WebhookPlatform } from '../platforms/webhook.ts'
import { productView, purchase, type RuleFile } from './scene.ts'

/** The two ways to run the product before one shop: the gateway alone, and a plugin of somebody's http-proxy-3 server. */
export interface Host extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly hook: WebhookPlatform
  /** By `site/reason`. */
  skipped(): Readonly<Record<string, number>>
  logText(): string
}

export interface HostOptions {
  readonly origin: RequestListener
  readonly rules?: readonly RuleFile[]
}

export const rulesBefore = (
  origin: string,
  hook: string,
  rules: readonly RuleFile[] = [purchase, productView],
): RulesFile => ({
  sites: [
    {
      id: 'shop',
      hosts: ['*'],
      origin,
      currency: 'EUR',
      consent: { sources: ['_sw_consent'] },
      holdMs: 10_000,
      rules: [...rules],
      integrations: [{ id: 'hook', platform: 'webhook', config: { url: `${hook}/orders` }, batchWindow: 0 }],
    },
  ],
})

export const env = { SLUICE_ALLOW_PRIVATE_NETWORKS: '127.0.0.0/8', SLUICE_ADMIN_LISTEN: '127.0.0.1:0' }

export const collectedLog = (): { readonly log: Log; text(): string } => {
  const lines: string[] = []
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString())
      done()
    },
  })
  return { log: createLog('trace', sink), text: () => lines.join('') }
}

export const folderOfItsOwn = async (): Promise<{ readonly path: string } & AsyncDisposable> => {
  const path = await mkdtemp(join(tmpdir(), 'sluice-host-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Somebody's own proxy, as its README has it. */
export const startProxyServer = async (target: string, options: ServerOptions = {}) => {
  const agent = new Agent({ keepAlive: true })
  const proxy = createProxyServer({ target, agent, ...options })
  proxy.on('error', (_error, _req, res) => void res.destroy())
  const server = createServer((req, res) => proxy.web(req, res))
  server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    proxy,
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const standalone = async ({ origin: listener, rules }: HostOptions): Promise<Host> => {
  await using started = new AsyncDisposableStack()
  const folder = started.use(await folderOfItsOwn())
  const origin = started.use(await startHttpOrigin(listener))
  const hook = started.use(await startWebhook())
  const { log, text } = collectedLog()
  const config = readConfig(['--listen', '127.0.0.1:0', '--store', `sqlite:${folder.path}/s.db`], env)
  const path = join(folder.path, 'rules.json')
  await writeFile(path, JSON.stringify(rulesBefore(origin.url, hook.url, rules)))
  const gateway = started.adopt(await startGateway({ ...config, rules: path }, { log, env }), (one) =>
    one.close(2_000),
  )
  const rest = started.move()
  return {
    url: gateway.url,
    port: Number(new URL(gateway.url).port),
    hook,
    skipped: () => gateway.counts().skipped,
    logText: text,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

const plugin = async ({ origin: listener, rules }: HostOptions): Promise<Host> => {
  await using started = new AsyncDisposableStack()
  const folder = started.use(await folderOfItsOwn())
  const origin = started.use(await startHttpOrigin(listener))
  const hook = started.use(await startWebhook())
  const { log, text } = collectedLog()
  const gateway = started.adopt(
    await createGateway({
      rules: rulesBefore(origin.url, hook.url, rules),
      store: `sqlite:${folder.path}/s.db`,
      env,
      log,
    }),
    (one) => one.close({ deadlineMs: 2_000 }),
  )
  const host = started.use(await startProxyServer(origin.url))
  gateway.attach(host.proxy)
  const rest = started.move()
  return {
    url: host.url,
    port: host.port,
    hook,
    skipped: () => gateway.counts().skipped,
    logText: text,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

export const hosts = { 'the standalone gateway': standalone, 'the plugin': plugin } as const
