import type { AnyDestination } from './destination.ts'
import { ga4 } from './ga4/index.ts'
import { googleAds } from './google-ads/index.ts'
import { meta } from './meta/index.ts'
import { pinterest } from './pinterest/index.ts'
import { snapchat } from './snapchat/index.ts'
import { tiktok } from './tiktok/index.ts'
import { webhook } from './webhook/index.ts'
import { x } from './x/index.ts'

/** Everything an event can be delivered to. A new platform is a file beside this one and a line here. */
export const destinations: readonly AnyDestination[] = [
  meta,
  tiktok,
  googleAds,
  ga4,
  snapchat,
  pinterest,
  x,
  webhook,
]

const byName: ReadonlyMap<string, AnyDestination> = new Map(
  destinations.flatMap((destination) =>
    [destination.name, ...destination.aliases].map((name) => [name, destination] as const),
  ),
)

/** By its name, or by another that people write for it, in any case; `null` when there is none. */
export const findDestination = (nameOrAlias: string): AnyDestination | null =>
  byName.get(nameOrAlias.trim().toLowerCase()) ?? null
