import { isClickParameter } from '../../event/page-url.ts'
import type { DeliverableEvent } from '../destination.ts'
import type { FlaggedForm } from '../flagged.ts'
import { googleConsent } from '../google-consent.ts'

/**
 * The two signals of Consent Mode that uploads know, in the words of the Data Manager API. `null` where nobody was asked:
 * then the account's own default applies. What was refused gets no further than `refuse`, unless it is flagged.
 */
export const uploadConsent = (
  deliverable: DeliverableEvent,
): { readonly adUserData: 'GRANTED' | 'DENIED'; readonly adPersonalization: 'GRANTED' | 'DENIED' } | null => {
  if (!deliverable.flagged && deliverable.event.consent.marketing === 'unknown') return null
  const said = googleConsent(deliverable)
  return said === null ? null : { adUserData: said.ad_user_data, adPersonalization: said.ad_personalization }
}

/** The click ids that stand in an address. */
const clicksIn = (address: string | undefined): ReadonlySet<string> =>
  new Set(
    [...(URL.parse(address ?? '')?.searchParams ?? [])].flatMap(([name, value]) =>
      isClickParameter(name.toLowerCase()) ? [value] : [],
    ),
  )

/**
 * A conversion without a click id and without a person is none that Google takes, so the click goes along, with the refusal
 * beside it. Never one out of a cookie: a refusal of ad storage is one of reading those.
 */
export const flaggedUpload: FlaggedForm = {
  title: 'Consent Mode, all denied',
  keep: ({ source, page, visitor: { clickIds } }) => {
    const seen = clicksIn(page.url)
    const { gclid, gbraid, wbraid } = clickIds
    const kept = Object.entries({ gclid, gbraid, wbraid }).filter(
      ([, click]) => click !== undefined && (source === 'ingest' || seen.has(click.value)),
    )
    return { clickIds: Object.fromEntries(kept) }
  },
}
