import { cores } from '../harness/machine.ts'
import { median, show } from '../harness/numbers.ts'
import { measureInside } from '../harness/processes.ts'
import { judge, table, type Section } from '../harness/report.ts'
import type { ReloadCost } from '../inside/reload.ts'

/** What visitors notice of a reload. */

const sizes = [100, 1_000, 10_000]
const allCores = cores === 1 ? '0' : `0-${cores - 1}`

export const reload = async (): Promise<Section> => {
  const script = new URL('../inside/reload.ts', import.meta.url)
  const runs: { readonly on: string; readonly cost: ReloadCost }[] = []
  for (const size of sizes)
    runs.push({
      on: `all ${cores}`,
      cost: await measureInside<ReloadCost>(script, [String(size)], allCores),
    })
  if (cores > 1) runs.push({ on: 'one', cost: await measureInside<ReloadCost>(script, ['10000'], '0') })
  const stall = median(runs[sizes.length - 1]?.cost.stallMs ?? [])
  const rows = runs.map(({ on, cost: { rules, fileBytes, stallMs, quietMs, tookMs } }) => [
    show(rules),
    on,
    show(fileBytes / 1e6),
    show(median(stallMs)),
    show(Math.max(...stallMs)),
    show(median(quietMs)),
    show(median(tookMs)),
  ])
  return {
    title: 'Reload: another rules file while pages flow',
    text: `A whole gateway without visitors, whose rules file is replaced five times by one with a rule more. The longest gap between two turns of its event loop during a reload (median and worst of the five, from \`monitorEventLoopDelay\`), beside the longest in as much time without one; and how long it takes until the new rules are in force, of which 100 ms are waiting for the file to be written out.

${table(['rules', 'cores', 'file, MB', 'longest gap ms', 'worst ms', 'without a reload', 'in force after ms'], rows)}`,
    verdicts: [
      judge('reload of 10 000 rules', 'no stall over 50 ms', stall, { most: 50 }, `${show(stall)} ms`),
    ],
  }
}
