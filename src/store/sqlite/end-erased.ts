import { erasedReason, type JournalLine } from '../store.ts'
import { prepareAddLine } from './journal-line.ts'
import type { Session } from './session.ts'

/** Pending with nothing left to send, because the person was erased: ended. */

export const erasedLine = (at: number): JournalLine => ({
  at,
  outcome: 'erased',
  reason: erasedReason,
  code: null,
  trace: null,
  httpStatus: null,
  durationMs: null,
  request: null,
  batchSize: null,
})

export interface Pending {
  readonly id: number
  readonly lane: number
}

/** Queued, claimed or retrying, then `consent_denied`. */
export const prepareEnd = (session: Session): ((delivery: Pending, now: number) => void) => {
  const end = session.db.prepare(
    `UPDATE delivery SET claimed = 0, status = 'consent_denied', reason = ?, settled_at = ? WHERE id = ?`,
  )
  const addLine = prepareAddLine(session.db)
  return ({ id, lane }, now) => {
    end.run(erasedReason, now, id)
    session.pending(lane, -1)
    addLine(id, erasedLine(now))
  }
}

/** Ends those claimed deliveries, of all that the condition names, whose payload is gone. */
export const prepareEndErased = (
  session: Session,
  condition: 'id = ?' | 'claimed = ?' | 'TRUE',
): ((now: number, ...values: readonly number[]) => void) => {
  const erased = session.db.prepare(
    `SELECT id, lane FROM delivery WHERE claimed <> 0 AND ${condition}
       AND NOT EXISTS (SELECT 1 FROM payload WHERE payload.delivery = delivery.id)`,
  )
  const end = prepareEnd(session)
  return (now, ...values) => {
    for (const one of erased.all(...values) as unknown as Pending[]) end(one, now)
  }
}
