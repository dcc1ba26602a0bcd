import { stricter, type ConsentCategory, type Grant } from '../../event/consent.ts'
import { decodePercent } from '../cookies.ts'
import type { ConsentSettings } from '../consent-settings.ts'
import { maxConsentLength, readEveryCopy, type ConsentReader, type ConsentReading } from './reader.ts'

/**
 * OneTrust and CookiePro: `OptanonConsent` is a form-encoded string whose `groups` field lists `ID:0` and `ID:1`
 * (my.onetrust.com, "OneTrust Cookies"). It is written before any choice, with the default of the visitor's region.
 */

/** The ids of OneTrust's own templates. Plain numbers (older accounts) are numbered freely by each site: only by setting. */
const standardGroups: Readonly<Record<ConsentCategory, readonly string[]>> = {
  analytics: ['C0002'],
  marketing: ['C0004'],
  personalization: ['C0003'],
}
/** "Do not sell or share" groups of US templates. */
const saleGroups = ['SPD_BG', 'OSSTA_BG']

const groupItem = /^([A-Za-z0-9_-]{1,64}):(.*)$/s
const fieldStart = /(?:^|&)groups=/

/** Some frameworks and proxies encode the whole value once more, and then no raw `=` is left. A value that has fields of
 * its own is never decoded whole: that would let `&groups=` inside the landing page's encoded address become a field. */
const toFields = (value: string): URLSearchParams | null => {
  if (fieldStart.test(value)) return new URLSearchParams(value)
  const decoded = /[=&]/.test(value) ? null : decodePercent(value)
  return decoded !== null && fieldStart.test(decoded) ? new URLSearchParams(decoded) : null
}

/** All `groups` fields, because a cookie stored decoded leaks those of its landing page's address into the fields. */
const toGroups = (fields: URLSearchParams): ReadonlyMap<string, Grant> => {
  const groups = new Map<string, Grant>()
  for (const field of fields.getAll('groups')) {
    const text = /%3a/i.test(field) ? (decodePercent(field) ?? '') : field
    for (const item of text.split(',')) {
      const [, id, flag] = groupItem.exec(item) ?? []
      if (id === undefined) continue
      const said: Grant = flag === '1' ? 'granted' : flag === '0' ? 'denied' : 'unknown'
      groups.set(id, stricter(groups.get(id) ?? said, said))
    }
  }
  return groups
}

const wasExplicit = (fields: URLSearchParams): boolean | null => {
  const counts = fields.getAll('interactionCount')
  if (counts.includes('0') || fields.getAll('AwaitingReconsent').includes('true')) return false
  return counts.length > 0 && counts.every((count) => /^[1-9]\d{0,8}$/.test(count)) ? true : null
}

const describe = (groups: ReadonlyMap<string, Grant>, explicit: boolean | null): string => {
  const flags: Readonly<Record<Grant, string>> = { granted: '1', denied: '0', unknown: '?' }
  const items = [...groups].slice(0, 64).map(([id, grant]) => `${id}:${flags[grant]}`)
  return `groups=${items.join(',')}${explicit === false ? '&interactionCount=0' : ''}`
}

const read = (value: string, settings: ConsentSettings): ConsentReading | null => {
  if (value.length > maxConsentLength) return null
  const fields = toFields(value)
  if (fields === null) return null
  const groups = toGroups(fields)
  if ([...groups.values()].every((grant) => grant === 'unknown')) return null

  // A group that is not listed is a group the site does not have: the cookie lists refused ones as `:0`.
  const answer = (category: ConsentCategory): Grant => {
    const ids = settings.onetrust?.groups?.[category] ?? standardGroups[category]
    const grants = ids.flatMap((id) => groups.get(id) ?? [])
    return grants.length === 0 ? 'unknown' : grants.reduce(stricter)
  }
  const sale = saleGroups.map((id) => groups.get(id) ?? 'granted').reduce(stricter)
  const explicit = wasExplicit(fields)
  return {
    analytics: answer('analytics'),
    marketing: stricter(answer('marketing'), sale),
    personalization: answer('personalization'),
    explicit,
    evidence: describe(groups, explicit),
  }
}

export const onetrust: ConsentReader = {
  source: 'onetrust',
  read: (jar, settings) => readEveryCopy(jar.all('OptanonConsent'), (value) => read(value, settings)),
}
