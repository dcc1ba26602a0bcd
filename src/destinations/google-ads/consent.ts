import type { ConsentState } from '../../event/consent.ts'
import { googleConsent } from '../google-consent.ts'

/**
 * The two signals of Consent Mode that uploads know, in the words of the Data Manager API. `null` where nobody was asked:
 * then the account's own default applies. What was refused gets no further than `refuse`.
 */
export const uploadConsent = (
  state: ConsentState,
): { readonly adUserData: 'GRANTED' | 'DENIED'; readonly adPersonalization: 'GRANTED' | 'DENIED' } | null => {
  if (state.marketing === 'unknown') return null
  const said = googleConsent(state)
  return said === null ? null : { adUserData: said.ad_user_data, adPersonalization: said.ad_personalization }
}
