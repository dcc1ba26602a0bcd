import { countryCode } from '../event/country.ts'
import { userDataFields, type UserData, type UserDataField } from '../event/event.ts'
import { alreadyHashed, hash, type Hashed, type Normalised } from '../event/hashed.ts'
import { isForeignDigest } from '../event/match-keys.ts'
import type { Identity, SiteContext } from './destination.ts'

/** From what a person typed to what a platform matches on: the walk that all hashing destinations share. */

/** What one field says about another. */
export interface Surroundings {
  /** ISO 3166-1 alpha-2: the person's own country, else the site's; `null` where neither is known. */
  readonly country: string | null
}

export interface FieldRule {
  /** The platform's name for the key. */
  readonly key: string
  /** The forms to hash; more than one where a platform's own papers disagree. Empty: this cannot be one. */
  normalise(raw: string, surroundings: Surroundings): readonly Normalised[]
  /** Why it was left out, never with the value. */
  readonly otherwise: string
}

export interface IdentifyRules {
  readonly fields: Readonly<Partial<Record<UserDataField, FieldRule>>>
  /** Why a field without a rule is left out. */
  readonly unused: string
  /** Recognises a value that came hashed. */
  readonly hashed?: (raw: string) => Hashed | null
}

const longestValue = 1000

const single = <T>(values: readonly T[]): T | readonly T[] => {
  const [first] = values
  return values.length === 1 && first !== undefined ? first : values
}

const readField = (
  field: UserDataField,
  raw: string,
  rule: FieldRule,
  { surroundings, hashed }: { surroundings: Surroundings; hashed: (raw: string) => Hashed | null },
): readonly Hashed[] | string => {
  if (raw.trim() === '') return 'it is empty'
  if (raw.length > longestValue) return 'it is too long'
  const kept = hashed(raw)
  if (kept !== null) return [kept]
  // An id of the sender's own may well be 32 hex digits; a name or an address is not.
  if (field !== 'externalId' && isForeignDigest(raw)) return 'it is hashed already, and not with SHA-256'
  const forms = [...new Set(rule.normalise(raw, surroundings))]
  return forms.length === 0 ? rule.otherwise : forms.map(hash)
}

/** Every field ends in `keys` or in `leftOut`, and no hash is hashed again. */
export const identifyBy = (
  { fields, unused, hashed = alreadyHashed }: IdentifyRules,
  userData: UserData,
  context: SiteContext,
): Identity => {
  const own = userData.country === undefined ? null : countryCode(userData.country)
  const surroundings: Surroundings = { country: own ?? context.defaultCountry?.toUpperCase() ?? null }
  const keys: Record<string, Hashed | readonly Hashed[]> = {}
  const leftOut: { field: UserDataField; reason: string }[] = []
  for (const field of userDataFields) {
    const raw = userData[field]
    if (raw === undefined) continue
    const rule = fields[field]
    const read = rule === undefined ? unused : readField(field, raw, rule, { surroundings, hashed })
    if (typeof read === 'string') leftOut.push({ field, reason: read })
    else if (rule !== undefined) keys[rule.key] = single(read)
  }
  return { keys, plain: {}, leftOut }
}

/** A key's hashes as a list, however many there are. */
export const hashesOf = (identity: Identity, key: string): readonly string[] => {
  const value = identity.keys[key]
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}
