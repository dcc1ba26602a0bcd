// Hot reload. Directory events say at once that something may have changed, a look every few seconds makes up for file
// systems that say nothing, and the content alone decides.
import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { readRules } from './load.ts'
import { hashOf, parseRules } from './parse.ts'
import type { Loaded, Problem, Problems, RulesDeps } from './parse.ts'

export interface WatchOptions {
  /** Of the set in force: the same text is not loaded again. */
  readonly hash: string
  /** The new set; where putting it in force fails, the old one stays and the failure is reported as a problem. */
  readonly onLoaded: (loaded: Loaded) => void | Promise<void>
  /** The old set stays in force. */
  readonly onRefused: (problems: readonly Problem[]) => void
  /** Editors write in several steps; wait for this much quiet. Milliseconds; 100. */
  readonly debounceMs?: number
  /** Milliseconds between looks at a file whose directory stays silent; 3 000. */
  readonly pollMs?: number
}

export interface RulesWatch {
  /** Reads the file now, and loads it even where its text is the same, for a secret may have changed. */
  reload(): Promise<Loaded | Problems>
  close(): void
}

export const watchRules = (path: string, deps: RulesDeps, options: WatchOptions): RulesWatch => {
  const { onLoaded, onRefused, debounceMs = 100, pollMs = 3000 } = options
  const file = resolve(path)
  let seen = options.hash
  let closed = false
  let quiet: NodeJS.Timeout | null = null
  /** One reading at a time, in the order asked for. */
  let turn: Promise<unknown> = Promise.resolve()

  const refuse = (refused: Problems): Problems => {
    onRefused(refused.problems)
    return refused
  }

  const inForce = async (loaded: Loaded): Promise<Loaded | Problems> => {
    try {
      await onLoaded(loaded)
      return loaded
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const message = `the rules could not be put in force: ${reason}`
      return refuse({
        ok: false,
        problems: [{ line: 0, column: 0, path: '', message, severity: 'error' }],
        hash: loaded.hash,
      })
    }
  }

  const look = async (force: boolean): Promise<Loaded | Problems | null> => {
    if (closed) return null
    const read = await readRules(file)
    const hash = 'text' in read ? hashOf(read.text) : read.hash
    if (closed || (!force && hash === seen)) return null
    seen = hash
    if (!('text' in read)) return refuse(read)
    const result = parseRules(read.text, deps)
    return result.ok ? inForce(result) : refuse(result)
  }

  const queue = (force: boolean): Promise<Loaded | Problems | null> => {
    const next = turn.then(() => look(force))
    turn = next.catch(() => null)
    return next
  }

  // Only a callback's own failure arrives here, and it must not end a process that serves pages.
  const lookAgain = (): void => {
    queue(false).catch(() => null)
  }

  const soon = (): void => {
    if (closed) return
    if (quiet !== null) clearTimeout(quiet)
    quiet = setTimeout(lookAgain, debounceMs)
  }

  // The directory, not the file: editors put another file in its place, and a config map swaps a link beside it.
  const watchers = new Map<string, FSWatcher>()
  const watchDirectory = (directory: string): void => {
    if (closed || watchers.has(directory)) return
    try {
      const watcher = watch(directory, { persistent: false }, soon)
      watchers.set(directory, watcher)
      // The directory is gone, or the system has no watches left: the regular look remains, and tries again.
      watcher.on('error', () => {
        watcher.close()
        watchers.delete(directory)
      })
    } catch {
      // As above.
    }
  }
  const watchAll = async (): Promise<void> => {
    watchDirectory(dirname(file))
    const target = await realpath(file).catch(() => file)
    const wanted = new Set([dirname(file), dirname(target)])
    for (const [directory, watcher] of watchers) {
      if (wanted.has(directory)) continue
      watcher.close()
      watchers.delete(directory)
    }
    for (const directory of wanted) watchDirectory(directory)
  }
  void watchAll()

  let lastLook = ''
  const lookRegularly = async (): Promise<void> => {
    await watchAll()
    const facts = await stat(file).catch(() => null)
    const look = facts === null ? 'absent' : `${facts.ino} ${facts.size} ${facts.mtimeMs}`
    if (look !== lastLook) lookAgain()
    lastLook = look
  }
  const poll = setInterval(() => {
    void lookRegularly()
  }, pollMs).unref()

  return {
    reload: async () => {
      const result = await queue(true)
      if (result !== null) return result
      const message = `${basename(file)} is not watched any more`
      return {
        ok: false,
        problems: [{ line: 0, column: 0, path: '', message, severity: 'error' }],
        hash: seen,
      }
    },
    close: () => {
      closed = true
      clearInterval(poll)
      if (quiet !== null) clearTimeout(quiet)
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}
