import { createHash } from 'node:crypto'
import { known } from '../clean.ts'
import type { BuildContext, DeliverableEvent, HttpRequest } from '../destination.ts'
import { addressOf } from '../endpoint.ts'
import { hashesOf } from '../identify.ts'
import { googleConsent, permitsAdvertising } from '../google-consent.ts'
import { parametersOf } from './parameters.ts'
import type { Ga4Settings } from './settings.ts'
import { clientIdOf } from './visit.ts'

export const origins = {
  global: 'https://www.google-analytics.com',
  eu: 'https://region1.google-analytics.com',
} as const satisfies Record<Ga4Settings['region'], string>

/** Google's limit is 130 kB; what is added after counting stays below it. */
export const maxBodyBytes = 130_000

const userDataOf = (
  { event, identity }: DeliverableEvent,
  { sendUserData }: Ga4Settings,
): Readonly<Record<string, unknown>> | undefined => {
  if (!sendUserData || !permitsAdvertising(event.consent)) return undefined
  const hashes = known({
    sha256_email_address: hashesOf(identity, 'sha256_email_address'),
    sha256_phone_number: hashesOf(identity, 'sha256_phone_number'),
  })
  return Object.keys(hashes).length === 0 ? undefined : hashes
}

/** What GA4 wants said once per request, and therefore of one visitor. */
const visitorOf = (
  deliverable: DeliverableEvent,
  settings: Ga4Settings,
): Readonly<Record<string, unknown>> => {
  const { event, identity } = deliverable
  return known({
    client_id: clientIdOf(event),
    user_id: settings.sendUserId ? identity.keys['user_id'] : undefined,
    user_data: userDataOf(deliverable, settings),
    consent: googleConsent(deliverable),
    ip_override: event.visitor.ip,
    user_agent: event.visitor.userAgent,
  })
}

/** One visitor under one consent, as a digest: the text itself is personal. */
export const batchKey = (deliverable: DeliverableEvent, settings: Ga4Settings): string =>
  createHash('sha256')
    .update(JSON.stringify(visitorOf(deliverable, settings)))
    .digest('hex')
    .slice(0, 32)

/** 16 digits. GA4 takes 13 without a word and files the event under 1970. */
const micros = (ms: number): number => Math.floor(ms) * 1000

interface Body {
  readonly [member: string]: unknown
  readonly events: readonly { readonly params: Readonly<Record<string, unknown>> }[]
}

/** Items are the only part that can outgrow a request; a purchase without the last of its lines is still a purchase. */
const fitting = (body: Body): string => {
  const text = JSON.stringify(body)
  const items = body.events.map(({ params }) => (Array.isArray(params['items']) ? params['items'].length : 0))
  if (Buffer.byteLength(text) <= maxBodyBytes || Math.max(...items) === 0) return text
  return fitting({
    ...body,
    events: body.events.map((event, index) => {
      const { items: lines, ...params } = event.params
      const kept = Array.isArray(lines) ? lines.slice(0, (items[index] ?? 0) >> 1) : []
      return { ...event, params: kept.length === 0 ? params : { ...params, items: kept } }
    }),
  })
}

export const build = (
  events: readonly DeliverableEvent[],
  settings: Ga4Settings,
  { now, endpoint }: BuildContext,
): HttpRequest => {
  const query = new URLSearchParams({
    measurement_id: settings.measurementId,
    api_secret: settings.apiSecret,
  }).toString()
  const times = events.map(({ event }) => micros(Math.min(event.occurredAt, now)))
  const [firstTime = micros(now)] = times
  const [first] = events
  return {
    method: 'POST',
    url: addressOf(origins[settings.region], endpoint, `/mp/collect?${query}`),
    headers: { 'content-type': 'application/json' },
    body: fitting({
      ...(first === undefined ? {} : visitorOf(first, settings)),
      timestamp_micros: firstTime,
      events: events.map(({ event, name }, index) => ({
        name,
        params: parametersOf(event, settings, {
          now,
          timestampMicros: times[index] === firstTime ? null : (times[index] ?? null),
        }),
      })),
    }),
  }
}
