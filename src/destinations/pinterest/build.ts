import { known } from '../clean.ts'
import type { BuildContext, DeliverableEvent, HttpRequest } from '../destination.ts'
import { addressOf } from '../endpoint.ts'
import { customDataOf } from './custom-data.ts'
import { processingOf } from './privacy.ts'
import type { PinterestSettings } from './settings.ts'
import { userDataOf } from './user-data.ts'

const origin = 'https://api.pinterest.com'

/** An event of the ingest API may have had no browser, such as a sale in a shop that a cash register reports. */
export const actionSource = ({ event }: DeliverableEvent, settings: PinterestSettings): 'web' | 'offline' =>
  event.source === 'page' || (event.visitor.userAgent !== undefined && event.page.url !== undefined)
    ? 'web'
    : settings.ingestActionSource

const eventOf = (
  deliverable: DeliverableEvent,
  settings: PinterestSettings,
  now: number,
): Readonly<Record<string, unknown>> => {
  const { event, name } = deliverable
  const processing = processingOf(deliverable, settings)
  const custom = {
    ...customDataOf(event),
    ...(processing === 'limited' ? { opt_out_type: 'LDP' } : {}),
  }
  return known({
    event_name: name,
    action_source: actionSource(deliverable, settings),
    // A clock that runs ahead somewhere must not cost the event.
    event_time: Math.floor(Math.min(event.occurredAt, now) / 1000),
    event_id: event.id,
    event_source_url: event.page.url,
    opt_out: processing === 'opted_out' ? true : undefined,
    partner_name: settings.partnerName,
    user_data: userDataOf(deliverable),
    custom_data: Object.keys(custom).length === 0 ? undefined : custom,
  })
}

export const build = (
  events: readonly DeliverableEvent[],
  settings: PinterestSettings,
  { now, endpoint }: BuildContext,
): HttpRequest => ({
  method: 'POST',
  url: addressOf(
    origin,
    endpoint,
    `/v5/ad_accounts/${settings.adAccountId}/events${settings.validateOnly ? '?test=true' : ''}`,
  ),
  headers: { 'content-type': 'application/json', authorization: `Bearer ${settings.accessToken}` },
  body: JSON.stringify({ data: events.map((event) => eventOf(event, settings, now)) }),
})
