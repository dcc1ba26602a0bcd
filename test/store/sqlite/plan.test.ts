import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dueSql } from '../../../src/store/sqlite/claim.ts'
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
