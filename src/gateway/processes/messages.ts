import type { Counted } from '../../admin/metrics.ts'
import type { Config } from '../../config.ts'
import type { LaneName } from '../../event/names.ts'

/**
 * What the processes of one gateway tell each other. The supervisor stands between all of them; nobody else knows how many
 * there are. Plain JSON.
 */

/** One version of the rules file, as text: each process reads it for itself. */
export interface RulesText {
  /** Counts up with every version that came into force. */
  readonly version: number
  readonly text: string
}

export type Wakes = readonly (readonly [integration: string, lane: LaneName])[]

/** What the back shows of the fronts. */
export interface FrontsNews {
  /** Of all, those that are gone included. */
  readonly counted: Counted
  readonly serving: number
}

export type ToMember =
  | { readonly kind: 'begin'; readonly name: string; readonly config: Config; readonly rules: RulesText }
  /** Read this and be ready for it; answered by `prepared`. */
  | { readonly kind: 'prepare'; readonly rules: RulesText }
  /** Everybody could: it is in force. */
  | { readonly kind: 'commit'; readonly version: number }
  /** Somebody could not: what is in force stays. */
  | { readonly kind: 'discard'; readonly version: number }
  | { readonly kind: 'wake'; readonly lanes: Wakes }
  | { readonly kind: 'fronts'; readonly news: FrontsNews }
  /** Settings were changed through the API. */
  | { readonly kind: 'settings' }
  /** The gateway is about to stop: say so to whoever asks whether it is ready. */
  | { readonly kind: 'leaving' }
  | { readonly kind: 'stop'; readonly deadlineMs: number }

export type FromMember =
  /** Loaded, and waiting for `begin`. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'ready'; readonly version: number; readonly places: Places }
  /** It cannot begin, and neither could another in its place: a `ConfigurationError`. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'prepared'; readonly version: number; readonly problem: string | null }
  | { readonly kind: 'wake'; readonly lanes: Wakes }
  | { readonly kind: 'settings' }
  /** Now and then: what it has counted, and that it is alive. */
  | { readonly kind: 'counts'; readonly counted: Counted | null }

/** Where it can be reached, with the ports that the system chose. */
export interface Places {
  readonly url?: string
  readonly tlsUrl?: string | null
  readonly adminUrl?: string | null
  /** For whoever comes in its place. */
  readonly adminListen?: Config['listen']
}
