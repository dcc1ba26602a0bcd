import { fork, type ChildProcess } from 'node:child_process'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Config } from '../../../src/config.ts'
import { keepPlace, type Patience, type Place } from '../../../src/gateway/processes/place.ts'
import type { FromMember } from '../../../src/gateway/processes/messages.ts'
import { createLog } from '../../../src/log.ts'
import { until } from '../../support/until.ts'

const child = fileURLToPath(new URL('./child.ts', import.meta.url))

const brief: Patience = {
  soon: 60_000,
  firstDelay: 20,
  longestDelay: 100,
  silence: 2_000,
  starting: 60_000,
  prepare: 200,
  grace: 100,
}

interface Kept extends AsyncDisposable {
  readonly place: Place
  readonly spawned: readonly ChildProcess[]
  readonly heard: readonly FromMember[]
  readonly lines: readonly { readonly msg: string; readonly delayMs?: number }[]
}

/** One place whose first holders behave as `manners` says, in turn, and the last of them for good. */
const keep = (manners: readonly string[], patience: Partial<Patience> = {}): Kept => {
  const spawned: ChildProcess[] = []
  const heard: FromMember[] = []
  const lines: Kept['lines'][number][] = []
  const log = createLog(
    'info',
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        lines.push(JSON.parse(chunk.toString()) as Kept['lines'][number])
        done()
      },
    }),
  )
  const place = keepPlace({
    name: 'front-1',
    log,
    spawn: () => {
      const manner = manners[Math.min(spawned.length, manners.length - 1)] ?? 'well'
      const one = fork(child, [manner])
      spawned.push(one)
      return one
    },
    begin: () => ({ config: {} as Config, rules: { version: 7, text: 'rules' } }),
    hear: (message) => heard.push(message),
    onReady: () => {},
    onGone: () => {},
    patience: { ...brief, ...patience },
  })
  return {
    place,
    spawned,
    heard,
    lines,
    [Symbol.asyncDispose]: async () => {
      await place.stop(0)
    },
  }
}

const serving = ({ place }: Kept): Promise<boolean> => until(() => place.serving, Boolean)

test('is filled, says where its holder is and by which rules it goes, and is empty after a stop', async () => {
  const it = keep(['well'])
  expect(await it.place.first).toEqual({ url: 'http://rules' })
  expect(it.place).toMatchObject({ serving: true, version: 7 })
  expect(await it.place.stop(60_000)).toBe(true)
  expect(it.place.serving).toBe(false)
  expect(it.spawned.map(({ exitCode }) => exitCode)).toEqual([0])
})

test('whose first holder cannot begin says why, and nobody comes in its place', async () => {
  await using it = keep(['refuses'])
  await expect(it.place.first).rejects.toThrow('the port is taken')
  await until(() => it.spawned[0]?.signalCode, Boolean)
  expect(it.spawned).toHaveLength(1)
})

test('whose first holder dies before it is ready says how', async () => {
  await using it = keep(['dies'])
  await expect(it.place.first).rejects.toThrow('front-1 ended before it was ready (exit code 3)')
})

test('is filled again when its holder is killed', async () => {
  await using it = keep(['well'])
  await it.place.first
  it.spawned[0]?.kill('SIGKILL')
  await until(
    () => it.spawned.length,
    (count) => count === 2,
  )
  await serving(it)
  expect(it.lines.map(({ msg }) => msg)).toContain('a process is gone; another takes its place')
})

test('waits longer and longer where they die at once, and goes on when one lives', async () => {
  await using it = keep(['dies-later', 'dies', 'dies-later', 'refuses', 'well'])
  await it.place.first
  await until(
    () => it.spawned.length,
    (count) => count === 5,
  )
  await serving(it)
  expect(it.lines.flatMap(({ delayMs }) => delayMs ?? [])).toEqual([20, 40, 80, 100])
})

test('is filled at once where the holder had served for long', async () => {
  await using it = keep(['dies-later', 'well'], { soon: 1 })
  await it.place.first
  await until(
    () => it.spawned.length,
    (count) => count === 2,
  )
  expect(it.lines.flatMap(({ delayMs }) => delayMs ?? [])).toEqual([0])
})

test('a holder that says nothing any more is ended and replaced', async () => {
  await using it = keep(['hangs', 'well'], { silence: 300 })
  await it.place.first
  await until(
    () => it.spawned.length,
    (count) => count === 2,
  )
  expect(it.spawned[0]?.signalCode).toBe('SIGKILL')
  expect(it.lines.map(({ msg }) => msg)).toContain('a process does not answer and is ended')
})

test('a holder that does not stop is ended when its time is over, and that is not well', async () => {
  const it = keep(['deaf'])
  await it.place.first
  expect(await it.place.stop(50)).toBe(false)
  expect(it.spawned[0]?.signalCode).toBe('SIGKILL')
})

test('its holder reads other rules when asked, and goes by them when told to', async () => {
  await using it = keep(['well'])
  await it.place.first
  expect(await it.place.prepare({ version: 8, text: 'fine' })).toBeNull()
  expect(it.place.version).toBe(7)
  it.place.commit(8)
  expect(it.place.version).toBe(8)
  await until(
    () => it.heard,
    (heard) => heard.some((message) => message.kind === 'wake' && message.lanes[0]?.[0] === 'version 8'),
  )
})

test.each([
  ['bad', 'cannot be read here'],
  ['silence', 'front-1 does not answer'],
])('rules that it cannot take (%s) are not what it goes by, whatever it is told', async (text, problem) => {
  await using it = keep(['well'])
  await it.place.first
  expect(await it.place.prepare({ version: 8, text })).toBe(problem)
  it.place.commit(8)
  expect(it.place.version).toBe(7)
})
