import { consentCategories, type ConsentCategory, type Grant } from '../../event/consent.ts'
import { decodePercent } from '../cookies.ts'
import { readEveryCopy, type ConsentReader, type ConsentReading } from './reader.ts'

/**
 * The product's own cookie: a list (`analytics.marketing`: what it names is granted, the rest denied), pairs
 * (`marketing:0`: what it does not name is unknown), or both.
 */

const maxLength = 512
const maxTokens = 32
const separators = /[,.|+ ]+/
const yes = new Set(['1', 'true', 'granted', 'yes'])
const no = new Set(['0', 'false', 'denied', 'no'])

const isCategory = (name: string): name is ConsentCategory =>
  (consentCategories as readonly string[]).includes(name)

const readPair = (token: string): [ConsentCategory, Grant] | null => {
  const [name = '', value = '', ...rest] = token.split(/[:=]/)
  if (!isCategory(name) || rest.length > 0) return null
  if (yes.has(value)) return [name, 'granted']
  return no.has(value) ? [name, 'denied'] : null
}

const read = (value: string): ConsentReading | null => {
  if (value.length > maxLength) return null
  const tokens = decodePercent(value)?.toLowerCase().split(separators).filter(Boolean) ?? []
  if (tokens.length > maxTokens) return null

  const listed = new Set<string>()
  const granted = new Set<ConsentCategory>()
  const denied = new Set<ConsentCategory>()
  const evidence: string[] = []
  for (const token of tokens) {
    const pair = readPair(token)
    if (pair !== null) (pair[1] === 'granted' ? granted : denied).add(pair[0])
    else if (isCategory(token) || token === 'all' || token === 'none' || token === 'necessary') {
      listed.add(token)
    } else {
      evidence.push('?')
      continue
    }
    evidence.push(token)
  }
  if (listed.size + granted.size + denied.size === 0) return null

  const answer = (category: ConsentCategory): Grant => {
    // `none` is a refusal: next to anything else it makes a contradiction, and a contradiction grants nothing.
    if (denied.has(category) || listed.has('none')) return 'denied'
    if (granted.has(category) || listed.has(category) || listed.has('all')) return 'granted'
    return listed.size > 0 ? 'denied' : 'unknown'
  }
  return {
    analytics: answer('analytics'),
    marketing: answer('marketing'),
    personalization: answer('personalization'),
    // Nobody but the site's own banner writes this cookie, and it does so when the visitor chose.
    explicit: true,
    evidence: evidence.join('.'),
  }
}

export const swConsent: ConsentReader = {
  source: '_sw_consent',
  read: (jar) => readEveryCopy(jar.all('_sw_consent'), read),
}
