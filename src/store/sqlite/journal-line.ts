import type { DatabaseSync } from 'node:sqlite'
import type { JournalLine } from '../store.ts'

/** Writes one line of the journal beside its delivery. */
export const prepareAddLine = (
  db: DatabaseSync,
): ((delivery: number | bigint, line: JournalLine) => void) => {
  const add = db.prepare(
    `INSERT INTO journal (delivery, at, outcome, reason, code, trace, http_status, duration_ms, request, batch_size)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  return (delivery, line) => {
    add.run(
      delivery,
      line.at,
      line.outcome,
      line.reason,
      line.code,
      line.trace,
      line.httpStatus,
      line.durationMs,
      line.request,
      line.batchSize,
    )
  }
}
