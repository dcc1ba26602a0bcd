/**
 * The waiting line between callers and a thread: bounded, first in first out, gathered into groups. It knows neither
 * threads nor SQL.
 *
 *     add ──> waiting ──pump──> under way (at most two groups) ──answered──> resolved
 *
 * Two groups, because with one the thread would idle while an answer crosses and the next group is on its way.
 */
import { StoreError } from '../store.ts'
import type { Fault } from './fault.ts'
import type { Answer, AnswerOf, Call, InputOf } from './messages.ts'

/** A group is one transaction: large enough to share its fsync among many, short enough for the next in line to wait. */
const maxGroupRows = 5_000
const maxGroupBytes = 8 * 1024 * 1024
const maxGroups = 2

interface Waiting<Calls> {
  readonly call: Call<Calls>
  readonly size: Size
  resolve(value: unknown): void
  reject(error: StoreError): void
}

export interface Size {
  readonly rows: number
  readonly bytes: number
}

export interface Handover<Calls> {
  /** Resolves with the call's answer. */
  add<K extends keyof Calls>(kind: K, input: InputOf<Calls, K>, size: Size): Promise<AnswerOf<Calls, K>>
  /** What has been added and not yet answered. */
  readonly held: Readonly<Size>
  /** A thread is there: `post` takes groups from now on, those that wait first. */
  connect(post: (id: number, calls: readonly Call<Calls>[]) => void): void
  answered(id: number, answers: readonly Answer[]): void
  /** The thread is gone: rejects what was under way and tells what it was. What waits goes on waiting. */
  disconnect(error: StoreError): readonly Call<Calls>[]
  /** There will be no thread any more: rejects everything, now and later. */
  end(error: StoreError): void
  /** Resolves when nothing is held. */
  idle(): Promise<void>
}

export const createHandover = <Calls>(): Handover<Calls> => {
  let waiting: Waiting<Calls>[] = []
  let taken = 0
  const underWay = new Map<number, readonly Waiting<Calls>[]>()
  const held = { rows: 0, bytes: 0 }
  let post: ((id: number, calls: readonly Call<Calls>[]) => void) | null = null
  let ended: StoreError | null = null
  let nextGroup = 0
  let scheduled = false
  let whenIdle: (() => void)[] = []

  const takeGroup = (): readonly Waiting<Calls>[] => {
    const from = taken
    let rows = 0
    let bytes = 0
    for (let next = waiting[taken]; next !== undefined; next = waiting[taken]) {
      rows += next.size.rows
      bytes += next.size.bytes
      if (taken > from && (rows > maxGroupRows || bytes > maxGroupBytes)) break
      taken++
    }
    const group = waiting.slice(from, taken)
    // Cut only now and then: a shift per call would move the whole line each time.
    if (taken === waiting.length || taken > 10_000) {
      waiting = waiting.slice(taken)
      taken = 0
    }
    return group
  }

  const pump = (): void => {
    if (post === null) return
    while (underWay.size < maxGroups && taken < waiting.length) {
      const group = takeGroup()
      const id = nextGroup++
      underWay.set(id, group)
      post(
        id,
        group.map(({ call }) => call),
      )
    }
  }

  const settled = (groups: Iterable<readonly Waiting<Calls>[]>): void => {
    for (const { size } of [...groups].flat()) {
      held.rows -= size.rows
      held.bytes -= size.bytes
    }
    if (underWay.size > 0 || taken < waiting.length) return
    for (const resolve of whenIdle) resolve()
    whenIdle = []
  }

  const rejectUnderWay = (error: StoreError): readonly Call<Calls>[] => {
    const groups = [...underWay.values()]
    underWay.clear()
    for (const { reject } of groups.flat()) reject(error)
    settled(groups)
    return groups.flat().map(({ call }) => call)
  }

  return {
    held,
    add: (kind, input, size) =>
      new Promise((resolve, reject) => {
        if (ended !== null) return reject(ended)
        const call = { kind, input } as Call<Calls>
        waiting.push({ call, size, resolve, reject })
        held.rows += size.rows
        held.bytes += size.bytes
        if (scheduled) return
        scheduled = true
        // Not at once: what other sockets have brought in the same turn of the event loop shares the commit.
        setImmediate(() => {
          scheduled = false
          pump()
        })
      }),
    connect: (to) => {
      post = to
      pump()
    },
    answered: (id, answers) => {
      const group = underWay.get(id)
      if (group === undefined) return
      underWay.delete(id)
      // First the next group, then whoever waited: the thread should not wait for them.
      pump()
      group.forEach(({ resolve, reject }, index) => {
        const answer = answers[index]
        if (answer?.ok === true) resolve(answer.value)
        else reject(failed(answer?.fault ?? { kind: 'engine', message: 'no answer' }))
      })
      settled([group])
    },
    disconnect: (error) => {
      post = null
      return rejectUnderWay(error)
    },
    end: (error) => {
      post = null
      ended = error
      rejectUnderWay(error)
      const rest = waiting.slice(taken)
      waiting = []
      taken = 0
      for (const { reject } of rest) reject(error)
      settled([rest])
    },
    idle: () =>
      underWay.size === 0 && taken === waiting.length
        ? Promise.resolve()
        : new Promise((resolve) => whenIdle.push(resolve)),
  }
}

const sentences: Readonly<Record<Fault['kind'], string>> = {
  call: 'The store refused the call',
  full: 'The store has no room left',
  busy: 'Another process held the store for too long',
  engine: 'The store could not read or write its file',
}

const failed = ({ kind, message }: Fault): StoreError =>
  new StoreError('failed', `${sentences[kind]}: ${message}`, { cause: new Error(message) })
