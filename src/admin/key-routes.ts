import { z } from 'zod'
import { auditEntry } from './audit.ts'
import { scopes, type KeyRing, type SiteKey } from './keys.ts'
import { parse } from './parse.ts'
import { Problem } from './problem.ts'
import { ok, type Call, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'

/**
 * Keys of a site: made, listed, revoked. By the admin key alone: a site's key that could make keys would outlive its own
 * revocation.
 */

const maxKeys = 100

const keyBody = z.strictObject({
  name: z.string().trim().min(1).max(100).meta({ description: 'For people: who holds it, and what for.' }),
  scopes: z
    .array(z.enum(scopes))
    .min(1)
    .max(scopes.length)
    .transform((given) => scopes.filter((scope) => given.includes(scope)))
    .meta({ description: 'ingest: send events. read: see. write: change settings, test, replay.' }),
})

const shown = ({ id, name, scopes, prefix, createdAt }: SiteKey) => ({
  id,
  name,
  scopes,
  prefix,
  createdAt: new Date(createdAt).toISOString(),
})

const adminOnly = ({ grant }: Pick<Call, 'grant'>): void => {
  if (grant === null || grant.site !== null)
    throw new Problem('forbidden', 'Only the admin key makes, lists and revokes keys.')
}

export const keyRoutes = ({
  keys,
  sites,
  now,
}: {
  readonly keys: KeyRing
  readonly sites: () => readonly AdminSite[]
  readonly now: () => number
}): readonly Route[] => [
  {
    method: 'GET',
    path: '/api/v1/sites/:siteId/keys',
    summary: 'Keys of a site, by the admin key alone; how each begins, never the key',
    scope: 'read',
    answers: { 200: 'The keys.' },
    handle: async (call) => {
      adminOnly(call)
      const site = siteNamed(sites(), call.params['siteId'])
      return ok({ keys: (await keys.of(site.id)).map(shown) })
    },
  },
  {
    method: 'POST',
    path: '/api/v1/sites/:siteId/keys',
    summary: 'Make a key for a site, by the admin key alone',
    scope: 'write',
    body: keyBody,
    answers: { 201: 'The key itself, in `key`: shown now and never again.' },
    handle: async (call) => {
      adminOnly(call)
      const site = siteNamed(sites(), call.params['siteId'])
      const wish = parse(keyBody, call.body, 'body')
      if ((await keys.of(site.id)).length >= maxKeys)
        throw new Problem('conflict', `The site "${site.id}" has ${maxKeys} keys. Revoke one first.`)
      const at = now()
      const { key, token } = await keys.create({ site: site.id, ...wish }, at, (made) =>
        auditEntry(call, { at, site: site.id, action: 'key.created', target: made.id, detail: shown(made) }),
      )
      return {
        status: 201,
        headers: { location: `/api/v1/sites/${encodeURIComponent(site.id)}/keys/${key.id}` },
        body: { ...shown(key), key: token },
      }
    },
  },
  {
    method: 'DELETE',
    path: '/api/v1/sites/:siteId/keys/:keyId',
    summary: 'Revoke a key, by the admin key alone',
    scope: 'write',
    answers: { 204: 'It opens nothing any more.' },
    handle: async (call) => {
      adminOnly(call)
      const site = siteNamed(sites(), call.params['siteId'])
      const id = call.params['keyId'] ?? ''
      const revoked = await keys.revoke(site.id, id, (key) =>
        auditEntry(call, { at: now(), site: site.id, action: 'key.revoked', target: id, detail: shown(key) }),
      )
      if (!revoked) throw new Problem('not_found', `The site "${site.id}" has no key "${id}".`)
      return { status: 204, body: undefined }
    },
  },
]
