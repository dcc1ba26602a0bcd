import { mkdtemp, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cores, fileSystemOf } from '../harness/machine.ts'
import { median, percentile, show } from '../harness/numbers.ts'
import { measureInside } from '../harness/processes.ts'
import { table, type Section } from '../harness/report.ts'
import type { StoreCosts } from '../inside/store.ts'

/** How fast events become safe. */

/** What the disk itself takes to make a small write safe, in ms: no commit can be faster. */
const fsyncCost = async (folder: string): Promise<{ readonly p50: number; readonly p99: number }> => {
  const file = await open(join(folder, 'fsync'), 'w')
  const block = Buffer.alloc(8_192, 7)
  const times: number[] = []
  for (let turn = 0; turn < 200; turn += 1) {
    const begun = performance.now()
    await file.write(block, 0, block.length, turn * block.length)
    await file.datasync()
    times.push(performance.now() - begun)
  }
  await file.close()
  return { p50: median(times), p99: percentile(times, 0.99) }
}

export const store = async (parent: string): Promise<Section> => {
  const folder = await mkdtemp(join(parent, 'store-'))
  const fileSystem = fileSystemOf(folder)
  const before = await fsyncCost(folder)
  const { appends, drain } = await measureInside<StoreCosts>(
    new URL('../inside/store.ts', import.meta.url),
    [folder],
    `0-${cores - 1}`,
  )
  const after = await fsyncCost(folder)
  await rm(folder, { recursive: true, force: true })

  const rows = appends.map((one) => [
    `${one.batch} ${one.batch === 1 ? 'event' : 'events'}, ${one.callers} ${one.callers === 1 ? 'caller' : 'callers'}`,
    show(one.eventsPerSecond),
    show(one.commitsPerSecond),
    show(one.callsPerCommit),
    show(one.p50Ms),
    show(one.p99Ms),
  ])
  const fastest = Math.max(...appends.map(({ eventsPerSecond }) => eventsPerSecond))
  return {
    title: 'Store: SQLite, every commit on the disk',
    text: `\`synchronous=FULL\` on ${fileSystem}, where a write of 8 KB and its fdatasync alone take ${show(before.p50)} ms (p99 ${show(before.p99)} ms) before and ${show(after.p50)} ms (p99 ${show(after.p99)} ms) after the measurement. Each event owes two deliveries. The callers, each with one append under way, and the store's thread share all cores. Medians of three rounds of 1.5 s in turn, each on a file of its own. The fastest: ${show(fastest)} events/s.

${table(['append', 'events/s', 'commits/s', 'calls/commit', 'p50 ms', 'p99 ms'], rows)}

Claimed 500 at a time and settled with a journal line each, by two lanes: **${show(drain.deliveriesPerSecond)} deliveries/s** (${show(drain.claimed)} in all, once).`,
    verdicts: [],
  }
}
