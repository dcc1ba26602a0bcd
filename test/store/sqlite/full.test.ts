import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import type { StoreError, StoreNews } from '../../../src/store/store.ts'
import { meta, newEvent, queued, settlement } from '../events.ts'
import { openSqliteBench, temporaryDirectory } from './bench.ts'

const large = (eventId: string) =>
  newEvent(eventId, { deliveries: [queued({ payload: 'p'.repeat(10_000) })] })

test('a full store refuses what is new, settles what it has, and heals when there is room', async () => {
  const news: StoreNews[] = []
  await using bench = await openSqliteBench({
    maxBytes: 1024 * 1024,
    onEvent: (one) => one.kind !== 'committed' && news.push(one),
  })
  const { store } = bench
  const stored: string[] = []
  const refusals: StoreError[] = []
  for (let n = 0; refusals.length === 0; n++) {
    await store.append([large(`e${n}`)]).then(
      () => stored.push(`e${n}`),
      (error: StoreError) => refusals.push(error),
    )
  }
  expect(stored.length).toBeGreaterThan(20)
  expect(refusals[0]).toMatchObject({
    code: 'failed',
    message: 'The store has no room left: database or disk is full',
    cause: { message: 'database or disk is full' },
  })
  await expect(store.append([large('again')])).rejects.toMatchObject({ code: 'failed' })
  expect(news).toEqual([{ kind: 'failing', message: 'database or disk is full' }])

  // One commit: what is new has no room, and the claim beside it goes through.
  const [append, claim] = await Promise.allSettled([
    store.append([large('beside')]),
    store.claim({ integration: meta, lane: 'realtime', limit: 5, now: 1_000 }),
  ])
  expect(append.status).toBe('rejected')
  const claimed = claim.status === 'fulfilled' ? claim.value : []
  expect(claimed.map(({ eventId }) => eventId)).toEqual(stored.slice(0, 5))
  await store.settle(claimed.map(({ deliveryId }) => settlement(deliveryId, 'sent')))

  // What was settled has made room, without a restart.
  expect(await store.append([large('healed')])).toEqual(['stored'])
  expect(news.at(-1)).toEqual({ kind: 'healed', failedForMs: expect.any(Number) })
  expect(await store.event('shop', 'beside')).toBeNull()
  for (const eventId of stored) expect(await store.event('shop', eventId)).not.toBeNull()
  expect(await store.backlog()).toMatchObject([{ pending: stored.length - 5 + 1 }])
})

const canLimit = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0

test.skipIf(!canLimit)(
  'a disk that refuses to write costs the calls under way, nothing that was acknowledged, and no restart',
  { timeout: 60_000 },
  async () => {
    await using directory = await temporaryDirectory()
    // The kernel's limit on the size of a file: a real write(2) fails in the middle of a commit.
    const child = spawn(
      'sh',
      [
        '-c',
        'ulimit -S -f 3000; exec "$0" "$@"',
        process.execPath,
        join(import.meta.dirname, 'filler.ts'),
      ].concat(join(directory.path, 'sluice.db')),
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const next = async () =>
        JSON.parse((await lines.next()).value ?? 'null') as Record<string, unknown> | null
      expect(await next()).toMatchObject({
        refusal: { code: 'failed', message: expect.stringMatching(/disk I\/O error|disk is full/) },
        // Small as it is, it may still find room; what counts is that it is whole or not at all.
        claim: expect.stringMatching(/^(claimed|failed)$/),
      })
      expect(spawnSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']).status).toBe(0)
      child.stdin.write('there is room\n')
      const after = await next()
      expect(after).toMatchObject({
        append: ['stored'],
        missing: [],
        unexpected: [],
        lost: 0,
        news: ['failing', 'healed'],
      })
      expect(after?.['acknowledged']).toBeGreaterThan(10)
      if (child.exitCode === null) await once(child, 'exit')
      expect(child.exitCode).toBe(0)
    } finally {
      child.kill('SIGKILL')
    }
  },
)
