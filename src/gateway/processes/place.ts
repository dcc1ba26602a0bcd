import type { ChildProcess } from 'node:child_process'
import { ConfigurationError } from '../../config.ts'
import type { Log } from '../../log.ts'
import type { Begin } from './member.ts'
import type { FromMember, Places, RulesText, ToMember } from './messages.ts'

/**
 * One place in the gateway that is to be filled at all times. Whoever holds it may die; another comes, later and later if
 * they die at once.
 *
 *     spawned ── hello, begin ──> starting ── ready ──> serving ── stop ──> gone for good
 *        ▲                           │                     │
 *        └────────── after a while ──┴──────── gone ───────┘
 */
export interface Place {
  readonly name: string
  readonly serving: boolean
  /** Of the rules that its holder goes by; 0 when there is none. */
  readonly version: number
  /** Its first holder is ready. Rejects if that one could not begin: then nobody comes in its place. */
  readonly first: Promise<Places>
  /** To whoever holds it; unheard when nobody does. */
  send(message: ToMember): void
  /** Has its holder read other rules; `null` when it could, or when there is none to ask. */
  prepare(rules: RulesText): Promise<string | null>
  /** What was prepared is in force. A holder that came in between goes by other rules yet. */
  commit(version: number): void
  /** Ends its holder, for another to come. */
  replace(): void
  /** Resolves when its holder is gone; that takes no longer than `deadlineMs` and a moment. False: it did not end well. */
  stop(deadlineMs: number): Promise<boolean>
}

export interface PlaceOptions {
  readonly name: string
  readonly log: Log
  readonly spawn: () => ChildProcess
  /** With what a new holder begins, as things are then. */
  readonly begin: () => Omit<Begin, 'kind' | 'name'>
  /** What a holder says that is not this file's business. */
  readonly hear: (message: FromMember) => void
  readonly onReady: (places: Places) => void
  readonly onGone: () => void
  readonly patience?: Patience
}

/** Milliseconds. */
export interface Patience {
  /** Whoever served for so long did not die at once. */
  readonly soon: number
  readonly firstDelay: number
  readonly longestDelay: number
  /** A holder that has said nothing for so long hangs. It says something every second. */
  readonly silence: number
  /** The same before it is ready: rules may be many, and a store may be large. */
  readonly starting: number
  /** To read other rules. */
  readonly prepare: number
  /** Beyond the deadline of a stop. */
  readonly grace: number
}

const usualPatience: Patience = {
  soon: 10_000,
  firstDelay: 250,
  longestDelay: 30_000,
  silence: 30_000,
  starting: 120_000,
  prepare: 60_000,
  grace: 2_000,
}

/** One process in a place. */
interface Holder {
  readonly child: ChildProcess
  /** Resolves with whether it ended well. */
  readonly exited: Promise<boolean>
  readyAt: number | null
  heardAt: number
  version: number
  /** What it has read and could go by; 0: nothing. */
  prepared: number
  preparing: { readonly version: number; readonly answer: (problem: string | null) => void } | null
}

export const keepPlace = (options: PlaceOptions): Place => {
  const { name, log, patience = usualPatience } = options
  const first = Promise.withResolvers<Places>()
  let begun = false
  let holder: Holder | null = null
  let deathsInARow = 0
  let again: NodeJS.Timeout | null = null
  let stopping = false

  const tell = ({ child }: Holder, message: ToMember): void => {
    // A channel that has just closed is told of by the exit that follows.
    if (child.connected) child.send(message, () => {})
  }

  const gone = (one: Holder, how: string): void => {
    const livedMs = one.readyAt === null ? 0 : performance.now() - one.readyAt
    holder = null
    one.preparing?.answer(null)
    options.onGone()
    if (!begun) {
      first.reject(new Error(`${name} ended before it was ready (${how})`))
      return
    }
    if (stopping) return
    deathsInARow = livedMs >= patience.soon ? 0 : deathsInARow + 1
    const delayMs =
      deathsInARow === 0 ? 0 : Math.min(patience.firstDelay * 2 ** (deathsInARow - 1), patience.longestDelay)
    log.error({ process: name, how, delayMs }, 'a process is gone; another takes its place')
    again = setTimeout(fill, delayMs)
  }

  const hear = (one: Holder, message: FromMember): void => {
    one.heardAt = performance.now()
    switch (message.kind) {
      case 'hello':
        return tell(one, { kind: 'begin', name, ...options.begin() })
      case 'ready':
        one.readyAt = one.heardAt
        one.version = message.version
        begun = true
        log.info({ process: name, pid: one.child.pid }, 'a process has begun')
        first.resolve(message.places)
        return options.onReady(message.places)
      case 'refused':
        if (begun) log.error({ process: name, reason: message.message }, 'a process cannot begin')
        else first.reject(new ConfigurationError(message.message))
        one.child.kill('SIGKILL')
        return
      case 'prepared':
        if (one.preparing?.version !== message.version) return
        if (message.problem === null) one.prepared = message.version
        return one.preparing.answer(message.problem)
      case 'wake':
      case 'settings':
      case 'counts':
        return options.hear(message)
    }
  }

  const fill = (): void => {
    again = null
    const child = options.spawn()
    const { promise: exited, resolve } = Promise.withResolvers<boolean>()
    const one: Holder = {
      child,
      exited,
      readyAt: null,
      heardAt: performance.now(),
      version: 0,
      prepared: 0,
      preparing: null,
    }
    holder = one
    let over = false
    const end = (how: string, well = false): void => {
      if (over) return
      over = true
      resolve(well)
      gone(one, how)
    }
    child.on('message', (message: FromMember) => hear(one, message))
    child.on('exit', (code, signal) => end(signal ?? `exit code ${code}`, code === 0))
    child.on('error', (error) => {
      // Of a child that runs it is only a message that was not sent.
      if (child.pid === undefined) end(error.message)
    })
  }

  const watching = setInterval(() => {
    if (holder === null) return
    const silentMs = performance.now() - holder.heardAt
    if (silentMs < (holder.readyAt === null ? patience.starting : patience.silence)) return
    log.error({ process: name, silentMs: Math.round(silentMs) }, 'a process does not answer and is ended')
    holder.child.kill('SIGKILL')
  }, patience.silence / 6).unref()

  fill()

  return {
    name,
    get serving() {
      return holder !== null && holder.readyAt !== null
    },
    get version() {
      return holder?.version ?? 0
    },
    first: first.promise,
    send: (message) => {
      if (holder !== null && holder.readyAt !== null) tell(holder, message)
    },
    prepare: (rules) => {
      const one = holder
      if (one === null || one.readyAt === null) return Promise.resolve(null)
      const { promise, resolve } = Promise.withResolvers<string | null>()
      const late = setTimeout(resolve, patience.prepare, `${name} does not answer`)
      one.preparing = { version: rules.version, answer: resolve }
      tell(one, { kind: 'prepare', rules })
      return promise.finally(() => {
        clearTimeout(late)
        one.preparing = null
      })
    },
    commit: (version) => {
      if (holder === null || holder.prepared !== version) return
      holder.version = version
      tell(holder, { kind: 'commit', version })
    },
    replace: () => void holder?.child.kill('SIGKILL'),
    stop: async (deadlineMs) => {
      stopping = true
      clearInterval(watching)
      if (again !== null) clearTimeout(again)
      const one = holder
      if (one === null) return true
      if (one.readyAt === null) one.child.kill('SIGKILL')
      else tell(one, { kind: 'stop', deadlineMs })
      const late = setTimeout(() => one.child.kill('SIGKILL'), deadlineMs + patience.grace)
      const well = await one.exited
      clearTimeout(late)
      return well
    },
  }
}
