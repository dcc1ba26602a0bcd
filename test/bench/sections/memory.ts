import { setTimeout as sleep } from 'node:timers/promises'
import { startGateway } from '../harness/gateway.ts'
import { otherCores } from '../harness/machine.ts'
import { show } from '../harness/numbers.ts'
import { page, startOrigin } from '../harness/origin.ts'
import { startProcess, type Running } from '../harness/processes.ts'
import { judge, table, type Section } from '../harness/report.ts'
import { usualRules } from '../harness/rule-sets.ts'
import { expectPage } from '../harness/wrk.ts'
import { oneCore } from '../rivals/index.ts'

/** What visitors cost who are there and do little. */

const readers = 200
const bytesATime = 8_192
const readingMs = 12_000
const idlers = 10_000

const slowReaders = new URL('../harness/slow-readers.ts', import.meta.url)
const idleVisitors = new URL('../harness/idle-visitors.ts', import.meta.url)

/** Resolves with what the visitors say once they are where they should be. */
const settled = async (visitors: Running, word: string): Promise<string> => {
  const ended = visitors.ended()
  for (;;) {
    const said = visitors.output()
    if (said.includes(word)) return said
    const code = await Promise.race([ended, sleep(50, 'waiting' as const)])
    if (code !== 'waiting') throw new Error(`${visitors.name} ended with ${code}:\n${visitors.output()}`)
  }
}

interface Memory {
  readonly before: number
  readonly most: number
  readonly left: number
}

/** Of the gateway in MiB: before the visitors come, and the most while they are there. */
const whileThere = async (
  folder: string,
  origin: string,
  name: string,
  script: URL,
  word: string,
  args: readonly string[],
  forMs: number,
): Promise<Memory> => {
  const rules = usualRules(1_000).rules
  await using gateway = await startGateway({ name, folder, origin, rules, shape: oneCore })
  await expectPage(gateway.running, gateway.port, '/1k', page('1k'))
  // What starting needed is given back.
  await sleep(2_000)
  const memory = (): number => gateway.running.memoryMiB() ?? Number.NaN
  const before = memory()
  await using visitors = await startProcess(
    name,
    process.execPath,
    [script.pathname, String(gateway.port), ...args],
    {
      cores: otherCores,
    },
  )
  const said = await settled(visitors, word)
  let most = memory()
  for (let waited = 0; waited < forMs; waited += 250) {
    await sleep(250)
    most = Math.max(most, memory())
  }
  return { before, most, left: Number(/(\d+) left/.exec(said)?.[1] ?? 0) }
}

export const memory = async (folder: string): Promise<Section> => {
  await using origin = await startOrigin(folder)
  const slow = await whileThere(
    folder,
    origin.url,
    'slow-readers',
    slowReaders,
    'reading',
    [String(readers), '/100m', String(bytesATime)],
    readingMs,
  )
  const idle = await whileThere(
    folder,
    origin.url,
    'idle-visitors',
    idleVisitors,
    'idle',
    [String(idlers), '/1k'],
    2_000,
  )
  if (idle.left > 0) throw new Error(`${idle.left} of the idle visitors were turned away`)
  const grown = slow.most - slow.before
  const rows = [
    [`${readers} slow readers of 100 MiB`, show(slow.before), show(slow.most), show(grown)],
    [`${show(idlers)} idle connections`, show(idle.before), show(idle.most), show(idle.most - idle.before)],
  ]
  return {
    title: 'Memory: visitors who are there and do little',
    text: `Resident memory of the gateway's process in MiB, 1 000 rules loaded. The slow readers take ${show((bytesATime * 10) / 1_024)} KiB a second each, for ${readingMs / 1_000} s, over connections from 20 addresses; the idle ones have had a page of 1 KB each and stay.

${table(['visitors', 'before', 'most', 'more'], rows)}`,
    verdicts: [
      judge(
        `${readers} slow readers of 100 MiB`,
        'under +64 MiB',
        grown,
        { most: 64 },
        `+${show(grown)} MiB`,
      ),
      judge(
        `${show(idlers)} idle connections`,
        'under 400 MiB',
        idle.most,
        { most: 400 },
        `${show(idle.most)} MiB`,
      ),
    ],
  }
}
