import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '../../../src/config.ts'
import { startGateway } from '../../../src/gateway/gateway.ts'
import { createLog } from '../../../src/log.ts'
import { usualRules } from '../harness/rule-sets.ts'
import { host } from '../harness/wrk.ts'

/**
 * How long the event loop of a whole gateway stands still while it takes up another rules file. `node reload.ts <rules>`;
 * run by `sections/reload.ts`, prints JSON.
 */
export interface ReloadCost {
  readonly rules: number
  readonly fileBytes: number
  /** The longest gap between two turns during a reload, in ms, per reload; and of as long without one. */
  readonly stallMs: readonly number[]
  readonly quietMs: readonly number[]
  /** From the new file to the new rules in force. */
  readonly tookMs: readonly number[]
}

const reloads = 5
/** Of the measurement itself. */
const resolution = 1

const size = Number(process.argv[2])
const folder = await mkdtemp(join(tmpdir(), 'sluice-reload-'))
const file = join(folder, 'rules.json')

/** One rule more makes another file, by which it is known when it is in force. */
const write = async (path: string, rules: number): Promise<number> => {
  const site = { id: 'shop', hosts: [host], origin: 'http://127.0.0.1:9', rules: usualRules(rules).rules }
  const text = JSON.stringify({ sites: [site] }, null, 2)
  await writeFile(path, text)
  return Buffer.byteLength(text)
}

const longestGap = async (during: () => Promise<unknown>): Promise<number> => {
  // What was made so far is cleared away outside of what is measured.
  globalThis.gc?.()
  await sleep(300)
  const delay = monitorEventLoopDelay({ resolution })
  delay.enable()
  await during()
  await sleep(50)
  delay.disable()
  return delay.max / 1e6 - resolution
}

const fileBytes = await write(file, size)
const flags = ['--rules', file, '--listen', '127.0.0.1:0', '--admin-listen', 'off']
const config = readConfig([...flags, '--store', `sqlite:${join(folder, 's.db')}`], {})
const gateway = await startGateway(config, { log: createLog('silent'), env: {} })
const stallMs: number[] = []
const quietMs: number[] = []
const tookMs: number[] = []
for (let turn = 1; turn <= reloads; turn += 1) {
  let took = 0
  const reload = async (): Promise<void> => {
    const begun = performance.now()
    await rename(`${file}.next`, file)
    while (gateway.summary.rules !== size + turn) await sleep(5)
    took = performance.now() - begun
  }
  // Its making is the bench's own work.
  await write(`${file}.next`, size + turn)
  stallMs.push(await longestGap(reload))
  tookMs.push(took)
  quietMs.push(await longestGap(() => sleep(took)))
}
await gateway.close(1_000)
await rm(folder, { recursive: true })
const cost: ReloadCost = { rules: size, fileBytes, stallMs, quietMs, tookMs }
process.stdout.write(JSON.stringify(cost))
