import { readFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findTool, measuredCore, type Tool } from '../harness/machine.ts'
import { asWhoStartedIt, nginxFolders } from '../harness/origin.ts'
import { startProcess, type Running } from '../harness/processes.ts'

/** The proxies we measure ourselves against, each with a pool of kept connections. */
export interface Rival {
  readonly name: string
  /** Installed by the system, not by npm; without it the rival is left out. */
  readonly tool?: Tool
  /** It can end TLS by itself. */
  readonly tls: boolean
  start(folder: string, origin: string, port: number, shape?: Shape): Promise<Running>
}

/** What a rival is given; by default one core, one worker, no TLS. */
export interface Shape {
  readonly cores: string
  readonly workers: number
  readonly tls: TlsFiles | null
}

export interface TlsFiles {
  readonly cert: string
  readonly key: string
}

export const oneCore: Shape = { cores: measuredCore, workers: 1, tls: null }

const pathOf = (script: string): string => new URL(`./${script}`, import.meta.url).pathname

const ofOurs = (name: string, script: string): Rival => ({
  name,
  tls: false,
  start: (_folder, origin, port, { cores, workers } = oneCore) =>
    startProcess(
      name,
      process.execPath,
      workers === 1
        ? [pathOf(script), origin, String(port)]
        : [pathOf('cluster.ts'), String(workers), pathOf(script), origin, String(port)],
      { cores },
    ),
})

const homeOf = async (folder: string, name: string, port: number): Promise<string> => {
  const home = join(folder, `${name}-${port}`)
  await mkdir(home, { recursive: true })
  return home
}

const nginxConfig = (folder: string, origin: string, port: number, { workers, tls }: Shape): string => `
daemon off; worker_processes ${workers}; pid ${folder}/nginx.pid; error_log stderr crit; ${asWhoStartedIt}
events { worker_connections 4096; }
http {
  access_log off; ${nginxFolders(folder)}
  keepalive_timeout 3600s; keepalive_requests 1000000000;
  upstream origin { server ${new URL(origin).host}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port}${tls === null ? '' : ' ssl http2'} backlog=4096;
    ${tls === null ? '' : `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};`}
    location / {
      proxy_pass http://origin; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }
  }
}
`

const nginx: Rival = {
  name: 'nginx',
  tool: 'nginx',
  tls: true,
  start: async (folder, origin, port, shape = oneCore) => {
    const home = await homeOf(folder, 'nginx', port)
    const config = join(home, 'nginx.conf')
    await writeFile(config, nginxConfig(home, origin, port, shape))
    return startProcess('nginx', findTool('nginx') ?? 'nginx', ['-p', home, '-c', config], shape)
  },
}

const caddyConfig = (origin: string, port: number, { tls }: Shape): object => ({
  admin: { disabled: true, config: { persist: false } },
  logging: { logs: { default: { level: 'ERROR' } } },
  apps: {
    ...(tls === null
      ? {}
      : { tls: { certificates: { load_files: [{ certificate: tls.cert, key: tls.key }] } } }),
    http: {
      servers: {
        rival: {
          listen: [`127.0.0.1:${port}`],
          automatic_https: { disable: true },
          ...(tls === null ? {} : { tls_connection_policies: [{}] }),
          routes: [
            {
              handle: [
                {
                  handler: 'reverse_proxy',
                  upstreams: [{ dial: new URL(origin).host }],
                  transport: { protocol: 'http', keep_alive: { max_idle_conns_per_host: 256 } },
                },
              ],
            },
          ],
        },
      },
    },
  },
})

const caddy: Rival = {
  name: 'Caddy',
  tool: 'caddy',
  tls: true,
  start: async (folder, origin, port, shape = oneCore) => {
    const home = await homeOf(folder, 'caddy', port)
    const config = join(home, 'caddy.json')
    await writeFile(config, JSON.stringify(caddyConfig(origin, port, shape)))
    return startProcess('caddy', findTool('caddy') ?? 'caddy', ['run', '--config', config], {
      cores: shape.cores,
      env: { GOMAXPROCS: String(shape.workers), XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
    })
  },
}

const haproxyConfig = (origin: string, port: number, workers: number, pem: string | null): string => `
global
  nbthread ${workers}
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  http-reuse always
frontend visitors
  bind 127.0.0.1:${port}${pem === null ? '' : ` ssl crt ${pem} alpn h2,http/1.1`}
  default_backend origin
backend origin
  server one ${new URL(origin).host}
`

const haproxy: Rival = {
  name: 'HAProxy',
  tool: 'haproxy',
  tls: true,
  start: async (folder, origin, port, shape = oneCore) => {
    const home = await homeOf(folder, 'haproxy', port)
    const config = join(home, 'haproxy.cfg')
    const pem = shape.tls === null ? null : join(home, 'both.pem')
    if (shape.tls !== null && pem !== null) {
      const [cert, key] = await Promise.all([
        readFile(shape.tls.cert, 'utf8'),
        readFile(shape.tls.key, 'utf8'),
      ])
      await writeFile(pem, `${cert}\n${key}\n`)
    }
    await writeFile(config, haproxyConfig(origin, port, shape.workers, pem))
    return startProcess('haproxy', findTool('haproxy') ?? 'haproxy', ['-q', '-db', '-f', config], shape)
  },
}

export const baseline = 'http-proxy-3'
export const floor = 'bare undici (the floor)'

export const rivals: readonly Rival[] = [
  ofOurs(baseline, 'http-proxy-3.ts'),
  ofOurs('httpxy', 'httpxy.ts'),
  ofOurs('@fastify/reply-from', 'reply-from.ts'),
  ofOurs(floor, 'undici.ts'),
  nginx,
  caddy,
  haproxy,
]

/** Those that this machine has. */
export const rivalsHere = (): readonly Rival[] =>
  rivals.filter(({ tool }) => tool === undefined || findTool(tool) !== null)
