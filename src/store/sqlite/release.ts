import type { Session } from './session.ts'

/** Claimed, then what it was before. */
export const prepareRelease = (session: Session): ((deliveryIds: readonly number[]) => null) => {
  const release = session.db.prepare('UPDATE delivery SET claimed = 0 WHERE id = ? AND claimed <> 0')
  return (deliveryIds) => {
    for (const id of deliveryIds) release.run(id)
    return null
  }
}

/** The same for all that a claim took, when its answer never arrived. */
export const prepareAbandon = (session: Session): ((tickets: readonly number[]) => null) => {
  const abandon = session.db.prepare('UPDATE delivery SET claimed = 0 WHERE claimed = ? AND claimed <> 0')
  return (tickets) => {
    for (const ticket of tickets) abandon.run(ticket)
    return null
  }
}
