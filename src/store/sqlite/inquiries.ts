import type { Inquiry } from '../inquiries.ts'
import { prepareAddLine } from './journal-line.ts'
import type { Changes } from './messages.ts'
import type { Session } from './session.ts'

export const prepareNoteInquiries = (
  session: Session,
): ((inquiries: Changes['noteInquiries']['input']) => null) => {
  const add = session.db.prepare(
    'INSERT INTO inquiry (integration, ticket, deliveries, noted_at, ask_at) VALUES (?, ?, ?, ?, ?)',
  )
  return (inquiries) => {
    for (const { integration, ticket, deliveries, notedAt, askAt } of inquiries)
      add.run(
        session.laneRow(integration, 'batch').integration,
        ticket,
        JSON.stringify(deliveries),
        notedAt,
        askAt,
      )
    return null
  }
}

interface Row {
  readonly id: number
  readonly ticket: string
  readonly deliveries: string
  readonly notedAt: number
  readonly tries: number
}

export const takeSql = `
  SELECT inquiry.id, ticket, deliveries, noted_at AS notedAt, tries FROM inquiry
  WHERE integration = (SELECT id FROM integration WHERE name = ?) AND ask_at <= ? ORDER BY ask_at LIMIT ?`

export const prepareTakeInquiries = ({
  db,
}: Session): ((input: Changes['takeInquiries']['input']) => readonly Inquiry[]) => {
  const due = db.prepare(takeSql)
  const take = db.prepare('UPDATE inquiry SET ask_at = ?, tries = tries + 1 WHERE id = ?')
  return ({ integration, now, until, limit }) => {
    const rows = due.all(integration, now, limit) as unknown as readonly Row[]
    for (const { id } of rows) take.run(until, id)
    return rows.map(({ id, deliveries, ...row }) => ({
      inquiryId: id,
      integration,
      deliveries: JSON.parse(deliveries) as number[],
      ...row,
    }))
  }
}

export const preparePostponeInquiry = ({
  db,
}: Session): ((input: Changes['postponeInquiry']['input']) => null) => {
  const postpone = db.prepare('UPDATE inquiry SET ask_at = ? WHERE id = ?')
  return ({ inquiryId, askAt }) => {
    postpone.run(askAt, inquiryId)
    return null
  }
}

/** Sent, then what the platform said later. Its payload went when it was sent, so nothing but words is changed here. */
export const prepareCloseInquiry = ({ db }: Session): ((input: Changes['closeInquiry']['input']) => null) => {
  const remove = db.prepare('DELETE FROM inquiry WHERE id = ?')
  const settle = db.prepare(
    `UPDATE delivery SET status = coalesce(?, status), reason = ? WHERE id = ? AND status = 'sent'`,
  )
  const addLine = prepareAddLine(db)
  return ({ inquiryId, settlements }) => {
    // Another process may have closed it: then its words stand.
    if (remove.run(inquiryId).changes === 0) return null
    for (const { deliveryId, status, reason, line } of settlements)
      if (settle.run(status, reason, deliveryId).changes > 0) addLine(deliveryId, line)
    return null
  }
}
