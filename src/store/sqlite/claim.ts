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

/** Queued or retrying, then claimed: the oldest due of a lane. The status stays what it was, for `release`. */
export const prepareClaim = (
  session: Session,
): ((request: Changes['claim']['input']) => readonly ClaimedDelivery[]) => {
  const { db } = session
  const select = db.prepare(dueSql)
  const mark = db.prepare('UPDATE delivery SET claimed = ? WHERE id = ?')

  return ({ integration, lane, limit, now, ticket }) => {
    const rows = select.all(session.laneRow(integration, lane).id, now, limit) as unknown as ClaimedDelivery[]
    for (const { deliveryId } of rows) mark.run(ticket, deliveryId)
    return rows
  }
}
