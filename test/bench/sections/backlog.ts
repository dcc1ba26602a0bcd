import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { mark } from '../harness/fast-platform.ts'
import { startGateway, type Gateway } from '../harness/gateway.ts'
import {
  adminKey,
  allCores,
  backlogEvents,
  liftedMeta,
  makeKeys,
  startFastPlatform,
} from '../harness/ingest.ts'
import { median, percentile, show } from '../harness/numbers.ts'
import { measureInside } from '../harness/processes.ts'
import { judge, table, type Section } from '../harness/report.ts'

/** A store full of what could not be sent: how soon the gateway is there, what it needs to send it, and who waits for it. */

const startWithinMs = 10_000
const flatWithinMiB = 64
const realtimeWithinMs = 5_000
const drainMinutes = 20
/** From here on memory should not grow: the caches are warm, the pools have their connections. */
const warmShare = 0.1

interface Sample {
  readonly events: number
  readonly memory: number
}

const sendMarked = async (gateway: Gateway, key: string, id: string): Promise<void> => {
  const answer = await fetch(`${gateway.adminUrl}/tracking/ingest`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      events: [
        {
          platform: 'meta',
          eventType: 'purchase',
          eventId: id,
          userData: { email: `${id}@example.com` },
          customData: { value: 10, currency: 'EUR', orderId: id },
          consent: { granted: ['marketing'] },
        },
      ],
    }),
  })
  if (answer.status !== 200) throw new Error(`ingest: ${answer.status} ${await answer.text()}`)
}

const drain = async (folder: string) => {
  await using stack = new AsyncDisposableStack()
  const platform = stack.use(await startFastPlatform())
  const store = join(folder, 'backlog', 'sluice.db')
  await mkdir(join(folder, 'backlog'), { recursive: true })
  const filled = await measureInside<{ readonly seconds: number }>(
    new URL('../inside/backlog-fill.ts', import.meta.url),
    [store, String(backlogEvents), platform.url],
    allCores,
  )
  const { size } = await stat(store)
  const gateway = stack.use(
    await startGateway({
      name: 'backlog',
      folder,
      origin: 'http://127.0.0.1:9',
      rules: [],
      integrations: [liftedMeta(platform.url)],
      adminKey,
      cores: allCores,
    }),
  )
  const begun = performance.now()
  const [key = ''] = await makeKeys(gateway, 1)
  const sentAt = new Map<string, number>()
  const samples: Sample[] = []
  for (let turn = 0; ; turn += 1) {
    // One in a second, between those that have waited for long.
    if (turn % 4 === 0) {
      const id = `${mark}${turn}`
      sentAt.set(id, Date.now())
      await sendMarked(gateway, key, id)
    }
    const { events } = await platform.seen()
    samples.push({ events, memory: gateway.running.memoryMiB() ?? Number.NaN })
    if (events >= backlogEvents) break
    if (performance.now() - begun > drainMinutes * 60_000)
      throw new Error(`${events} of ${backlogEvents} events left within ${drainMinutes} minutes`)
    await sleep(250)
  }
  const seconds = (performance.now() - begun) / 1_000
  let arrivals = (await platform.seen()).marked
  for (let turn = 0; turn < 200 && Object.keys(arrivals).length < sentAt.size; turn += 1) {
    await sleep(50)
    arrivals = (await platform.seen()).marked
  }
  const waits = [...sentAt].map(([id, at]) => (arrivals[id] ?? Number.POSITIVE_INFINITY) - at)
  return { filled, size, readyMs: gateway.readyMs, seconds, samples, waits }
}

export const backlog = async (folder: string): Promise<Section> => {
  const { filled, size, readyMs, seconds, samples, waits } = await drain(folder)
  const settled = samples.filter(({ events }) => events >= backlogEvents * warmShare)
  const early = median(settled.slice(0, Math.max(4, settled.length >> 3)).map(({ memory }) => memory))
  const most = Math.max(...settled.map(({ memory }) => memory))
  const growth = most - early
  const worst = Math.max(...waits)
  const count = show(backlogEvents)
  const rows = [
    ['size of the store, MiB', show(size / 2 ** 20)],
    ['filled with, events/s', show(backlogEvents / filled.seconds)],
    ['ready after, ms', show(readyMs)],
    ['drained with, events/s', show(backlogEvents / seconds)],
    ['memory after a tenth, MiB', show(early)],
    ['memory at most from then on, MiB', show(most)],
    ['a new real-time event at the platform: p50, ms', show(percentile(waits, 0.5))],
    ['a new real-time event at the platform: worst, ms', show(worst)],
  ]
  return {
    title: `Backlog: ${count} events that wait`,
    text: `A store with ${count} product views for one Meta integration, limits lifted, that the gateway finds when it starts; meanwhile an order comes through the API every second (${waits.length} in all), and must not wait behind them. The gateway, its store and the stand-in share all cores. Memory is what the gateway's process holds, threads and SQLite's pages included.

${table(['', ''], rows)}`,
    verdicts: [
      judge(
        `start on a backlog of ${count}`,
        'under 10 s',
        readyMs,
        { most: startWithinMs },
        `${show(readyMs / 1_000)} s`,
      ),
      judge(
        `memory while ${count} drain`,
        'flat (under +64 MB)',
        growth,
        { most: flatWithinMiB },
        `${growth < 0 ? '' : '+'}${show(growth)} MiB`,
      ),
      judge(
        'a real-time event beside the backlog',
        'at its platform under 5 s',
        worst,
        { most: realtimeWithinMs },
        `${show(worst)} ms at worst`,
      ),
    ],
  }
}
