import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { openForWriting } from '../../../src/store/sqlite/database.ts'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'
import { newEvent } from '../events.ts'
import { openSqliteBench, temporaryDirectory } from './bench.ts'

const value = (db: DatabaseSync, pragma: string): unknown =>
  Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]

describe('a new store', () => {
  test('makes its directory, and both are for the owner alone', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'data', 'deep', 'sluice.db')
    const store = await openSqliteStore({ path })
    await store.append([newEvent('e1')])
    for (const file of [path, `${path}-wal`]) expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(path))).mode & 0o777).toBe(0o700)
    await store.close()
  })

  test('is one file once it is closed', async () => {
    await using bench = await openSqliteBench()
    await bench.store.append([newEvent('e1')])
    await bench.store.backlog()
    await bench.store.close()
    await expect(stat(`${bench.path}-wal`)).rejects.toMatchObject({ code: 'ENOENT' })
    const db = new DatabaseSync(bench.path, { readOnly: true })
    expect(value(db, 'integrity_check')).toBe('ok')
    db.close()
  })

  test('syncs every commit, overwrites what it erases, and holds its rows together', async () => {
    await using directory = await temporaryDirectory()
    const db = openForWriting({ path: join(directory.path, 'sluice.db') })
    expect(value(db, 'journal_mode')).toBe('wal')
    expect(value(db, 'synchronous')).toBe(2)
    expect(value(db, 'secure_delete')).toBe(1)
    expect(value(db, 'foreign_keys')).toBe(1)
    db.close()
  })

  test('can be opened by many at once, who then share it', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'sluice.db')
    const stores = await Promise.all(Array.from({ length: 4 }, () => openSqliteStore({ path })))
    const events = Array.from({ length: 50 }, (_, index) => newEvent(`e${index}`))
    const answers = await Promise.all(
      stores.flatMap((store) => events.map(async (event) => (await store.append([event]))[0])),
    )
    expect(answers.filter((answer) => answer === 'stored')).toHaveLength(50)
    expect(answers.filter((answer) => answer === 'duplicate')).toHaveLength(150)
    for (const store of stores) expect(await store.backlog()).toMatchObject([{ pending: 50 }])
    await Promise.all(stores.map((store) => store.close()))
  })
})

describe('a file that cannot be the store is refused in one sentence', () => {
  const reasonFor = async (
    prepare: (path: string) => Promise<void> | void,
    name = 'sluice.db',
  ): Promise<string> => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, name)
    await prepare(path)
    const error = await openSqliteStore({ path }).then(
      (store) => store.close().then(() => ({ message: 'it was opened' })),
      (reason: { code: string; message: string }) => reason,
    )
    expect(error).toMatchObject({ code: 'failed' })
    return error.message.replace(path, 'PATH')
  }

  test('one that is no database', async () => {
    expect(await reasonFor((path) => writeFile(path, 'id,name\n1,Ada\n'.repeat(100)))).toBe(
      'The store PATH is no SQLite database.',
    )
  })

  test('a database of another program, which is left as it was', async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'bookmarks.db')
    const db = new DatabaseSync(path)
    db.exec('CREATE TABLE bookmark (url TEXT)')
    db.close()
    const before = await readFile(path)
    await expect(openSqliteStore({ path })).rejects.toThrow(
      `${path} is a SQLite database of another program.`,
    )
    expect(await readFile(path)).toEqual(before)
  })

  test('one from the future', async () => {
    const reason = await reasonFor(async (path) => {
      await (await openSqliteStore({ path })).close()
      const db = new DatabaseSync(path)
      db.exec('PRAGMA user_version = 99')
      db.close()
    })
    expect(reason).toMatch(
      /^The store PATH was written by a newer Sluice \(its version is 99, this one knows \d+\)/,
    )
  })

  test('a directory', async () => {
    expect(await reasonFor((path) => mkdir(path))).toMatch(
      /^The store PATH cannot be opened for writing: EISDIR/,
    )
  })

  test('a place where no directory can be made', async () => {
    expect(await reasonFor((path) => writeFile(dirname(path), ''), 'file/sluice.db')).toMatch(
      /^The store PATH cannot be opened for writing: (EEXIST|ENOTDIR)/,
    )
  })

  test.each(['', ':memory:', 'file:sluice.db?mode=memory'])('%j, which is no file', async (path) => {
    await expect(openSqliteStore({ path })).rejects.toThrow('needs the path of a file')
  })
})
