import type { Bite, Changes } from './messages.ts'
import type { Session } from './session.ts'

const rowsPerBite = 1_000

/** Queued or retrying, then failed with its payload, as if the last try had been made. */
export const prepareGiveUp = (session: Session): ((input: Changes['giveUp']['input']) => Bite) => {
  const { db } = session
  const lanes = db.prepare(
    `SELECT lane.id FROM integration CROSS JOIN lane ON lane.integration = integration.id
     WHERE integration.name = ? AND lane.pending > 0`,
  )
  const select = db.prepare(
    `SELECT id FROM delivery
     WHERE lane = ? AND settled_at IS NULL AND claimed = 0 AND due_at <= ? ORDER BY due_at LIMIT ?`,
  )
  const settle = db.prepare(`UPDATE delivery SET status = 'failed', reason = ?, settled_at = ? WHERE id = ?`)

  return ({ query: { integration, dueBy, reason, now }, after }) => {
    let changed = 0
    for (const lane of lanes.all(integration) as unknown as { id: number }[]) {
      const rows = select.all(lane.id, dueBy, rowsPerBite - changed) as unknown as { id: number }[]
      for (const { id } of rows) {
        settle.run(reason, now, id)
        session.pending(lane.id, -1)
      }
      changed += rows.length
      if (changed === rowsPerBite) break
    }
    return { changed, next: changed < rowsPerBite ? null : after + 1 }
  }
}
