import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { percentile } from '../harness/numbers.ts'

/** A back end that posts events, at a rate or as fast as it is answered. Run by the sections; prints JSON. */

export interface LoadOrder {
  readonly url: string
  /** Used in turn: the listener limits requests by key. */
  readonly keys: readonly string[]
  readonly batch: number
  readonly seconds: number
  /** Requests under way at once; those of a given rate wait for none, up to this many. */
  readonly callers: number
  /** `null`: the next request goes when the one before was answered. */
  readonly eventsPerSecond: number | null
  /** In front of the ids, so that no two loads repeat each other. */
  readonly name: string
}

export interface LoadResult {
  /** Answered with 200. */
  readonly events: number
  readonly requests: number
  readonly seconds: number
  /** Of an answer, from when the request was due. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Anything but 200, by status. */
  readonly others: Readonly<Record<string, number>>
}

const order = JSON.parse(process.argv[2] ?? '{}') as LoadOrder
const { url, keys, batch, seconds, callers, eventsPerSecond, name } = order
const pool = new Pool(new URL(url).origin, { connections: callers, pipelining: 1 })

let next = 0
/** As a shop's back end sends it: a person, a purchase, two products. */
const event = (): string => {
  const id = `${name}-${next++}`
  return `{"platform":"meta","eventType":"purchase","eventId":"${id}","eventSourceUrl":"https://shop.test/thanks","userData":{"email":"customer.${id}@example.com","phone":"+12025550123","firstName":"Ann","lastName":"Doe","ipAddress":"203.0.113.7","userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"},"customData":{"value":99.99,"currency":"USD","orderId":"${id}","contentIds":["SKU-001","SKU-002"],"contentType":"product"},"consent":{"granted":["marketing"],"raw":"marketing"}}`
}
const body = (): string => `{"events":[${Array.from({ length: batch }, event).join(',')}]}`

const latencies: number[] = []
const others: Record<string, number> = {}
let requests = 0
let events = 0

const post = async (dueAt: number): Promise<void> => {
  const key = keys[requests % keys.length] ?? ''
  requests += 1
  const { statusCode, body: answer } = await pool.request({
    path: '/tracking/ingest',
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: body(),
  })
  await answer.dump()
  latencies.push(performance.now() - dueAt)
  if (statusCode === 200) events += batch
  else others[statusCode] = (others[statusCode] ?? 0) + 1
}

const begun = performance.now()
const until = begun + seconds * 1_000

const flatOut = async (): Promise<void> => {
  while (performance.now() < until) await post(performance.now())
}

/** What is late is counted from when it was due: a stalled server must not make its own stall invisible. */
const atRate = async (perSecond: number): Promise<void> => {
  const everyMs = (batch / perSecond) * 1_000
  const underWay = new Set<Promise<void>>()
  for (let dueAt = begun; dueAt < until; dueAt += everyMs) {
    const wait = dueAt - performance.now()
    if (wait > 1) await sleep(wait)
    while (underWay.size >= callers) await Promise.race(underWay)
    const one: Promise<void> = post(dueAt).finally(() => underWay.delete(one))
    underWay.add(one)
  }
  await Promise.all(underWay)
}

if (eventsPerSecond === null) await Promise.all(Array.from({ length: callers }, flatOut))
else await atRate(eventsPerSecond)
const took = (performance.now() - begun) / 1_000
await pool.close()
process.stdout.write(
  JSON.stringify({
    events,
    requests,
    seconds: took,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: latencies.reduce((most, one) => Math.max(most, one), 0),
    others,
  } satisfies LoadResult),
)
