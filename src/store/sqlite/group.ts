import type { DatabaseSync } from 'node:sqlite'
import { prepareAppend } from './append.ts'
import { prepareAddAudit } from './audits.ts'
import { prepareClaim } from './claim.ts'
import { prepareDeleteDocument, preparePutDocument } from './documents.ts'
import { prepareEraseFacts, prepareEraseJournal, prepareErasePayloads } from './erase.ts'
import { faultOf, type Fault } from './fault.ts'
import { prepareGiveUp } from './give-up.ts'
import {
  prepareCloseInquiry,
  prepareNoteInquiries,
  preparePostponeInquiry,
  prepareTakeInquiries,
} from './inquiries.ts'
import type { Answer, Call, Changes, Handlers } from './messages.ts'
import { prepareRecover } from './recover.ts'
import { prepareAbandon, prepareRelease } from './release.ts'
import { prepareReplay } from './replay.ts'
import { createSession } from './session.ts'
import { prepareSettle } from './settle.ts'
import { prepareSweep } from './sweep.ts'

type Change = Call<Changes>

/** What only adds to the file. */
const growing: ReadonlySet<Change['kind']> = new Set([
  'append',
  'putDocument',
  'deleteDocument',
  'audit',
  'noteInquiries',
])

/**
 * Carries out a group of calls in one transaction, and answers each. A call that the engine refuses for its own arguments
 * costs its neighbours nothing; a fault of the engine costs the whole group, and leaves no trace of it.
 *
 * Savepoints would make that simple and every call dearer, so they are used only on a second run, when the first has
 * shown that one of the calls is bad.
 */
export const prepareGroup = (db: DatabaseSync): ((calls: readonly Change[]) => readonly Answer[]) => {
  const session = createSession(db)
  const handlers: Handlers<Changes> = {
    append: prepareAppend(session),
    claim: prepareClaim(session),
    settle: prepareSettle(session),
    release: prepareRelease(session),
    recover: prepareRecover(session),
    abandon: prepareAbandon(session),
    replay: prepareReplay(session),
    erasePayloads: prepareErasePayloads(session),
    eraseFacts: prepareEraseFacts(session),
    eraseJournal: prepareEraseJournal(session),
    giveUp: prepareGiveUp(session),
    sweep: prepareSweep(session),
    putDocument: preparePutDocument(session),
    deleteDocument: prepareDeleteDocument(session),
    audit: prepareAddAudit(db),
    noteInquiries: prepareNoteInquiries(session),
    takeInquiries: prepareTakeInquiries(session),
    postponeInquiry: preparePostponeInquiry(session),
    closeInquiry: prepareCloseInquiry(session),
  }
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')

  const handle = ({ kind, input }: Change): Answer => ({
    ok: true,
    // The pair is of one kind; the type of a union of pairs cannot say so.
    value: (handlers[kind] as (input: unknown) => unknown)(input),
  })

  const handleAlone = (call: Change): Answer => {
    const mark = session.mark()
    db.exec('SAVEPOINT call')
    try {
      const answer = handle(call)
      db.exec('RELEASE call')
      return answer
    } catch (error) {
      const fault = faultOf(error)
      if (fault.kind !== 'call') throw error
      db.exec('ROLLBACK TO call')
      db.exec('RELEASE call')
      session.forget(mark)
      return { ok: false, fault }
    }
  }

  const transaction = (
    calls: readonly Change[],
    each: (call: Change) => Answer,
  ): { readonly answers: readonly Answer[] } | { readonly fault: Fault } => {
    try {
      begin.run()
      const answers = calls.map(each)
      session.tally()
      commit.run()
      return { answers }
    } catch (error) {
      // SQLite itself rolls back after some errors (full, I/O), and not after others.
      if (db.isTransaction) db.exec('ROLLBACK')
      session.forget()
      return { fault: faultOf(error) }
    }
  }

  const run = (calls: readonly Change[]): readonly Answer[] => {
    let result = transaction(calls, handle)
    if ('fault' in result && result.fault.kind === 'call') result = transaction(calls, handleAlone)
    if ('answers' in result) return result.answers
    const refused: Answer = { ok: false, fault: result.fault }
    // No room for what is new must not keep lanes from settling, or what was sent would be sent again; and settling
    // makes room.
    const others = calls.filter(({ kind }) => !growing.has(kind))
    if (result.fault.kind !== 'full' || others.length === 0 || others.length === calls.length)
      return calls.map(() => refused)
    const answered = run(others).values()
    return calls.map(({ kind }) => (growing.has(kind) ? refused : (answered.next().value ?? refused)))
  }
  return run
}
