import * as fc from 'fast-check'
import { readConsent } from '../../../src/capture/consent-cookies/index.ts'
import type { ConsentSettings, ConsentSource } from '../../../src/capture/consent-settings.ts'
import { readCookies } from '../../../src/capture/cookies.ts'
import { consentCategories, type ConsentCategory, type ConsentState } from '../../../src/event/consent.ts'
import { readCases } from '../jsonl.ts'

/** What a consent tool's tests share: its vectors, the settings they suppose, and how a request that carries them reads. */

export interface Case {
  /** A cookie's value, or several cookies by name. */
  readonly in: string | Readonly<Record<string, string>>
  /** Analytics, marketing, personalization: granted, denied or unknown. */
  readonly expect: string
}

/** What a request with this `Cookie` header and these further headers says. */
export const read = (
  cookie: string,
  settings?: ConsentSettings,
  headers: readonly string[] = [],
): ConsentState => {
  const rawHeaders = ['Cookie', cookie, ...headers]
  return readConsent(rawHeaders, readCookies(rawHeaders), settings)
}

export const letters = (state: ConsentState): string =>
  consentCategories.map((category) => state[category].charAt(0)).join('')

export const granted = (state: ConsentState): readonly ConsentCategory[] =>
  consentCategories.filter((category) => state[category] === 'granted')

export const casesOf = <T extends Case = Case>(name: string): T[] =>
  readCases<T>(new URL(`./vectors/${name}.jsonl`, import.meta.url))

const services = { analytics: ['google_analytics'], marketing: ['facebook_pixel', 'google_ads'] }

export interface Tool {
  readonly source: ConsentSource
  readonly cookie: string
  /** The vectors' file, and how many it must hold. */
  readonly vectors: string
  readonly count: number
  /** Beside `sources`. */
  readonly settings?: ConsentSettings
}

/** Every tool but the three that are read without being named. */
export const tools: readonly Tool[] = [
  { source: 'tcf', cookie: 'euconsent-v2', vectors: 'tcf', count: 8 },
  { source: 'gpp', cookie: 'OTGPPConsent', vectors: 'gpp', count: 8 },
  { source: 'usprivacy', cookie: 'usprivacy', vectors: 'usprivacy', count: 12 },
  { source: 'cookieyes', cookie: 'cookieyes-consent', vectors: 'cookieyes', count: 9 },
  { source: 'complianz', cookie: 'cmplz_marketing', vectors: 'complianz', count: 5 },
  { source: 'iubenda', cookie: '_iub_cs-12345678', vectors: 'iubenda', count: 6 },
  {
    source: 'didomi',
    cookie: 'didomi_token',
    vectors: 'didomi',
    count: 5,
    settings: {
      didomi: {
        purposes: {
          analytics: ['audience_measurement'],
          marketing: ['targeted_ads'],
          personalization: ['content_perso'],
        },
      },
    },
  },
  { source: 'borlabs', cookie: 'borlabs-cookie', vectors: 'borlabs', count: 5 },
  { source: 'shopify', cookie: '_tracking_consent', vectors: 'shopify', count: 10 },
  { source: 'trustarc', cookie: 'cmapi_cookie_privacy', vectors: 'trustarc', count: 10 },
  { source: 'cookieconsent', cookie: 'cc_cookie', vectors: 'cookieconsent', count: 5 },
  { source: 'klaro', cookie: 'klaro', vectors: 'klaro', count: 5, settings: { klaro: { services } } },
  {
    source: 'axeptio',
    cookie: 'axeptio_cookies',
    vectors: 'axeptio',
    count: 5,
    settings: { axeptio: { vendors: services } },
  },
  {
    source: 'cookie_information',
    cookie: 'CookieInformationConsent',
    vectors: 'cookie-information',
    count: 6,
  },
  { source: 'cookiefirst', cookie: 'cookiefirst-consent', vectors: 'cookiefirst', count: 5 },
  { source: 'cookie_script', cookie: 'CookieScriptConsent', vectors: 'cookie-script', count: 8 },
  { source: 'wp_consent_api', cookie: 'wp_consent_marketing', vectors: 'wp-consent-api', count: 5 },
  {
    source: 'google_consent_mode',
    cookie: 'gcm_state',
    vectors: 'google-consent-mode',
    count: 27,
    settings: { google_consent_mode: { cookie: 'gcm_state' } },
  },
]

export const settingsOf = ({ source, settings }: Tool): ConsentSettings => ({
  ...settings,
  sources: [source],
})

export const valuesOf = ({ in: value }: Case): readonly string[] =>
  typeof value === 'string' ? [value] : Object.values(value)

/** The `Cookie` header of a case. */
export const headerOf = ({ cookie }: Pick<Tool, 'cookie'>, { in: value }: Case): string =>
  typeof value === 'string'
    ? `${cookie}=${value}`
    : Object.entries(value)
        .map(([name, one]) => `${name}=${one}`)
        .join('; ')

/** What is left of a value on its way to a reader: blanks around it, then a pair of quotes, are the header's. */
export const asSent = (value: string): string => {
  const trimmed = value.trim()
  return trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"')
    ? trimmed.slice(1, -1)
    : trimmed
}

const stumblingBlocks = [
  ...String.raw`% %2C %27 %22 %25 %7B ' " { } [ ] , & = : + . \ \" ~ | &groups= C0004 true false yes no allow deny "1" 1 0 null marketing all __proto__ é $$ - _`.split(
    ' ',
  ),
  '',
  ' ',
  '\u0000',
]

/** A text with pieces cut, doubled, swapped, or replaced by what parsers stumble over. */
export const mutated = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      text,
      fc.array(
        fc.record({
          // Not a fraction: those that fast-check draws lie nearly all at the beginning.
          at: fc.nat({ max: 100_000 }),
          length: fc.nat(6),
          put: fc.oneof(fc.constantFrom(...stumblingBlocks), fc.string({ maxLength: 4 })),
        }),
        { maxLength: 5 },
      ),
    )
    .map(([start, edits]) =>
      edits.reduce((current, { at, length, put }) => {
        const from = at % (current.length + 1)
        return current.slice(0, from) + put + current.slice(from + length)
      }, start),
    )
    .map((value) => value.replaceAll(';', ''))
