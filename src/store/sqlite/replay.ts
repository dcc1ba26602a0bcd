import type { DatabaseSync } from 'node:sqlite'
import type { ReplayQuery } from '../store.ts'
import type { Bite, Changes } from './messages.ts'
import type { Session } from './session.ts'

const rowsPerBite = 1_000

const matching = `
  FROM delivery CROSS JOIN payload ON payload.delivery = delivery.id
  WHERE delivery.status = 'failed' AND delivery.id > :after
    AND (:integration IS NULL OR delivery.integration = (SELECT id FROM integration WHERE name = :integration))
    AND (:from IS NULL OR delivery.settled_at >= :from)
    AND (:to IS NULL OR delivery.settled_at < :to)
    AND (:reason IS NULL OR delivery.reason = :reason)`

const named = (query: ReplayQuery, after: number) => ({
  after,
  integration: query.integration ?? null,
  from: query.from ?? null,
  to: query.to ?? null,
  reason: query.reason ?? null,
})

/** Failed, then queued. Dead letters can be a night's worth, so they go in bites. */
export const prepareReplay = (session: Session): ((input: Changes['replay']['input']) => Bite) => {
  const { db } = session
  const select = db.prepare(
    `SELECT delivery.id, delivery.lane ${matching} ORDER BY delivery.id LIMIT ${rowsPerBite}`,
  )
  const replay = db.prepare(
    `UPDATE delivery SET status = 'queued', reason = NULL, attempts = 0, due_at = ?, settled_at = NULL WHERE id = ?`,
  )

  return ({ query, after }) => {
    const rows = select.all(named(query, after)) as unknown as { id: number; lane: number }[]
    for (const { id, lane } of rows) {
      replay.run(query.now, id)
      session.pending(lane, 1)
    }
    return { changed: rows.length, next: rows.length < rowsPerBite ? null : (rows.at(-1)?.id ?? null) }
  }
}

export const prepareReplayable = (db: DatabaseSync): ((query: ReplayQuery) => number) => {
  const count = db.prepare(`SELECT count(*) AS n ${matching}`)
  return (query) => (count.get(named(query, 0)) as { n: number }).n
}
