import { z } from 'zod'
import { diagnose } from '../delivery/diagnostics.ts'
import type { Store } from '../store/store.ts'
import { parse } from './parse.ts'
import { Problem } from './problem.ts'
import { ok, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'

/** Match quality, coverage and duplicates, per integration and day. */

const dayMs = 86_400_000
const mostDays = 92

const day = z
  .string()
  .refine((text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: 'a day such as 2026-11-20',
  })
  .transform((text) => Date.parse(text))

const diagnosticsQuery = z.strictObject({
  from: day.optional().meta({ description: 'The first day, UTC; six days before the last when absent.' }),
  to: day.optional().meta({ description: 'The last day, UTC; today when absent.' }),
})

export const diagnosticsRoutes = (options: {
  readonly store: Pick<Store, 'tally'>
  readonly sites: () => readonly AdminSite[]
  readonly now: () => number
}): readonly Route[] => [
  {
    method: 'GET',
    path: '/api/v1/sites/:siteId/diagnostics',
    summary: 'How well events arrive and are recognised',
    scope: 'read',
    query: diagnosticsQuery,
    answers: { 200: 'Per integration and day: accepted, delivered, refused, duplicates, match quality.' },
    handle: async ({ params, query }) => {
      const site = siteNamed(options.sites(), params['siteId'])
      const wish = parse(diagnosticsQuery, query, 'query')
      const last = wish.to ?? Math.floor(options.now() / dayMs) * dayMs
      const from = wish.from ?? last - 6 * dayMs
      if (from > last) throw new Problem('bad_request', 'query: from: it is after the last day')
      if (last - from >= mostDays * dayMs)
        throw new Problem('bad_request', `query: from: at most ${mostDays} days can be looked at`)
      const { days, complete } = await diagnose(options.store, { site: site.id, from, to: last + dayMs })
      return ok({
        site: site.id,
        complete,
        days: days.map(({ integration, ...rest }) => ({
          integration: integration.slice(integration.indexOf('/') + 1),
          ...rest,
        })),
      })
    },
  },
]
