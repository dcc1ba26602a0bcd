import { known } from '../clean.ts'
import type { BuildContext, DeliverableEvent, HttpRequest } from '../destination.ts'
import { addressOf } from '../endpoint.ts'
import { propertiesOf } from './properties.ts'
import type { TiktokSettings } from './settings.ts'
import { userOf } from './user.ts'

export const origin = 'https://business-api.tiktok.com'
/** "Events API 2.0" names the body; its path still says v1.3, and ends in a slash. */
const path = '/open_api/v1.3/event/track/'

const limitsDataUse = ({ event, flagged }: DeliverableEvent, { limitedDataUse }: TiktokSettings): boolean =>
  flagged === true || limitedDataUse === 'always' || (limitedDataUse === 'gpc' && event.consent.gpc)

const filled = (members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined =>
  Object.keys(members).length === 0 ? undefined : members

const eventOf = (
  deliverable: DeliverableEvent,
  settings: TiktokSettings,
  now: number,
): Readonly<Record<string, unknown>> => {
  const { event, name } = deliverable
  return known({
    event: name,
    // Nothing is said of events to come, so a clock that runs ahead somewhere does not try it out.
    event_time: Math.floor(Math.min(event.occurredAt, now) / 1000),
    event_id: event.id,
    user: userOf(deliverable),
    properties: filled(propertiesOf(event.custom, settings)),
    page: filled(known({ url: event.page.url, referrer: event.page.referrer })),
    limited_data_use: limitsDataUse(deliverable, settings) ? true : undefined,
  })
}

export const build = (
  events: readonly DeliverableEvent[],
  settings: TiktokSettings,
  { now, endpoint }: BuildContext,
): HttpRequest => ({
  method: 'POST',
  url: addressOf(origin, endpoint, path),
  headers: { 'content-type': 'application/json', 'access-token': settings.accessToken },
  body: JSON.stringify(
    known({
      event_source: 'web',
      event_source_id: settings.pixelCode,
      test_event_code: settings.testEventCode,
      partner_name: settings.partnerName,
      data: events.map((event) => eventOf(event, settings, now)),
    }),
  ),
})
