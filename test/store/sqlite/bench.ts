/** A SQLite store in a directory of its own that goes away with it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore, type SqliteOptions, type SqliteStore } from '../../../src/store/sqlite/index.ts'
import type { Bench } from '../conformance.ts'

export interface Directory extends AsyncDisposable {
  readonly path: string
}

export const temporaryDirectory = async (): Promise<Directory> => {
  const path = await mkdtemp(join(tmpdir(), 'sluice-store-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface SqliteBench extends Bench {
  readonly path: string
  readonly store: SqliteStore
  reopen(): Promise<SqliteStore>
}

export const openSqliteBench = async (options: Omit<SqliteOptions, 'path'> = {}): Promise<SqliteBench> => {
  const directory = await temporaryDirectory()
  const path = join(directory.path, 'sluice.db')
  let store = await openSqliteStore({ ...options, path })
  return {
    path,
    get store() {
      return store
    },
    reopen: async () => {
      await store.close()
      store = await openSqliteStore({ ...options, path })
      return store
    },
    [Symbol.asyncDispose]: async () => {
      await store.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}
