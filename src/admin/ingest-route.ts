import { ingestBodySchema, createIngest, type IngestOptions } from './ingest.ts'
import { Problem } from './problem.ts'
import type { Route } from './route.ts'
import { siteNamed } from './sites.ts'

const path = '/tracking/ingest'
/** Within the site that a door belongs to: no address of the admin listener, see `ingest-door.ts`. */
const pathAtSite = `/:siteId${path}`

/** The row of the ingest route, for the listener of all sites or for the door of one. */
export const ingestRoutes = (
  options: IngestOptions,
  door: 'all sites' | 'one site' = 'all sites',
): readonly Route[] => {
  const ingest = createIngest(options)
  return [
    {
      method: 'POST',
      path: door === 'one site' ? pathAtSite : path,
      summary: 'Send conversion events',
      scope: 'ingest',
      body: ingestBodySchema,
      answers: {
        200: 'All events are committed.',
        207: 'Those without an error are committed.',
        429: 'Too many requests with this key; Retry-After says when to come back.',
      },
      handle: async ({ params, body, grant, header }) => {
        // Our own webhooks carry this mark: an event that came back as a request would go round for ever.
        if (header('x-gateway-hop') !== undefined)
          throw new Problem(
            'bad_request',
            'This request was sent by a gateway; events would go round in a circle.',
          )
        if (grant === null) throw new Problem('unauthorized', 'A valid key is needed.')
        const key = header('idempotency-key')?.trim()
        if (key !== undefined && (key === '' || key.length > 255))
          throw new Problem('bad_request', 'Idempotency-Key must have 1 to 255 characters.')
        const reach =
          door === 'one site' ? { ...grant, site: siteNamed(options.sites(), params['siteId']).id } : grant
        const answer = await ingest(body, reach, key ?? null)
        return { status: answer.errors.length === 0 ? 200 : 207, body: answer }
      },
    },
  ]
}
