import type { EventId } from '../../event/brand.ts'
import { randomEventId } from '../../event/id.ts'
import { canonicalName } from '../../event/names.ts'
import { assemble, missingFields } from '../assemble.ts'
import { mayBringOrder } from '../enrich.ts'
import type { Candidate } from '../match.ts'
import { isPageSource, requestContext } from '../reading.ts'
import type { Action, SiteTraffic, Source } from '../rules.ts'
import type { Visit } from '../visit.ts'

/**
 * Event ids that are known before the page: those made of an order number that stands in the request, and those of events
 * that have no order number, and that nothing on the page could tell apart.
 */

type Field = 'orderId' | 'value' | 'currency' | 'contentIds'

const sourcesOf = ({ extract = {} }: Action, field: Field): readonly Source[] => {
  const wish = extract[field] ?? []
  return Array.isArray(wish) ? wish : [wish]
}

/** What an event is worth is part of the id by which a reload of it is known. */
const worth = ['value', 'currency', 'contentIds'] as const

/**
 * The event as it would be without the page has the right id where nothing that its id is made of, and nothing it requires,
 * is the page's to say. `null` elsewhere.
 */
const idBeforePage = (
  action: Action,
  { rule: { rule }, params }: Candidate,
  site: SiteTraffic,
  visit: Visit,
): EventId | null => {
  const orderSources = sourcesOf(action, 'orderId')
  // They are tried in order, so what stands behind one that only the page can answer does not count yet.
  const unknown = orderSources.findIndex(isPageSource)
  const orderId = unknown < 0 ? [...orderSources] : orderSources.slice(0, unknown)
  const random = randomEventId(visit.at)
  const captured = assemble(
    { ...action, extract: { ...action.extract, orderId } },
    {
      site,
      rule,
      visit,
      context: { ...requestContext(params, visit, site), page: null, dom: new Map() },
      product: null,
      warnings: [],
    },
    random,
  )
  const { id, type, custom } = captured.event
  const { enrich = 'auto' } = action
  if (custom.orderId === undefined) {
    if (unknown >= 0 || mayBringOrder(type, enrich)) return null
    const worthOfPage = enrich !== 'off' || worth.some((field) => sourcesOf(action, field).some(isPageSource))
    if (id !== random && worthOfPage) return null
  }
  return missingFields(action, captured).length === 0 ? id : null
}

export const idsBeforePage = (
  firing: readonly Candidate[],
  site: SiteTraffic,
  visit: Visit,
): ReadonlyMap<Action, EventId> =>
  new Map(
    firing.flatMap((candidate) =>
      candidate.rule.rule.actions.flatMap((action): [Action, EventId][] => {
        const id = idBeforePage(action, candidate, site, visit)
        return id === null ? [] : [[action, id]]
      }),
    ),
  )

/**
 * `sluice-purchase;desc="<id>"`: one metric for each event, its name in the metric's, for a page with two must tell them
 * apart. What is no token (RFC 9110 section 5.6.2) becomes `_`.
 */
export const serverTiming = (
  ids: ReadonlyMap<Action, EventId>,
  names: Readonly<Record<string, string>>,
): string =>
  [...ids]
    .map(([{ eventType }, id]) => {
      const type = canonicalName(eventType)
      const name = Object.hasOwn(names, type) ? (names[type] ?? type) : type
      return `sluice-${name.replace(/[^\w.-]/g, '_')};desc="${id}"`
    })
    .join(', ')
