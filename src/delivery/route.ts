import { nobody, platformName, type DeliverableEvent } from '../destinations/destination.ts'
import { strippedFor, type FlaggedForm } from '../destinations/flagged.ts'
import type { Refusal } from '../destinations/outcome.ts'
import { permits, type ConsentCategory, type ConsentState } from '../event/consent.ts'
import { countryCode } from '../event/country.ts'
import type { CapturedEvent } from '../event/event.ts'
import { canonicalName, laneOf, type LaneName } from '../event/names.ts'
import type { Integration } from '../sites/configure.ts'
import { clickedElsewhere, filteredBy } from '../sites/filter.ts'

/** An event and a site's integrations to deliveries and refusals: a function from values to a value. */

export interface Decision {
  readonly integration: Integration
  readonly lane: LaneName
  /** `null`: it is to be delivered. */
  readonly refusal: Refusal | null
  /** The visitor refused, and it goes in the destination's flagged form: why, and which. `null`: it goes, if at all, whole. */
  readonly flagged: string | null
  /** With the person in the destination's own form; of a refused event the identity is empty. */
  readonly deliverable: DeliverableEvent
}

const targeted = (targets: readonly string[] | null, { id, destination }: Integration): boolean =>
  targets === null ||
  targets.some(
    (target) => target === id || target === destination.name || destination.aliases.includes(target),
  )

interface Withheld {
  readonly reason: string
  /** Somebody said no; where nobody said anything, it is `false`. */
  readonly outright: boolean
}

/** `null`: the integration may have it. */
const withheldFrom = (state: ConsentState, { consent, destination }: Integration): Withheld | null => {
  if (!consent.required) return null
  const { category } = consent
  // GPC objects to advertising of any kind, so no ad platform takes a grant of personalization for its excuse.
  const objected = state.gpc && category === 'personalization' && destination.consent === 'marketing'
  if (permits(state, category) && !objected) return null
  return {
    reason: consentReason(state, category, objected),
    outright: objected || state[category] === 'denied',
  }
}

const consentReason = (state: ConsentState, category: ConsentCategory, objected: boolean): string => {
  if (objected || (state.gpc && category === 'marketing'))
    return `the browser objects to ${category} (Sec-GPC)`
  if (state[category] === 'denied') return `${category} was refused (${state.source})`
  return state.source === 'none'
    ? `no consent signal was found for ${category}`
    : `${category} was neither granted nor refused (${state.source})`
}

/** Why a refused event does not go in the destination's form for such events either; `null`: it does. */
const unflaggable = (
  form: FlaggedForm,
  { event, userData }: CapturedEvent,
  { destination, defaultCountry }: Integration,
): string | null => {
  if (form.needs !== undefined && !permits(event.consent, form.needs))
    return `${destination.title} takes nothing flagged without a grant of ${form.needs}`
  const country = countryCode(userData.country ?? '') ?? defaultCountry?.toUpperCase() ?? null
  if (form.country !== undefined && country !== null && country !== form.country)
    return `${form.title} is for people in ${form.country}, not in ${country}`
  return null
}

const decide = (captured: CapturedEvent, integration: Integration, now: number): Decision => {
  const { destination, settings } = integration
  const written = captured.event
  const type = Object.hasOwn(integration.reverseMapping, written.name)
    ? canonicalName(integration.reverseMapping[written.name] ?? written.name)
    : written.type
  const event = type === written.type ? written : { ...written, type }
  const lane = integration.lane === 'auto' ? laneOf(type) : integration.lane
  const name = platformName(destination, type, integration.mapping)
  const stranger: DeliverableEvent = { event, name: name ?? type, identity: nobody, acceptedAt: now }
  const refuse = (status: Refusal['status'], reason: string): Decision => ({
    integration,
    lane,
    refusal: { status, reason },
    flagged: null,
    deliverable: stranger,
  })

  if (integration.paused) return refuse('paused', 'the integration is paused')
  if (name === null)
    return refuse('filtered', `${destination.title} gets no ${type} unless eventMapping names one`)
  const filter = filteredBy(integration.filters, event)
  if (filter !== null) return refuse('filtered', filter)
  const elsewhere = integration.routeByClickId ? clickedElsewhere(destination, event) : null
  if (elsewhere !== null) return refuse('filtered', elsewhere)
  const withheld = withheldFrom(event.consent, integration)
  if (withheld !== null) {
    const { reason, outright } = withheld
    const form = integration.consent.whenDenied === 'flag' && outright ? destination.flagged : undefined
    if (form === undefined) return refuse('consent_denied', reason)
    const lacking = unflaggable(form, { ...captured, event }, integration)
    if (lacking !== null) return refuse('consent_denied', `${reason}; ${lacking}`)
    const deliverable: DeliverableEvent = { ...stranger, event: strippedFor(form, event), flagged: true }
    const refused = destination.refuse(deliverable, settings, now)
    // That nobody can be recognised is the refusal's doing, and a later grant would mend it.
    if (refused?.status === 'unmatchable')
      return refuse('consent_denied', `${reason}; without the person: ${refused.reason}`)
    if (refused !== null) return refuse(refused.status, refused.reason)
    if (integration.testMode) return refuse('test', 'test mode: built, not sent')
    return { integration, lane, refusal: null, flagged: `${reason}; sent as ${form.title}`, deliverable }
  }

  const identity = destination.identify(captured.userData, settings, {
    site: integration.site,
    integration: integration.id,
    ...(integration.defaultCountry === undefined ? {} : { defaultCountry: integration.defaultCountry }),
  })
  const deliverable = { ...stranger, identity }
  const refused = destination.refuse(deliverable, settings, now)
  if (refused !== null) return refuse(refused.status, refused.reason)
  if (integration.testMode) return refuse('test', 'test mode: built, not sent')
  return { integration, lane, refusal: null, flagged: null, deliverable }
}

/** A bug in one destination keeps the event from that one alone, and says so; not in its own words, which may quote somebody. */
const decideSafely = (captured: CapturedEvent, integration: Integration, now: number): Decision => {
  try {
    return decide(captured, integration, now)
  } catch (error) {
    return {
      integration,
      lane: laneOf(captured.event.type),
      refusal: {
        status: 'unmatchable',
        reason: `internal: ${integration.destination.title} failed on it (${error instanceof Error ? error.name : 'fault'})`,
      },
      flagged: null,
      deliverable: { event: captured.event, name: captured.event.type, identity: nobody, acceptedAt: now },
    }
  }
}

export const route = (
  captured: CapturedEvent,
  integrations: readonly Integration[],
  now: number,
): readonly Decision[] =>
  integrations
    .filter((integration) => targeted(captured.targets, integration))
    .map((integration) => decideSafely(captured, integration, now))
