import { findDestination } from '../destinations/index.ts'
import type { Store } from '../store/store.ts'
import { Problem } from './problem.ts'
import { integrationNamed, type AdminSite } from './sites.ts'
import { orUnavailable } from './store-trouble.ts'

/** An integration whose deliveries are asked for: also one that is deleted, as long as its history is there. */

/** Of 10 000 events each: how far back is looked before a name counts as unknown. */
const maxPages = 100

const hasHistory = async (
  store: Pick<Store, 'events'>,
  site: string,
  integration: string,
): Promise<boolean> => {
  let cursor: string | null = null
  for (let page = 0; page < maxPages; page += 1) {
    const found = await store.events({ site, integration, limit: 1, ...(cursor === null ? {} : { cursor }) })
    if (found.events.length > 0) return true
    cursor = found.nextCursor
    if (cursor === null) return false
  }
  return false
}

/** @throws Problem as `integrationNamed`. */
export const historyNamed = async (
  store: Pick<Store, 'events'>,
  site: AdminSite,
  provider: string,
): Promise<{ readonly key: string; readonly deleted: boolean }> => {
  try {
    return { key: integrationNamed(site, provider).key, deleted: false }
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not_found') throw error
    // One that nobody named was made under its platform's name.
    for (const id of new Set([provider, findDestination(provider)?.name ?? provider])) {
      const key = `${site.id}/${id}`
      if (await orUnavailable(hasHistory(store, site.id, key))) return { key, deleted: true }
    }
    throw error
  }
}
