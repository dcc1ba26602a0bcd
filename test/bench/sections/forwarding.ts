import { sluice, startContenders } from '../harness/contenders.ts'
import { cores, findTool, otherCores } from '../harness/machine.ts'
import { median, medianRatio, show, showSpread } from '../harness/numbers.ts'
import { startOrigin } from '../harness/origin.ts'
import type { Running } from '../harness/processes.ts'
import { judge, table, type Section } from '../harness/report.ts'
import { inTurn } from '../harness/rounds.ts'
import { load, type Round } from '../harness/wrk.ts'
import { baseline, floor } from '../rivals/index.ts'

/** What a request costs on its way through, beside the proxies one could use instead. */

const rounds = 7
const seconds = 2
const warmSeconds = 2
const path = '/1k'

interface Contender {
  readonly name: string
  readonly port: number
  /** `null`: the origin itself, which is not what is measured. */
  readonly running: Running | null
}

const direct = 'no proxy at all'

export const forwarding = async (folder: string): Promise<Section> => {
  const title = 'Forwarding: 1 KB answers, one core'
  if (findTool('wrk') === null) return { title, text: 'Left out: wrk is not installed.', verdicts: [] }

  await using stack = new AsyncDisposableStack()
  const origin = stack.use(await startOrigin(folder))
  const contenders: Contender[] = [{ name: direct, port: origin.port, running: null }]
  contenders.push(...(await startContenders(stack, { folder, name: 'forwarding', origin })))

  const measure = ({ port, running }: Contender, length: number): Promise<Round> =>
    load(running, { port, path, seconds: length })
  await inTurn(contenders, 1, (contender) => measure(contender, warmSeconds))
  const measured = await inTurn(contenders, rounds, (contender) => measure(contender, seconds))

  const of = (name: string, pick: (round: Round) => number): readonly number[] => {
    const contender = contenders.find((one) => one.name === name)
    return ((contender && measured.get(contender)) ?? []).map(pick)
  }
  const rate = (name: string): readonly number[] => of(name, (round) => round.requestsPerSecond)
  const cpu = (name: string): readonly number[] => of(name, (round) => round.cpuMicros)

  const rows = [...contenders]
    .sort((a, b) => median(rate(b.name)) - median(rate(a.name)))
    .map(({ name, running }) => [
      name === sluice ? `**${name}**` : name,
      show(median(rate(name))),
      showSpread(rate(name)),
      show(medianRatio(rate(name), rate(baseline))),
      show(median(cpu(name))),
      show(medianRatio(cpu(name), cpu(baseline))),
      running === null ? '-' : `${Math.round(median(of(name, (round) => round.coreShare)) * 100)} %`,
      show(median(of(name, (round) => round.p99Ms))),
    ])

  const ahead = (name: string): ReturnType<typeof judge> => {
    const ratio = medianRatio(rate(sluice), rate(name))
    const work = medianRatio(cpu(sluice), cpu(name))
    return judge(
      `forwarding, beside ${name}`,
      'ahead',
      ratio,
      { least: 1 },
      `${show(ratio)} x the requests, ${show(work)} x the CPU each`,
    )
  }
  const toBaseline = medianRatio(rate(sluice), rate(baseline))
  const toFloor = medianRatio(cpu(sluice), cpu(floor))
  return {
    title,
    text: `Requests for one page of 1 024 bytes over 64 kept connections, with a browser's header fields. The proxy has core ${cores === 1 ? '0, as everything here' : '0 to itself'}; wrk (one thread) and the origin (${origin.software}) share core ${otherCores}. ${rounds} rounds of ${seconds} s in turn, after ${warmSeconds} s of warming up; medians, and ratios taken round by round. nginx, Caddy and HAProxy are as their packages make them, with one worker or thread, access logs off and connections to the origin kept.

${table(['proxy', 'requests/s', 'least to most', 'x http-proxy-3', 'CPU µs/request', 'x http-proxy-3', 'core used', 'p99 ms'], rows)}

Where "core used" is well below 100 %, wrk or the origin was the bottleneck and not the proxy: there only CPU per request tells how the proxies compare. It counts the whole process from \`/proc\`, with all threads and children.`,
    verdicts: [
      judge(
        'forwarding, beside bare http-proxy-3',
        'at least 1.6 x',
        toBaseline,
        { least: 1.6 },
        `${show(toBaseline)} x the requests, ${show(medianRatio(cpu(sluice), cpu(baseline)))} x the CPU each`,
      ),
      ...contenders
        .filter(({ name }) => name.startsWith('Caddy') || name.startsWith('@fastify'))
        .map(({ name }) => ahead(name)),
      judge(
        'forwarding, CPU per request',
        'within 1.25 x of bare undici',
        toFloor,
        { most: 1.25 },
        `${show(toFloor)} x (${show(median(cpu(sluice)))} against ${show(median(cpu(floor)))} µs)`,
      ),
    ],
  }
}
