import { ok, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'

/** What rules matched and what was not counted all the same: the other half of "why is this order not in the log?". */

export interface Skipped {
  readonly rule: string
  /** Such as `bot` or `prefetch`. */
  readonly reason: string
  /** The same in words. */
  readonly meaning: string
  readonly count: number
}

export const skippedRoutes = (options: {
  readonly sites: () => readonly AdminSite[]
  readonly skippedOf: (site: string) => readonly Skipped[]
  /** Milliseconds since the epoch: when the counting began. */
  readonly startedAt: number
}): readonly Route[] => [
  {
    method: 'GET',
    path: '/api/v1/sites/:siteId/skipped',
    summary: 'What matched a rule and was not counted, and why; since the start, in memory',
    scope: 'read',
    answers: { 200: 'Per rule and reason: how often. A process that ends takes its numbers with it.' },
    handle: async ({ params }) => {
      const site = siteNamed(options.sites(), params['siteId'])
      const skipped = [...options.skippedOf(site.id)].sort(
        (a, b) => b.count - a.count || a.rule.localeCompare(b.rule) || a.reason.localeCompare(b.reason),
      )
      return ok({
        site: site.id,
        since: new Date(options.startedAt).toISOString(),
        total: skipped.reduce((sum, { count }) => sum + count, 0),
        skipped,
      })
    },
  },
]
