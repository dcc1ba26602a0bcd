import { measuredCore } from '../harness/machine.ts'
import { median, show } from '../harness/numbers.ts'
import { measureInside } from '../harness/processes.ts'
import { judge, table, type Section } from '../harness/report.ts'
import type { SkimCosts } from '../inside/skim.ts'

/** What it costs to read a price out of a page. */

/** A machine is quiet when a loop with nothing to do never waits longer. */
const quietMs = 2

export const skim = async (): Promise<Section> => {
  const { pages, stalls, idleMs } = await measureInside<SkimCosts>(
    new URL('../inside/skim.ts', import.meta.url),
    [],
    measuredCore,
  )
  const slowest = pages.reduce((a, b) => (a.skimMegabytesPerSecond <= b.skimMegabytesPerSecond ? a : b))
  const worst = stalls.reduce((a, b) => (median(a.longestMs) >= median(b.longestMs) ? a : b))
  const pageRows = pages.map(({ name, pages, bytes, skimMegabytesPerSecond, readMs }) => [
    `${name}${pages > 1 ? ` (${pages} pages)` : ''}`,
    show(bytes / 1024),
    show(skimMegabytesPerSecond),
    show(readMs),
  ])
  const stallRows = [...stalls]
    .sort((a, b) => median(b.longestMs) - median(a.longestMs))
    .map(({ name, longestMs, totalMs }) => [
      name,
      show(median(longestMs)),
      show(Math.max(...longestMs)),
      show(totalMs),
    ])
  const idle = median(idleMs)
  // Where the machine itself keeps an idle loop waiting that long, nobody can say whose stall it was.
  const stall = idle > quietMs ? Number.NaN : median(worst.longestMs)
  return {
    title: 'Skim: from a page to its facts',
    text: `In one process on core ${measuredCore}, on pages made to look like those of shops: product cards, menus, reviews, drawings, styles and scripts, with JSON-LD and Open Graph in the head. "Skim" is the walk over the bytes alone, in MB (10^6 bytes) per second; "read" is everything from the bytes to the facts. Medians of 7 rounds in turn. With \`SLUICE_CORPUS\` set to a folder, the \`.html\` files in it are measured too.

${table(['page', 'KB', 'skim MB/s', 'read ms'], pageRows)}

Pages of 8 MiB made to hurt, read whole (the gateway itself stops at 2 MiB of a page): the longest gap between two turns of the event loop while one is read, median and worst of 5 rounds. A loop with nothing to do has gaps of ${show(idle)} ms (worst ${show(Math.max(...idleMs))} ms) on this machine.

${table(['page', 'longest gap ms', 'worst ms', 'read ms'], stallRows)}`,
    verdicts: [
      judge(
        'skim',
        'at least 300 MB/s',
        slowest.skimMegabytesPerSecond,
        { least: 300 },
        `${show(slowest.skimMegabytesPerSecond)} MB/s at the slowest (${slowest.name})`,
      ),
      judge(
        'event loop, hostile pages of 8 MiB',
        'no stall over 5 ms',
        stall,
        { most: 5 },
        `${show(stall)} ms (${worst.name})`,
      ),
    ],
  }
}
