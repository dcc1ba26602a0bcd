import { configuredOf, type ConfiguredOptions } from './configured.ts'
import { ok, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'

/** The sites a key reaches, and one of them at a glance. They are made and changed in the rules file. */

export const siteRoutes = (
  options: ConfiguredOptions & { readonly sites: () => readonly AdminSite[] },
): readonly Route[] => {
  const shown = (site: AdminSite): object => ({
    id: site.id,
    hosts: site.hosts ?? [],
    currency: site.currency ?? null,
    ingest: { public: site.publicIngest ?? false },
    integrations: configuredOf(options, site.id)
      .filter((one) => one.kind === 'declared' || !one.shadowed)
      .map(({ kind, id, destination }) => ({
        id,
        platform: destination.name,
        managedBy: kind === 'declared' ? 'rules file' : 'api',
      })),
  })
  return [
    {
      method: 'GET',
      path: '/api/v1/sites',
      summary: 'The sites this key reaches',
      scope: 'read',
      answers: { 200: 'The sites, each with its hosts and integrations.' },
      handle: async ({ grant }) =>
        ok({
          sites: options
            .sites()
            .filter(({ id }) => grant !== null && (grant.site === null || grant.site === id))
            .map(shown),
        }),
    },
    {
      method: 'GET',
      path: '/api/v1/sites/:siteId',
      summary: 'One site',
      scope: 'read',
      answers: { 200: 'Its hosts, currency and integrations.' },
      handle: async ({ params }) => ok(shown(siteNamed(options.sites(), params['siteId']))),
    },
  ]
}
