import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { z } from 'zod'
import type { EventId, SiteId } from '../event/brand.ts'
import { clickIdNames, type ClickIds } from '../event/click-ids.ts'
import type { CapturedEvent, CustomData, UserData } from '../event/event.ts'
import { orderEventId, randomEventId } from '../event/id.ts'
import { consentFromIngest } from '../event/ingest-consent.ts'
import { isCurrency } from '../event/money.ts'
import { canonicalName } from '../event/names.ts'
import { publicPageUrl } from '../event/page-url.ts'

/** One event of an ingest body: its public shape, and the event it becomes. */

const text = (most: number) => z.string().trim().min(1).max(most)
const scalar = z.union([z.string().max(1_000), z.number(), z.boolean()])

const userDataSchema = z
  .strictObject({
    email: text(320),
    phone: text(64),
    firstName: text(200),
    lastName: text(200),
    city: text(200),
    state: text(200),
    zip: text(32),
    country: text(64),
    externalId: text(256),
    ipAddress: z.string().refine((address) => isIP(address) !== 0, { error: 'no IP address' }),
    userAgent: text(1_024),
  })
  .partial()
  .meta({
    description: 'Plain or SHA-256 hashed; hashed for each platform at the door, and never stored in plain.',
  })

const contentSchema = z.strictObject({
  id: text(100),
  name: text(300).optional(),
  category: text(300).optional(),
  brand: text(300).optional(),
  quantity: z.number().min(0).max(1e6).optional(),
  price: z.number().min(0).max(1e10).optional(),
})

const knownCustomSchema = z.object({
  value: z.number().min(0).max(1e10).optional(),
  currency: z
    .string()
    .trim()
    .toUpperCase()
    .refine(isCurrency, { error: 'no currency of ISO 4217, such as USD or EUR' })
    .optional(),
  orderId: z.union([text(200), z.number().transform(String)]).optional(),
  contentIds: z.array(text(100)).max(100).optional(),
  contentName: text(300).optional(),
  contentType: text(100).optional(),
  contentCategory: text(300).optional(),
  contents: z.array(contentSchema).max(100).optional(),
  numItems: z.int().min(0).max(1e6).optional(),
  searchString: text(300).optional(),
})

const customDataSchema = knownCustomSchema
  .catchall(scalar)
  .meta({ description: 'The fields named here, and properties of your own: texts, numbers, true or false.' })

const secondsOrIso = z
  .union([z.number(), z.string()])
  .transform((written, context) => {
    const seconds = typeof written === 'number' ? written : Number(written)
    const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(String(written))
    if (Number.isFinite(ms) && ms > 0 && ms < 1e14) return ms
    context.addIssue({
      code: 'custom',
      message:
        Number.isFinite(ms) && ms >= 1e14
          ? 'this is not Unix seconds; milliseconds?'
          : 'expected ISO 8601 or Unix seconds',
    })
    return z.NEVER
  })
  .meta({ description: 'When it happened: ISO 8601, or Unix seconds.' })

const clickIdSchema = z
  .partialRecord(z.enum(clickIdNames), text(500))
  .meta({ description: 'The click ids of the landing page.' })

const browserIdSchema = z
  .strictObject({ fbp: text(300), fbc: text(700), gaClientId: text(64), ttp: text(128), scid: text(128) })
  .partial()

export const ingestEventSchema = z.strictObject({
  platform: text(64).meta({ description: 'A platform, or the id of an integration.' }),
  eventType: text(100),
  userData: userDataSchema.optional(),
  customData: customDataSchema.optional(),
  consent: z
    .unknown()
    .optional()
    .meta({ description: '{ "granted": ["marketing"], "raw": "evidence for the log" }' }),
  eventId: text(128)
    .regex(/^[\x21-\x7e]+$/, 'printable characters without blanks')
    .optional(),
  eventTime: secondsOrIso.optional(),
  eventSourceUrl: z
    .string()
    .max(4_096)
    .refine((url) => publicPageUrl(url) !== null, { error: 'an http:// or https:// address' })
    .optional(),
  clickIds: clickIdSchema.optional(),
  browserIds: browserIdSchema.optional(),
  site: text(64).optional(),
})
export type IngestEvent = z.infer<typeof ingestEventSchema>

const defined = <T extends object>(values: T): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T

const known: ReadonlySet<string> = new Set(Object.keys(knownCustomSchema.shape))

const customOf = (given: IngestEvent['customData'] = {}): CustomData => {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  const properties = entries.filter(([name]) => !known.has(name))
  return {
    ...(Object.fromEntries(entries.filter(([name]) => known.has(name))) as CustomData),
    ...(properties.length === 0
      ? {}
      : { properties: Object.fromEntries(properties) as NonNullable<CustomData['properties']> }),
  }
}

const clickIdsOf = (given: IngestEvent['clickIds'] = {}): ClickIds =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, { value }]])),
  )

/** What an event's id is made from when neither the sender nor an order gives one. */
export interface IdSeed {
  /** Of the whole request: the same key and place make the same id, so that a repeated request makes no second event. */
  readonly idempotencyKey: string | null
  readonly index: number
}

const eventIdOf = (event: IngestEvent, site: SiteId, type: string, seed: IdSeed, now: number): EventId => {
  if (event.eventId !== undefined) return event.eventId as EventId
  const orderId = event.customData?.orderId
  if (orderId !== undefined) return orderEventId(site, type, orderId)
  if (seed.idempotencyKey === null) return randomEventId(now)
  const text = JSON.stringify(['idempotency', site, seed.idempotencyKey, seed.index])
  return createHash('sha256').update(text).digest('hex').slice(0, 32) as EventId
}

export interface IngestContext {
  readonly site: string
  /** The site's, for a value that names none; `EUR` after that, as on pages. */
  readonly currency: string | undefined
  readonly targets: readonly string[]
  readonly seed: IdSeed
  readonly now: number
}

/** The event as the intake wants it: the same shape that a page makes. */
export const capturedFromIngest = (event: IngestEvent, context: IngestContext): CapturedEvent => {
  const site = context.site as SiteId
  const type = canonicalName(event.eventType)
  const { ipAddress, userAgent, ...userData } = event.userData ?? {}
  const custom = customOf(event.customData)
  const needsCurrency = custom.value !== undefined && custom.currency === undefined
  return {
    event: {
      id: eventIdOf(event, site, type, context.seed, context.now),
      site,
      type,
      name: event.eventType,
      occurredAt: event.eventTime ?? context.now,
      source: 'ingest',
      page: defined({
        url:
          event.eventSourceUrl === undefined ? undefined : (publicPageUrl(event.eventSourceUrl) ?? undefined),
      }) as CapturedEvent['event']['page'],
      custom: needsCurrency ? { ...custom, currency: context.currency ?? 'EUR' } : custom,
      visitor: {
        ...(ipAddress === undefined ? {} : { ip: ipAddress }),
        ...(userAgent === undefined ? {} : { userAgent }),
        clickIds: clickIdsOf(event.clickIds),
        browserIds: defined(event.browserIds ?? {}) as CapturedEvent['event']['visitor']['browserIds'],
      },
      consent: consentFromIngest(event.consent),
    },
    userData: defined(userData) as UserData,
    targets: context.targets,
    sources: needsCurrency
      ? [{ field: 'currency', from: context.currency === undefined ? 'default' : 'site' }]
      : [],
    warnings: needsCurrency && context.currency === undefined ? ['currency_defaulted'] : [],
  }
}
