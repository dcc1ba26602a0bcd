import type { UserData } from '../../event/event.ts'
import type { Identity, SiteContext } from '../destination.ts'
import { googleEmail, googlePhone } from '../google-match-keys.ts'
import { identifyBy, type IdentifyRules } from '../identify.ts'
import type { Ga4Settings } from './settings.ts'

/** https://developers.google.com/analytics/devguides/collection/ga4/uid-data (2026-11-20) */
const rules: IdentifyRules = {
  // Names count only beside an address, and of that Google wants city, region, postcode and country in the clear.
  unused: 'GA4 takes it only in the clear, so it is not sent',
  fields: {
    email: { key: 'sha256_email_address', normalise: googleEmail, otherwise: 'it is no e-mail address' },
    phone: {
      key: 'sha256_phone_number',
      normalise: googlePhone,
      otherwise: 'it is no phone number, or a national one on a site without a country',
    },
  },
}

const longestUserId = 256

/** The owner's own number for a person; Google's terms forbid one that is a name, an e-mail or a phone. */
const userId = (raw: string): { readonly id: string } | { readonly reason: string } => {
  const id = raw.trim()
  if (id === '') return { reason: 'it is empty' }
  if (id.length > longestUserId) return { reason: `GA4 takes user ids of up to ${longestUserId} characters` }
  if (id.includes('@') || googlePhone(id, { country: null }).length > 0)
    return { reason: 'GA4 takes no user id that is an e-mail or a phone' }
  return { id }
}

export const identify = (
  { externalId, ...userData }: UserData,
  { sendUserId }: Ga4Settings,
  context: SiteContext,
): Identity => {
  const identity = identifyBy(rules, userData, context)
  if (externalId === undefined) return identity
  const read = sendUserId ? userId(externalId) : { reason: 'sendUserId is off' }
  return 'id' in read
    ? { ...identity, keys: { ...identity.keys, user_id: read.id } }
    : { ...identity, leftOut: [...identity.leftOut, { field: 'externalId', reason: read.reason }] }
}
