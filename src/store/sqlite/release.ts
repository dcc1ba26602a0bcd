import { prepareEndErased } from './end-erased.ts'
import type { Changes } from './messages.ts'
import type { Session } from './session.ts'

const held = 'EXISTS (SELECT 1 FROM payload WHERE payload.delivery = delivery.id)'

/** Claimed, then what it was before; erased meanwhile, then ended. */
export const prepareRelease = (session: Session): ((input: Changes['release']['input']) => null) => {
  const release = session.db.prepare(
    `UPDATE delivery SET claimed = 0 WHERE id = ? AND claimed <> 0 AND ${held}`,
  )
  const endErased = prepareEndErased(session, 'id = ?')
  return ({ deliveryIds, now }) => {
    for (const id of deliveryIds) if (release.run(id).changes === 0) endErased(now, id)
    return null
  }
}

/** The same for all that a claim took, when its answer never arrived. */
export const prepareAbandon = (session: Session): ((input: Changes['abandon']['input']) => null) => {
  const abandon = session.db.prepare(
    `UPDATE delivery SET claimed = 0 WHERE claimed = ? AND claimed <> 0 AND ${held}`,
  )
  const endErased = prepareEndErased(session, 'claimed = ?')
  return ({ tickets, now }) => {
    for (const ticket of tickets) {
      abandon.run(ticket)
      endErased(now, ticket)
    }
    return null
  }
}
