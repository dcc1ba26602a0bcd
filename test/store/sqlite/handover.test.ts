import { describe, expect, test } from 'vitest'
import { createHandover } from '../../../src/store/sqlite/handover.ts'
import type { Call } from '../../../src/store/sqlite/messages.ts'
import { StoreError } from '../../../src/store/store.ts'
import { newEvent } from '../events.ts'
import { openSqliteBench } from './bench.ts'

interface Echo {
  say: { input: number; answer: number }
}

interface Group {
  readonly id: number
  readonly calls: readonly Call<Echo>[]
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

const createLine = () => {
  const handover = createHandover<Echo>()
  const groups: Group[] = []
  const connect = (): void => handover.connect((id, calls) => groups.push({ id, calls }))
  connect()
  return {
    handover,
    groups,
    connect,
    say: (input: number, rows = 1, bytes = 0) => handover.add('say', input, { rows, bytes }),
    answer: ({ id, calls }: Group) =>
      handover.answered(
        id,
        calls.map(({ input }) => ({ ok: true, value: input })),
      ),
    said: () => groups.map(({ calls }) => calls.map(({ input }) => input)),
  }
}

describe('the waiting line', () => {
  test('gathers what comes in one turn, then all that comes while two groups are under way', async () => {
    const line = createLine()
    const answers = [line.say(1), line.say(2)]
    await turn()
    answers.push(line.say(3))
    await turn()
    answers.push(line.say(4))
    await turn()
    answers.push(line.say(5))
    await turn()
    expect(line.said()).toEqual([[1, 2], [3]])
    line.answer(line.groups[0]!)
    expect(line.said()).toEqual([[1, 2], [3], [4, 5]])
    line.answer(line.groups[1]!)
    line.answer(line.groups[2]!)
    expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5])
    expect(line.handover.held).toEqual({ rows: 0, bytes: 0 })
  })

  test('a group is bounded in rows and in bytes, and one call that is larger goes alone', async () => {
    const line = createLine()
    const answers = [
      line.say(1, 3_000),
      line.say(2, 2_000),
      line.say(3, 1),
      line.say(4, 1, 8 * 1024 * 1024),
      line.say(5, 9_000),
      line.say(6, 1),
    ]
    await turn()
    for (let n = 0; n < line.groups.length; n++) line.answer(line.groups[n]!)
    expect(line.said()).toEqual([[1, 2], [3, 4], [5], [6]])
    expect(await Promise.all(answers)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('what was under way when the thread died is rejected, what waits goes to the next', async () => {
    const line = createLine()
    const first = line.say(1)
    await turn()
    const second = line.say(2)
    await turn()
    const third = line.say(3)
    const dead = new StoreError('failed', 'dead')
    const settled = Promise.allSettled([first, second])
    expect(line.handover.disconnect(dead).map(({ input }) => input)).toEqual([1, 2])
    expect(await settled).toEqual([1, 2].map(() => ({ status: 'rejected', reason: dead })))
    await turn()
    expect(line.groups).toHaveLength(2)
    line.connect()
    line.answer(line.groups[2]!)
    expect(await third).toBe(3)
  })

  test('an answer that comes after its group was given up is ignored', async () => {
    const line = createLine()
    const first = line.say(1)
    await turn()
    const settled = Promise.allSettled([first])
    line.handover.disconnect(new StoreError('failed', 'dead'))
    line.answer(line.groups[0]!)
    expect(await settled).toMatchObject([{ status: 'rejected' }])
    expect(line.handover.held.rows).toBe(0)
  })

  test('its end rejects everything, now and later', async () => {
    const line = createLine()
    const before = [line.say(1), line.say(2)]
    const end = new StoreError('closed', 'closed')
    const settled = Promise.allSettled(before)
    line.handover.end(end)
    expect(await settled).toEqual(before.map(() => ({ status: 'rejected', reason: end })))
    await expect(line.say(3)).rejects.toBe(end)
    await line.handover.idle()
  })

  test('is idle only when nothing waits and nothing is under way', async () => {
    const line = createLine()
    let idle = false
    const first = line.say(1)
    const waited = line.handover.idle().then(() => (idle = true))
    await turn()
    expect(idle).toBe(false)
    line.answer(line.groups[0]!)
    await Promise.all([first, waited])
    expect(idle).toBe(true)
  })
})

describe('when too much waits', () => {
  test.each([
    ['events', { maxQueued: 10 }],
    ['bytes', { maxQueuedBytes: 2_500 }],
  ])(
    'counted in %s, an append is busy at once, and welcome again when the line is shorter',
    async (_name, limits) => {
      await using bench = await openSqliteBench(limits)
      const { store } = bench
      const calls = Array.from({ length: 20 }, (_, n) => store.append([newEvent(`e${n}`)]))
      const settling = store.settle([])
      const results = await Promise.allSettled(calls)
      const stored = results.filter(({ status }) => status === 'fulfilled').length
      expect(stored).toBeGreaterThan(2)
      expect(results.slice(0, stored).every(({ status }) => status === 'fulfilled')).toBe(true)
      for (const refused of results.slice(stored))
        expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'busy' } })
      expect(stored).toBeLessThan(10)
      await settling
      expect(await store.append([newEvent('later')])).toEqual(['stored'])
      expect(await store.backlog()).toMatchObject([{ pending: stored + 1 }])
    },
  )

  test('one call that is larger than the limit is taken when nothing else waits', async () => {
    await using bench = await openSqliteBench({ maxQueued: 3 })
    expect(await bench.store.append(Array.from({ length: 50 }, (_, n) => newEvent(`e${n}`)))).toHaveLength(50)
  })
})
