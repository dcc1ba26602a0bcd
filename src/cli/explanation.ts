import type { CapturedEvent } from '../event/event.ts'
import { consentCategories, type ConsentState } from '../event/consent.ts'
import type { Decision } from '../delivery/route.ts'
import type { HttpRequest } from '../destinations/destination.ts'
import type { SkipReason } from '../capture/capture.ts'
import type { Explained } from '../capture/match-explain.ts'
import type { SiteTraffic } from '../capture/rules.ts'
import { skipWords } from '../capture/skip-words.ts'
import type { Visit } from '../capture/visit.ts'

/** The words of `sluice explain`: values to text. */

export interface RuleExplained {
  readonly id: string
  readonly conditions: readonly Explained[]
  /** Why it did not fire though its conditions held. */
  readonly skipped: SkipReason | null
}

export interface DeliveryExplained {
  readonly decision: Decision
  /** Secrets masked; `null` where nothing would be sent. */
  readonly request: HttpRequest | null
}

const indent = (text: string, by: string): string => text.replaceAll(/^/gm, by)
const json = (value: unknown): string => JSON.stringify(value, null, 2)
const mark = (held: boolean): string => (held ? '✓' : '✗')

export const skipText = (reason: SkipReason): string => `not counted: ${reason}, ${skipWords[reason]}`

export const ruleText = ({ id, conditions, skipped }: RuleExplained): string => {
  const fires = conditions.every(({ held }) => held) && skipped === null
  const lines = conditions.map(({ condition, held, because }) => `    ${mark(held)} ${condition}: ${because}`)
  return [
    `  ${mark(fires)} ${id}${fires ? ' fires' : ''}`,
    ...lines,
    ...(skipped === null ? [] : [`    ✗ ${skipText(skipped)}`]),
  ].join('\n')
}

export const visitorText = (
  { ip, country }: Visit,
  { countryHeader }: Pick<SiteTraffic, 'countryHeader'>,
): string => {
  const place =
    country ??
    (countryHeader === undefined
      ? 'unknown: the site names no countryHeader'
      : `unknown: ${countryHeader} names none`)
  return `  address ${ip ?? 'unknown'}, country ${place}`
}

export const consentText = (consent: ConsentState): string => {
  const notes = [
    `source ${consent.source}`,
    ...(consent.explicit === null
      ? []
      : [consent.explicit ? 'chosen by the visitor' : 'a default of the banner']),
    ...(consent.gpc ? ['Sec-GPC'] : []),
    ...(consent.conflict ? ['sources disagree: the stricter counts'] : []),
  ]
  const grants = consentCategories.map((category) => `${category} ${consent[category]}`)
  const read = consent.raw === undefined ? '' : `\n  read: ${consent.raw}`
  return `  ${grants.join(', ')} (${notes.join('; ')})${read}`
}

const valueOf = ({ event, userData }: CapturedEvent, field: string): unknown => {
  if (Object.hasOwn(userData, field)) return '(a person’s; hashed before it is kept)'
  return Object.hasOwn(event.custom, field) ? event.custom[field as keyof typeof event.custom] : undefined
}

export const factsText = (captured: CapturedEvent): string => {
  const facts = captured.sources.map(
    ({ field, from }) => `  ${field} = ${JSON.stringify(valueOf(captured, field))}   ← ${from}`,
  )
  const warnings = captured.warnings.map((warning) => `  ! ${warning}`)
  return [...(facts.length === 0 ? ['  none'] : facts), ...warnings].join('\n')
}

export const eventText = ({ event }: CapturedEvent): string =>
  indent(
    json({
      id: event.id,
      type: event.type,
      ...(event.name === event.type ? {} : { name: event.name }),
      occurredAt: new Date(event.occurredAt).toISOString(),
      rule: event.ruleId,
      page: event.page,
      custom: event.custom,
      clickIds: Object.keys(event.visitor.clickIds),
      browserIds: Object.keys(event.visitor.browserIds),
    }),
    '  ',
  )

const bodyText = (body: string): string => {
  try {
    return json(JSON.parse(body))
  } catch {
    return body
  }
}

export const deliveryText = ({ decision, request }: DeliveryExplained): string => {
  const { integration, refusal, flagged, deliverable, lane } = decision
  const head = `  ${integration.id} (${integration.destination.title})`
  const unused = deliverable.identity.leftOut.map(
    ({ field, reason }) => `      ! ${field} left out: ${reason}`,
  )
  if (refusal !== null) return [`${head}: ${refusal.status}, ${refusal.reason}`, ...unused].join('\n')
  if (request === null) return `${head}: nothing would be sent`
  const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`)
  return [
    `${head}: ${deliverable.name}, ${lane} lane${flagged === null ? '' : `; ${flagged}`}`,
    ...unused,
    indent([`${request.method} ${request.url}`, ...headers, '', bodyText(request.body)].join('\n'), '      '),
  ].join('\n')
}
