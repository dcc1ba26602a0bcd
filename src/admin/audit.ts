import { z } from 'zod'
import type { AuditEntry, SettingsStore } from '../store/settings.ts'
import { parse } from './parse.ts'
import { ok, type Call, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'
import { orUnavailable } from './store-trouble.ts'

/** Who changed which setting, when, and how. */

/** `detail` must be fit to be shown: secrets masked. */
export const auditEntry = (
  { grant }: Pick<Call, 'grant'>,
  change: {
    readonly at: number
    readonly site: string
    readonly action: string
    readonly target: string
    readonly detail: unknown
  },
): AuditEntry => ({
  ...change,
  who: grant?.id ?? 'nobody',
  detail: JSON.stringify(change.detail),
})

const auditQuery = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(500)
    .optional()
    .meta({ description: 'At most 500; 50 when absent.' }),
  cursor: z.string().optional().meta({ description: '`nextCursor` of the page before.' }),
})

export const auditRoutes = ({
  store,
  sites,
}: {
  readonly store: SettingsStore
  readonly sites: () => readonly AdminSite[]
}): readonly Route[] => [
  {
    method: 'GET',
    path: '/api/v1/sites/:siteId/audit',
    summary: 'Changes of settings, newest first: who, when, what; secrets masked',
    scope: 'read',
    query: auditQuery,
    answers: { 200: 'A page of changes and the cursor of the next.' },
    handle: async ({ params, query }) => {
      const site = siteNamed(sites(), params['siteId'])
      const { limit = 50, cursor } = parse(auditQuery, query, 'query')
      const page = await orUnavailable(store.audits(site.id, cursor, limit))
      return ok({
        changes: page.entries.map(({ at, who, action, target, detail }) => ({
          at: new Date(at).toISOString(),
          who,
          action,
          target,
          detail: JSON.parse(detail) as unknown,
        })),
        nextCursor: page.nextCursor,
      })
    },
  },
]
