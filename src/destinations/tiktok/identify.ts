import { countryCode } from '../../event/country.ts'
import type { UserData, UserDataField } from '../../event/event.ts'
import { alreadyHashed, type Normalised } from '../../event/hashed.ts'
import { isForeignDigest, normaliseEmail, normaliseWord } from '../../event/match-keys.ts'
import { internationalPhone } from '../../event/phone.ts'
import { regionCode } from '../../event/region.ts'
import type { Identity, SiteContext } from '../destination.ts'
import { identifyBy, type FieldRule, type IdentifyRules } from '../identify.ts'
import type { TiktokSettings } from './settings.ts'

/**
 * https://business-api.tiktok.com/portal/docs?id=1771101186666498 and the partner-owned TikTok destination of
 * segmentio/action-destinations (2026-11-20). The phone keeps its `+`, so its hash is another than Meta's or Snapchat's.
 */

const some = (form: string | null): readonly Normalised[] => (form === null ? [] : [form as Normalised])

/** More digits than any national number has, so the country code is there and only its plus is missing. */
const withoutPlus = /^[1-9]\d{11,14}$/

const phone = (raw: string, country: string | null): string | null => {
  const text = raw.trim()
  return (
    internationalPhone(text, country) ??
    (withoutPlus.test(text) ? internationalPhone(`+${text}`, null) : null)
  )
}

/** The browser's pixel hashes the same bytes, so nothing but the case may be chosen. */
const externalId = (raw: string, { externalIdCase }: TiktokSettings): string =>
  externalIdCase === 'lower' ? raw.trim().toLowerCase() : raw.trim()

const word = (key: string, otherwise: string): FieldRule => ({
  key,
  normalise: (raw) => some(normaliseWord(raw)),
  otherwise,
})

const rulesFor = (settings: TiktokSettings): IdentifyRules => ({
  unused: 'TikTok takes it only in the clear, and sendLocation is off',
  fields: {
    email: {
      key: 'email',
      normalise: (raw) => some(normaliseEmail(raw)),
      otherwise: 'it is no e-mail address',
    },
    phone: {
      key: 'phone',
      normalise: (raw, { country }) => some(phone(raw, country)),
      otherwise: 'it is no phone number, or a national one on a site without a country',
    },
    firstName: word('first_name', 'it holds no letters'),
    lastName: word('last_name', 'it holds no letters'),
    // Unlike elsewhere the four digits of an American ZIP+4 stay: TikTok wants spaces and dashes out, and says no more.
    zip: word('zip_code', 'it holds no letters or digits'),
    externalId: {
      key: 'external_id',
      normalise: (raw) => some(externalId(raw, settings)),
      otherwise: 'it holds nothing but spaces',
    },
  },
})

/** What TikTok wants in the clear: lower case, letters and digits. */
const location: Readonly<Partial<Record<UserDataField, (raw: string) => string | null>>> = {
  city: normaliseWord,
  state: (raw) => regionCode(raw) ?? normaliseWord(raw),
  country: (raw) => countryCode(raw)?.toLowerCase() ?? null,
}

const located = (userData: UserData): Pick<Identity, 'plain' | 'leftOut'> => {
  const plain: Record<string, string> = {}
  const leftOut: { field: UserDataField; reason: string }[] = []
  for (const field of ['city', 'state', 'country'] as const) {
    const raw = userData[field]
    if (raw === undefined) continue
    const isDigest = alreadyHashed(raw) !== null || isForeignDigest(raw)
    const form = isDigest ? null : location[field]?.(raw)
    if (typeof form === 'string') plain[field] = form
    else
      leftOut.push({
        field,
        reason: isDigest
          ? 'it is hashed already, and TikTok takes it only in the clear'
          : `it is no ${field}`,
      })
  }
  return { plain, leftOut }
}

export const identify = (userData: UserData, settings: TiktokSettings, context: SiteContext): Identity => {
  const hashed = identifyBy(rulesFor(settings), userData, context)
  if (!settings.sendLocation) return hashed
  const { plain, leftOut } = located(userData)
  const others = hashed.leftOut.filter(({ field }) => location[field] === undefined)
  return { keys: hashed.keys, plain, leftOut: [...others, ...leftOut] }
}
