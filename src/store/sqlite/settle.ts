import type { Settlement } from '../store.ts'
import { prepareEnd } from './end-erased.ts'
import { prepareAddLine } from './journal-line.ts'
import type { Changes } from './messages.ts'
import type { Session } from './session.ts'

/** Claimed, then retrying or final; with it the journal's line, and the end of what was personal. */
export const prepareSettle = (session: Session): ((input: Changes['settle']['input']) => null) => {
  const { db } = session
  const settle = db.prepare(
    `UPDATE delivery SET status = ?, reason = ?, attempts = attempts + ?, due_at = iif(?, ?, due_at), settled_at = ?,
       claimed = 0
     WHERE id = ? AND claimed <> 0
     RETURNING lane, integration`,
  )
  const erasePayload = db.prepare('DELETE FROM payload WHERE delivery = ?')
  const findPayload = db.prepare('SELECT 1 FROM payload WHERE delivery = ?')
  const end = prepareEnd(session)
  const addLine = prepareAddLine(db)

  /** Ends the payload of what is over; answers whether there was none any more, because the person was erased meanwhile. */
  const wasErased = (deliveryId: number, status: Settlement['status']): boolean =>
    status === 'retrying' || status === 'failed'
      ? findPayload.get(deliveryId) === undefined
      : erasePayload.run(deliveryId).changes === 0

  const one = (settlement: Settlement, now: number): void => {
    const { deliveryId, status, reason, dueAt, counted, line } = settlement
    const pending = status === 'retrying'
    const settled = settle.get(
      status,
      reason,
      counted ? 1 : 0,
      pending ? 1 : 0,
      dueAt,
      pending ? null : (line?.at ?? now),
      deliveryId,
    ) as unknown as { lane: number; integration: number } | undefined
    if (settled === undefined) return
    session.beat({ integration: settled.integration, settlement, now })
    if (!pending) session.pending(settled.lane, -1)
    const erased = wasErased(deliveryId, status)
    if (line !== null) addLine(deliveryId, erased ? { ...line, request: null } : line)
    if (erased && pending) end({ id: deliveryId, lane: settled.lane }, line?.at ?? now)
  }

  return ({ settlements, now }) => {
    for (const settlement of settlements) one(settlement, now)
    return null
  }
}
