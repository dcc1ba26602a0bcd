import type { Appended, NewDelivery, NewEvent } from '../store.ts'
import { prepareAddLine } from './journal-line.ts'
import type { Session } from './session.ts'

interface Known {
  readonly id: number
  readonly integration: number
  readonly status: string
}

/** Nothing, then queued or refused: writes an event with what it owes, or finds that it has been seen. */
export const prepareAppend = (session: Session): ((events: readonly NewEvent[]) => readonly Appended[]) => {
  const { db } = session
  const addEvent = db.prepare(
    `INSERT INTO event (site, event_id, type, order_id, rule_id, occurred_at, accepted_at, facts)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (site, event_id) DO NOTHING`,
  )
  const addDelivery = db.prepare(
    `INSERT INTO delivery (event, integration, lane, status, reason, accepted_at, due_at, settled_at, grade)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const addLine = prepareAddLine(db)
  const addPayload = db.prepare('INSERT INTO payload (delivery, body) VALUES (?, ?)')
  const findEvent = db.prepare(
    'SELECT id, accepted_at AS acceptedAt FROM event WHERE site = ? AND event_id = ?',
  )
  const findDeliveries = db.prepare('SELECT id, integration, status FROM delivery WHERE event = ?')
  const reopen = db.prepare(
    'UPDATE delivery SET lane = ?, status = ?, reason = ?, due_at = ?, settled_at = ?, grade = ? WHERE id = ?',
  )
  const replaceFacts = db.prepare('UPDATE event SET facts = ? WHERE id = ?')
  const countDuplicate = db.prepare('UPDATE event SET duplicates = duplicates + 1 WHERE id = ?')

  /** A refusal is settled as it arrives, and its payload, had anybody sent one, is nobody's business. */
  const settledAt = (delivery: NewDelivery, at: number): number | null =>
    delivery.status === 'queued' ? null : at

  const owe = (delivery: NewDelivery, id: number | bigint, lane: number): void => {
    if (delivery.status !== 'queued') return
    addPayload.run(id, delivery.payload)
    session.pending(lane, 1)
  }

  const add = (event: number | bigint, acceptedAt: number, delivery: NewDelivery, at: number): void => {
    const lane = session.laneRow(delivery.integration, delivery.lane)
    const { lastInsertRowid } = addDelivery.run(
      event,
      lane.integration,
      lane.id,
      delivery.status,
      delivery.reason,
      acceptedAt,
      delivery.dueAt,
      settledAt(delivery, at),
      delivery.grade ?? null,
    )
    owe(delivery, lastInsertRowid, lane.id)
    if (delivery.line !== undefined && delivery.status !== 'queued') addLine(lastInsertRowid, delivery.line)
  }

  const extend = (site: number, event: NewEvent): Appended => {
    const known = findEvent.get(site, event.eventId) as unknown as { id: number; acceptedAt: number }
    const byIntegration = new Map(
      (findDeliveries.all(known.id) as unknown as Known[]).map((row) => [row.integration, row] as const),
    )
    let extended = false
    let reopened = false
    for (const delivery of event.deliveries) {
      const lane = session.laneRow(delivery.integration, delivery.lane)
      const before = byIntegration.get(lane.integration)
      if (before === undefined) {
        add(known.id, known.acceptedAt, delivery, event.acceptedAt)
        extended = true
      } else if (before.status === 'consent_denied' && delivery.status !== 'consent_denied') {
        const { status, reason, dueAt, grade = null } = delivery
        reopen.run(lane.id, status, reason, dueAt, settledAt(delivery, event.acceptedAt), grade, before.id)
        owe(delivery, before.id, lane.id)
        reopened = true
      }
    }
    if (reopened) replaceFacts.run(event.facts, known.id)
    if (extended || reopened) return 'extended'
    countDuplicate.run(known.id)
    return 'duplicate'
  }

  const one = (event: NewEvent): Appended => {
    const site = session.siteId(event.site)
    const { changes, lastInsertRowid } = addEvent.run(
      site,
      event.eventId,
      event.type,
      event.orderId,
      event.ruleId,
      event.occurredAt,
      event.acceptedAt,
      event.facts,
    )
    if (changes === 0) return extend(site, event)
    for (const delivery of event.deliveries)
      add(lastInsertRowid, event.acceptedAt, delivery, event.acceptedAt)
    return 'stored'
  }

  return (events) => events.map(one)
}
