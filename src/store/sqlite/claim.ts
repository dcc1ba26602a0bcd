import type { ClaimedDelivery } from '../store.ts'
import type { Changes } from './messages.ts'
import type { Session } from './session.ts'

/** CROSS JOIN keeps the order of the tables: the index of what is due first, or a million rows would be sorted. */
export const dueSql = `
  SELECT delivery.id AS deliveryId, event.event_id AS eventId, site.name AS site, delivery.attempts,
    event.accepted_at AS acceptedAt, event.occurred_at AS occurredAt, event.facts, payload.body AS payload
  FROM delivery
  CROSS JOIN event ON event.id = delivery.event
  CROSS JOIN site ON site.id = event.site
  CROSS JOIN payload ON payload.delivery = delivery.id
  WHERE delivery.lane = ? AND delivery.due_at <= ? AND delivery.settled_at IS NULL AND delivery.claimed = 0
  ORDER BY delivery.due_at, delivery.id
  LIMIT ?`

/** How much more than a batch is looked at to fill one: between what is gathered there may be some that wait for a retry. */
const stretch = 4

const columns = dueSql.slice(0, dueSql.indexOf('FROM delivery'))

/** Also what is not due yet, unless it waits for a retry. Bounded by looking at the next few alone. */
export const gatheredSql = `
  WITH coming AS MATERIALIZED (
    SELECT id, due_at, status FROM delivery
    WHERE lane = :lane AND settled_at IS NULL AND claimed = 0
    ORDER BY due_at, id LIMIT :limit * ${stretch}
  )
  ${columns}
  FROM coming
  CROSS JOIN delivery ON delivery.id = coming.id
  CROSS JOIN event ON event.id = delivery.event
  CROSS JOIN site ON site.id = event.site
  CROSS JOIN payload ON payload.delivery = delivery.id
  WHERE coming.due_at <= :now OR coming.status = 'queued'
  ORDER BY coming.due_at, coming.id
  LIMIT :limit`

/** Queued or retrying, then claimed: the oldest due of a lane. The status stays what it was, for `release`. */
export const prepareClaim = (
  session: Session,
): ((request: Changes['claim']['input']) => readonly ClaimedDelivery[]) => {
  const { db } = session
  const select = db.prepare(dueSql)
  const selectGathered = db.prepare(gatheredSql)
  const mark = db.prepare('UPDATE delivery SET claimed = ? WHERE id = ?')

  return ({ integration, lane, limit, now, ticket, full = false }) => {
    const { id } = session.laneRow(integration, lane)
    const rows = (full
      ? selectGathered.all({ lane: id, now, limit })
      : select.all(id, now, limit)) as unknown as ClaimedDelivery[]
    if (full && rows.length < limit) return []
    for (const { deliveryId } of rows) mark.run(ticket, deliveryId)
    return rows
  }
}
