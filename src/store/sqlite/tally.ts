/** What became of a site's events, counted by integration, day and state; a bounded stretch of the history at a time. */
import type { DatabaseSync } from 'node:sqlite'
import type { Tally, TallyPage, TallyQuery } from '../store.ts'
import { fromCursor, stretchEndSql, toCursor, type Place } from './reads.ts'

const dayMs = 86_400_000

const tallySql = `
  SELECT integration.name AS integration, event.accepted_at / ${dayMs} AS day,
    iif(delivery.claimed = 0, delivery.status, 'claimed') AS status,
    count(*) AS deliveries, sum(event.duplicates) AS duplicates,
    count(delivery.grade) AS graded, total(delivery.grade) AS grades
  FROM event INDEXED BY event_accepted
  CROSS JOIN delivery ON delivery.event = event.id
  CROSS JOIN integration ON integration.id = delivery.integration
  WHERE event.site = :site AND event.accepted_at >= :from AND event.accepted_at <= :acceptedAt
    AND (event.accepted_at, event.id) < (:acceptedAt, :id)
    AND (event.accepted_at, event.id) >= (:endAcceptedAt, :endId)
  GROUP BY 1, 2, 3 ORDER BY 2, 1, 3`

export const prepareTally = (db: DatabaseSync): ((query: TallyQuery) => TallyPage) => {
  const siteId = db.prepare('SELECT id FROM site WHERE name = ?')
  const stretchEnd = db.prepare(stretchEndSql)
  const tally = db.prepare(tallySql)

  return ({ site: name, from, to, cursor }) => {
    const site = (siteId.get(name) as { id: number } | undefined)?.id
    if (site === undefined) return { tallies: [], nextCursor: null }
    const after = fromCursor(cursor)
    const start = to > after.acceptedAt ? after : { acceptedAt: to, id: 0 }
    const bounds = { site, from, ...start }
    const end = stretchEnd.get(bounds) as unknown as Place | undefined
    const rows = tally.all({ ...bounds, endAcceptedAt: end?.acceptedAt ?? 0, endId: end?.id ?? 0 })
    return { tallies: rows as unknown as Tally[], nextCursor: end === undefined ? null : toCursor(end) }
  }
}
