import { setTimeout as sleep } from 'node:timers/promises'
import { startGateway } from '../harness/gateway.ts'
import {
  adminKey,
  allCores,
  answering,
  liftedMeta,
  loadSeconds,
  makeKeys,
  putLoad,
  startFastPlatform,
  type FastPlatform,
} from '../harness/ingest.ts'
import { cores, fileSystemOf } from '../harness/machine.ts'
import { show } from '../harness/numbers.ts'
import { freePort, startProcess } from '../harness/processes.ts'
import { judge, table, type Section } from '../harness/report.ts'
import type { LoadOrder, LoadResult } from '../inside/ingest-load.ts'

/** From a back end's request to the platform: what the API takes, how soon it answers, and what goes out behind it. */

const wantedPerSecond = 20_000
const wantedP99Ms = 50
/** After the load has ended, until everything is at the platform. */
const drainSeconds = 120
const manyKeys = 100

type Shape = Pick<LoadOrder, 'name' | 'batch' | 'callers' | 'eventsPerSecond'>
const paced: Shape = { name: 'paced', batch: 100, callers: 64, eventsPerSecond: wantedPerSecond }
const shapes: readonly (readonly [string, Shape])[] = [
  ['100 a request, at 20 000 events/s', paced],
  ['100 a request, 8 callers', { name: 'batches', batch: 100, callers: 8, eventsPerSecond: null }],
  ['1 a request, 64 callers', { name: 'singles', batch: 1, callers: 64, eventsPerSecond: null }],
]

const untilDelivered = async (platform: FastPlatform, events: number): Promise<number> => {
  const begun = performance.now()
  for (;;) {
    const seen = await platform.seen()
    const took = (performance.now() - begun) / 1_000
    if (seen.events >= events) return took
    if (took > drainSeconds)
      throw new Error(`${seen.events} of ${events} events reached the platform within ${drainSeconds} s`)
    await sleep(50)
  }
}

interface Measured {
  readonly load: LoadResult
  /** Reached the platform while the load went on. */
  readonly delivered: number
  /** From the end of the load until all of it was there, in seconds. */
  readonly drained: number
}

const rate = ({ events, seconds }: LoadResult): number => events / seconds

const othersOf = ({ others }: LoadResult): string =>
  Object.keys(others).length === 0
    ? '0'
    : Object.entries(others)
        .map(([status, count]) => `${count} x ${status}`)
        .join(', ')

const throughGateway = async (folder: string): Promise<ReadonlyMap<string, Measured>> => {
  await using stack = new AsyncDisposableStack()
  const platform = stack.use(await startFastPlatform())
  const gateway = stack.use(
    await startGateway({
      name: 'ingest',
      folder,
      origin: 'http://127.0.0.1:9',
      rules: [],
      integrations: [liftedMeta(platform.url)],
      adminKey,
      cores: allCores,
    }),
  )
  const keys = await makeKeys(gateway, manyKeys)
  const measured = new Map<string, Measured>()
  for (const [name, shape] of shapes) {
    const before = (await platform.seen()).events
    // Full requests come from one key, as from one shop; so many small ones are more than a key may send.
    const own = shape.batch === 1 ? keys : keys.slice(0, 1)
    const load = await putLoad({ ...shape, url: gateway.adminUrl ?? '', keys: own, seconds: loadSeconds })
    const delivered = (await platform.seen()).events - before
    const drained = await untilDelivered(platform, before + load.events)
    measured.set(name, { load, delivered, drained })
  }
  return measured
}

const throughNothing = async (): Promise<ReadonlyMap<string, LoadResult>> => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const script = new URL('../rivals/bare-fastify.ts', import.meta.url).pathname
  await using running = await startProcess('bare fastify', process.execPath, [script, String(port)], {
    cores: allCores,
  })
  await answering(running, url)
  const results = new Map<string, LoadResult>()
  for (const [name, shape] of shapes)
    results.set(name, await putLoad({ ...shape, url, keys: ['none'], seconds: Math.min(loadSeconds, 10) }))
  return results
}

export const ingest = async (folder: string): Promise<Section> => {
  const bare = await throughNothing()
  const ours = await throughGateway(folder)
  const rows = [...ours].map(([name, { load, delivered, drained }]) => {
    const floor = bare.get(name)
    return [
      name,
      show(rate(load)),
      show(load.p50Ms),
      show(load.p99Ms),
      show(load.maxMs),
      show(delivered / load.seconds),
      show(drained),
      floor === undefined ? '-' : show(rate(floor)),
      floor === undefined ? '-' : show(rate(load) / rate(floor)),
      othersOf(load),
    ]
  })
  const [[, main] = []] = ours
  const measuredRate = main === undefined ? Number.NaN : rate(main.load)
  const p99 = main?.load.p99Ms ?? Number.NaN
  const out = main === undefined ? Number.NaN : main.delivered / main.load.seconds
  // The last request of a paced load is answered a little after the time is over.
  const line = wantedPerSecond * 0.99
  return {
    title: 'Ingest: from a request to the platform',
    text: `\`POST /tracking/ingest\` with purchases for one Meta integration whose limits are lifted, ${loadSeconds} s each; the back end, the gateway (store on ${fileSystemOf(folder)}, \`synchronous=FULL\`), and a stand-in on the loopback that takes everything share ${cores} cores. An answer's time counts from when its request was due. "Delivered" is what reached the stand-in meanwhile, "drained" how long the rest took. The last columns: the same load on a bare fastify route that parses and discards, and our share of it.

${table(['load', 'events/s', 'p50 ms', 'p99 ms', 'worst ms', 'delivered/s', 'drained s', 'bare events/s', 'ratio', 'not 200'], rows)}`,
    verdicts: [
      judge(
        "ingest, batches of 100, fsync'd",
        '20 000 events/s sustained',
        measuredRate,
        { least: line },
        `${show(measuredRate)} events/s for ${loadSeconds} s`,
      ),
      judge('ingest, time of an answer', 'p99 under 50 ms', p99, { most: wantedP99Ms }, `${show(p99)} ms`),
      judge(
        'delivery to a stand-in, limits lifted',
        '20 000 events/s',
        out,
        { least: line },
        `${show(out)} events/s beside the ingest`,
      ),
    ],
  }
}
