import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { expect, test, vi } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { StoreError, type NewEvent, type Store, type StoreNews } from '../../src/store/store.ts'
import { startHttpOrigin } from '../origins/http-origin.ts'
import { until } from '../support/until.ts'
import { frontRules, startFront, type Front } from './front.ts'
import { browser } from './scene.ts'

vi.setConfig({ testTimeout: 30_000 })

/** The disk is full: pages flow, events wait in memory, bounded in number, and go in as soon as there is room. */

const page = `<title>Thank you</title>${'<p>words</p>'.repeat(200)}`
const startOrigin = () =>
  startHttpOrigin((_incoming, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(page))

const open = async (front: Front, path: string): Promise<string> => {
  const answer = await request(`${front.url}${path}`, { headers: browser })
  expect(answer.statusCode).toBe(200)
  return answer.body.text()
}

const filler = (n: number): NewEvent => ({
  site: 'filler',
  eventId: `f${n}`,
  type: 'purchase',
  orderId: null,
  ruleId: null,
  occurredAt: 1_000,
  acceptedAt: 1_000,
  facts: '{}',
  deliveries: [
    {
      integration: 'filler/x',
      lane: 'realtime',
      status: 'queued',
      reason: null,
      dueAt: 1_000,
      payload: 'p'.repeat(10_000),
    },
  ],
})

/** Appends until there is no room for even a small one more. */
const fill = async (store: Store): Promise<void> => {
  for (let n = 0; ; n += 1) {
    const taken = await store.append([filler(n)]).then(
      () => true,
      (error: StoreError) => {
        expect(error.code).toBe('failed')
        return false
      },
    )
    if (!taken) break
  }
  for (let n = 0; ; n += 1) {
    const small = { ...filler(n), site: 'small', deliveries: [] }
    const taken = await store.append([small]).then(
      () => true,
      () => false,
    )
    if (!taken) return
  }
}

/** Settled deliveries give their payload's room back. */
const makeRoom = async (store: Store): Promise<void> => {
  const claimed = await store.claim({ integration: 'filler/x', lane: 'realtime', limit: 1_000, now: 2_000 })
  expect(claimed.length).toBeGreaterThan(10)
  await store.settle(
    claimed.map(({ deliveryId }) => ({
      deliveryId,
      status: 'sent',
      reason: null,
      dueAt: null,
      counted: true,
      line: null,
    })),
  )
}

test('with the store full the visitor gets the whole page, and the order is committed when there is room again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-full-'))
  const news: StoreNews['kind'][] = []
  const store = await openSqliteStore({
    path: join(folder, 'sluice.db'),
    maxBytes: 1024 * 1024,
    onEvent: ({ kind }) => kind !== 'committed' && news.push(kind),
  })
  await using closing = new AsyncDisposableStack()
  closing.defer(() => rm(folder, { recursive: true, force: true }))
  closing.defer(() => store.close())
  await using origin = await startOrigin()
  await using front = await startFront({ store, rules: frontRules(origin.url, { holdMs: 30 }) })

  expect(await open(front, '/thanks/before')).toBe(page)
  await until(
    () => store.events({ site: 'shop', limit: 10 }),
    ({ events }) => events.length === 1,
  )
  await fill(store)
  expect(news.at(-1)).toBe('failing')

  for (const id of ['A-1', 'A-2', 'A-3']) expect(await open(front, `/thanks/${id}`)).toBe(page)
  expect(await open(front, '/products/lamp')).toBe(page)
  await until(
    () => front.given,
    (given) => given === 5,
  )
  // Said once, not for each page.
  expect(front.troubles).toEqual([
    { message: 'The store has no room left: database or disk is full', waiting: 1, lost: 0 },
  ])
  expect(front.proxy.stats.holdExpired).toBeGreaterThanOrEqual(3)

  await makeRoom(store)
  const { events } = await until(
    () => store.events({ site: 'shop', limit: 10 }),
    (seen) => seen.events.length === 5,
  )
  expect(events.map(({ orderId }) => orderId ?? 'view').sort()).toEqual([
    'A-1',
    'A-2',
    'A-3',
    'before',
    'view',
  ])
  await until(
    () => front.handover.waiting,
    (waiting) => waiting === 0,
  )
  expect(front.healed).toHaveLength(1)
  expect(front.handover.lost).toBe(0)
  expect(news.at(-1)).toBe('healed')

  // And all is as before: an order is committed before its page is whole.
  expect(await open(front, '/thanks/after')).toBe(page)
  await until(
    () => store.events({ site: 'shop', limit: 10 }),
    (seen) => seen.events.length === 6,
  )
})

/** A store whose disk the test fills and empties. */
const fickleStore = () => {
  let full = true
  const kept: string[] = []
  return {
    kept,
    makeRoom: () => {
      full = false
    },
    append: (events: readonly NewEvent[]) => {
      if (full) return Promise.reject(new StoreError('failed', 'The store has no room left'))
      kept.push(...events.map(({ orderId }) => orderId ?? ''))
      return Promise.resolve(events.map(() => 'stored' as const))
    },
  }
}

test('only so many events wait: one more is lost, counted and said, and those that wait are kept in their order', async () => {
  const store = fickleStore()
  await using origin = await startOrigin()
  await using front = await startFront({
    store,
    rules: frontRules(origin.url, { holdMs: 10 }),
    maxWaiting: 3,
  })
  for (const id of ['A-1', 'A-2', 'A-3', 'A-4', 'A-5']) {
    expect(await open(front, `/thanks/${id}`)).toBe(page)
    await until(
      () => front.given,
      (given) => given === Number(id.slice(2)),
    )
  }
  await until(
    () => front.handover.lost,
    (lost) => lost === 2,
  )
  expect(front.troubles.map(({ waiting, lost }) => [waiting, lost])).toEqual([
    [1, 0],
    [3, 1],
    [3, 2],
  ])
  store.makeRoom()
  await until(
    () => store.kept.length,
    (count) => count === 3,
  )
  expect(store.kept).toEqual(['A-1', 'A-2', 'A-3'])
  expect(front.healed).toHaveLength(1)
  expect(front.handover.lost).toBe(2)
})

test('an event that waits is counted once', async () => {
  const store = fickleStore()
  await using origin = await startOrigin()
  await using front = await startFront({ store, rules: frontRules(origin.url, { holdMs: 10 }) })
  for (const id of ['A-1', 'A-2']) await open(front, `/thanks/${id}`)
  await until(
    () => [front.given, front.troubles.length],
    ([given, troubles]) => given === 2 && troubles === 1,
  )
  expect(front.handover.waiting).toBe(2)
  store.makeRoom()
  await until(
    () => front.handover.waiting,
    (waiting) => waiting === 0,
  )
})

test('an event that meets a bug of ours is lost alone: it does not stand in the way of the others', async () => {
  const kept: string[] = []
  await using origin = await startOrigin()
  await using front = await startFront({
    store: {
      append: (events) => {
        if (events.some(({ orderId }) => orderId === 'cursed')) return Promise.reject(new TypeError('a bug'))
        kept.push(...events.map(({ orderId }) => orderId ?? ''))
        return Promise.resolve(events.map(() => 'stored' as const))
      },
    },
    rules: frontRules(origin.url),
  })
  for (const id of ['A-1', 'cursed', 'A-2']) expect(await open(front, `/thanks/${id}`)).toBe(page)
  await until(
    () => kept.length,
    (count) => count === 2,
  )
  expect(kept).toEqual(['A-1', 'A-2'])
  expect(front.handover).toMatchObject({ waiting: 0, lost: 1 })
  expect(front.troubles).toEqual([{ message: expect.stringContaining('a bug'), waiting: 0, lost: 1 }])
})
