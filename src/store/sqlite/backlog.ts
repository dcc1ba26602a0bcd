import type { DatabaseSync } from 'node:sqlite'
import type { Backlog } from '../store.ts'

/** A counter and two index look-ups a lane: the same for one delivery as for a million. */
export const prepareBacklog = (db: DatabaseSync): (() => readonly Backlog[]) => {
  const select = db.prepare(
    `SELECT integration.name AS integration, lane.tempo AS lane, lane.pending,
       (SELECT min(accepted_at) FROM delivery WHERE delivery.lane = lane.id AND settled_at IS NULL) AS oldestAcceptedAt,
       (SELECT min(due_at) FROM delivery WHERE delivery.lane = lane.id AND settled_at IS NULL AND claimed = 0) AS nextDueAt
     FROM lane JOIN integration ON integration.id = lane.integration
     WHERE lane.pending > 0
     ORDER BY integration.name, lane.tempo`,
  )
  return () => select.all() as unknown as Backlog[]
}
