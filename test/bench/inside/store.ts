import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'
import type { NewDelivery, NewEvent, Settlement, Store } from '../../../src/store/store.ts'
import { median, percentile } from '../harness/numbers.ts'

/** The SQLite store under callers that wait for their commits. Run by `sections/store.ts`; prints JSON. */

export interface AppendCost {
  readonly batch: number
  readonly callers: number
  readonly eventsPerSecond: number
  readonly commitsPerSecond: number
  readonly callsPerCommit: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface StoreCosts {
  readonly appends: readonly AppendCost[]
  readonly drain: { readonly claimed: number; readonly deliveriesPerSecond: number }
}

const folder = process.argv[2] ?? ''
const rounds = 3
const roundMs = 1_500
/** Batch size and callers at a time: single page events, small groups, ingest. */
const shapes = [
  { batch: 1, callers: 1 },
  { batch: 1, callers: 64 },
  { batch: 10, callers: 16 },
  { batch: 100, callers: 4 },
]

const integrations = ['shop/meta', 'shop/ga4']

/** As large as a product view with its consent, sources and hashed identity really is. */
const facts = JSON.stringify({
  name: 'view_content',
  source: 'page',
  page: {
    url: 'https://shop.test/products/harbour-lamp?utm_source=newsletter',
    referrer: 'https://shop.test/lamps',
  },
  custom: {
    value: 64.95,
    currency: 'EUR',
    contentIds: ['LMP-64'],
    contentName: 'Harbour Lamp',
    contentType: 'product',
    contentCategory: 'Home > Lighting > Lamps',
  },
  consent: {
    analytics: 'granted',
    marketing: 'granted',
    personalization: 'granted',
    source: '_sw_consent',
    explicit: true,
    gpc: false,
  },
  sources: Array.from({ length: 5 }, () => ({ field: 'contentName', from: 'json-ld: Product.name' })),
})
const payload = JSON.stringify({
  keys: { email: 'a'.repeat(64), phone: 'b'.repeat(64) },
  ip: '203.0.113.7',
  userAgent:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  clickIds: { fbclid: 'IwAR0'.padEnd(60, 'x'), gclid: 'Cj0KCQ'.padEnd(80, 'y') },
  browserIds: { fbp: 'fb.1.1763632800000.1098115397', ga: '1034577410.1763632800' },
})

let next = 0
const someEvent = (): NewEvent => {
  const now = Date.now()
  const id = `event-${next++}`
  const delivery = (integration: string): NewDelivery => ({
    integration,
    lane: 'batch',
    status: 'queued',
    reason: null,
    dueAt: now,
    payload,
  })
  return {
    site: 'shop',
    eventId: id,
    type: 'view_content',
    orderId: null,
    ruleId: 'product-viewed',
    occurredAt: now,
    acceptedAt: now,
    facts,
    deliveries: integrations.map(delivery),
  }
}

interface Opened {
  readonly store: Store
  commits: number
}

const open = async (name: string): Promise<Opened> => {
  await mkdir(join(folder, name), { recursive: true })
  const opened = { commits: 0 }
  const store = await openSqliteStore({
    path: join(folder, name, 'sluice.db'),
    onEvent: ({ kind }) => {
      if (kind === 'committed') opened.commits += 1
    },
  })
  return Object.assign(opened, { store })
}

interface AppendRound {
  readonly events: number
  readonly commits: number
  readonly calls: number
  readonly seconds: number
  readonly latencies: readonly number[]
}

const appendFor = async (opened: Opened, batch: number, callers: number): Promise<AppendRound> => {
  const latencies: number[] = []
  const commitsBefore = opened.commits
  const begun = performance.now()
  const until = begun + roundMs
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      const events = Array.from({ length: batch }, someEvent)
      const asked = performance.now()
      const answers = await opened.store.append(events)
      latencies.push(performance.now() - asked)
      if (!answers.every((answer) => answer === 'stored')) throw new Error('an event was not stored')
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return {
    events: latencies.length * batch,
    calls: latencies.length,
    commits: opened.commits - commitsBefore,
    seconds: (performance.now() - begun) / 1_000,
    latencies,
  }
}

/** Two lanes, each with its claims and settlements one after the other, as the gateway has them. */
const drain = async ({ store }: Opened): Promise<StoreCosts['drain']> => {
  const events = 40_000
  for (let done = 0; done < events; done += 1_000)
    await Promise.all(Array.from({ length: 10 }, () => store.append(Array.from({ length: 100 }, someEvent))))
  let settled = 0
  const lane = async (integration: string): Promise<void> => {
    for (;;) {
      const now = Date.now()
      const claimed = await store.claim({ integration, lane: 'batch', limit: 500, now })
      if (claimed.length === 0) return
      const settlements = claimed.map(({ deliveryId }): Settlement => ({
        deliveryId,
        status: 'sent',
        reason: null,
        dueAt: null,
        counted: true,
        line: {
          at: now,
          outcome: 'delivered',
          reason: 'events_received: 500',
          code: null,
          trace: 'AbCdEfGhIjKlMnOpQrStUvWxYz0',
          httpStatus: 200,
          durationMs: 84,
          request: null,
          batchSize: claimed.length,
        },
      }))
      await store.settle(settlements)
      settled += settlements.length
    }
  }
  const begun = performance.now()
  await Promise.all(integrations.map(lane))
  const seconds = (performance.now() - begun) / 1_000
  if (settled !== events * integrations.length) throw new Error(`${settled} deliveries settled`)
  return { claimed: settled, deliveriesPerSecond: settled / seconds }
}

const costs = new Map(shapes.map((shape) => [shape, [] as AppendRound[]]))
for (let round = 0; round <= rounds; round += 1) {
  for (const [shape, results] of costs) {
    // A file of its own each time: a round must not pay for the rows of those before it.
    const opened = await open(`append-${round}-${shape.batch}-${shape.callers}`)
    const result = await appendFor(opened, shape.batch, shape.callers)
    if (round > 0) results.push(result)
    await opened.store.close()
  }
}
const drained = await open('drain')
const drainResult = await drain(drained)
await drained.store.close()

const appends = [...costs].map(([{ batch, callers }, results]): AppendCost => {
  const of = (pick: (result: AppendRound) => number): number => median(results.map(pick))
  return {
    batch,
    callers,
    eventsPerSecond: of(({ events, seconds }) => events / seconds),
    commitsPerSecond: of(({ commits, seconds }) => commits / seconds),
    callsPerCommit: of(({ calls, commits }) => calls / commits),
    p50Ms: of(({ latencies }) => percentile(latencies, 0.5)),
    p99Ms: of(({ latencies }) => percentile(latencies, 0.99)),
  }
})
process.stdout.write(JSON.stringify({ appends, drain: drainResult } satisfies StoreCosts))
