/** Opens the store's file: creates, recognises, migrates. Only the threads call it; everything in it blocks. */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { faultOf, primaryCode, sqlite } from './fault.ts'
import { migrations } from './migrations.ts'

/** `Sluc`, in the file's header: this is ours, whatever its name. */
const applicationId = 0x53_6c_75_63

const pageBytes = 8192

/**
 * Milliseconds to wait for another process that writes. SQLite polls for the lock, and does so in this thread, where nobody
 * else is kept waiting.
 */
const lockWaitMs = 10_000

export interface DatabaseOptions {
  readonly path: string
  /** A ceiling for the file, in bytes; writes beyond it fail as on a full disk. */
  readonly maxBytes?: number
}

/** What stands in the way, as a sentence for whoever started the process. */
class Refusal extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Refusal'
  }
}

export const openForWriting = ({ path, maxBytes }: DatabaseOptions): DatabaseSync => {
  createPrivately(path)
  return opened(path, false, (db) => {
    recognise(db, path)
    // The size counts only while the file is empty.
    db.exec(`PRAGMA page_size = ${pageBytes}`)
    enterWal(db, path)
    // FULL: fsync at every commit, without which a power cut takes back what was acknowledged.
    db.exec('PRAGMA synchronous = FULL')
    // Erased payloads are overwritten, pages that become free included. On whole lifecycles it costs nothing we could
    // measure: those pages are written anyway.
    db.exec('PRAGMA secure_delete = ON')
    db.exec('PRAGMA cache_size = -65536')
    db.exec('PRAGMA temp_store = MEMORY')
    // 16 MiB: large enough to write a page once for many commits, small enough that copying it back is no long pause.
    db.exec(`PRAGMA wal_autocheckpoint = ${(16 * 1024 * 1024) / pageBytes}`)
    db.exec(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`)
    migrate(db, path)
    if (maxBytes !== undefined)
      db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / pageBytes))}`)
  })
}

/** A second connection that sees every commit and can change nothing. */
export const openForReading = ({ path }: DatabaseOptions): DatabaseSync =>
  opened(path, true, (db) => {
    db.exec('PRAGMA cache_size = -16384')
    db.exec('PRAGMA temp_store = MEMORY')
  })

/**
 * Copies the log back into the file and empties it: what has been erased still lies in old pages of the log. Not worth
 * waiting for when another process is at work; a full disk is told by the next commit, to somebody who asked for it.
 */
export const cutLog = (db: DatabaseSync): void => {
  try {
    db.exec('PRAGMA busy_timeout = 20')
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // See above.
  } finally {
    db.exec(`PRAGMA busy_timeout = ${lockWaitMs}`)
  }
}

const opened = (path: string, readOnly: boolean, prepare: (db: DatabaseSync) => void): DatabaseSync => {
  let db: DatabaseSync | null = null
  try {
    db = new DatabaseSync(path, { readOnly, timeout: lockWaitMs, enableForeignKeyConstraints: true })
    prepare(db)
    return db
  } catch (error) {
    db?.close()
    if (error instanceof Refusal) throw error
    throw new Refusal(`The store ${path} ${plainly(error)}.`, { cause: error })
  }
}

const plainly = (error: unknown): string => {
  switch (primaryCode(error)) {
    case sqlite.NOTADB:
      return 'is no SQLite database'
    case sqlite.CORRUPT:
      return 'is damaged (database disk image is malformed)'
    case sqlite.CANTOPEN:
      return 'cannot be opened: it is no file, or its directory may not be written'
    case sqlite.READONLY:
      return 'cannot be written: the file, or its directory, is read-only'
    case sqlite.BUSY:
      return `is locked by another process for more than ${lockWaitMs / 1000} s`
    case null:
    default:
      return `cannot be opened: ${faultOf(error).message}`
  }
}

/** For the owner's eyes only: what lies in it is personal, hashed or not. SQLite gives its side files the same mode. */
const createPrivately = (path: string): void => {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    closeSync(openSync(path, 'a', 0o600))
  } catch (error) {
    throw new Refusal(`The store ${path} cannot be opened for writing: ${(error as Error).message}.`, {
      cause: error,
    })
  }
}

const pragma = (db: DatabaseSync, name: string): unknown =>
  Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]

/** Comes before the first write, so that another program's file is left as it was. */
const recognise = (db: DatabaseSync, path: string): void => {
  const id = pragma(db, 'application_id')
  if (id === applicationId) return
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number }
  if (id !== 0 || tables > 0) throw new Refusal(`The store ${path} is a SQLite database of another program.`)
}

/** The change to WAL needs the file alone and does not wait for it, so of two that open a new file one asks again. */
const enterWal = (db: DatabaseSync, path: string): void => {
  for (let waited = 0; ; waited += 20) {
    try {
      const mode = pragma(db, 'journal_mode = WAL')
      if (mode === 'wal') return
      throw new Refusal(
        `The store ${path} lies on a file system without shared memory (journal mode ${String(mode)}).`,
      )
    } catch (error) {
      if (primaryCode(error) !== sqlite.BUSY || waited >= lockWaitMs) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }
}

const migrate = (db: DatabaseSync, path: string): void => {
  if (pragma(db, 'user_version') === migrations.length) return
  db.exec('BEGIN IMMEDIATE')
  try {
    // Read again under the lock: another process may have migrated while we waited.
    const version = Number(pragma(db, 'user_version'))
    if (version > migrations.length)
      throw new Refusal(
        `The store ${path} was written by a newer Sluice (its version is ${version}, this one knows ${migrations.length}). ` +
          'Start the newer one, or name another store.',
      )
    for (const statements of migrations.slice(version)) db.exec(statements)
    db.exec(`PRAGMA application_id = ${applicationId}`)
    db.exec(`PRAGMA user_version = ${migrations.length}`)
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
