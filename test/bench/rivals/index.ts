import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findTool, measuredCore, type Tool } from '../harness/machine.ts'
import { asWhoStartedIt, nginxFolders } from '../harness/origin.ts'
import { startProcess, type Running } from '../harness/processes.ts'

/** The proxies we measure ourselves against, each with one core, one worker and a pool of kept connections. */
export interface Rival {
  readonly name: string
  /** Installed by the system, not by npm; without it the rival is left out. */
  readonly tool?: Tool
  start(folder: string, origin: string, port: number): Promise<Running>
}

const ofOurs = (name: string, script: string): Rival => ({
  name,
  start: (_folder, origin, port) =>
    startProcess(
      name,
      process.execPath,
      [new URL(`./${script}`, import.meta.url).pathname, origin, String(port)],
      { cores: measuredCore },
    ),
})

const nginxConfig = (folder: string, origin: string, port: number): string => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit; ${asWhoStartedIt}
events { worker_connections 4096; }
http {
  access_log off; ${nginxFolders(folder)}
  keepalive_timeout 3600s; keepalive_requests 1000000000;
  upstream origin { server ${new URL(origin).host}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://origin; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }
  }
}
`

const nginx: Rival = {
  name: 'nginx, one worker',
  tool: 'nginx',
  start: async (folder, origin, port) => {
    const home = join(folder, 'nginx-rival')
    await mkdir(home, { recursive: true })
    const config = join(home, 'nginx.conf')
    await writeFile(config, nginxConfig(home, origin, port))
    return startProcess('nginx', findTool('nginx') ?? 'nginx', ['-p', home, '-c', config], {
      cores: measuredCore,
    })
  },
}

const caddyConfig = (origin: string, port: number): object => ({
  admin: { disabled: true, config: { persist: false } },
  logging: { logs: { default: { level: 'ERROR' } } },
  apps: {
    http: {
      servers: {
        rival: {
          listen: [`127.0.0.1:${port}`],
          automatic_https: { disable: true },
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
  name: 'Caddy, GOMAXPROCS=1',
  tool: 'caddy',
  start: async (folder, origin, port) => {
    const home = join(folder, 'caddy-rival')
    await mkdir(home, { recursive: true })
    const config = join(home, 'caddy.json')
    await writeFile(config, JSON.stringify(caddyConfig(origin, port)))
    return startProcess('caddy', findTool('caddy') ?? 'caddy', ['run', '--config', config], {
      cores: measuredCore,
      env: { GOMAXPROCS: '1', XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
    })
  },
}

export const rivals: readonly Rival[] = [
  ofOurs('http-proxy-3', 'http-proxy-3.ts'),
  ofOurs('httpxy', 'httpxy.ts'),
  ofOurs('@fastify/reply-from', 'reply-from.ts'),
  ofOurs('bare undici (the floor)', 'undici.ts'),
  nginx,
  caddy,
]
