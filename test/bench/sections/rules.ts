import { startGateway, type Gateway } from '../harness/gateway.ts'
import { findTool, measuredCore } from '../harness/machine.ts'
import { median, medianRatio, show } from '../harness/numbers.ts'
import { page, startOrigin } from '../harness/origin.ts'
import { measureInside } from '../harness/processes.ts'
import { judge, table, type Section } from '../harness/report.ts'
import { inTurn } from '../harness/rounds.ts'
import { usualRules } from '../harness/rule-sets.ts'
import { expectPage, load, type Round } from '../harness/wrk.ts'
import type { MatchCost } from '../inside/match.ts'

/** What many rules cost those whom they do not concern. */

const sizes = [0, 10, 1_000, 10_000]
const rounds = 5
const seconds = 2
const warmSeconds = 2
const path = '/1k'

const count = (rules: number): string => (rules < 100 ? String(rules) : show(rules))

const inside = async (): Promise<Pick<Section, 'text' | 'verdicts'>> => {
  const costs = await measureInside<readonly MatchCost[]>(
    new URL('../inside/match.ts', import.meta.url),
    [],
    measuredCore,
  )
  const cost = (size: number, of: 'strangerNs' | 'guestNs'): number =>
    costs.find(({ kind, rules }) => kind === 'usual' && rules === size)?.[of] ?? Number.NaN
  const nothing = cost(10_000, 'strangerNs') / cost(10, 'strangerNs')
  const one = cost(10_000, 'guestNs') / cost(10, 'guestNs')
  const rows = costs.map(({ kind, rules, strangerNs, guestNs, compileMs }) => [
    `${count(rules)} ${kind === 'usual' ? 'as people write them' : 'with free beginnings'}`,
    show(strangerNs),
    show(guestNs),
    show(compileMs),
  ])
  return {
    text: `In one process, on core ${measuredCore}: reading a request's target and Host, finding the site, and asking it for the rules that match. As people write them: whole paths, \`/a/:id\`, \`/a/*\`, \`/de/a/**\` with an exclusion, a query. With free beginnings: \`/**/thanks-7\` and \`/*/*-8.html\`, which no first segment tells apart.

${table(['rules', 'ns, none matches', 'ns, one matches', 'compiled in ms'], rows)}`,
    verdicts: [
      judge(
        'matching',
        '10 000 rules under 3 x of 10',
        Math.max(nothing, one),
        { most: 3 },
        `${show(nothing)} x where none matches, ${show(one)} x where one does`,
      ),
    ],
  }
}

interface Loaded extends Gateway {
  readonly size: number
}

const throughGateway = async (folder: string): Promise<string> => {
  await using stack = new AsyncDisposableStack()
  const origin = stack.use(await startOrigin(folder))
  const gateways: Loaded[] = []
  for (const size of sizes) {
    const { rules } = usualRules(size)
    const gateway = stack.use(
      await startGateway({ name: `rules-${size}`, folder, origin: origin.url, rules }),
    )
    await expectPage(gateway.running, gateway.port, path, page('1k'))
    gateways.push({ ...gateway, size })
  }
  const measure = ({ running, port }: Loaded, length: number): Promise<Round> =>
    load(running, { port, path, seconds: length })
  await inTurn(gateways, 1, (gateway) => measure(gateway, warmSeconds))
  const measured = await inTurn(gateways, rounds, (gateway) => measure(gateway, seconds))
  const ten = gateways.find(({ size }) => size === 10)
  const of = (gateway: Loaded | undefined, pick: (round: Round) => number): readonly number[] =>
    ((gateway && measured.get(gateway)) ?? []).map(pick)
  const rate = (round: Round): number => round.requestsPerSecond
  const cpu = (round: Round): number => round.cpuMicros
  const rows = gateways.map((gateway) => [
    count(gateway.size),
    show(median(of(gateway, rate))),
    show(medianRatio(of(gateway, rate), of(ten, rate))),
    show(median(of(gateway, cpu))),
    show(gateway.readyMs),
    show(gateway.running.memoryMiB() ?? Number.NaN),
  ])
  return `Through the gateway, answers of 1 KB whose address matches none of them; ${rounds} rounds of ${seconds} s in turn.

${table(['rules', 'requests/s', 'x of 10 rules', 'CPU µs/request', 'ready after ms', 'MiB after the load'], rows)}`
}

export const rules = async (folder: string): Promise<Section> => {
  const { text, verdicts } = await inside()
  const through =
    findTool('wrk') === null
      ? 'Through the gateway: left out, wrk is not installed.'
      : await throughGateway(folder)
  return { title: 'Rules: none, ten, a thousand, ten thousand', text: `${text}\n\n${through}`, verdicts }
}
