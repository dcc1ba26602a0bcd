import { bold, startContenders, type Contender } from '../harness/contenders.ts'
import { otherCores } from '../harness/machine.ts'
import { median, show } from '../harness/numbers.ts'
import type { OpenRound } from '../harness/open-load.ts'
import { startOrigin } from '../harness/origin.ts'
import { measureInside } from '../harness/processes.ts'
import { table, type Section } from '../harness/report.ts'
import { inTurn } from '../harness/rounds.ts'

/** How long a visitor waits while others come, too. */

const perSecond = 2_000
const rounds = 3
const seconds = 2

interface Measured extends OpenRound {
  readonly cpuMicros: number
}

export const latency = async (folder: string): Promise<Section> => {
  await using stack = new AsyncDisposableStack()
  const origin = stack.use(await startOrigin(folder))
  const contenders = await startContenders(stack, { folder, name: 'latency', origin })
  const script = new URL('../harness/open-load.ts', import.meta.url)
  const measure = async ({ port, running }: Contender): Promise<Measured> => {
    const before = running.cpuMicros() ?? Number.NaN
    const args = [String(port), '/1k', String(perSecond), String(seconds)]
    const round = await measureInside<OpenRound>(script, args, otherCores)
    return { ...round, cpuMicros: ((running.cpuMicros() ?? Number.NaN) - before) / round.requests }
  }
  await inTurn(contenders, 1, measure)
  const measured = await inTurn(contenders, rounds, measure)
  const rows = contenders
    .map((one) => ({ name: one.name, all: measured.get(one) ?? [] }))
    .toSorted((a, b) => median(a.all.map((round) => round.p99Ms)) - median(b.all.map((round) => round.p99Ms)))
    .map(({ name, all }) => [
      bold(name),
      ...(['p50Ms', 'p99Ms', 'p999Ms', 'cpuMicros', 'lateMs'] as const).map((what) =>
        show(median(all.map((round) => round[what]))),
      ),
    ])
  return {
    title: `Latency: 1 KB answers at ${show(perSecond)} requests a second, one core`,
    text: `Requests are due at a fixed rate, whether those before have been answered or not, and each is timed from when it was due to its last byte. ${rounds} rounds of ${seconds} s in turn after one to warm up, medians. "Load late": how late the load sent the latest hundredth of its requests; it is part of the other times, and where it is as large as they are they say nothing of the proxy.

${table(['proxy', 'p50 ms', 'p99 ms', 'p99.9 ms', 'CPU µs/request', 'load late ms'], rows)}`,
    verdicts: [],
  }
}
