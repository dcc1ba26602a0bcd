import { z } from 'zod'
import { decodeFacts, type EventFacts } from '../delivery/records.ts'
import type { EventQuery, JournalLine, Store, StoredDelivery, StoredEvent } from '../store/store.ts'
import { parse } from './parse.ts'
import { Problem } from './problem.ts'
import { ok, type Route } from './route.ts'
import { historyNamed } from './history.ts'
import { siteNamed, type AdminSite } from './sites.ts'
import { orUnavailable } from './store-trouble.ts'

/** The event log: what happened to each event, and why. */

const shownStatuses = [
  'queued',
  'retrying',
  'sent',
  'failed',
  'consent_denied',
  'filtered',
  'unmatchable',
  'expired',
  'paused',
  'test',
] as const

const time = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), { error: 'a time in ISO 8601' })
  .transform((text) => Date.parse(text))

const pageFields = {
  status: z.enum(shownStatuses).optional().meta({ description: 'Of any of its deliveries.' }),
  type: z.string().optional().meta({ description: 'A canonical event type, such as purchase.' }),
  orderId: z.string().optional(),
  rule: z.string().optional(),
  from: time.optional().meta({ description: 'Accepted at or after this time.' }),
  to: time.optional().meta({ description: 'Accepted before this time.' }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(500)
    .optional()
    .meta({ description: 'At most 500; 50 when absent.' }),
  cursor: z.string().optional().meta({ description: '`nextCursor` of the page before.' }),
}
const logsQuery = z.strictObject(pageFields)
const eventsQuery = z.strictObject({
  ...pageFields,
  platform: z.string().optional().meta({ description: 'A platform, or the id of an integration.' }),
})

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

const requestOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // Longer than the journal keeps: what is there is shown as it is.
    return text
  }
}

const attemptShown = (line: JournalLine): object => ({
  at: iso(line.at),
  outcome: line.outcome,
  reason: line.reason,
  ...(line.code === null ? {} : { code: line.code }),
  ...(line.trace === null ? {} : { trace: line.trace }),
  ...(line.httpStatus === null ? {} : { httpStatus: line.httpStatus }),
  ...(line.durationMs === null ? {} : { durationMs: line.durationMs }),
  ...(line.batchSize === null ? {} : { batchSize: line.batchSize }),
  ...(line.request === null ? {} : { request: requestOf(line.request) }),
})

const idOf = ({ integration }: StoredDelivery): string => integration.slice(integration.indexOf('/') + 1)

const deliveryShown = (delivery: StoredDelivery, { flagged = {} }: EventFacts): object => ({
  integration: idOf(delivery),
  // That a lane holds it at this moment is nothing to its reader.
  status: delivery.status === 'claimed' ? 'queued' : delivery.status,
  reason: delivery.reason,
  ...(Object.hasOwn(flagged, idOf(delivery)) ? { flagged: flagged[idOf(delivery)] } : {}),
  lane: delivery.lane,
  attempts: delivery.attempts,
  retries: Math.max(delivery.attempts - 1, 0),
  ...(delivery.status === 'retrying' ? { nextAttemptAt: iso(delivery.dueAt) } : {}),
  settledAt: iso(delivery.settledAt),
  journal: delivery.journal.map(attemptShown),
})

const eventShown = (event: StoredEvent): object => {
  const facts = decodeFacts(event.facts)
  return {
    eventId: event.eventId,
    eventType: event.type,
    eventName: facts.name,
    eventTime: iso(event.occurredAt),
    acceptedAt: iso(event.acceptedAt),
    source: facts.source,
    rule: event.ruleId,
    orderId: event.orderId,
    /** How often the same event came again and made no second one. */
    duplicates: event.duplicates,
    page: facts.page,
    customData: facts.custom,
    consent: facts.consent,
    facts: facts.sources,
    warnings: facts.warnings,
    ...(facts.leftOut === undefined ? {} : { leftOut: facts.leftOut }),
    holdsPersonalData: event.holdsPersonalData,
    deliveries: event.deliveries.map((delivery) => deliveryShown(delivery, facts)),
  }
}

const queryOf = (site: string, wish: z.infer<typeof logsQuery>, integration?: string): EventQuery => ({
  site,
  limit: wish.limit ?? 50,
  ...(wish.status === undefined ? {} : { status: wish.status }),
  ...(wish.type === undefined ? {} : { type: wish.type }),
  ...(wish.orderId === undefined ? {} : { orderId: wish.orderId }),
  ...(wish.rule === undefined ? {} : { ruleId: wish.rule }),
  ...(wish.from === undefined ? {} : { from: wish.from }),
  ...(wish.to === undefined ? {} : { to: wish.to }),
  ...(wish.cursor === undefined ? {} : { cursor: wish.cursor }),
  ...(integration === undefined ? {} : { integration }),
})

const logShown = (event: StoredEvent, integration: string): readonly object[] =>
  event.deliveries
    .filter((delivery) => delivery.integration === integration)
    .map((delivery) => ({
      eventId: event.eventId,
      eventType: event.type,
      orderId: event.orderId,
      eventTime: iso(event.occurredAt),
      ...deliveryShown(delivery, decodeFacts(event.facts)),
    }))

export const eventRoutes = (options: {
  readonly store: Store
  readonly sites: () => readonly AdminSite[]
}): readonly Route[] => {
  const { store, sites } = options
  return [
    {
      method: 'GET',
      path: '/api/v1/sites/:siteId/events',
      summary: 'Events, newest first',
      scope: 'read',
      query: eventsQuery,
      answers: { 200: 'A page of events and the cursor of the next.' },
      handle: async ({ params, query }) => {
        const site = siteNamed(sites(), params['siteId'])
        const { platform, ...wish } = parse(eventsQuery, query, 'query')
        const integration =
          platform === undefined ? undefined : (await historyNamed(store, site, platform)).key
        const page = await orUnavailable(store.events(queryOf(site.id, wish, integration)))
        return ok({ events: page.events.map(eventShown), nextCursor: page.nextCursor })
      },
    },
    {
      method: 'GET',
      path: '/api/v1/sites/:siteId/events/:eventId',
      summary: 'The whole story of one event',
      scope: 'read',
      answers: { 200: 'The event: rule, facts and their sources, consent, deliveries, every attempt.' },
      handle: async ({ params }) => {
        const site = siteNamed(sites(), params['siteId'])
        const event = await orUnavailable(store.event(site.id, params['eventId'] ?? ''))
        if (event === null)
          throw new Problem('not_found', `The site "${site.id}" has no event "${params['eventId']}".`)
        return ok(eventShown(event))
      },
    },
    {
      method: 'GET',
      path: '/api/v1/sites/:siteId/integrations/:provider/logs',
      summary: 'Deliveries of one integration, newest first',
      scope: 'read',
      query: logsQuery,
      answers: {
        200: 'A page of deliveries and the cursor of the next; of one that was deleted as long as there are any.',
      },
      handle: async ({ params, query }) => {
        const site = siteNamed(sites(), params['siteId'])
        const wish = parse(logsQuery, query, 'query')
        const { key, deleted } = await historyNamed(store, site, params['provider'] ?? '')
        const page = await orUnavailable(store.events(queryOf(site.id, wish, key)))
        return ok({
          logs: page.events.flatMap((event) => logShown(event, key)),
          nextCursor: page.nextCursor,
          ...(deleted ? { deleted } : {}),
        })
      },
    },
  ]
}
