import type { EventId } from '../event/brand.ts'
import type { ConversionEvent, CustomData } from '../event/event.ts'
import { repeatEventId } from '../event/id.ts'
import { laneOf, type EventType } from '../event/names.ts'
import type { Rule } from './rules.ts'
import type { Visit } from './visit.ts'

/**
 * A page that is reloaded, or reached again by the back button, is the same conversion. An order says so by its number; of the
 * rest it is told by who saw which page in which half hour, and what it was worth.
 */

const minuteMs = 60_000
const defaultMinutes = 30

/**
 * A second look at a product is a second view, to the platforms' own tags as well; a second look at "thank you" is no
 * second lead. Requests of scripts are not reloaded: each was meant.
 */
const repeatMinutesOf = ({ repeatMinutes, navigation }: Rule, type: EventType): number =>
  repeatMinutes ?? (navigation === false || laneOf(type) === 'batch' ? 0 : defaultMinutes)

/**
 * An id that the browser brings along anyway. None of a category that was refused: an event id stays in the journal. The
 * address and the browser's name are no substitute, for many visitors share both.
 */
const browserOf = ({ browserIds, consent }: Visit): string | null => {
  const { gaClientId, fbp, ttp, scid, rdtUuid } = browserIds
  const analytics = consent.analytics === 'denied' ? [] : [gaClientId]
  const marketing = consent.marketing === 'denied' ? [] : [fbp, ttp, scid, rdtUuid]
  return [...analytics, ...marketing].find((id) => id !== undefined) ?? null
}

/**
 * The id of an event without an order: the same for each look of one browser at one address within a window of the clock,
 * in whichever process. What it is worth belongs to it, for a shop may say thank you for every order at one address. `null`
 * where each look counts, or where nobody can tell whose it was.
 */
export const repeatIdOf = (
  {
    site,
    rule,
    type,
    visit,
  }: Pick<ConversionEvent, 'site' | 'type'> & { readonly rule: Rule; readonly visit: Visit },
  { value, currency, contentIds }: CustomData,
): EventId | null => {
  const windowMs = repeatMinutesOf(rule, type) * minuteMs
  const browser = windowMs === 0 ? null : browserOf(visit)
  if (browser === null || visit.pageUrl === null) return null
  const window = `${windowMs} ${Math.floor(visit.at / windowMs)}`
  const worth = JSON.stringify([value, currency, contentIds])
  return repeatEventId(site, type, [rule.id, browser, visit.pageUrl, window, worth])
}
