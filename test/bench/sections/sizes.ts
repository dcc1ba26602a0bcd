import { bold, missingWrk, sluice, startContenders, type Contender } from '../harness/contenders.ts'
import { median, medianRatio, show } from '../harness/numbers.ts'
import { startOrigin } from '../harness/origin.ts'
import { judge, table, type Section, type Verdict } from '../harness/report.ts'
import { inTurn } from '../harness/rounds.ts'
import { load, type Load, type Round } from '../harness/wrk.ts'
import { baseline, floor } from '../rivals/index.ts'

/** What a request costs that is larger than a small page, or comes on a connection of its own. */

const rounds = 3
const seconds = 2
const warmSeconds = 1

const loads: readonly { readonly what: string; readonly load: Omit<Load, 'port' | 'seconds'> }[] = [
  { what: '20 KB', load: { path: '/plain-20k' } },
  { what: '200 KB', load: { path: '/plain-200k' } },
  { what: '10 MB', load: { path: '/10m', connections: 4 } },
  { what: '1 KB, new connections', load: { path: '/1k', newConnections: true } },
]

export const sizes = async (folder: string): Promise<Section> => {
  const title = 'Forwarding: larger answers, and new connections, one core'
  const missing = missingWrk()
  if (missing !== null) return { title, text: missing, verdicts: [] }

  await using stack = new AsyncDisposableStack()
  const origin = stack.use(await startOrigin(folder))
  // The floor lets go of no answer whose visitor has left, and runs out of connections after a few rounds.
  const contenders = (await startContenders(stack, { folder, name: 'sizes', origin })).filter(
    ({ name }) => name !== floor,
  )
  const tables: string[] = []
  const verdicts: Verdict[] = []
  for (const { what, load: wanted } of loads) {
    const measure = ({ port, running }: Contender, length: number): Promise<Round> =>
      load(running, { ...wanted, port, seconds: length })
    await inTurn(contenders, 1, (contender) => measure(contender, warmSeconds))
    const measured = await inTurn(contenders, rounds, (contender) => measure(contender, seconds))
    const of = (name: string, pick: (round: Round) => number): readonly number[] =>
      contenders.flatMap((one) => (one.name === name ? (measured.get(one) ?? []) : [])).map(pick)
    const rate = (name: string): readonly number[] => of(name, (round) => round.requestsPerSecond)
    const cpu = (name: string): readonly number[] => of(name, (round) => round.cpuMicros)
    const rows = contenders
      .map(({ name }) => name)
      .toSorted((a, b) => median(rate(b)) - median(rate(a)))
      .map((name) => [
        bold(name),
        show(median(rate(name))),
        show(medianRatio(rate(name), rate(baseline))),
        show(median(cpu(name))),
        show(medianRatio(cpu(name), cpu(baseline))),
        `${Math.round(median(of(name, (round) => round.coreShare)) * 100)} %`,
        show(median(of(name, (round) => round.p99Ms))),
      ])
    tables.push(
      table(
        [what, 'requests/s', `x ${baseline}`, 'CPU µs/request', `x ${baseline}`, 'core used', 'p99 ms'],
        rows,
      ),
    )
    const [faster, work] = [
      medianRatio(rate(sluice), rate(baseline)),
      medianRatio(cpu(sluice), cpu(baseline)),
    ]
    verdicts.push(
      judge(
        `forwarding ${what}, beside bare ${baseline}`,
        'ahead',
        faster,
        { least: 1 },
        `${show(faster)} x the requests, ${show(work)} x the CPU each`,
      ),
    )
  }
  return {
    title,
    text: `As above, ${rounds} rounds of ${seconds} s in turn after ${warmSeconds} s of warming up. 10 MB over 4 connections, the others over 64. "New connections": each request says \`Connection: close\` and the next one connects anew.

${tables.join('\n\n')}`,
    verdicts,
  }
}
