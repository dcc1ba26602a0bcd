import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Rule } from '../../../src/capture/rules.ts'
import type { IntegrationDeclaration } from '../../../src/sites/integration.ts'
import { measuredCore } from './machine.ts'
import { freePort, startProcess, type Running } from './processes.ts'
import type { Shape } from '../rivals/index.ts'
import { host } from './wrk.ts'

/** Sluice as its operator runs it, on the measured core. */

export interface Gateway extends AsyncDisposable {
  readonly running: Running
  readonly port: number
  /** Where its admin API listens; `null` where that is off. */
  readonly adminUrl: string | null
  /** 0 where it was not asked for TLS. */
  readonly tlsPort: number
  /** From the start of the process to its line that it is ready. */
  readonly readyMs: number
}

const main = new URL('../../../src/main.ts', import.meta.url).pathname

export interface GatewayOptions {
  readonly name: string
  readonly folder: string
  readonly origin: string
  readonly rules: readonly Rule[]
  readonly integrations?: readonly IntegrationDeclaration[]
  readonly nodeFlags?: readonly string[]
  /** Of its admin API, which is off without one. */
  readonly adminKey?: string
  /** As `taskset -c` takes it; the measured core when absent, or what the shape says. */
  readonly cores?: string
  /** Absent: as many processes as it takes by itself, without TLS. */
  readonly shape?: Shape
}

/** Such as `--cpu-prof --cpu-prof-dir=/somewhere`, to see where the time goes. */
const furtherFlags = (process.env['SLUICE_BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '')

const readyWithinMs = 60_000

export const startGateway = async (options: GatewayOptions): Promise<Gateway> => {
  const { name, folder, origin, rules, integrations = [], nodeFlags = [], adminKey, shape } = options
  const tls = shape?.tls ?? null
  const port = await freePort()
  const tlsPort = tls === null ? 0 : await freePort()
  const adminPort = adminKey === undefined ? null : await freePort()
  const file = join(folder, `${name}.json`)
  const site = {
    id: 'shop',
    hosts: [host],
    origin,
    currency: 'EUR',
    rules,
    integrations,
    ...(tls === null ? {} : { tls }),
  }
  await writeFile(file, JSON.stringify({ sites: [site] }))
  const begun = performance.now()
  const running = await startProcess(
    `sluice (${name})`,
    process.execPath,
    [
      ...nodeFlags,
      ...furtherFlags,
      main,
      'start',
      '--rules',
      file,
      '--listen',
      `127.0.0.1:${port}`,
      ...(tls === null ? [] : ['--tls-listen', `127.0.0.1:${tlsPort}`]),
      '--store',
      `sqlite:${join(folder, name, 'sluice.db')}`,
      '--admin-listen',
      adminPort === null ? 'off' : `127.0.0.1:${adminPort}`,
      '--allow-private-networks',
      '127.0.0.0/8',
    ],
    {
      cores: options.cores ?? shape?.cores ?? measuredCore,
      env: {
        ...(adminKey === undefined ? {} : { SLUICE_ADMIN_KEY: adminKey }),
        // 0: everything in one process, as all who have one core.
        SLUICE_WORKERS: String(shape === undefined || shape.workers === 1 ? 0 : shape.workers),
      },
    },
  )
  const ended = running.ended().then((code) => `ended with ${code}`)
  while (!running.output().includes('ready: ')) {
    const end = await Promise.race([ended, new Promise<null>((resolve) => setTimeout(resolve, 20, null))])
    if (end !== null || performance.now() - begun > readyWithinMs)
      throw new Error(`${running.name} ${end ?? 'is not ready'}:\n${running.output()}`)
  }
  return {
    running,
    port,
    adminUrl: adminPort === null ? null : `http://127.0.0.1:${adminPort}`,
    tlsPort,
    readyMs: performance.now() - begun,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}
