import { allCores, bold, missingWrk, sluice, startContenders, type Contender } from '../harness/contenders.ts'
import { cores } from '../harness/machine.ts'
import { median, medianRatio, show } from '../harness/numbers.ts'
import { startOrigin } from '../harness/origin.ts'
import { judge, table, type Section } from '../harness/report.ts'
import { inTurn } from '../harness/rounds.ts'
import { load, type Round } from '../harness/wrk.ts'
import { baseline } from '../rivals/index.ts'

/** What a second core adds, where it is there. */

const rounds = 3
const seconds = 2
const workers = 2

export const twoCores = async (folder: string): Promise<Section> => {
  const title = 'Forwarding: 1 KB answers, two cores'
  const missing = cores < workers ? 'Left out: this machine has one core.' : missingWrk()
  if (missing !== null) return { title, text: missing, verdicts: [] }

  await using stack = new AsyncDisposableStack()
  const origin = stack.use(await startOrigin(folder))
  const place = { folder, name: 'two-cores', origin }
  const started = await startContenders(stack, place, { cores: allCores, workers, tls: null })
  // A version that knows no workers is not what is measured here.
  const contenders = started.filter(({ name, running }) => name !== sluice || running.processes() > workers)
  const measure = ({ port, running }: Contender): Promise<Round> =>
    load(running, { port, path: '/1k', seconds, connections: 128 })
  await inTurn(contenders, 1, measure)
  const measured = await inTurn(contenders, rounds, measure)
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
      `${Math.round(median(of(name, (round) => round.coreShare)) * 100)} %`,
      show(median(of(name, (round) => round.p99Ms))),
    ])
  const absent = contenders.length === started.length ? '' : '\n\nSluice is left out: it started no workers.'
  const ratio = medianRatio(rate(sluice), rate(baseline))
  return {
    title,
    text: `Each with two workers (processes, threads, GOMAXPROCS) on all cores, over 128 kept connections; those of Node that know one core behind \`node:cluster\`. ${cores === workers ? 'The load and the origin are on the same two cores and take their share: compare, and do not read the rates as what two cores can do.' : ''} ${rounds} rounds of ${seconds} s in turn after one to warm up.

${table(['proxy', 'requests/s', `x ${baseline}`, 'CPU µs/request', 'cores used', 'p99 ms'], rows)}${absent}`,
    verdicts:
      absent === ''
        ? [
            judge(
              'two cores, beside http-proxy-3 on two',
              'ahead',
              ratio,
              { least: 1 },
              `${show(ratio)} x the requests`,
            ),
          ]
        : [],
  }
}
