import type { UserData } from '../../event/event.ts'
import type { Normalised } from '../../event/hashed.ts'
import { normaliseEmail } from '../../event/match-keys.ts'
import { internationalPhone } from '../../event/phone.ts'
import type { Identity, SiteContext } from '../destination.ts'
import { identifyBy, type IdentifyRules } from '../identify.ts'

/**
 * https://docs.x.com/x-ads-api/measurement/web-conversions (2026-11-20). The page's own example of a hashed `test@x.com` is
 * the hash of `test@twitter.com`.
 */

const some = (form: string | null): readonly Normalised[] => (form === null ? [] : [form as Normalised])

const rules: IdentifyRules = {
  unused: 'X matches by e-mail and phone alone',
  fields: {
    email: {
      key: 'hashed_email',
      normalise: (raw) => some(normaliseEmail(raw)),
      otherwise: 'it is no e-mail address',
    },
    // E.164 with its plus.
    phone: {
      key: 'hashed_phone_number',
      normalise: (raw, { country }) => some(internationalPhone(raw, country)),
      otherwise: 'it is no phone number, or a national one on a site without a country',
    },
  },
}

export const identify = (userData: UserData, context: SiteContext): Identity =>
  identifyBy(rules, userData, context)
