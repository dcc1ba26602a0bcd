// Hot reload: the content of the file alone decides.
import { basename, resolve } from 'node:path'
import { watchFiles, type WatchFilesOptions } from '../watch-files.ts'
import { readRules } from './load.ts'
import { hashOf } from './parse.ts'
import type { Loaded, Problem, Problems } from './parse.ts'

/** A text to what it says or to what is wrong with it, as `parseRules`; how long it takes is nobody's pause. */
export type JudgeRules = (text: string) => Loaded | Problems | Promise<Loaded | Problems>

export interface WatchOptions extends WatchFilesOptions {
  /** Of the set in force: the same text is not loaded again. */
  readonly hash: string
  /** The new set; where putting it in force fails, the old one stays and the failure is reported as a problem. */
  readonly onLoaded: (loaded: Loaded) => void | Promise<void>
  /** The old set stays in force. */
  readonly onRefused: (problems: readonly Problem[]) => void
}

export interface RulesWatch {
  /** Reads the file now, and loads it even where its text is the same, for a secret may have changed. */
  reload(): Promise<Loaded | Problems>
  close(): void
}

export const watchRules = (path: string, judge: JudgeRules, options: WatchOptions): RulesWatch => {
  const { onLoaded, onRefused } = options
  const file = resolve(path)
  let seen = options.hash
  let closed = false
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
    const result = await judge(read.text)
    if (closed) return null
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

  const watching = watchFiles([file], lookAgain, options)

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
      watching.close()
    },
  }
}
