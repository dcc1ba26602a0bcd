import type { Session } from './session.ts'

/** Claimed by a process that died, then what it was before, and due: also when this clock is behind that one's. */
export const prepareRecover = (session: Session): ((input: { readonly now: number }) => number) => {
  const recover = session.db.prepare(
    'UPDATE delivery SET claimed = 0, due_at = min(due_at, ?) WHERE claimed <> 0',
  )
  return ({ now }) => Number(recover.run(now).changes)
}
