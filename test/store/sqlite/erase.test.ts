import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { meta, newEvent, queued, settlement } from '../events.ts'
import { openSqliteBench } from './bench.ts'

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
