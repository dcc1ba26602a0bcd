import type { ContentItem } from '../../event/event.ts'
import { roundAmount } from '../../event/money.ts'
import { cleanProperties, cleanText, known } from '../clean.ts'
import type { BuildContext, DeliverableEvent, HttpRequest } from '../destination.ts'
import { addressOf } from '../endpoint.ts'
import type { MetaSettings } from './settings.ts'
import { userDataOf } from './user-data.ts'

export const origin = 'https://graph.facebook.com'

/** Written by us alone; a property of the same name would say something else. */
const ours: ReadonlySet<string> = new Set([
  'value',
  'currency',
  'order_id',
  'content_ids',
  'content_type',
  'content_name',
  'content_category',
  'contents',
  'num_items',
  'search_string',
])

/** Meta knows no other kinds of content, and one word it does not know costs the batch. */
const contentTypes: ReadonlySet<string> = new Set(['product', 'product_group'])

/**
 * Meta demands of a website event the browser and the page. An event of the ingest API may have had neither, such as a
 * renewal that a scheduler booked; calling that `website` would have the whole batch refused.
 */
export const actionSource = ({ event }: DeliverableEvent, settings: MetaSettings): string =>
  event.source === 'page' || (event.visitor.userAgent !== undefined && event.page.url !== undefined)
    ? 'website'
    : settings.ingestActionSource

const contentOf = (item: ContentItem, currency: string | undefined): Readonly<Record<string, unknown>> =>
  known({
    id: item.id,
    quantity: item.quantity === undefined ? undefined : Math.max(Math.round(item.quantity), 1),
    item_price: item.price === undefined ? undefined : roundAmount(item.price, currency),
    title: cleanText(item.name),
    brand: cleanText(item.brand),
    category: cleanText(item.category),
  })

const customDataOf = ({ event: { custom } }: DeliverableEvent): Readonly<Record<string, unknown>> => {
  const { value, currency, contents, contentIds } = custom
  return known({
    ...Object.fromEntries(cleanProperties(custom.properties).filter(([name]) => !ours.has(name))),
    // An amount without its currency is refused; a currency alone says nothing.
    ...(value !== undefined && Number.isFinite(value) && currency !== undefined
      ? { value: roundAmount(value, currency), currency }
      : {}),
    order_id: custom.orderId,
    content_ids: contentIds ?? contents?.map(({ id }) => id),
    content_type: contentTypes.has(custom.contentType ?? '') ? custom.contentType : undefined,
    content_name: cleanText(custom.contentName),
    content_category: cleanText(custom.contentCategory),
    contents: contents?.map((item) => contentOf(item, currency)),
    num_items: custom.numItems === undefined ? undefined : Math.round(custom.numItems),
    search_string: cleanText(custom.searchString),
  })
}

/** Where Meta is to limit the use of an event; `null`: it is not. Where nobody named a state, Meta finds it by the address. */
export const limitedUseOf = (
  { event, flagged }: DeliverableEvent,
  { limitedDataUse }: MetaSettings,
): { readonly country: number; readonly state: number } | null => {
  if (flagged) return limitedDataUse ?? { country: 0, state: 0 }
  return limitedDataUse !== undefined && (limitedDataUse.when === 'always' || event.consent.gpc)
    ? limitedDataUse
    : null
}

const dataProcessing = (
  deliverable: DeliverableEvent,
  settings: MetaSettings,
): Readonly<Record<string, unknown>> => {
  const limits = limitedUseOf(deliverable, settings)
  return limits === null
    ? {}
    : {
        data_processing_options: ['LDU'],
        data_processing_options_country: limits.country,
        data_processing_options_state: limits.state,
      }
}

const eventOf = (
  deliverable: DeliverableEvent,
  settings: MetaSettings,
  now: number,
): Readonly<Record<string, unknown>> => {
  const { event, name } = deliverable
  const custom = customDataOf(deliverable)
  return known({
    event_name: name,
    // A clock that runs ahead somewhere must not cost the batch: Meta refuses what has not happened yet.
    event_time: Math.floor(Math.min(event.occurredAt, now) / 1000),
    event_id: event.id,
    action_source: actionSource(deliverable, settings),
    event_source_url: event.page.url,
    referrer_url: event.page.referrer,
    user_data: userDataOf(deliverable),
    custom_data: Object.keys(custom).length === 0 ? undefined : custom,
    ...dataProcessing(deliverable, settings),
  })
}

/** The token travels in a header: addresses are logged on the way, headers are not. */
export const build = (
  events: readonly DeliverableEvent[],
  settings: MetaSettings,
  { now, endpoint }: BuildContext,
): HttpRequest => ({
  method: 'POST',
  url: addressOf(origin, endpoint, `/${settings.apiVersion}/${settings.pixelId}/events`),
  headers: { 'content-type': 'application/json', authorization: `Bearer ${settings.accessToken}` },
  body: JSON.stringify(
    known({
      data: events.map((event) => eventOf(event, settings, now)),
      test_event_code: settings.testEventCode,
      partner_agent: settings.partnerAgent,
    }),
  ),
})
