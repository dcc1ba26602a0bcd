import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { openWith } from '../../../src/store/sqlite/index.ts'
import type { ThreadData } from '../../../src/store/sqlite/messages.ts'
import type { StoreNews } from '../../../src/store/store.ts'
import { meta, newEvent } from '../events.ts'
import { temporaryDirectory } from './bench.ts'

const start = (workerData: ThreadData): Worker =>
  new Worker(new URL('../../../src/store/sqlite/worker.ts', import.meta.url), { workerData })

test('a thread that dies costs the calls under way and nothing else', { timeout: 60_000 }, async () => {
  await using directory = await temporaryDirectory()
  const threads: Worker[] = []
  const news: StoreNews[] = []
  const store = await openWith(
    (data) => {
      const thread = start(data)
      if (data.role === 'writer') threads.push(thread)
      return thread
    },
    { path: join(directory.path, 'sluice.db'), onEvent: (one) => one.kind !== 'committed' && news.push(one) },
  )
  const acknowledged: string[] = []
  const claimed: string[] = []
  const rejections: unknown[] = []
  const rounds = 6
  for (let round = 0; round < rounds; round++) {
    const calls = Array.from({ length: 300 }, async (_, n) => {
      const eventId = `e${round}-${n}`
      try {
        await store.append([newEvent(eventId)])
        acknowledged.push(eventId)
        const rows = await store.claim({ integration: meta, lane: 'realtime', limit: 1, now: 1_000 })
        claimed.push(...rows.map((row) => row.eventId))
      } catch (error) {
        rejections.push(error)
      }
    })
    // Let some of them through, so that the blow falls between a claim and its answer now and then.
    await Promise.race(calls.slice(0, 1 + round))
    await threads.at(-1)!.terminate()
    await Promise.all(calls)
  }
  // Waits for the last of the new threads.
  await store.release([])
  expect(news).toEqual(
    Array.from({ length: rounds }, () => ({ kind: 'restarted', message: expect.any(String) })),
  )
  for (const error of rejections) expect(error).toMatchObject({ code: 'failed' })

  for (const eventId of acknowledged) expect(await store.event('shop', eventId)).not.toBeNull()
  // Every delivery is with exactly one: whoever was answered, or now with us. None is held by a claim nobody heard of.
  const left = await store.claim({ integration: meta, lane: 'realtime', limit: 100_000, now: 1_000 })
  const held = [...claimed, ...left.map(({ eventId }) => eventId)]
  const { pending } = (await store.backlog())[0]!
  expect(new Set(held).size).toBe(held.length)
  expect(held).toHaveLength(pending)
  await store.close()
})

test('what a claim took is due again when its answer died with the thread', async () => {
  await using directory = await temporaryDirectory()
  let listening = true
  class Telephone extends Worker {
    override emit(name: string | symbol, ...news: unknown[]): boolean {
      if (listening || name !== 'message') return Reflect.apply(super.emit, this, [name, ...news])
      listening = true
      void this.terminate()
      return false
    }
  }
  const store = await openWith(
    (workerData) =>
      new Telephone(new URL('../../../src/store/sqlite/worker.ts', import.meta.url), { workerData }),
    { path: join(directory.path, 'sluice.db') },
  )
  await store.append([newEvent('e1'), newEvent('e2'), newEvent('e3')])
  const claim = (limit: number) => store.claim({ integration: meta, lane: 'realtime', limit, now: 1_000 })
  expect(await claim(1)).toMatchObject([{ eventId: 'e1' }])
  listening = false
  await expect(claim(1)).rejects.toMatchObject({ code: 'failed' })
  await store.release([])
  // Given back is what nobody was told of; what somebody holds stays with them.
  await store.release([])
  expect(await claim(9)).toMatchObject([{ eventId: 'e2' }, { eventId: 'e3' }])
  await store.close()
})

test('a file that cannot be opened again is said to be the end, and every call says so too', async () => {
  await using directory = await temporaryDirectory()
  const news: StoreNews[] = []
  const threads: Worker[] = []
  const store = await openWith(
    (data) => {
      const thread = threads.length === 0 ? start(data) : new Worker('process.exit(3)', { eval: true })
      threads.push(thread)
      return thread
    },
    { path: join(directory.path, 'sluice.db'), onEvent: (one) => news.push(one) },
  )
  await threads[0]!.terminate()
  await expect(store.append([newEvent('e1')])).rejects.toMatchObject({ code: 'failed' })
  await expect(store.append([newEvent('e1')])).rejects.toMatchObject({ code: 'failed' })
  expect(news).toEqual([{ kind: 'fatal', message: expect.stringContaining('ended unexpectedly') }])
  await store.close()
  await expect(store.append([])).rejects.toMatchObject({ code: 'closed' })
})

test('a dead reader is replaced, and nobody notices afterwards', async () => {
  await using directory = await temporaryDirectory()
  const readers: Worker[] = []
  const store = await openWith(
    (data) => {
      const thread = start(data)
      if (data.role === 'reader') readers.push(thread)
      return thread
    },
    { path: join(directory.path, 'sluice.db') },
  )
  await store.append([newEvent('e1')])
  expect(await store.event('shop', 'e1')).not.toBeNull()
  await readers[0]!.terminate()
  expect(await store.event('shop', 'e1')).not.toBeNull()
  expect(readers).toHaveLength(2)
  await store.close()
})
