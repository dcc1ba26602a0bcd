import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { migrations } from '../../../src/store/sqlite/migrations.ts'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'
import { describeSettingsStore } from '../settings-conformance.ts'
import { newEvent } from '../events.ts'
import { openSqliteBench, temporaryDirectory } from './bench.ts'

describeSettingsStore('sqlite', () => openSqliteBench())

const entry = { at: 1, site: 'shop', who: 'admin', action: 'a', target: 't', detail: '{}' }

test('not even somebody with the file in hand changes the audit log by an ordinary statement', async () => {
  await using bench = await openSqliteBench()
  await bench.store.audit(entry)
  await bench.store.close()
  const db = new DatabaseSync(bench.path)
  expect(() => db.exec('DELETE FROM audit')).toThrow('append-only')
  expect(() => db.exec(`UPDATE audit SET who = 'nobody'`)).toThrow('append-only')
  db.close()
})

test('a store from before there were documents gets them, and keeps its events', async () => {
  await using directory = await temporaryDirectory()
  const path = `${directory.path}/sluice.db`
  const old = new DatabaseSync(path)
  old.exec(migrations[0] ?? '')
  old.exec('PRAGMA application_id = 1399616867')
  old.exec('PRAGMA user_version = 1')
  old.exec(`INSERT INTO site (name) VALUES ('shop')`)
  old.exec(
    `INSERT INTO event (site, event_id, type, occurred_at, accepted_at, facts) VALUES (1, 'e1', 'purchase', 1, 1, '{}')`,
  )
  old.close()
  const store = await openSqliteStore({ path })
  expect(await store.event('shop', 'e1')).not.toBeNull()
  expect(await store.documentsVersion()).toBe(0)
  expect(await store.append([newEvent('e2')])).toEqual(['stored'])
  await store.close()
})

test('a full store refuses a document and goes on without it', async () => {
  await using bench = await openSqliteBench({ maxBytes: 400_000 })
  const body = JSON.stringify('x'.repeat(1_000_000))
  const big = { kind: 'thing', site: 'shop', id: 'big', body }
  await expect(bench.store.putDocument(big, null, entry)).rejects.toMatchObject({ code: 'failed' })
  expect(await bench.store.documents('thing')).toEqual([])
  expect(await bench.store.documentsVersion()).toBe(0)
  expect(await bench.store.putDocument({ ...big, body: '{}' }, null, entry)).toEqual({ version: 1 })
})
