import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openForWriting } from '../../../src/store/sqlite/database.ts'
import { takeSql } from '../../../src/store/sqlite/inquiries.ts'
import { describeInquiries } from '../inquiries-conformance.ts'
import { openSqliteBench, temporaryDirectory } from './bench.ts'

describeInquiries('sqlite', () => openSqliteBench())

test('to find what is due, an index is walked, however many inquiries are open', async () => {
  await using directory = await temporaryDirectory()
  const db = openForWriting({ path: join(directory.path, 'sluice.db') })
  const steps = db
    .prepare(`EXPLAIN QUERY PLAN ${takeSql}`)
    .all('shop/google', 1, 1)
    .map((row) => String(row['detail']))
  db.close()
  expect(steps[0]).toBe('SEARCH inquiry USING INDEX inquiry_due (integration=? AND ask_at<?)')
  expect(steps.filter((step) => /TEMP B-TREE|^SCAN/.test(step))).toEqual([])
})
