import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dueSql, gatheredSql } from '../../../src/store/sqlite/claim.ts'
import { openForWriting } from '../../../src/store/sqlite/database.ts'
import { temporaryDirectory } from './bench.ts'

test('a claim walks the index of what is due, and sorts nothing, however long the backlog', async () => {
  await using directory = await temporaryDirectory()
  const db = openForWriting({ path: join(directory.path, 'sluice.db') })
  const steps = db
    .prepare(`EXPLAIN QUERY PLAN ${dueSql}`)
    .all(1, 1, 1)
    .map((row) => String(row['detail']))
  db.close()
  expect(steps[0]).toBe('SEARCH delivery USING INDEX delivery_due (lane=? AND due_at<?)')
  expect(steps.filter((step) => /SCAN|TEMP B-TREE/.test(step))).toEqual([])
})

test('a claim ahead of its time walks the same index, and no further than a few batches', async () => {
  await using directory = await temporaryDirectory()
  const db = openForWriting({ path: join(directory.path, 'sluice.db') })
  const steps = db
    .prepare(`EXPLAIN QUERY PLAN ${gatheredSql}`)
    .all({ lane: 1, now: 1, limit: 1 })
    .map((row) => String(row['detail']))
  db.close()
  expect(steps).toContain('SEARCH delivery USING INDEX delivery_due (lane=?)')
  expect(steps.filter((step) => step.startsWith('SCAN'))).toEqual(['SCAN coming'])
})
