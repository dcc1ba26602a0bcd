import { Worker } from 'node:worker_threads'
import type { InquiryStore } from '../inquiries.ts'
import type { AuditEntry, SettingsStore } from '../settings.ts'
import {
  StoreError,
  type Erased,
  type ErasureQuery,
  type NewEvent,
  type Settlement,
  type Store,
  type StoreNews,
} from '../store.ts'
import type { Size } from './handover.ts'
import type { Answer, Bite, Changes, ErasureBite, Reads, ThreadData } from './messages.ts'
import { startThread, type Thread } from './thread.ts'

export interface SqliteOptions {
  /** The file; its directory is made when it is missing. Not `:memory:`, and not on a network file system. */
  readonly path: string
  readonly onEvent?: (news: StoreNews) => void
  /** Appends are `busy` when this much waits for the disk; 64 MiB when absent. */
  readonly maxQueuedBytes?: number
  /** The same in calls' rows (events, settlements, claims); 100 000 when absent. */
  readonly maxQueued?: number
  /** A ceiling for the file in bytes: beyond it the store says `failed` as on a full disk, until a sweep has made room. */
  readonly maxBytes?: number
  /** Dates what is settled without a journal line. */
  readonly clock?: { now(): number }
}

/** All are one file, so that one fsync brings all to the disk. */
export type SqliteStore = Store & SettingsStore & InquiryStore

/** Rejects with a {@link StoreError} that says in a sentence why the file cannot be the store. */
export const openSqliteStore = (options: SqliteOptions): Promise<SqliteStore> =>
  openWith(spawnWorker, options)

const spawnWorker = (workerData: ThreadData): Worker =>
  new Worker(new URL('./worker.ts', import.meta.url), { workerData, name: `store ${workerData.role}` })

/** The same with another way to start a thread, for those who want to see one die. */
export const openWith = async (
  spawn: (data: ThreadData) => Worker,
  {
    path,
    onEvent = () => {},
    maxQueuedBytes = 64 * 1024 * 1024,
    maxQueued = 100_000,
    maxBytes,
    clock = Date,
  }: SqliteOptions,
): Promise<SqliteStore> => {
  if (path === '' || path === ':memory:' || path.startsWith('file:'))
    throw new StoreError('failed', `The store needs the path of a file; ${JSON.stringify(path)} is none.`)

  /** Tickets of claims that were under way when a thread died: what they took, if anything, nobody would ever settle. */
  const orphans: number[] = []
  const giveBack = (): void => {
    if (orphans.length === 0) return
    const tickets = orphans.splice(0)
    change('abandon', { tickets, now: clock.now() }, aRow).catch(() => orphans.push(...tickets))
  }

  const noteHealth = healthNews(onEvent, clock)
  const writer: Thread<Changes> = await startThread<Changes>(
    spawn,
    { role: 'writer', path, ...(maxBytes === undefined ? {} : { maxBytes }) },
    {
      answered: (answers, durationMs) => {
        if (noteHealth(answers)) giveBack()
        if (answers.some(({ ok }) => ok)) onEvent({ kind: 'committed', calls: answers.length, durationMs })
      },
      restarted: (message, lost) => {
        orphans.push(...lost.flatMap((call) => (call.kind === 'claim' ? [call.input.ticket] : [])))
        giveBack()
        onEvent({ kind: 'restarted', message })
      },
      fatal: (message) => onEvent({ kind: 'fatal', message }),
    },
  )
  const change = writer.handover.add

  let closed: Promise<void> | null = null
  let reader: Promise<Thread<Reads>> | null = null
  const inProgress = new Set<Promise<unknown>>()
  let ticket = firstTicket()

  const checkOpen = (): void => {
    if (closed !== null) throw new StoreError('closed', 'The store is closed.')
  }

  const write: typeof change = async (kind, input, size) => {
    checkOpen()
    return change(kind, input, size)
  }

  /** The reader is started by the first who asks: a process that only appends needs none. */
  const read: Thread<Reads>['handover']['add'] = async (kind, input, size) => {
    checkOpen()
    const forget = (): void => void (reader = null)
    reader ??= startThread<Reads>(spawn, { role: 'reader', path }, { fatal: forget })
    reader.catch(forget)
    const { handover } = await reader
    return handover.add(kind, input, size)
  }

  /** Bite after bite, each an ordinary call that travels with the others; `close` waits for the sum. */
  const inProgressUntil = async <T>(work: Promise<T>): Promise<T> => {
    inProgress.add(work)
    try {
      return await work
    } finally {
      inProgress.delete(work)
    }
  }

  const inBites = async (
    bite: (after: number) => Promise<Bite>,
    goOn: () => boolean = () => true,
  ): Promise<number> => {
    checkOpen()
    const work = async (): Promise<number> => {
      let sum = 0
      for (let next: number | null = 0; next !== null && goOn();) {
        const done: Bite = await bite(next)
        sum += done.changed
        next = done.next
      }
      return sum
    }
    return inProgressUntil(work())
  }

  /** In this order: the journal's walk is the last, and with its end the log is cut. */
  const eraseSteps = ['erasePayloads', 'eraseFacts', 'eraseJournal'] as const
  const erase = async (query: ErasureQuery): Promise<readonly ErasureBite[]> => {
    const bites: ErasureBite[] = []
    for (const step of eraseSteps) {
      for (let after: number | null = 0; after !== null;) {
        const bite: ErasureBite = await change(step, { query, after }, aBite)
        if (bite.events.length > 0) bites.push(bite)
        after = bite.next
      }
    }
    return bites
  }

  return {
    append: async (events) => {
      checkOpen()
      const size = sizeOfEvents(events)
      const { rows, bytes } = writer.handover.held
      if (rows > 0 && (rows + size.rows > maxQueued || bytes + size.bytes > maxQueuedBytes))
        throw new StoreError('busy', 'Too much waits to be written to the store.')
      return change('append', events, size)
    },
    claim: (request) => write('claim', { ...request, ticket: ticket++ }, { rows: request.limit, bytes: 0 }),
    settle: async (settlements) => {
      await write('settle', { settlements, now: clock.now() }, sizeOfSettlements(settlements))
    },
    release: async (deliveryIds) => {
      await write('release', { deliveryIds, now: clock.now() }, { rows: deliveryIds.length, bytes: 0 })
    },
    recover: (now) => write('recover', { now }, aRow),
    replay: (query) =>
      query.dryRun
        ? read('replayable', query, aRow)
        : inBites((after) => change('replay', { query, after }, aBite)),
    erase: async (query) => {
      checkOpen()
      return erasedIn(await inProgressUntil(erase(query)))
    },
    giveUp: (query) => inBites((after) => change('giveUp', { query, after }, aBite)),
    backlog: () => read('backlog', null, aRow),
    event: (site, eventId) => read('event', { site, eventId }, aRow),
    events: (query) => read('events', query, aRow),
    tally: (query) => read('tally', query, aRow),
    pulse: (query) => read('pulse', query, aRow),
    latest: (site) => read('latest', site, aRow),
    sweep: async (olderThan) => ({
      deletedEvents: await inBites(
        (after) => change('sweep', { olderThan, after }, aBite),
        () => closed === null,
      ),
    }),
    documents: (kind, site) => read('documents', { kind, ...(site === undefined ? {} : { site }) }, aRow),
    putDocument: (document, expected, entry) =>
      write('putDocument', { document, expected, entry }, sizeOfChange(entry, document.body)),
    deleteDocument: (document, expected, entry) =>
      write('deleteDocument', { document, expected, entry }, sizeOfChange(entry)),
    documentsVersion: () => read('documentsVersion', null, aRow),
    audit: async (entry) => {
      await write('audit', entry, sizeOfChange(entry))
    },
    audits: (site, cursor, limit) =>
      read('audits', { site, limit, ...(cursor === undefined ? {} : { cursor }) }, aRow),
    noteInquiries: async (inquiries) => {
      await write('noteInquiries', inquiries, { rows: inquiries.length, bytes: 0 })
    },
    takeInquiries: (request) => write('takeInquiries', request, { rows: request.limit, bytes: 0 }),
    postponeInquiry: async (inquiryId, askAt) => {
      await write('postponeInquiry', { inquiryId, askAt }, aRow)
    },
    closeInquiry: async (inquiryId, settlements) => {
      await write('closeInquiry', { inquiryId, settlements }, sizeOfSettlements(settlements))
    },
    close: () => {
      closed ??= (async () => {
        await Promise.allSettled(inProgress)
        const reading = await reader?.catch(() => null)
        await reading?.close()
        await writer.close()
      })()
      return closed
    },
  }
}

const erasedIn = (bites: readonly ErasureBite[]): Erased => {
  const counts = bites.flatMap(({ deliveries }) => deliveries)
  return {
    events: new Set(bites.flatMap(({ events }) => events)).size,
    claimed: bites.flatMap(({ claimed }) => claimed),
    integrations: [...Map.groupBy(counts, ({ integration }) => integration)].map(([integration, own]) => {
      const sum = (wanted: (typeof own)[number]['what']): number =>
        own.reduce((total, { what, count }) => total + (what === wanted ? count : 0), 0)
      return {
        integration,
        ended: sum('ended'),
        claimed: sum('claimed'),
        failed: sum('failed'),
        requests: sum('requests'),
      }
    }),
  }
}

const aRow: Size = { rows: 1, bytes: 0 }
/** A bite costs about as much as a full group, so it has little company. */
const aBite: Size = { rows: 2_500, bytes: 0 }

/** Roughly, in memory and on the way to the disk; what is not a text of its own is counted by a round sum. */
const sizeOfEvents = (events: readonly NewEvent[]): Size => {
  let rows = 0
  let bytes = 0
  for (const { facts, deliveries } of events) {
    rows += 1 + deliveries.length
    bytes += 300 + facts.length
    for (const { payload, line } of deliveries)
      bytes += 150 + (payload?.length ?? 0) + (line?.request?.length ?? 0)
  }
  return { rows, bytes }
}

const sizeOfSettlements = (settlements: readonly Pick<Settlement, 'line'>[]): Size => {
  let bytes = 0
  for (const { line } of settlements) bytes += 150 + (line?.reason.length ?? 0) + (line?.request?.length ?? 0)
  return { rows: settlements.length, bytes }
}

const sizeOfChange = ({ detail }: AuditEntry, body = ''): Size => ({
  rows: 2,
  bytes: 300 + detail.length + body.length,
})

/** Tickets of all the processes on one file must differ: each counts from a place of its own, with 2^20 to go at least. */
const firstTicket = (): number => 1 + Math.floor(Math.random() * 2 ** 32) * 2 ** 20

/** Says once that writing has begun to fail, and once that it works again; answers whether this was that moment. */
const healthNews = (
  onEvent: (news: StoreNews) => void,
  clock: { now(): number },
): ((answers: readonly Answer[]) => boolean) => {
  let failingSince: number | null = null
  return (answers) => {
    const fault = answers.find((answer) => !answer.ok && answer.fault.kind !== 'call')
    if (fault !== undefined && !fault.ok && failingSince === null) {
      failingSince = clock.now()
      onEvent({ kind: 'failing', message: fault.fault.message })
    } else if (fault === undefined && failingSince !== null) {
      onEvent({ kind: 'healed', failedForMs: clock.now() - failingSince })
      failingSince = null
      return true
    }
    return false
  }
}
