import { prepareEndErased } from './end-erased.ts'
import type { Session } from './session.ts'

/**
 * Claimed by a process that died, then what it was before, and due: also when this clock is behind that one's. What was
 * erased while it was claimed ends instead.
 */
export const prepareRecover = (session: Session): ((input: { readonly now: number }) => number) => {
  const recover = session.db.prepare(
    'UPDATE delivery SET claimed = 0, due_at = min(due_at, ?) WHERE claimed <> 0',
  )
  const endErased = prepareEndErased(session, 'TRUE')
  return ({ now }) => {
    endErased(now)
    return Number(recover.run(now).changes)
  }
}
