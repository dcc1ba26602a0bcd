import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findTool, otherCores } from './machine.ts'
import { freePort, startProcess, type Running } from './processes.ts'
import { shopPage } from './shop-pages.ts'
import { expectPage } from './wrk.ts'

/** The site behind every proxy: `/<page>` and anything below it answers that page. */

export const pages: ReadonlyMap<string, Buffer> = new Map([
  ['1k', shopPage('plain', 1_024)],
  ['plain-20k', shopPage('plain', 20_480)],
  ['plain-200k', shopPage('plain', 204_800)],
  ['product-20k', shopPage('product', 20_480)],
  ['product-200k', shopPage('product', 204_800)],
  ['order-20k', shopPage('order', 20_480)],
  ['order-200k', shopPage('order', 204_800)],
])

/** Bodies of nothing but zeros, in bytes: they are for sending, not for reading. */
export const downloads: ReadonlyMap<string, number> = new Map([
  ['10m', 10 * 1_048_576],
  ['100m', 100 * 1_048_576],
])

export const page = (name: string): Buffer => pages.get(name) ?? Buffer.alloc(0)

export interface Origin extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** What serves it. */
  readonly software: string
}

/** nginx's workers give up root's rights and could not read our folder; they keep them here, where root started them. */
export const asWhoStartedIt = process.getuid?.() === 0 ? 'user root root;' : ''

/** Files it would like to put where only a package may write. */
export const nginxFolders = (folder: string): string =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(' ')

const nginxConfig = (folder: string, port: number): string => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit; ${asWhoStartedIt}
events { worker_connections 4096; }
http {
  access_log off; types {} default_type "text/html; charset=utf-8"; ${nginxFolders(folder)}
  sendfile on; keepalive_timeout 3600s; keepalive_requests 1000000000;
  open_file_cache max=64 inactive=1h; open_file_cache_valid 1h;
  server {
    listen 127.0.0.1:${port} backlog=4096; root ${folder}/pages;
    ${[...pages.keys(), ...downloads.keys()].map((name) => `location /${name} { try_files /${name}.html =404; }`).join('\n    ')}
  }
}
`

const startNginx = async (nginx: string, folder: string, port: number): Promise<Running> => {
  await mkdir(join(folder, 'pages'), { recursive: true })
  for (const [name, body] of pages) await writeFile(join(folder, 'pages', `${name}.html`), body)
  for (const [name, bytes] of downloads) {
    const file = join(folder, 'pages', `${name}.html`)
    await writeFile(file, '')
    await truncate(file, bytes)
  }
  const config = join(folder, 'nginx.conf')
  await writeFile(config, nginxConfig(folder, port))
  return startProcess('the origin (nginx)', nginx, ['-p', folder, '-c', config], { cores: otherCores })
}

const nodeOrigin = new URL('./node-origin.ts', import.meta.url).pathname

export const startOrigin = async (parent: string): Promise<Origin> => {
  const folder = join(parent, 'origin')
  await mkdir(folder, { recursive: true })
  const port = await freePort()
  const nginx = findTool('nginx')
  const running =
    nginx === null
      ? await startProcess('the origin (Node)', process.execPath, [nodeOrigin, String(port)], {
          cores: otherCores,
        })
      : await startNginx(nginx, folder, port)
  await expectPage(running, port, '/1k', page('1k'))
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    software: nginx === null ? 'a Node server' : 'nginx, one worker, static files',
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}
