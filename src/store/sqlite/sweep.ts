import type { Bite, Changes } from './messages.ts'
import type { Session } from './session.ts'

/** Few enough that whoever waits behind a bite does not notice. */
const eventsPerBite = 500

/**
 * Settled, then gone. Walks the events in the order in which they came, which is nearly that of their age, and is done at
 * the table's end or when a whole bite is too young: an event that a slow clock dated earlier is found another day.
 */
export const prepareSweep = (session: Session): ((input: Changes['sweep']['input']) => Bite) => {
  const { db } = session
  const examine = db.prepare(
    `SELECT id, accepted_at < :olderThan AS old, NOT EXISTS (
         SELECT 1 FROM delivery
         WHERE delivery.event = event.id AND (settled_at IS NULL OR settled_at >= :olderThan)
       ) AS settled
     FROM event WHERE id > :after ORDER BY id LIMIT ${eventsPerBite}`,
  )
  const remove = db.prepare('DELETE FROM event WHERE id = ?')
  // Of integrations that are no more: nobody will ever ask.
  const forget = db.prepare('DELETE FROM inquiry WHERE noted_at < ?')

  return ({ olderThan, after }) => {
    const rows = examine.all({ olderThan, after }) as unknown as { id: number; old: 0 | 1; settled: 0 | 1 }[]
    const old = rows.filter((row) => row.old === 1)
    const gone = old.filter((row) => row.settled === 1)
    for (const { id } of gone) remove.run(id)
    const done = rows.length < eventsPerBite || old.length === 0
    if (done) forget.run(olderThan)
    return { changed: gone.length, next: done ? null : (rows.at(-1)?.id ?? null) }
  }
}
