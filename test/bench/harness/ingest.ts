import { setTimeout as sleep } from 'node:timers/promises'
import type { IntegrationDeclaration } from '../../../src/sites/integration.ts'
import type { LoadOrder, LoadResult } from '../inside/ingest-load.ts'
import type { Seen } from './fast-platform.ts'
import type { Gateway } from './gateway.ts'
import { cores } from './machine.ts'
import { freePort, measureInside, startProcess, type Running } from './processes.ts'

/** A back end, the gateway's API and a platform that is never the bottleneck, on all cores together. */

export const allCores = `0-${cores - 1}`
export const adminKey = 'the-admin-key-of-the-bench'

/** For how long each load of the ingest section goes on; a bench that is only tried out takes less. */
export const loadSeconds = Number(process.env['SLUICE_BENCH_SECONDS'] ?? '60')
export const backlogEvents = Number(process.env['SLUICE_BENCH_BACKLOG'] ?? '1000000')

export interface FastPlatform extends AsyncDisposable {
  readonly url: string
  readonly running: Running
  seen(): Promise<Seen>
}

export const answering = async (running: Running, url: string): Promise<void> => {
  for (;;) {
    const answered = await fetch(url).then(
      async (answer) => answer.text().then(() => true),
      () => false,
    )
    if (answered) return
    const ended = await Promise.race([running.ended().then(() => true), sleep(20, false)])
    if (ended) throw new Error(`${running.name} ended:\n${running.output()}`)
  }
}

export const startFastPlatform = async (): Promise<FastPlatform> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const script = new URL('./fast-platform.ts', import.meta.url).pathname
  const running = await startProcess('the platform', process.execPath, [script, String(port)], {
    cores: allCores,
  })
  await answering(running, url)
  return {
    url,
    running,
    seen: async () => (await (await fetch(url)).json()) as Seen,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/** Meta, because its requests hold a thousand events. */
export const liftedMeta = (endpoint: string): IntegrationDeclaration => ({
  id: 'meta',
  platform: 'meta',
  endpoint,
  config: { pixelId: '1234567890', accessToken: 'a-token-of-the-bench' },
  rateLimit: { lifted: true },
  batchWindow: 0,
})

/** So many that the limit on requests of one key is none on the load. */
export const makeKeys = async ({ adminUrl }: Gateway, count: number): Promise<readonly string[]> => {
  const keys: string[] = []
  for (let made = 0; made < count; made += 1) {
    const answer = await fetch(`${adminUrl}/api/v1/sites/shop/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: `bench ${made}`, scopes: ['ingest'] }),
    })
    if (answer.status !== 201) throw new Error(`no key: ${answer.status} ${await answer.text()}`)
    keys.push(((await answer.json()) as { readonly key: string }).key)
  }
  return keys
}

export const putLoad = (order: LoadOrder): Promise<LoadResult> =>
  measureInside<LoadResult>(
    new URL('../inside/ingest-load.ts', import.meta.url),
    [JSON.stringify(order)],
    allCores,
  )
