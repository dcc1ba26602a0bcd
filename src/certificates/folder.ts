import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { PairFiles } from './files.ts'

/**
 * Where issued certificates live, so that every process of the gateway finds them: keys and certificates, the accounts
 * with authorities, what is shown to them while they test a name, and who is at it. Nobody else may read any of it.
 */
export interface CertificateFolder {
  /** Key and certificate are one file, so that none is ever seen with the other's successor. */
  filesOf(name: string): PairFiles
  writePair(name: string, pair: { readonly cert: string; readonly key: string }): Promise<void>
  /** The key of the account with an authority; `make` is asked for one the first time. */
  accountKey(directory: string, make: () => Promise<string>): Promise<string>
  readHistory(): Promise<History>
  writeHistory(history: History): Promise<void>
  /** What is to be found under a token of HTTP-01. */
  writeProof(token: string, text: string): Promise<void>
  readProof(token: string): string | null
  /** The certificate of TLS-ALPN-01, with its key. */
  writeProofPair(name: string, pem: string): Promise<void>
  readProofPair(name: string): SecureContext | null
  removeProofs(token: string, name: string): Promise<void>
  /** `null`: another process issues. */
  lock(now: number): Promise<Lock | null>
}

export interface Lock {
  /** Shows that we are still at it. */
  touch(now: number): Promise<void>
  release(): Promise<void>
}

/** By name. */
export type History = Readonly<
  Record<
    string,
    {
      /** Who issued, or was last asked to. */
      readonly directory: string
      /** In a row. */
      readonly failures: number
      /** Milliseconds since the epoch. */
      readonly notBefore: number
    }
  >
>

/** A lock that nobody has touched for so long belongs to a process that is gone. */
const abandonedMs = 600_000

/** Letters, digits and few signs: nothing that leads out of the folder. */
const safe = (name: string): string => {
  if (!/^[\w-][\w.-]*$/.test(name)) throw new Error('no name for a file')
  return name
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

const readOrNull = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** On the disk as a whole or not at all. */
const writeWhole = async (path: string, text: string): Promise<void> => {
  const fresh = `${path}.${randomBytes(4).toString('hex')}`
  const file = await open(fresh, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(fresh, path)
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM')
  }
}

/** The holder of a lock that holds no longer: gone from this machine, or silent for long. */
const isAbandoned = async (path: string, us: string, now: number): Promise<boolean> => {
  const [text, facts] = await Promise.all([
    readFile(path, 'utf8').catch(() => ''),
    stat(path).catch(() => null),
  ])
  if (facts === null || now - facts.mtimeMs > abandonedMs) return true
  const [machine, pid] = text.split(' ')
  // Our own name on it and not in our hands: of an earlier life, in which we had the same number.
  return text === us || (machine === hostname() && !isAlive(Number(pid)))
}

/** Creates what is missing. */
export const openCertificateFolder = async (path: string): Promise<CertificateFolder> => {
  const proofs = join(path, 'proofs')
  await mkdir(proofs, { recursive: true, mode: 0o700 })
  await chmod(path, 0o700)
  const pairPath = (name: string): string => join(path, `${safe(name)}.pem`)
  const historyPath = join(path, 'history.json')
  const lockPath = join(path, 'issuing.lock')
  const us = `${hostname()} ${process.pid}`
  let ours = false

  const take = async (now: number): Promise<boolean> => {
    try {
      const file = await open(lockPath, 'wx', 0o600)
      await file.writeFile(us)
      await file.utimes(new Date(now), new Date(now))
      await file.close()
      return true
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false
      throw error
    }
  }

  return {
    filesOf: (name) => ({ cert: pairPath(name), key: pairPath(name) }),
    writePair: (name, { cert, key }) => writeWhole(pairPath(name), `${key.trim()}\n${cert.trim()}\n`),

    async accountKey(directory, make) {
      const file = join(path, `account-${safe(new URL(directory).hostname)}.pem`)
      const known = readOrNull(file)
      if (known !== null) return known
      const key = await make()
      await writeWhole(file, key)
      return key
    },

    async readHistory() {
      const text = await readFile(historyPath, 'utf8').catch(() => '{}')
      try {
        const history: unknown = JSON.parse(text)
        return typeof history === 'object' && history !== null ? (history as History) : {}
      } catch {
        return {}
      }
    },
    writeHistory: (history) => writeWhole(historyPath, JSON.stringify(history)),

    writeProof: (token, text) => writeWhole(join(proofs, safe(token)), text),
    readProof: (token) => (/^[\w-]+$/.test(token) ? readOrNull(join(proofs, token)) : null),
    writeProofPair: (name, pem) => writeWhole(join(proofs, `${safe(name)}.pem`), pem),
    readProofPair(name) {
      const pem = /^[\w-][\w.-]*$/.test(name) ? readOrNull(join(proofs, `${name}.pem`)) : null
      return pem === null ? null : createSecureContext({ cert: pem, key: pem, minVersion: 'TLSv1.2' })
    },
    async removeProofs(token, name) {
      await rm(join(proofs, safe(token)), { force: true })
      await rm(join(proofs, `${safe(name)}.pem`), { force: true })
    },

    async lock(now) {
      if (ours) return null
      if (!(await take(now))) {
        if (!(await isAbandoned(lockPath, us, now))) return null
        await rm(lockPath, { force: true })
        if (!(await take(now))) return null
      }
      ours = true
      let held = true
      return {
        touch: async (at) => utimes(lockPath, new Date(at), new Date(at)).catch(() => {}),
        async release() {
          if (!held) return
          held = false
          ours = false
          await rm(lockPath, { force: true })
        },
      }
    },
  }
}
