import { hash, type Normalised } from '../../event/hashed.ts'
import type { DeliverableEvent } from '../destination.ts'
import { hashesOf } from '../identify.ts'
import type { PinterestSettings } from './settings.ts'

/**
 * Limited Data Processing counts only beside a state and the country US; elsewhere Pinterest ignores it.
 * https://help.pinterest.com/en/business/article/limited-data-processing (2026-11-20)
 */

const unitedStates = hash('us' as Normalised)

export type Processing = 'full' | 'limited' | 'opted_out' | 'unknown_state'

/** How Pinterest may process an event; `unknown_state` where it should be limited and the flag would be ignored. */
export const processingOf = (
  { event, identity }: DeliverableEvent,
  { limitedDataProcessing }: PinterestSettings,
): Processing => {
  // Only an integration that asks for no consent gets such an event; Pinterest may then count it, and no more.
  if (event.consent.marketing === 'denied') return 'opted_out'
  if (limitedDataProcessing === undefined) return 'full'
  const [country] = hashesOf(identity, 'country')
  if (country !== undefined && country !== unitedStates) return 'full'
  if (country === unitedStates && hashesOf(identity, 'st').length > 0) return 'limited'
  return limitedDataProcessing.withoutState === 'opt_out' ? 'opted_out' : 'unknown_state'
}
