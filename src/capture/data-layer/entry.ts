import type { CapturedEvent } from '../../event/event.ts'
import { namesPerson } from '../personal.ts'

/** What a page is told of one of its events: the words that pixels and tag managers use, and nothing of a person. */
export type Entry = Readonly<Record<string, string | number | readonly string[]>>

/**
 * `names`: event types to the names pushed. Texts of the page (names, categories, searches) are not repeated to it, and an
 * order number that is an address is none.
 */
export const entryOf = (
  { event, userData }: CapturedEvent,
  names: Readonly<Record<string, string>>,
): Entry => {
  const { value, currency, orderId, contentIds, contentType, numItems } = event.custom
  const impersonal = (text: string | undefined): text is string =>
    text !== undefined && !namesPerson(text, userData)
  const ids = (contentIds ?? []).filter(impersonal)
  return {
    event: Object.hasOwn(names, event.type) ? (names[event.type] ?? event.type) : event.type,
    event_id: event.id,
    ...(value === undefined ? {} : { value }),
    ...(currency === undefined ? {} : { currency }),
    ...(impersonal(orderId) ? { order_id: orderId } : {}),
    ...(ids.length === 0 ? {} : { content_ids: ids }),
    ...(impersonal(contentType) ? { content_type: contentType } : {}),
    ...(numItems === undefined ? {} : { num_items: numItems }),
  }
}
