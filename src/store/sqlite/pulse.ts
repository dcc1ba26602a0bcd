/** How an integration has been doing: attempts by minute, and the latest of each outcome in the platform's words. */
import type { DatabaseSync } from 'node:sqlite'
import type { LatestOutcome, Pulse, PulseQuery, Settlement } from '../store.ts'

const minuteMs = 60_000
const keptMinutes = 24 * 60 + 1

/** What a settlement came to, for the pulse. */
export interface Beat {
  readonly integration: number
  readonly settlement: Settlement
  readonly now: number
}

interface Sum {
  readonly integration: number
  readonly minute: number
  readonly status: string
  readonly outcome: string
  deliveries: number
}

interface Last {
  readonly integration: number
  readonly outcome: string
  readonly first: number
  at: number
  settlement: Settlement
}

const attempted: ReadonlySet<string> = new Set(['sent', 'failed', 'retrying'])

const outcomeOf = ({ line }: Settlement): string => line?.outcome ?? 'internal'

/** By minute and end, and the latest of each outcome: what a commit of a thousand settlements writes in a few rows. */
const gather = (
  beats: readonly Beat[],
): { readonly sums: readonly Sum[]; readonly lasts: readonly Last[] } => {
  const sums = new Map<string, Sum>()
  const lasts = new Map<string, Last>()
  // A batch comes to one end in one minute, mostly: its settlements are counted without looking anything up.
  let sum: Sum | null = null
  let last: Last | null = null
  for (const { integration, settlement, now } of beats) {
    const { status, line } = settlement
    if (!attempted.has(status)) continue
    const outcome = outcomeOf(settlement)
    const at = line?.at ?? now
    const minute = Math.floor(at / minuteMs)
    if (last === null || last.integration !== integration || last.outcome !== outcome) {
      const kind: string = `${integration} ${outcome}`
      last = lasts.get(kind) ?? { integration, outcome, first: at, at, settlement }
      lasts.set(kind, last)
      sum = null
    }
    last.at = at
    last.settlement = settlement
    if (sum === null || sum.status !== status || sum.minute !== minute) {
      const key: string = `${integration} ${outcome} ${status} ${minute}`
      sum = sums.get(key) ?? { integration, minute, status, outcome, deliveries: 0 }
      sums.set(key, sum)
    }
    sum.deliveries += 1
  }
  return { sums: [...sums.values()], lasts: [...lasts.values()] }
}

export const preparePulse = (db: DatabaseSync): ((beats: readonly Beat[]) => void) => {
  const add = db.prepare(
    `INSERT INTO pulse (integration, minute, status, outcome, deliveries) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET deliveries = deliveries + excluded.deliveries`,
  )
  const forget = db.prepare('DELETE FROM pulse WHERE integration = ? AND minute < ?')
  const proof = db.prepare(
    `SELECT max(at) AS at FROM latest WHERE integration = ? AND outcome IN ('delivered', 'rejected')`,
  )
  const put = db.prepare(
    `INSERT INTO latest (integration, outcome, at, since, reason, code, trace, http_status, credential)
     VALUES (:integration, :outcome, :at, :first, :reason, :code, :trace, :httpStatus, :credential)
     ON CONFLICT DO UPDATE SET at = excluded.at, since = iif(latest.at <= :proof, excluded.since, latest.since),
       reason = excluded.reason, code = excluded.code, trace = excluded.trace, http_status = excluded.http_status,
       credential = excluded.credential`,
  )
  /** The minute up to which an integration's counts were last cut back: once a minute is often enough. */
  const cut = new Map<number, number>()

  return (beats) => {
    if (beats.length === 0) return
    const { sums, lasts } = gather(beats)
    for (const { integration, minute, status, outcome, deliveries } of sums) {
      add.run(integration, minute, status, outcome, deliveries)
      if ((cut.get(integration) ?? 0) >= minute) continue
      forget.run(integration, minute - keptMinutes)
      cut.set(integration, minute)
    }
    // What proves the credentials sound is written last, or it would hide where a refusal in the same commit began.
    const ordered = lasts.toSorted((a, b) => rank(a) - rank(b))
    for (const { integration, outcome, first, at, settlement } of ordered) {
      const { reason, line, credential = null } = settlement
      put.run({
        integration,
        outcome,
        at,
        first,
        proof: (proof.get(integration) as { at: number | null }).at ?? 0,
        reason: line?.reason ?? reason ?? '',
        code: line?.code ?? null,
        trace: line?.trace ?? null,
        httpStatus: line?.httpStatus ?? null,
        credential,
      })
    }
  }
}

const rank = ({ outcome }: Last): number => (outcome === 'delivered' || outcome === 'rejected' ? 1 : 0)

/** Of integrations of one site: `site/…`, whatever characters stand in it. */
const ofSite = `substr(integration.name, 1, length(:site) + 1) = :site || '/'`

export const prepareReadPulse = (db: DatabaseSync): ((query: PulseQuery) => readonly Pulse[]) => {
  const select = db.prepare(
    `SELECT integration.name AS integration, pulse.status, pulse.outcome, sum(pulse.deliveries) AS deliveries
     FROM integration CROSS JOIN pulse ON pulse.integration = integration.id
     WHERE ${ofSite} AND pulse.minute >= :minute
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
  )
  return ({ site, from }) =>
    select.all({ site, minute: Math.floor(from / minuteMs) }) as unknown as readonly Pulse[]
}

export const prepareLatest = (db: DatabaseSync): ((site: string) => readonly LatestOutcome[]) => {
  const select = db.prepare(
    `SELECT integration.name AS integration, latest.outcome, latest.at, latest.since, latest.reason, latest.code,
       latest.trace, latest.http_status AS httpStatus, latest.credential
     FROM integration CROSS JOIN latest ON latest.integration = integration.id
     WHERE ${ofSite} ORDER BY 1, 2`,
  )
  return (site) => select.all({ site }) as unknown as readonly LatestOutcome[]
}

/** Rewrites what the platforms said last, where `clean` makes something else of it. */
export const prepareCleanLatest = (
  db: DatabaseSync,
): ((site: string, clean: (reason: string) => string) => void) => {
  const select = db.prepare(
    `SELECT latest.integration, latest.outcome, latest.reason
     FROM integration CROSS JOIN latest ON latest.integration = integration.id WHERE ${ofSite}`,
  )
  const replace = db.prepare('UPDATE latest SET reason = ? WHERE integration = ? AND outcome = ?')
  return (site, clean) => {
    const rows = select.all({ site }) as unknown as { integration: number; outcome: string; reason: string }[]
    for (const { integration, outcome, reason } of rows)
      if (clean(reason) !== reason) replace.run(clean(reason), integration, outcome)
  }
}
