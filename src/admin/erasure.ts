import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { createErasure } from '../delivery/erasure.ts'
import type { Lanes } from '../delivery/lanes.ts'
import { marksOf } from '../delivery/person.ts'
import { countryCode } from '../event/country.ts'
import type { SettingsStore } from '../store/settings.ts'
import { StoreError, type Store } from '../store/store.ts'
import { auditEntry } from './audit.ts'
import { parse } from './parse.ts'
import { Problem } from './problem.ts'
import { ok, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'
import { orUnavailable } from './store-trouble.ts'

/** A person withdraws: what is held of them goes. Neither answer nor log nor audit repeats who it was. */

const text = (longest: number): z.ZodString => z.string().min(1).max(longest)

const erasureBody = z
  .strictObject({
    email: text(1_000).optional().meta({ description: 'As it is; hashed in memory, never kept.' }),
    phone: text(1_000)
      .optional()
      .meta({ description: 'The same; a national one is read with country, or with that of the site.' }),
    country: text(100).optional().meta({ description: 'Of the phone number, such as DE.' }),
    externalId: text(1_000).optional().meta({ description: 'The id that events carry as externalId.' }),
    hash: z
      .union([text(100), z.array(text(100)).min(1).max(100)])
      .optional()
      .meta({ description: 'SHA-256 in hex, as a platform gets it; one or several of the same person.' }),
  })
  .refine(
    ({ email, phone, externalId, hash }) => [email, phone, externalId, hash].some((one) => one !== undefined),
    {
      error: 'say who: email, phone, externalId or hash',
    },
  )

/** Bites that were committed before the store gave up stay committed, so "nothing was changed" would be untrue. */
const finished = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    throw new Problem(
      'store_unavailable',
      'The store cannot be reached now; part of it may be erased already. Ask again.',
      { retryAfterSeconds: 10, cause: error },
    )
  }
}

export const erasureRoutes = (options: {
  readonly store: Store & SettingsStore
  readonly lanes: Pick<Lanes, 'recall'>
  readonly clock: Clock
  readonly sites: () => readonly AdminSite[]
}): readonly Route[] => {
  const { store, clock, sites } = options
  const erase = createErasure(options)
  /** One walk over a site's history at a time. */
  const underWay = new Set<string>()

  return [
    {
      method: 'POST',
      path: '/api/v1/sites/:siteId/erasure',
      summary: 'Erase what is held of a person: waiting deliveries end, failed ones cannot be replayed',
      scope: 'write',
      body: erasureBody,
      answers: { 200: 'What was erased, counted per integration; who it was is not repeated.' },
      handle: async (call) => {
        const site = siteNamed(sites(), call.params['siteId'])
        const { hash, country, ...typed } = parse(erasureBody, call.body, 'body')
        const ofSite = site.integrations.find(({ defaultCountry }) => defaultCountry !== undefined)
        const marks = marksOf(
          {
            ...(typed.email === undefined ? {} : { email: typed.email }),
            ...(typed.phone === undefined ? {} : { phone: typed.phone }),
            ...(typed.externalId === undefined ? {} : { externalId: typed.externalId }),
            ...(country === undefined ? {} : { country }),
            hashes: hash === undefined ? [] : [hash].flat(),
          },
          site.integrations,
          countryCode(country ?? '') ?? ofSite?.defaultCountry ?? null,
        )
        if (!('payload' in marks)) {
          const issues = marks.map(({ field, reason }) => ({ path: field, message: reason }))
          const [first] = issues
          throw new Problem('bad_request', `body: ${first?.path}: ${first?.message}`, { issues })
        }
        if (underWay.has(site.id))
          throw new Problem('too_many_requests', 'An erasure of this site is under way already.', {
            retryAfterSeconds: 1,
          })
        const by = Object.keys({ ...typed, ...(hash === undefined ? {} : { hash }) }).sort()
        const noted = (action: string, detail: object): Promise<void> =>
          orUnavailable(
            store.audit(
              auditEntry(call, { at: clock.now(), site: site.id, action, target: 'person', detail }),
            ),
          )
        underWay.add(site.id)
        try {
          // Before and after: an erasure that a crash cuts short has left its line, and is to be asked for again.
          await noted('erasure.requested', { by })
          const report = await finished(erase(site.id, marks, site.integrations))
          await noted('erasure.done', { by, ...report })
          return ok(report)
        } finally {
          underWay.delete(site.id)
        }
      },
    },
  ]
}
