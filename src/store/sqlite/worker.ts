/** The thread in which SQLite blocks: one writes, one reads, each on a connection of its own. */
import type { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { prepareAudits } from './audits.ts'
import { prepareBacklog } from './backlog.ts'
import { cutLog, openForReading, openForWriting } from './database.ts'
import { prepareDocuments, prepareDocumentsVersion } from './documents.ts'
import { faultOf } from './fault.ts'
import { prepareGroup } from './group.ts'
import type {
  Answer,
  Call,
  Changes,
  ErasureBite,
  FromThread,
  Handlers,
  Reads,
  ThreadData,
  ToThread,
} from './messages.ts'
import { prepareEvent, prepareEvents } from './reads.ts'
import { prepareLatest, prepareReadPulse } from './pulse.ts'
import { prepareReplayable } from './replay.ts'
import { prepareTally } from './tally.ts'

interface Engine<Calls> {
  readonly db: DatabaseSync
  answer(calls: readonly Call<Calls>[]): readonly Answer[]
}

const openWriter = (data: ThreadData): Engine<Changes> => {
  const db = openForWriting(data)
  return { db, answer: prepareGroup(db) }
}

const openReader = (data: ThreadData): Engine<Reads> => {
  const db = openForReading(data)
  const handlers: Handlers<Reads> = {
    backlog: prepareBacklog(db),
    event: prepareEvent(db),
    events: prepareEvents(db),
    tally: prepareTally(db),
    pulse: prepareReadPulse(db),
    latest: prepareLatest(db),
    replayable: prepareReplayable(db),
    documents: prepareDocuments(db),
    documentsVersion: prepareDocumentsVersion(db),
    audits: prepareAudits(db),
  }
  const one = ({ kind, input }: Call<Reads>): Answer => {
    db.exec('BEGIN')
    try {
      return { ok: true, value: (handlers[kind] as (input: unknown) => unknown)(input) }
    } catch (error) {
      return { ok: false, fault: faultOf(error) }
    } finally {
      if (db.isTransaction) db.exec('COMMIT')
    }
  }
  return { db, answer: (calls) => calls.map(one) }
}

/** How long nothing must have been written before the log is cut back. */
const quietMs = 2_000

/** Whoever asked for an erasure is told that it is done when it is: old pages of the log would still hold the bytes. */
const endsErasure = <Calls>(calls: readonly Call<Calls>[], answers: readonly Answer[]): boolean =>
  calls.some(({ kind }, index) => {
    const answer = answers[index]
    return kind === 'eraseJournal' && answer?.ok === true && (answer.value as ErasureBite).next === null
  })

const serve = <Calls>(
  port: MessagePort,
  data: ThreadData,
  open: (data: ThreadData) => Engine<Calls>,
): void => {
  const say = (message: FromThread): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a window has origins, a thread has none
    port.postMessage(message)
  }
  let engine: Engine<Calls> | null
  try {
    engine = open(data)
  } catch (error) {
    say({ kind: 'refused', message: (error as Error).message })
    return port.close()
  }

  const attempt = (calls: readonly Call<Calls>[]): readonly Answer[] => {
    try {
      engine ??= open(data)
      return engine.answer(calls)
    } catch (error) {
      const fault = { ...faultOf(error), kind: 'engine' } as const
      return calls.map(() => ({ ok: false, fault }))
    }
  }

  const heal = (answers: readonly Answer[]): void => {
    const kinds = new Set(answers.map((answer) => (answer.ok ? null : answer.fault.kind)))
    // After an I/O error a connection may go on failing when the disk does not: the next group gets a new one.
    if (kinds.has('engine')) {
      try {
        engine?.db.close()
      } catch {
        // It was of no use any more.
      }
      engine = null
    } else if (engine !== null && kinds.has('full')) cutLog(engine.db)
  }

  let quiet: NodeJS.Timeout | undefined
  port.on('message', (message: ToThread<Calls>) => {
    clearTimeout(quiet)
    if (message.kind === 'close') {
      if (engine !== null && data.role === 'writer') cutLog(engine.db)
      engine?.db.close()
      return port.close()
    }
    const began = performance.now()
    const answers = attempt(message.calls)
    if (engine !== null && data.role === 'writer' && endsErasure(message.calls, answers)) cutLog(engine.db)
    say({ kind: 'answers', id: message.id, answers, durationMs: performance.now() - began })
    heal(answers)
    if (data.role === 'writer')
      quiet = setTimeout(() => {
        if (engine !== null) cutLog(engine.db)
      }, quietMs)
  })
  say({ kind: 'opened' })
}

if (parentPort !== null) {
  const data = workerData as ThreadData
  if (data.role === 'writer') serve(parentPort, data, openWriter)
  else serve(parentPort, data, openReader)
}
