import { stricter, type Grant } from '../../event/consent.ts'
import { decodePercent } from '../cookies.ts'
import { readJson } from './json.ts'
import {
  all,
  evidenceOf,
  maxConsentLength,
  readEveryCopy,
  unlessSilent,
  type ConsentReader,
  type ConsentReading,
} from './reader.ts'

/**
 * Google Consent Mode has no cookie: its state lives in the page and rides on Google's own hits. A site may keep it in a
 * cookie that its settings name: in the form of those hits (`gcs`, `gcd`), as JSON, or as a list of `signal:granted`.
 */

type Signals = ReadonlyMap<string, Grant>
interface Said {
  readonly signals: Signals
  readonly explicit: boolean | null
}

const known = [
  'ad_storage',
  'analytics_storage',
  'ad_user_data',
  'ad_personalization',
  'personalization_storage',
] as const

const words: ReadonlyMap<unknown, Grant> = new Map([
  ['granted', 'granted'],
  ['denied', 'denied'],
])

/** `G1`, then advertising and analytics storage: `1` granted, `0` denied, `-` not asked for. */
const readGcs = (text: string): Said | null => {
  const [, ad, analytics] = /^G1([01-])([01-])$/.exec(text) ?? []
  if (ad === undefined || analytics === undefined) return null
  const grant = (bit: string): Grant => (bit === '1' ? 'granted' : bit === '0' ? 'denied' : 'unknown')
  return {
    signals: new Map([
      ['ad_storage', grant(ad)],
      ['analytics_storage', grant(analytics)],
    ]),
    explicit: null,
  }
}

/** What default and update came to, and whether there was an update: Google does not document it, many have read it. */
const gcdLetters: ReadonlyMap<string, readonly [grant: Grant, updated: boolean]> = new Map([
  ['l', ['unknown', false]],
  ['m', ['denied', true]],
  ['n', ['granted', true]],
  ['p', ['denied', false]],
  ['q', ['denied', true]],
  ['r', ['granted', true]],
  ['t', ['granted', false]],
  ['u', ['denied', true]],
  ['v', ['granted', true]],
])
const gcdOrder = ['ad_storage', 'analytics_storage', 'ad_user_data', 'ad_personalization'] as const

const readGcd = (text: string): Said | null => {
  const [, ...letters] = /^1[13]([a-z])\d([a-z])\d([a-z])\d([a-z])\d[a-z0-9]{0,16}$/i.exec(text) ?? []
  const said = letters.flatMap((letter) => {
    const meaning = gcdLetters.get(letter.toLowerCase())
    return meaning === undefined ? [] : [meaning]
  })
  if (said.length !== gcdOrder.length) return null
  return {
    signals: new Map(gcdOrder.map((signal, place) => [signal, said[place]?.[0] ?? 'unknown'])),
    explicit: said.every(([, updated]) => updated),
  }
}

const readPairs = (pairs: Iterable<readonly [name: string, value: unknown]>): Said => {
  const signals = new Map<string, Grant>()
  for (const [name, value] of pairs) {
    const grant = words.get(value) ?? 'unknown'
    signals.set(name, stricter(signals.get(name) ?? grant, grant))
  }
  return { signals, explicit: null }
}

const readList = (text: string): Said =>
  readPairs(
    text.split(/[,&| ]+/).map((item) => {
      const [name = '', ...value] = item.split(/[:=]/)
      return [name, value.length === 1 ? value[0] : undefined] as const
    }),
  )

const toReading = ({ signals, explicit }: Said): ConsentReading => {
  const answer = (signal: string): Grant => signals.get(signal) ?? 'unknown'
  const personal = ['ad_personalization', 'personalization_storage'].filter((signal) => signals.has(signal))
  return {
    analytics: answer('analytics_storage'),
    // What an event does is to send user data for advertising: a state without that word, as `gcs` is, grants none of it.
    marketing: all([answer('ad_storage'), answer('ad_user_data')]),
    personalization: all(personal.map(answer)),
    explicit,
    evidence: evidenceOf(
      known.filter((signal) => signals.has(signal)).map((signal) => [signal, answer(signal)]),
    ),
  }
}

const read = (value: string): ConsentReading | null => {
  const text = value.length > maxConsentLength ? null : decodePercent(value)
  if (text === null) return null
  const json = readJson(value)
  const said =
    readGcs(text) ?? readGcd(text) ?? (json === null ? readList(text) : readPairs(Object.entries(json)))
  return unlessSilent(toReading(said))
}

export const googleConsentMode: ConsentReader = {
  source: 'google_consent_mode',
  read: (jar, settings) => {
    const cookie = settings.google_consent_mode?.cookie
    return cookie === undefined ? null : readEveryCopy(jar.all(cookie), read)
  },
}
