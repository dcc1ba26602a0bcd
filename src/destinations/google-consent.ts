import { permits, type ConsentState } from '../event/consent.ts'
import type { DeliverableEvent } from './destination.ts'

/**
 * The two signals of Consent Mode that Google's server APIs know. There is none for analytics storage: without that grant
 * an event is not routed to Google Analytics at all.
 */
export interface GoogleConsent {
  readonly ad_user_data: 'GRANTED' | 'DENIED'
  readonly ad_personalization: 'GRANTED' | 'DENIED'
}

const said = (granted: boolean): 'GRANTED' | 'DENIED' => (granted ? 'GRANTED' : 'DENIED')

/**
 * Both signals as soon as the visitor was asked anything. `null` where no signal exists, which leaves Google with what its
 * own tag heard from this visitor; nothing of ours grants.
 */
export const googleConsent = ({
  event: { consent: state },
  flagged,
}: Pick<DeliverableEvent, 'event' | 'flagged'>): GoogleConsent | null => {
  // What the integration asks for was refused, be it more than advertising asks for: nothing of it is granted to Google.
  if (flagged) return { ad_user_data: 'DENIED', ad_personalization: 'DENIED' }
  if (state.source === 'none' && state.marketing === 'unknown') return null
  const marketing = permits(state, 'marketing')
  return {
    ad_user_data: said(marketing),
    ad_personalization: said(marketing && permits(state, 'personalization')),
  }
}

/** May identifiers for advertising go along: hashes of a person, ids of a click? */
export const permitsAdvertising = (state: ConsentState): boolean => permits(state, 'marketing')
