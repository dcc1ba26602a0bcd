/** The journal's pages. Every read is bounded, so that the snapshot it holds never keeps the log from being copied back. */
import type { DatabaseSync } from 'node:sqlite'
import type { EventPage, EventQuery, JournalLine, StoredDelivery, StoredEvent } from '../store.ts'
import type { Reads } from './messages.ts'

const maxLimit = 500
/** How many events one page looks at for those that match. */
const stretch = 10_000
/** Up to this many events with a failed or pending delivery are gathered by index; more of them a walk finds soon enough. */
const rare = 5_000
const linesInPage = 10
const linesInStory = 1_000

type EventRow = Omit<StoredEvent, 'holdsPersonalData' | 'deliveries'> & { readonly id: number }
type DeliveryRow = Omit<StoredDelivery, 'journal'> & { readonly holdsPayload: 0 | 1 }

const eventColumns = `event.id, site.name AS site, event.event_id AS eventId, event.type, event.order_id AS orderId,
  event.rule_id AS ruleId, event.occurred_at AS occurredAt, event.accepted_at AS acceptedAt, event.duplicates, event.facts`

const prepareStory = (db: DatabaseSync): ((row: EventRow, lines: number) => StoredEvent) => {
  const deliveries = db.prepare(
    `SELECT delivery.id AS deliveryId, integration.name AS integration, lane.tempo AS lane,
       iif(delivery.claimed = 0, delivery.status, 'claimed') AS status, delivery.reason, delivery.attempts,
       delivery.due_at AS dueAt, delivery.settled_at AS settledAt,
       EXISTS (SELECT 1 FROM payload WHERE payload.delivery = delivery.id) AS holdsPayload
     FROM delivery
     CROSS JOIN integration ON integration.id = delivery.integration
     CROSS JOIN lane ON lane.id = delivery.lane
     WHERE delivery.event = ? ORDER BY delivery.id`,
  )
  const journal = db.prepare(
    `SELECT at, outcome, reason, code, trace, http_status AS httpStatus, duration_ms AS durationMs, request,
       batch_size AS batchSize
     FROM journal WHERE delivery = ? ORDER BY id DESC LIMIT ?`,
  )
  return ({ id, ...event }, lines) => {
    const rows = deliveries.all(id) as unknown as DeliveryRow[]
    return {
      ...event,
      holdsPersonalData: rows.some((row) => row.holdsPayload === 1),
      deliveries: rows.map(({ holdsPayload: _held, ...delivery }) => ({
        ...delivery,
        journal: (journal.all(delivery.deliveryId, lines) as unknown as JournalLine[]).reverse(),
      })),
    }
  }
}

export const prepareEvent = (db: DatabaseSync): ((input: Reads['event']['input']) => StoredEvent | null) => {
  const story = prepareStory(db)
  const find = db.prepare(
    `SELECT ${eventColumns} FROM site CROSS JOIN event ON event.site = site.id
     WHERE site.name = ? AND event.event_id = ?`,
  )
  return ({ site, eventId }) => {
    const row = find.get(site, eventId) as unknown as EventRow | undefined
    return row === undefined ? null : story(row, linesInStory)
  }
}

/** Where in a site's history a page begins or ends: the moment of acceptance, and among equals the row. */
export interface Place {
  readonly acceptedAt: number
  readonly id: number
}

const newest: Place = { acceptedAt: Number.MAX_SAFE_INTEGER, id: Number.MAX_SAFE_INTEGER }

export const toCursor = ({ acceptedAt, id }: Place): string => `${acceptedAt}.${id}`

export const fromCursor = (cursor: string | undefined): Place => {
  const [, acceptedAt, id] = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor ?? '') ?? []
  return acceptedAt === undefined || id === undefined
    ? newest
    : { acceptedAt: Number(acceptedAt), id: Number(id) }
}

/** Where the events of a page may lie: along the site's history, or among the few that an index names. */
const gathered = {
  order: `SELECT id FROM event INDEXED BY event_order WHERE site = :site AND order_id = :orderId`,
  failed: `SELECT DISTINCT event FROM delivery INDEXED BY delivery_failed WHERE status = 'failed'`,
  pending: `SELECT DISTINCT event FROM delivery INDEXED BY delivery_pending WHERE settled_at IS NULL`,
}
type Gathered = keyof typeof gathered

/** The place at which a stretch ends, if the history goes on behind it. Reads the index alone. */
export const stretchEndSql = `
  SELECT accepted_at AS acceptedAt, id FROM event INDEXED BY event_accepted
  WHERE site = :site AND accepted_at >= :from AND accepted_at <= :acceptedAt AND (accepted_at, id) < (:acceptedAt, :id)
  ORDER BY accepted_at DESC, id DESC LIMIT 1 OFFSET ${stretch - 1}`

const pageSql = (from: Gathered | null): string => `
  SELECT ${eventColumns} FROM event ${from === null ? 'INDEXED BY event_accepted' : ''}
  CROSS JOIN site ON site.id = event.site
  WHERE event.site = :site ${from === null ? '' : `AND event.id IN (${gathered[from]})`}
    AND event.accepted_at >= :from AND event.accepted_at <= :acceptedAt
    AND (event.accepted_at, event.id) < (:acceptedAt, :id)
    AND (event.accepted_at, event.id) >= (:endAcceptedAt, :endId)
    AND (:type IS NULL OR event.type = :type)
    AND (:orderId IS NULL OR event.order_id = :orderId)
    AND (:ruleId IS NULL OR event.rule_id = :ruleId)
    AND ((:status IS NULL AND :integration IS NULL) OR EXISTS (
      SELECT 1 FROM delivery WHERE delivery.event = event.id
        AND (:integration IS NULL OR delivery.integration = :integration)
        AND (:status IS NULL OR iif(delivery.claimed = 0, delivery.status, 'claimed') = :status)))
  ORDER BY event.accepted_at DESC, event.id DESC LIMIT :limit`

export const prepareEvents = (db: DatabaseSync): ((query: EventQuery) => EventPage) => {
  const story = prepareStory(db)
  const siteId = db.prepare('SELECT id FROM site WHERE name = ?')
  const integrationId = db.prepare('SELECT id FROM integration WHERE name = ?')
  const along = db.prepare(pageSql(null))
  const among = {
    order: db.prepare(pageSql('order')),
    failed: db.prepare(pageSql('failed')),
    pending: db.prepare(pageSql('pending')),
  }
  const counts = {
    failed: db.prepare(`SELECT count(*) AS n FROM (${gathered.failed} LIMIT ${rare + 1})`),
    pending: db.prepare(`SELECT count(*) AS n FROM (${gathered.pending} LIMIT ${rare + 1})`),
  }
  const stretchEnd = db.prepare(stretchEndSql)

  const isRare = (which: 'failed' | 'pending'): boolean => (counts[which].get() as { n: number }).n <= rare

  const gather = ({ orderId, status }: EventQuery): Gathered | null => {
    if (orderId !== undefined) return 'order'
    if (status === 'failed' && isRare('failed')) return 'failed'
    if ((status === 'queued' || status === 'retrying' || status === 'claimed') && isRare('pending'))
      return 'pending'
    return null
  }

  return (query) => {
    const site = (siteId.get(query.site) as { id: number } | undefined)?.id
    const integration =
      query.integration === undefined
        ? null
        : (integrationId.get(query.integration) as { id: number } | undefined)?.id
    if (site === undefined || integration === undefined) return { events: [], nextCursor: null }

    const limit = Math.max(1, Math.min(maxLimit, Math.trunc(query.limit)))
    const after = fromCursor(query.cursor)
    const start =
      query.to === undefined || query.to > after.acceptedAt ? after : { acceptedAt: query.to, id: 0 }
    const bounds = { site, from: query.from ?? 0, ...start }
    const from = gather(query)
    const end = from === null ? (stretchEnd.get(bounds) as unknown as Place | undefined) : undefined
    const rows = (from === null ? along : among[from]).all({
      ...bounds,
      endAcceptedAt: end?.acceptedAt ?? 0,
      endId: end?.id ?? 0,
      type: query.type ?? null,
      orderId: query.orderId ?? null,
      ruleId: query.ruleId ?? null,
      status: query.status ?? null,
      integration,
      limit,
    }) as unknown as EventRow[]
    const next = rows.length === limit ? rows.at(-1) : end
    return {
      events: rows.map((row) => story(row, linesInPage)),
      nextCursor: next === undefined ? null : toCursor(next),
    }
  }
}
