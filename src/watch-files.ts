// Files that may change. Directory events say at once that something may have, a look every few seconds makes up for file
// systems that say nothing; whoever is told reads the content, which alone decides.
import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

export interface WatchFilesOptions {
  /** Files are written in several steps; wait for this much quiet. Milliseconds; 100. */
  readonly debounceMs?: number
  /** Milliseconds between looks at files whose directories stay silent; 3 000. */
  readonly pollMs?: number
}

export interface FilesWatch {
  close(): void
}

/** `onMaybeChanged` must not throw. It is told of neighbours too, and may be told twice. */
export const watchFiles = (
  paths: readonly string[],
  onMaybeChanged: () => void,
  { debounceMs = 100, pollMs = 3000 }: WatchFilesOptions = {},
): FilesWatch => {
  const files = paths.map((path) => resolve(path))
  let closed = false
  let quiet: NodeJS.Timeout | null = null

  const soon = (): void => {
    if (closed) return
    if (quiet !== null) clearTimeout(quiet)
    quiet = setTimeout(onMaybeChanged, debounceMs)
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
    const here = files.map((file) => dirname(file))
    for (const directory of here) watchDirectory(directory)
    const targets = await Promise.all(files.map((file) => realpath(file).catch(() => file)))
    const wanted = new Set([...here, ...targets.map((file) => dirname(file))])
    for (const [directory, watcher] of watchers) {
      if (wanted.has(directory)) continue
      watcher.close()
      watchers.delete(directory)
    }
    for (const directory of wanted) watchDirectory(directory)
  }
  void watchAll()

  const lookAt = async (file: string): Promise<string> => {
    const facts = await stat(file).catch(() => null)
    return facts === null ? 'absent' : `${facts.ino} ${facts.size} ${facts.mtimeMs}`
  }
  let lastLook = ''
  const lookRegularly = async (): Promise<void> => {
    await watchAll()
    const look = (await Promise.all(files.map(lookAt))).join('\n')
    if (!closed && look !== lastLook) onMaybeChanged()
    lastLook = look
  }
  const poll = setInterval(() => {
    void lookRegularly()
  }, pollMs).unref()

  return {
    close: () => {
      closed = true
      clearInterval(poll)
      if (quiet !== null) clearTimeout(quiet)
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}
