import { describe, expect, test } from 'vitest'
import { createOrphans, orphanWaitMs } from '../../src/delivery/orphans.ts'
import type { Store } from '../../src/store/store.ts'
import { newEvent, queued } from '../store/events.ts'
import { openSqliteBench } from '../store/sqlite/bench.ts'
import { manualClock } from '../support/clock.ts'
import { until } from '../support/until.ts'

/** Deliveries whose integration is gone, on a real store. */

const key = 'shop/crm'
const now = 10 * orphanWaitMs

const scene = async (store: Store) => {
  const declared = new Set<string>()
  const managed = new Set<string>([key])
  const reports: object[] = []
  const clock = manualClock(now)
  const letGo = Promise.withResolvers<void>()
  const orphans = createOrphans({
    store,
    lanes: { ended: () => letGo.promise },
    clock,
    declared: () => declared,
    managed: () => new Set(managed),
    report: (news) => reports.push(news),
  })
  const wait = (id: string, dueAt: number): Promise<unknown> =>
    store.append([newEvent(id, { deliveries: [queued({ integration: key, dueAt })] })])
  const statusOf = async (id: string) => {
    const delivery = (await store.event('shop', id))?.deliveries[0]
    return [delivery?.status, delivery?.reason]
  }
  return { declared, managed, reports, letGo, clock, orphans, wait, statusOf }
}

describe('of an integration deleted through the API', () => {
  test('what waits is given up once its lanes have let go, and comes back by a replay', async () => {
    await using bench = await openSqliteBench()
    const { orphans, managed, letGo, reports, wait, statusOf } = await scene(bench.store)
    await wait('e1', now + 60_000)
    managed.delete(key)
    orphans.follow()
    expect(await statusOf('e1')).toEqual(['queued', null])
    letGo.resolve()
    await until(
      () => statusOf('e1'),
      ([status]) => status === 'failed',
    )
    expect(await statusOf('e1')).toEqual(['failed', 'the integration was deleted'])
    expect(reports).toEqual([{ integration: key, deliveries: 1 }])
    expect(await bench.store.replay({ integration: key, dryRun: false, now })).toBe(1)
  })

  test('what a page under way still commits for it is given up a moment later', async () => {
    await using bench = await openSqliteBench()
    const { orphans, managed, letGo, clock, reports, wait, statusOf } = await scene(bench.store)
    await wait('e1', now)
    managed.delete(key)
    letGo.resolve()
    orphans.follow()
    await until(
      () => reports.length,
      (count) => count === 1,
    )
    await wait('straggler', now)
    await clock.advance(60_000)
    await until(
      () => statusOf('straggler'),
      ([status]) => status === 'failed',
    )
    expect(await statusOf('straggler')).toEqual(['failed', 'the integration was deleted'])
  })

  test('nothing is given up any more once it is told to stop', async () => {
    await using bench = await openSqliteBench()
    const { orphans, managed, letGo, clock, reports, wait, statusOf } = await scene(bench.store)
    await wait('e1', now)
    managed.delete(key)
    letGo.resolve()
    orphans.follow()
    await until(
      () => reports.length,
      (count) => count === 1,
    )
    await wait('straggler', now)
    orphans.stop()
    await clock.advance(60_000)
    expect(await statusOf('straggler')).toEqual(['queued', null])
  })

  test('nothing is given up where it was made again meanwhile, or the rules file declares one of its name', async () => {
    await using bench = await openSqliteBench()
    const { orphans, managed, declared, letGo, reports, wait, statusOf } = await scene(bench.store)
    await wait('e1', now)
    managed.delete(key)
    orphans.follow()
    managed.add(key)
    orphans.follow()
    declared.add(key)
    managed.delete(key)
    orphans.follow()
    letGo.resolve()
    await orphans.sweep()
    expect(await statusOf('e1')).toEqual(['queued', null])
    expect(reports).toEqual([])
  })

  test('what the store cannot give up now is found by a later sweep', async () => {
    await using bench = await openSqliteBench()
    const { store } = bench
    const failing = { backlog: store.backlog, giveUp: () => Promise.reject(new Error('disk full')) }
    const it = await scene({ ...store, ...failing })
    await it.wait('e1', now - orphanWaitMs)
    it.managed.delete(key)
    it.letGo.resolve()
    it.orphans.follow()
    await until(
      () => it.reports,
      (reports) => reports.length === 1,
    )
    expect(it.reports).toEqual([{ problem: 'Error: disk full' }])
    const later = await scene(store)
    later.managed.delete(key)
    await later.orphans.sweep()
    expect((await later.statusOf('e1'))[0]).toBe('failed')
  })
})

describe('of an integration that vanished from the rules file', () => {
  test('what waits has a day for it to come back', async () => {
    await using bench = await openSqliteBench()
    const { orphans, managed, wait, statusOf } = await scene(bench.store)
    await wait('long ago', now - orphanWaitMs)
    await wait('today', now - orphanWaitMs + 1)
    await orphans.sweep()
    expect(await statusOf('long ago')).toEqual(['queued', null])
    managed.delete(key)
    await orphans.sweep()
    expect(await statusOf('long ago')).toEqual(['failed', 'the integration is not configured any more'])
    expect(await statusOf('today')).toEqual(['queued', null])
  })
})
