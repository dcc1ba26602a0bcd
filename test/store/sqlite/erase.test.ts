import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test, vi } from 'vitest'
import { openWith } from '../../../src/store/sqlite/index.ts'
import { journalLine, meta, newEvent, queued, settlement } from '../events.ts'
import { openSqliteBench, temporaryDirectory } from './bench.ts'

const person = 'b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514'

test(
  'personal data leaves the disk when its delivery is settled, the log included',
  { timeout: 20_000 },
  async () => {
    await using bench = await openSqliteBench()
    const { store, path } = bench
    const holds = async (file: string) => (await readFile(file)).includes(person)
    // Small ones share pages, large ones have pages of their own that go to the free list.
    const payload = (n: number) => JSON.stringify({ em: person, ua: 'x'.repeat(n % 2 === 0 ? 10 : 20_000) })
    await store.append(
      Array.from({ length: 50 }, (_, n) =>
        newEvent(`e${n}`, { deliveries: [queued({ payload: payload(n) })] }),
      ),
    )
    expect(await holds(`${path}-wal`)).toBe(true)
    await vi.waitUntil(() => holds(path), { timeout: 10_000, interval: 100 })

    const claimed = await store.claim({ integration: meta, lane: 'realtime', limit: 50, now: 1_000 })
    await store.settle(claimed.map(({ deliveryId }) => settlement(deliveryId, 'sent')))
    await vi.waitUntil(async () => !(await holds(path)) && !(await holds(`${path}-wal`)), {
      timeout: 10_000,
      interval: 100,
    })
    expect(await store.event('shop', 'e7')).toMatchObject({ holdsPersonalData: false })
  },
)

test(
  'erased bytes are gone from the file and its log when the erasure is answered',
  { timeout: 30_000 },
  async () => {
    await using bench = await openSqliteBench()
    const { store, path } = bench
    const marks = [person, 'ann@example.com', 'b4c9a2…']
    const left = async () => {
      const bytes = Buffer.concat([await readFile(path), await readFile(`${path}-wal`)])
      return marks.filter((mark) => bytes.includes(mark))
    }
    const payload = (n: number) => JSON.stringify({ em: person, ua: 'x'.repeat(n % 2 === 0 ? 10 : 20_000) })
    const facts = '{"custom":{"properties":{"mail":"ann@example.com"}}}'
    await store.append(
      Array.from({ length: 600 }, (_, n) =>
        newEvent(`e${n}`, { facts, deliveries: [queued({ payload: payload(n) })] }),
      ),
    )
    const claimed = await store.claim({ integration: meta, lane: 'realtime', limit: 300, now: 1_000 })
    const line = journalLine({ request: '{"body":"b4c9a2…"}', reason: 'refused b4c9a2…' })
    await store.settle(
      claimed.map(({ deliveryId }, n) =>
        settlement(deliveryId, n % 2 === 0 ? 'sent' : 'failed', { line, reason: line.reason }),
      ),
    )
    expect(await left()).toEqual(marks)

    const erased = await store.erase({
      site: 'shop',
      payload: [person],
      facts: ['ann@example.com'],
      ownFacts: [],
      journal: ['b4c9a2…'],
      now: 9_000,
    })
    expect(erased).toMatchObject({ events: 600, integrations: [{ ended: 300, failed: 150, requests: 300 }] })
    expect(await left()).toEqual([])
  },
)

test(
  'an erasure that the death of the engine cuts short is finished by the next',
  { timeout: 60_000 },
  async () => {
    await using directory = await temporaryDirectory()
    const writers: Worker[] = []
    const store = await openWith(
      (workerData) => {
        const thread = new Worker(new URL('../../../src/store/sqlite/worker.ts', import.meta.url), {
          workerData,
        })
        if (workerData.role === 'writer') writers.push(thread)
        return thread
      },
      { path: join(directory.path, 'sluice.db') },
    )
    const events = 3_000
    await store.append(
      Array.from({ length: events }, (_, n) =>
        newEvent(`e${n}`, { deliveries: [queued({ payload: `{"em":"${person}"}` })] }),
      ),
    )
    const query = { site: 'shop', payload: [person], facts: [], ownFacts: [], journal: [], now: 9_000 }
    const cut = store.erase(query).then(
      () => 'finished',
      (error: unknown) => error,
    )
    // As soon as its first bite is committed.
    await vi.waitUntil(async () => (await store.backlog())[0]?.pending !== events, { interval: 1 })
    await writers.at(-1)!.terminate()
    const outcome = await cut
    const pending = (await store.backlog())[0]?.pending ?? 0
    const again = await store.erase(query)
    expect(again.events).toBe(pending)
    if (outcome !== 'finished') expect(outcome).toMatchObject({ code: 'failed' })
    expect(await store.backlog()).toEqual([])
    const held = await store.events({ site: 'shop', limit: 500 })
    expect(held.events.filter(({ holdsPersonalData }) => holdsPersonalData)).toEqual([])
    await store.close()
  },
)
