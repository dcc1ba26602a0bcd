import type { DeliveryStatus, Store, Tally } from '../store/store.ts'

/**
 * Does what was accepted arrive, and can the platforms do anything with it? Numbers per integration and day, without a word
 * about anybody. The grade of a single event is in its facts (`quality`).
 */

export interface DiagnosticsQuery {
  readonly site: string
  /** Milliseconds since the epoch, of the acceptance; `to` is the first moment that no longer counts. */
  readonly from: number
  readonly to: number
}

export interface IntegrationDay {
  /** `site/id`. */
  readonly integration: string
  /** `2026-11-20`, UTC, of the acceptance. */
  readonly day: string
  /** Events that were decided on for this integration, those it did not get included. */
  readonly accepted: number
  readonly delivered: number
  /** Delivered of accepted, 0 to 1; what is pending is not delivered yet. */
  readonly coverage: number
  /** Queued, being sent, or to be tried again. */
  readonly pending: number
  /** Dead, and replayable. */
  readonly failed: number
  /** Why the others were not sent: refusal status to number of events. */
  readonly refused: Readonly<Partial<Record<DeliveryStatus, number>>>
  /** How often its events came in again, and the share of that among all arrivals, 0 to 1. */
  readonly duplicates: number
  readonly duplicateRate: number
  /** `null` where nobody is to be recognised, or nothing was to be sent. */
  readonly matchQuality: { readonly grade: number; readonly events: number } | null
}

export interface Diagnostics {
  /** Oldest day first. */
  readonly days: readonly IntegrationDay[]
  /** `false`: there were too many events to look at all of them; the newest are counted. */
  readonly complete: boolean
}

const dayMs = 86_400_000
/** Of 10 000 events each: enough for a site's month, and few enough to be answered while somebody waits. */
const defaultPages = 100

const sumOf = (tallies: readonly Tally[], of: (one: Tally) => number): number =>
  tallies.reduce((sum, one) => sum + of(one), 0)

const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits

const pendingStatuses: ReadonlySet<string> = new Set<DeliveryStatus>(['queued', 'claimed', 'retrying'])
const triedStatuses: ReadonlySet<string> = new Set<DeliveryStatus>(['sent', 'failed'])

const summed = (integration: string, day: number, tallies: readonly Tally[]): IntegrationDay => {
  const count = (holds: (status: DeliveryStatus) => boolean): number =>
    sumOf(
      tallies.filter(({ status }) => holds(status)),
      ({ deliveries }) => deliveries,
    )
  const accepted = count(() => true)
  const delivered = count((status) => status === 'sent')
  const refused = tallies.filter(({ status }) => !pendingStatuses.has(status) && !triedStatuses.has(status))
  const duplicates = sumOf(tallies, (one) => one.duplicates)
  const graded = sumOf(tallies, (one) => one.graded)
  return {
    integration,
    day: new Date(day * dayMs).toISOString().slice(0, 10),
    accepted,
    delivered,
    coverage: rounded(delivered / accepted, 4),
    pending: count((status) => pendingStatuses.has(status)),
    failed: count((status) => status === 'failed'),
    refused: Object.fromEntries(
      [...Map.groupBy(refused, ({ status }) => status)].map(([status, same]) => [
        status,
        sumOf(same, ({ deliveries }) => deliveries),
      ]),
    ),
    duplicates,
    duplicateRate: rounded(duplicates / (accepted + duplicates), 4),
    matchQuality:
      graded === 0
        ? null
        : { grade: rounded(sumOf(tallies, (one) => one.grades) / graded, 1), events: graded },
  }
}

/** Rejects with a `StoreError`. */
export const diagnose = async (
  store: Pick<Store, 'tally'>,
  query: DiagnosticsQuery,
  maxPages = defaultPages,
): Promise<Diagnostics> => {
  const tallies: Tally[] = []
  let cursor: string | null = null
  for (let page = 0; page < maxPages && (page === 0 || cursor !== null); page += 1) {
    const found = await store.tally({ ...query, ...(cursor === null ? {} : { cursor }) })
    tallies.push(...found.tallies)
    cursor = found.nextCursor
  }
  const groups = Map.groupBy(tallies, ({ day, integration }) => `${day} ${integration}`)
  const days = [...groups.values()].flatMap((group) => {
    const [first] = group
    return first === undefined ? [] : [summed(first.integration, first.day, group)]
  })
  return {
    days: days.sort((a, b) => a.day.localeCompare(b.day) || a.integration.localeCompare(b.integration)),
    complete: cursor === null,
  }
}
