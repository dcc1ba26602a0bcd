import type { FlaggedForm } from '../destinations/flagged.ts'

/** Who can take an event of a visitor who refused. */

type Takers = Readonly<Record<string, { readonly flagged?: FlaggedForm | undefined }>>

/** Why `"whenDenied": "flag"` cannot stand at an integration of this platform, and what would be right; `null`: it can. */
export const flagProblem = (platform: string, platforms: Takers): string | null => {
  if (platforms[platform]?.flagged !== undefined) return null
  const takers = Object.entries(platforms).flatMap(([name, { flagged }]) =>
    flagged === undefined ? [] : [name],
  )
  return `${platform} has no form for visitors who refused${takers.length === 0 ? '' : `, as there is for ${takers.join(', ')}`}; here only "drop" is possible`
}
