import { canonicalName, isStandardName } from '../../event/names.ts'
import type { DeliverableEvent } from '../destination.ts'
import { eventIdFault } from './event-id.ts'
import { customType, eventTypes } from './names.ts'
import type { XSettings } from './settings.ts'

/** By what X knows an event: the id of one made in Events Manager, or a name of X's own template. */
export type Tag = { readonly event_id: string } | { readonly event_name: string }

/** By the name of the event first; X's name of its type is what Events Manager shows, so people write that, too. */
const idOf = (written: string, type: string, { eventIds }: XSettings): string | null => {
  const entries = Object.entries(eventIds)
  const named = entries.find(([name]) => canonicalName(name) === canonicalName(written))
  const typed = entries.find(([name]) => name.toUpperCase() === type)
  return (named ?? typed)?.[1] ?? null
}

/** The tag, or the sentence that says why there is none. */
export const tagOf = ({ event, name }: DeliverableEvent, settings: XSettings): Tag | string => {
  const { type } = event
  const ownType = isStandardName(type) ? eventTypes[type] : customType(type)
  if (name !== ownType) {
    // The integration's eventMapping names an id outright, or another event whose id is meant.
    const id = idOf(name, name.toUpperCase(), settings) ?? name
    const fault = eventIdFault(id, settings.pixelId)
    return fault === null ? { event_id: id } : `eventMapping sends ${type} to ${name}: ${fault}`
  }
  const id = idOf(type, ownType, settings) ?? settings.defaultEventId
  if (id !== undefined) return { event_id: id }
  return settings.gtmEventNames
    ? { event_name: `gtm_${type.toLowerCase()}` }
    : `X has no event for ${type} here: make one in Events Manager and put its id into eventIds`
}
