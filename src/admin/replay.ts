import { z } from 'zod'
import type { Lanes } from '../delivery/lanes.ts'
import type { Store } from '../store/store.ts'
import { parse } from './parse.ts'
import { ok, type Route } from './route.ts'
import { integrationNamed, siteNamed, type AdminSite } from './sites.ts'

/** Dead deliveries back into their lanes. */

const time = z
  .string()
  .refine((text) => !Number.isNaN(Date.parse(text)), { error: 'a time in ISO 8601' })
  .transform((text) => Date.parse(text))

const replayBody = z.strictObject({
  integration: z
    .string()
    .optional()
    .meta({ description: 'An id or a platform; all of the site when absent.' }),
  from: time.optional().meta({ description: 'Failed at or after this time.' }),
  to: time.optional().meta({ description: 'Failed before this time.' }),
  reason: z.string().optional().meta({ description: 'Word for word.' }),
  dryRun: z.boolean().optional(),
})

export const replayRoutes = (options: {
  readonly store: Store
  readonly lanes: Pick<Lanes, 'wake'>
  readonly sites: () => readonly AdminSite[]
  readonly now: () => number
}): readonly Route[] => [
  {
    method: 'POST',
    path: '/api/v1/sites/:siteId/deliveries/replay',
    summary: 'Put failed deliveries back',
    scope: 'write',
    body: replayBody,
    answers: { 200: 'How many were, or with dryRun would be, put back.' },
    handle: async ({ params, body }) => {
      const { store, lanes, sites, now } = options
      const site = siteNamed(sites(), params['siteId'])
      const { integration, dryRun = false, ...wish } = parse(replayBody, body ?? {}, 'body')
      const wanted = integration === undefined ? site.integrations : [integrationNamed(site, integration)]
      let replayed = 0
      for (const { key } of wanted) {
        replayed += await store.replay({
          integration: key,
          dryRun,
          now: now(),
          ...(wish.from === undefined ? {} : { from: wish.from }),
          ...(wish.to === undefined ? {} : { to: wish.to }),
          ...(wish.reason === undefined ? {} : { reason: wish.reason }),
        })
        if (!dryRun) for (const lane of ['realtime', 'batch'] as const) lanes.wake(key, lane)
      }
      return ok({ replayed, dryRun })
    },
  },
]
