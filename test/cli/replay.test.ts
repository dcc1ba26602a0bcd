import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import type { Settlement } from '../../src/store/store.ts'
import { newEvent, queued } from '../store/events.ts'
import { runSluice } from '../support/gateway-process.ts'
import { temporaryFolder } from './folder.ts'

vi.setConfig({ testTimeout: 30_000 })

/** Dead deliveries, from the command line. */

const hour = 3_600_000

/** Two dead at Meta (one of them for two days), one at the webhook, one delivered. */
const fill = async (path: string): Promise<void> => {
  const now = Date.now()
  const store = await openSqliteStore({ path })
  const settle = async (integration: string, eventId: string, over: Partial<Settlement>): Promise<void> => {
    await store.append([newEvent(eventId, { deliveries: [queued({ integration })] })])
    const [claimed] = await store.claim({ integration, lane: 'realtime', limit: 1, now })
    const status = over.status ?? 'failed'
    const at = now - 1_000
    await store.settle([
      {
        deliveryId: claimed!.deliveryId,
        status,
        reason: 'gone',
        dueAt: null,
        counted: true,
        line: {
          at,
          outcome: status === 'sent' ? 'delivered' : 'rejected',
          reason: 'gone',
          code: null,
          trace: null,
          httpStatus: 410,
          durationMs: 3,
          request: null,
          batchSize: 1,
        },
        ...over,
      },
    ])
  }
  await settle('shop/meta', 'e1', {})
  await settle('shop/meta', 'e2', { reason: 'malformed' })
  await settle('shop/crm', 'e3', {})
  await settle('shop/crm', 'e4', { status: 'sent' })
  await store.close()
}

const statuses = async (path: string): Promise<Readonly<Record<string, string | undefined>>> => {
  const store = await openSqliteStore({ path })
  const { events } = await store.events({ site: 'shop', limit: 10 })
  await store.close()
  return Object.fromEntries(events.map(({ eventId, deliveries }) => [eventId, deliveries[0]?.status]))
}

test('a dry run counts and changes nothing; what is then put back is what was asked for', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'sluice.db')
  await fill(path)
  const dead = { e1: 'failed', e2: 'failed', e3: 'failed', e4: 'sent' }
  expect(await statuses(path)).toEqual(dead)
  const store = ['--store', `sqlite:${path}`]
  const replay = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runSluice(['replay', ...store, ...args])
    expect([code, stderr]).toEqual([0, ''])
    return stdout
  }
  expect(await replay('--dry-run')).toBe('3 deliveries would be put back\n')
  expect(await replay('--dry-run', '--integration', 'shop/meta', '--reason', 'malformed')).toBe(
    '1 delivery would be put back\n',
  )
  expect(await replay('--dry-run', '--from', '1h')).toBe('3 deliveries would be put back\n')
  expect(await replay('--dry-run', '--to', '1h')).toBe('0 deliveries would be put back\n')
  expect(await replay('--dry-run', '--from', new Date(Date.now() + hour).toISOString())).toBe(
    '0 deliveries would be put back\n',
  )
  expect(await statuses(path)).toEqual(dead)

  expect(await replay('--integration', 'shop/meta', '--reason', 'gone')).toBe('1 delivery is put back\n')
  expect(await statuses(path)).toEqual({ ...dead, e1: 'queued' })
  expect(await replay()).toBe('2 deliveries are put back\n')
  expect(await statuses(path)).toEqual({ e1: 'queued', e2: 'queued', e3: 'queued', e4: 'sent' })
})
