/**
 * Taking a person out: whatever is held of somebody goes, in bounded bites like a sweep. Nothing on the hot path is kept for
 * it: an index of identifiers would cost every delivery a write and the disk a list of people, and an erasure is rare.
 *
 *     queued, retrying ──> consent_denied      claimed ──> its payload goes now, its end comes with settle or release
 *     failed ──> failed, and no replay         sent ──> only what a line of the journal may still show
 */
import type { ErasureQuery } from '../store.ts'
import { erasedLine, prepareEnd } from './end-erased.ts'
import { prepareAddLine } from './journal-line.ts'
import type { Changes, ErasureBite } from './messages.ts'
import { prepareCleanLatest } from './pulse.ts'
import type { Session } from './session.ts'

/** Few enough that whoever waits behind a bite does not notice. */
const rowsPerBite = 250

/** One expression for many texts: a walk over a text for each would be as many walks. */
const anyOf = (texts: readonly string[]): RegExp | null =>
  texts.length === 0
    ? null
    : new RegExp(texts.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'gi')

const without = (text: string, marks: RegExp | null): string =>
  marks === null
    ? text
    : // A mark in quotes is a whole text of JSON, and stays one.
      text.replace(marks, (found) => (found.startsWith('"') ? '"[erased]"' : '[erased]'))

interface Held {
  readonly id: number
  readonly lane: number
  readonly integration: string
  readonly claimed: number
  readonly settledAt: number | null
}

interface Owner {
  readonly event: number
  readonly eventId: string
  readonly facts: string
}

/** Events found by what a payload holds. All deliveries of such an event are of the same person. */
export const prepareErasePayloads = (
  session: Session,
): ((input: Changes['erasePayloads']['input']) => ErasureBite) => {
  const { db } = session
  const examine = db.prepare(
    `SELECT delivery AS id, body FROM payload WHERE delivery > ? ORDER BY delivery LIMIT ${rowsPerBite}`,
  )
  const ownerOf = db.prepare(
    `SELECT event.id AS event, event.event_id AS eventId, event.facts
     FROM delivery CROSS JOIN event ON event.id = delivery.event CROSS JOIN site ON site.id = event.site
     WHERE delivery.id = ? AND site.name = ?`,
  )
  const heldOf = db.prepare(
    `SELECT delivery.id, delivery.lane, integration.name AS integration, delivery.claimed,
       delivery.settled_at AS settledAt
     FROM delivery CROSS JOIN integration ON integration.id = delivery.integration
     CROSS JOIN payload ON payload.delivery = delivery.id
     WHERE delivery.event = ?`,
  )
  const requestsOf = db.prepare(
    `SELECT integration.name AS integration, count(*) AS requests
     FROM delivery CROSS JOIN integration ON integration.id = delivery.integration
     CROSS JOIN journal ON journal.delivery = delivery.id
     WHERE delivery.event = ? AND journal.request IS NOT NULL GROUP BY 1`,
  )
  const erasePayload = db.prepare('DELETE FROM payload WHERE delivery = ?')
  const eraseRequests = db.prepare(
    `UPDATE journal SET request = NULL
     WHERE request IS NOT NULL AND delivery IN (SELECT id FROM delivery WHERE event = ?)`,
  )
  const replaceFacts = db.prepare('UPDATE event SET facts = ? WHERE id = ?')
  const end = prepareEnd(session)
  const addLine = prepareAddLine(db)

  const erase = ({ event, eventId, facts }: Owner, query: ErasureQuery, bite: Mutable): void => {
    bite.events.push(event)
    for (const { id, lane, integration, claimed, settledAt } of heldOf.all(event) as unknown as Held[]) {
      erasePayload.run(id)
      if (claimed !== 0) {
        bite.deliveries.push({ integration, what: 'claimed', count: 1 })
        bite.claimed.push({ integration, eventId })
        continue
      }
      if (settledAt === null) end({ id, lane }, query.now)
      else addLine(id, erasedLine(query.now))
      bite.deliveries.push({ integration, what: settledAt === null ? 'ended' : 'failed', count: 1 })
    }
    const lines = requestsOf.all(event) as unknown as { integration: string; requests: number }[]
    for (const { integration, requests } of lines)
      bite.deliveries.push({ integration, what: 'requests', count: requests })
    eraseRequests.run(event)
    const clean = without(facts, anyOf([...query.facts, ...query.ownFacts]))
    if (clean !== facts) replaceFacts.run(clean, event)
  }

  return ({ query, after }) => {
    const rows = examine.all(after) as unknown as { id: number; body: string }[]
    const bite: Mutable = { events: [], deliveries: [], claimed: [] }
    for (const { id, body } of rows) {
      if (!query.payload.some((mark) => body.includes(mark))) continue
      const owner = ownerOf.get(id, query.site) as unknown as Owner | undefined
      if (owner !== undefined && !bite.events.includes(owner.event)) erase(owner, query, bite)
    }
    return { ...bite, next: rows.length < rowsPerBite ? null : (rows.at(-1)?.id ?? null) }
  }
}

type Mutable = {
  -readonly [K in keyof Omit<ErasureBite, 'next'>]: ErasureBite[K] extends readonly (infer T)[] ? T[] : never
}

/** What senders wrote into facts of their own. */
export const prepareEraseFacts = (
  session: Session,
): ((input: Changes['eraseFacts']['input']) => ErasureBite) => {
  const { db } = session
  const examine = db.prepare(
    `SELECT event.id, site.name AS site, event.facts FROM event CROSS JOIN site ON site.id = event.site
     WHERE event.id > ? ORDER BY event.id LIMIT ${rowsPerBite}`,
  )
  const replaceFacts = db.prepare('UPDATE event SET facts = ? WHERE id = ?')

  return ({ query, after }) => {
    const marks = anyOf(query.facts)
    const rows = examine.all(after) as unknown as { id: number; site: string; facts: string }[]
    const events = rows.flatMap(({ id, site, facts }) => {
      const clean = site === query.site ? without(facts, marks) : facts
      if (clean === facts) return []
      replaceFacts.run(clean, id)
      return [id]
    })
    const next = rows.length < rowsPerBite ? null : (rows.at(-1)?.id ?? null)
    return { events, deliveries: [], claimed: [], next }
  }
}

/** What is shown of requests long sent. */
export const prepareEraseJournal = (
  session: Session,
): ((input: Changes['eraseJournal']['input']) => ErasureBite) => {
  const { db } = session
  const examine = db.prepare(
    `SELECT id, delivery, request, reason FROM journal WHERE id > ? ORDER BY id LIMIT ${rowsPerBite}`,
  )
  const ownerOf = db.prepare(
    `SELECT event.id AS event, integration.name AS integration, delivery.reason
     FROM delivery CROSS JOIN integration ON integration.id = delivery.integration
     CROSS JOIN event ON event.id = delivery.event CROSS JOIN site ON site.id = event.site
     WHERE delivery.id = ? AND site.name = ?`,
  )
  const replaceLine = db.prepare('UPDATE journal SET request = NULL, reason = ? WHERE id = ?')
  const replaceReason = db.prepare('UPDATE delivery SET reason = ? WHERE id = ?')
  const cleanLatest = prepareCleanLatest(db)

  return ({ query, after }) => {
    const marks = anyOf(query.journal)
    if (after === 0) cleanLatest(query.site, (reason) => without(reason, marks))
    const rows = examine.all(after) as unknown as {
      id: number
      delivery: number
      request: string | null
      reason: string
    }[]
    const bite: Mutable = { events: [], deliveries: [], claimed: [] }
    const shows = (text: string): boolean => marks !== null && without(text, marks) !== text
    for (const { id, delivery, request, reason } of rows) {
      if (!shows(request ?? '') && !shows(reason)) continue
      const owner = ownerOf.get(delivery, query.site) as unknown as
        | { event: number; integration: string; reason: string | null }
        | undefined
      if (owner === undefined) continue
      replaceLine.run(without(reason, marks), id)
      if (owner.reason !== null) replaceReason.run(without(owner.reason, marks), delivery)
      bite.events.push(owner.event)
      if (request !== null)
        bite.deliveries.push({ integration: owner.integration, what: 'requests', count: 1 })
    }
    return { ...bite, next: rows.length < rowsPerBite ? null : (rows.at(-1)?.id ?? null) }
  }
}
