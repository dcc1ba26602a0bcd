import { known } from '../clean.ts'
import type { BuildContext, DeliverableEvent, HttpRequest } from '../destination.ts'
import { addressOf } from '../endpoint.ts'
import { customDataOf } from './custom-data.ts'
import { customName } from './names.ts'
import type { SnapchatSettings } from './settings.ts'
import { userDataOf } from './user-data.ts'

export const origin = 'https://tr.snapchat.com'

/** Snapchat demands a page of every event of the web; what a back end sends may have none, and happened elsewhere. */
export const actionSource = ({ event }: DeliverableEvent): 'WEB' | 'OFFLINE' =>
  event.source === 'page' || event.page.url !== undefined ? 'WEB' : 'OFFLINE'

/** Where nobody named a state, Snapchat finds it by the address. */
const dataProcessing = (
  { event, flagged }: DeliverableEvent,
  { limitedDataUse }: SnapchatSettings,
): Readonly<Record<string, unknown>> =>
  flagged || (limitedDataUse !== undefined && (limitedDataUse.when === 'always' || event.consent.gpc))
    ? {
        data_processing_options: ['LDU'],
        data_processing_options_country: limitedDataUse?.country ?? 0,
        data_processing_options_state: limitedDataUse?.state ?? 0,
      }
    : {}

const eventOf = (
  deliverable: DeliverableEvent,
  settings: SnapchatSettings,
  now: number,
): Readonly<Record<string, unknown>> => {
  const { event, name } = deliverable
  const customData = customDataOf(event.custom)
  return known({
    event_name: customName(name),
    // Seconds, although milliseconds pass: all of Snapchat's samples have these. A time ahead would be out of range.
    event_time: Math.floor(Math.min(event.occurredAt, now) / 1000),
    event_id: event.id,
    action_source: actionSource(deliverable),
    event_source_url: event.page.url,
    user_data: userDataOf(deliverable),
    custom_data: Object.keys(customData).length === 0 ? undefined : customData,
    ...dataProcessing(deliverable, settings),
    test_event_code: settings.testEventCode,
    integration: settings.partnerName,
  })
}

/** Snapchat takes the token in the address and nowhere else, so this address is a secret as a whole. */
export const build = (
  events: readonly DeliverableEvent[],
  settings: SnapchatSettings,
  { now, endpoint }: BuildContext,
): HttpRequest => {
  const path = `/v3/${settings.snapPixelId}/events${settings.validateOnly ? '/validate' : ''}`
  const query = new URLSearchParams({ access_token: settings.accessToken }).toString()
  return {
    method: 'POST',
    url: addressOf(origin, endpoint, `${path}?${query}`),
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ data: events.map((event) => eventOf(event, settings, now)) }),
  }
}
