import { z } from 'zod'
import type { Intake } from '../delivery/intake.ts'
import type { CapturedEvent } from '../event/event.ts'
import { StoreError } from '../store/store.ts'
import type { Grant } from './keys.ts'
import { capturedFromIngest, ingestEventSchema } from './ingest-event.ts'
import { issuesOf } from './parse.ts'
import { Problem } from './problem.ts'
import type { AdminSite } from './sites.ts'

/** `POST /tracking/ingest`: auth, size, shape, then each event alone; one bad event never costs its neighbours. */

const maxEvents = 100

export const ingestBodySchema = z.strictObject({
  events: z.array(ingestEventSchema).min(1).max(maxEvents),
})

export interface IngestAnswer {
  readonly processed: number
  readonly errors: readonly { readonly index: number; readonly message: string }[]
}

export interface IngestOptions {
  readonly intake: Intake
  readonly sites: () => readonly AdminSite[]
  readonly now: () => number
}

/** @throws Problem for a body of the wrong shape. */
const eventsOf = (body: unknown): readonly unknown[] => {
  const events =
    typeof body === 'object' && body !== null && Object.hasOwn(body, 'events')
      ? (body as { readonly events: unknown }).events
      : undefined
  if (!Array.isArray(events))
    throw new Problem('bad_request', 'The body must be an object with a list "events".', {
      issues: [{ path: 'events', message: 'expected a list of 1 to 100 events' }],
    })
  if (events.length === 0) throw new Problem('bad_request', 'No events. At least 1 per request.')
  if (events.length > maxEvents)
    throw new Problem('bad_request', `Too many events. Maximum ${maxEvents} per request.`)
  return events
}

/** The site an event is for: its own word where the key reaches several, else the key's only one. */
const siteOf = (named: string | undefined, grant: Grant, sites: readonly AdminSite[]): AdminSite | string => {
  const reachable = sites.filter(({ id }) => grant.site === null || grant.site === id)
  if (named !== undefined)
    return reachable.find(({ id }) => id === named) ?? `site: no site "${named}" can be reached with this key`
  const [only, ...others] = reachable
  if (only === undefined) return 'site: this key reaches no site'
  return others.length === 0 ? only : `site: this key reaches ${reachable.length} sites; name one`
}

const targetsOf = (platform: string, { integrations }: AdminSite): readonly string[] => {
  const wanted = platform.toLowerCase()
  return integrations
    .filter(
      ({ id, destination, paused }) =>
        !paused && (id === platform || destination.name === wanted || destination.aliases.includes(wanted)),
    )
    .map(({ id }) => id)
}

type Read = { readonly captured: CapturedEvent } | { readonly message: string }

export const createIngest = ({ intake, sites, now }: IngestOptions) => {
  const read = (raw: unknown, index: number, grant: Grant, idempotencyKey: string | null): Read => {
    const parsed = ingestEventSchema.safeParse(raw)
    if (!parsed.success) {
      const words = issuesOf(parsed.error).map(({ path, message }) =>
        path === '' ? message : `${path}: ${message}`,
      )
      return { message: words.join('; ') }
    }
    const event = parsed.data
    const site = siteOf(event.site, grant, sites())
    if (typeof site === 'string') return { message: site }
    const targets = targetsOf(event.platform, site)
    if (targets.length === 0)
      return { message: `No active integration found for platform: ${event.platform}` }
    return {
      captured: capturedFromIngest(event, {
        site: site.id,
        currency: site.currency,
        targets,
        seed: { idempotencyKey, index },
        now: now(),
      }),
    }
  }

  /** Resolves when what it counts as processed is committed. */
  return async (body: unknown, grant: Grant, idempotencyKey: string | null): Promise<IngestAnswer> => {
    const results = eventsOf(body).map((raw, index) => read(raw, index, grant, idempotencyKey))
    const accepted = results.flatMap((result) => ('captured' in result ? [result.captured] : []))
    if (accepted.length > 0)
      await intake.accept(accepted).catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error
        throw new Problem(
          'store_unavailable',
          'The events could not be stored; nothing was accepted. Try again.',
          {
            retryAfterSeconds: error.code === 'busy' ? 1 : 10,
            cause: error,
          },
        )
      })
    return {
      processed: accepted.length,
      errors: results.flatMap((result, index) =>
        'message' in result ? [{ index, message: result.message }] : [],
      ),
    }
  }
}
