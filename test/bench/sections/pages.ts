import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Rule } from '../../../src/capture/rules.ts'
import type { IntegrationDeclaration } from '../../../src/sites/integration.ts'
import { startGateway, type Gateway } from '../harness/gateway.ts'
import { fileSystemOf, findTool, otherCores } from '../harness/machine.ts'
import { median, medianRatio, show } from '../harness/numbers.ts'
import { page, startOrigin } from '../harness/origin.ts'
import { freePort, startProcess } from '../harness/processes.ts'
import { judge, table, type Section, type Verdict } from '../harness/report.ts'
import { inTurn } from '../harness/rounds.ts'
import { expectPage, load, type Round } from '../harness/wrk.ts'

/** What it costs a page that it is read, and that its event is committed before its last byte leaves. */

const rounds = 4
const seconds = 2
const warmSeconds = 2

const rules: readonly Rule[] = [
  {
    id: 'product-viewed',
    match: { path: ['/product-20k/**', '/product-200k/**'] },
    actions: [{ type: 'fire_conversion_event', eventType: 'view_content' }],
  },
  {
    id: 'order-placed',
    match: { path: ['/order-20k/:orderId', '/order-200k/:orderId'] },
    actions: [
      { type: 'fire_conversion_event', eventType: 'purchase', extract: { orderId: { param: 'orderId' } } },
    ],
  },
]

/** One load, given to a gateway with these rules and to one with none. */
interface Mix {
  readonly name: string
  readonly page: string
  readonly elsewhere: string
  /** One request of so many is for a page that fires. */
  readonly every: number
}

const mix = (kind: 'product' | 'order', size: string, every: number): Mix => ({
  name: `${size}, ${kind === 'order' ? 'purchase' : 'view_content'}${every === 1 ? '' : `, one in ${every}`}`,
  page: `${kind}-${size}`,
  elsewhere: `plain-${size}`,
  every,
})

const mixes = [
  mix('product', '20k', 1),
  mix('order', '20k', 1),
  mix('product', '200k', 1),
  mix('order', '200k', 1),
  mix('product', '20k', 20),
  mix('product', '200k', 20),
]

interface Case {
  readonly mix: Mix
  readonly gateway: 'without' | 'with'
}

const sink = new URL('../harness/sink.ts', import.meta.url).pathname

/** Counted in the file itself, when the gateway that wrote it has ended. */
const committedEvents = (path: string): number => {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return Number(db.prepare('SELECT count(*) AS events FROM event').get()?.['events'])
  } finally {
    db.close()
  }
}

const startBoth = async (stack: AsyncDisposableStack, folder: string) => {
  const origin = stack.use(await startOrigin(folder))
  const port = await freePort()
  stack.use(await startProcess('the sink', process.execPath, [sink, String(port)], { cores: otherCores }))
  const integrations: IntegrationDeclaration[] = [
    {
      id: 'sink',
      platform: 'webhook',
      config: { url: `http://127.0.0.1:${port}/` },
      consent: { required: false },
    },
  ]
  const start = async (name: string, rules: readonly Rule[]): Promise<Gateway> =>
    stack.use(await startGateway({ name, folder, origin: origin.url, rules, integrations }))
  return { without: await start('pages-without', []), with: await start('pages-with', rules) }
}

export const pages = async (folder: string): Promise<Section> => {
  const title = 'Pages: read on their way, and committed'
  if (findTool('wrk') === null) return { title, text: 'Left out: wrk is not installed.', verdicts: [] }

  await using stack = new AsyncDisposableStack()
  const gateways = await startBoth(stack, folder)
  const cases = mixes.flatMap((mix): Case[] => [
    { mix, gateway: 'without' },
    { mix, gateway: 'with' },
  ])
  let due = 0
  for (const { mix, gateway } of cases) {
    const { running, port } = gateways[gateway]
    await expectPage(running, port, `/${mix.page}/${mix.every}`, page(mix.page))
  }
  const measure = async ({ mix, gateway }: Case, length: number): Promise<Round> => {
    const { page, elsewhere, every } = mix
    const { running, port } = gateways[gateway]
    const numbered = { every, elsewhere: `/${elsewhere}` }
    const round = await load(running, { port, path: `/${page}`, seconds: length, numbered })
    if (gateway === 'with') due += Math.floor(round.requests / every)
    return round
  }
  await inTurn(cases, 1, (one) => measure(one, warmSeconds))
  const measured = await inTurn(cases, rounds, (one) => measure(one, seconds))
  await gateways.with[Symbol.asyncDispose]()
  const committed = committedEvents(join(folder, 'pages-with', 'sluice.db'))

  const of = (mix: Mix, gateway: Case['gateway'], pick: (round: Round) => number): readonly number[] => {
    const found = cases.find((one) => one.mix === mix && one.gateway === gateway)
    return ((found && measured.get(found)) ?? []).map(pick)
  }
  const rate = (round: Round): number => round.requestsPerSecond
  const ratioOf = (mix: Mix): number => medianRatio(of(mix, 'with', rate), of(mix, 'without', rate))
  const cpu = (mix: Mix, gateway: Case['gateway']): number =>
    median(of(mix, gateway, (round) => round.cpuMicros))

  const rows = mixes.map((mix) => [
    mix.name,
    show(median(of(mix, 'without', rate))),
    show(median(of(mix, 'with', rate))),
    show(ratioOf(mix)),
    show(cpu(mix, 'without')),
    show(cpu(mix, 'with')),
    show((cpu(mix, 'with') - cpu(mix, 'without')) * mix.every),
    show(median(of(mix, 'without', (round) => round.p99Ms))),
    show(median(of(mix, 'with', (round) => round.p99Ms))),
  ])
  const verdicts = mixes.map((mix): Verdict => {
    const ratio = ratioOf(mix)
    const what = mix.every === 1 ? `pages, every one fires: ${mix.name}` : `pages: ${mix.name}`
    return judge(what, 'at least 0.85 x of no rules', ratio, { least: 0.85 }, `${show(ratio)} x`)
  })
  return {
    title,
    text: `Pages with JSON-LD, each request with an address of its own, so that each page that matches makes an event of its own: read, assembled, routed and committed to SQLite (\`synchronous=FULL\` on ${fileSystemOf(folder)}) by one process on one core, its threads included. One webhook to the loopback, no consent asked, at its usual 50 deliveries a second: what is due beyond that waits in the store. \`view_content\` leaves the page alone; \`purchase\` holds its last byte until the commit. In the first four rows every single page fires; in the last two one in twenty does, between pages of the same size that match nothing. ${rounds} rounds of ${seconds} s in turn over 64 connections.

${table(['page', 'pages/s without rules', 'with', 'ratio', 'CPU µs/page without', 'with', 'more per event', 'p99 ms without', 'with'], rows)}

Of ${show(due)} pages that should have fired, ${show(committed)} have their event in the store (${((committed / due) * 100).toFixed(1)} %; wrk leaves without counting what is on its way when a round ends).`,
    verdicts,
  }
}
