import { renewAt, retryAfter } from './due.ts'
import { readPairFiles, type ReadText } from './files.ts'
import type { CertificateFolder, History, Lock } from './folder.ts'
import { issueCertificate, type Authority } from './issue.ts'
import type { KeeperLog } from './keeper.ts'

/**
 * Has certificates issued for the names that need one, and again after two thirds of their life. One name at a time, and
 * one process at a time. What it gets it puts into the folder, where the keeper sees it.
 */
export interface Issuer {
  follow(names: readonly string[], authority: Authority): void
  /** Resolves when nothing is under way: at once where none is due. */
  idle(): Promise<void>
  /** Begins nothing more. What an authority is still at is left to the next start. */
  close(): Promise<void>
}

export interface IssuerOptions {
  readonly folder: CertificateFolder
  readonly log: KeeperLog
  readonly readText: ReadText
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told when the folder holds a new certificate. */
  readonly onIssued: () => void
}

/** At least this often what is due is looked up again: clocks jump, machines sleep. */
const longestWaitMs = 6 * 3_600_000
/** Another process is at it, or was. */
const busyWaitMs = 60_000
const touchEveryMs = 60_000

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const createIssuer = (options: IssuerOptions): Issuer => {
  const { folder, log, readText, now, onIssued } = options
  let wanted: { readonly names: readonly string[]; readonly authority: Authority } | null = null
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> | null = null
  let lock: Lock | null = null
  let closed = false
  /** Asked to look while looking. */
  let again = false

  const dueAt = (name: string, directory: string, history: History): number => {
    const past = history[name]
    const sameAuthority = past?.directory === directory
    const earliest = sameAuthority && past.failures > 0 ? past.notBefore : 0
    const pair = readPairFiles(folder.filesOf(name), readText)
    if (!('context' in pair) || !sameAuthority || !pair.covers(name)) return earliest
    return Math.max(earliest, renewAt(pair))
  }

  const issueOne = async (name: string, authority: Authority): Promise<void> => {
    const { directory } = authority
    const history = await folder.readHistory()
    const past = history[name]
    const failures = past?.directory === directory ? past.failures : 0
    const record = (entry: History[string]): Promise<void> =>
      folder.writeHistory({ ...history, [name]: entry })
    // The other way the next time: perhaps only one of the two ports is open.
    const proof = failures % 2 === 0 ? 'http-01' : 'tls-alpn-01'
    try {
      const pair = await issueCertificate(name, authority, proof, folder)
      await folder.writePair(name, pair)
      await record({ directory, failures: 0, notBefore: 0 })
      log.info({ host: name, directory }, 'a certificate has been issued')
      onIssued()
    } catch (error) {
      const notBefore = now() + retryAfter(failures + 1)
      await record({ directory, failures: failures + 1, notBefore })
      const fields = { host: name, directory, proof, reason: wordsOf(error), failures: failures + 1 }
      log.error({ ...fields, retryAt: new Date(notBefore).toISOString() }, 'no certificate was issued')
    }
  }

  /** Milliseconds until there may be something to do. */
  const work = async (): Promise<number> => {
    if (wanted === null || wanted.names.length === 0) return longestWaitMs
    const { names, authority } = wanted
    const dates = async (): Promise<readonly (readonly [string, number])[]> => {
      const history = await folder.readHistory()
      return names.map((name) => [name, dueAt(name, authority.directory, history)] as const)
    }
    if ((await dates()).some(([, date]) => date <= now())) {
      lock = await folder.lock(now())
      if (lock === null) return busyWaitMs
      const held = lock
      const touching = setInterval(() => void held.touch(now()), touchEveryMs)
      try {
        // Looked up again: the process that held the lock may have done it.
        for (const [name, date] of await dates()) {
          if (closed) break
          if (date <= now()) await issueOne(name, authority)
        }
      } finally {
        clearInterval(touching)
        lock = null
        await held.release()
      }
    }
    const next = Math.min(...(await dates()).map(([, date]) => date))
    return Math.min(Math.max(next - now(), 1_000), longestWaitMs)
  }

  const run = async (): Promise<void> => {
    let wait = busyWaitMs
    for (;;) {
      again = false
      try {
        wait = await work()
      } catch (error) {
        log.error({ reason: wordsOf(error) }, 'certificates cannot be kept')
      }
      if (!again || closed) break
    }
    running = null
    if (!closed) timer = setTimeout(look, wait).unref()
  }

  const look = (): void => {
    if (closed) return
    if (timer !== null) clearTimeout(timer)
    timer = null
    if (running === null) running = run()
    else again = true
  }

  return {
    follow(names, authority) {
      wanted = { names, authority }
      look()
    },
    idle: async () => {
      await running
    },
    async close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      await lock?.release()
    },
  }
}
