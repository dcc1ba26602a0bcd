import { describe, expect, test } from 'vitest'
import type { ConsentSettings } from '../../../src/capture/consent-settings.ts'
import { letters, read } from './tools.ts'

/** What single tools have beside their vectors: names of the site's own, companion cookies, and who has chosen. */

const json = (value: unknown): string => encodeURIComponent(JSON.stringify(value))
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')

describe("a site's own names", () => {
  test.each<[string, ConsentSettings, string, string]>([
    [
      'CookieYes',
      { sources: ['cookieyes'], cookieyes: { categories: { marketing: ['advertisement', 'other'] } } },
      'cookieyes-consent=action:yes,analytics:yes,advertisement:yes,other:no',
      'gdu',
    ],
    [
      'Borlabs without preferences',
      { sources: ['borlabs'], borlabs: { groups: { personalization: ['external-media'] } } },
      `borlabs-cookie=${json({ consents: { statistics: ['x'], 'external-media': ['youtube'] } })}`,
      'gdg',
    ],
    [
      'TrustArc with four categories',
      { sources: ['trustarc'], trustarc: { categories: { marketing: [4], personalization: [3] } } },
      'cmapi_cookie_privacy=permit 1,2,3',
      'gdg',
    ],
    [
      'cookieconsent',
      {
        sources: ['cookieconsent'],
        cookieconsent: {
          cookie: 'my_cc',
          categories: { analytics: ['stats'], marketing: ['ads', 'social'] },
        },
      },
      `my_cc=${json({ categories: ['necessary', 'stats', 'ads'] })}`,
      'gdd',
    ],
    [
      'Klaro in a cookie of another name',
      { sources: ['klaro'], klaro: { cookie: 'consent', services: { marketing: ['meta'] } } },
      `consent=${json({ meta: true })}; klaro=${json({ meta: false })}`,
      'ugu',
    ],
    [
      'a Klaro service that came later',
      { sources: ['klaro'], klaro: { services: { marketing: ['meta', 'tiktok'], analytics: ['meta'] } } },
      `klaro=${json({ meta: true })}`,
      'guu',
    ],
    [
      'a Didomi purpose refused beside one granted',
      { sources: ['didomi'], didomi: { purposes: { marketing: ['ads', 'geo'] } } },
      `didomi_token=${base64({ purposes: { enabled: ['ads'], disabled: ['geo'] } })}`,
      'udu',
    ],
    [
      'names of a prototype',
      { sources: ['klaro'], klaro: { services: { marketing: ['constructor', '__proto__', 'toString'] } } },
      `klaro=${json({ a: true })}`,
      'uuu',
    ],
  ])('%s', (_, settings, cookie, expected) => {
    expect(letters(read(cookie, settings))).toBe(expected)
  })
})

describe('companion cookies', () => {
  test.each<[string, ConsentSettings, string, string]>([
    [
      'CookieYes, the old plugin',
      { sources: ['cookieyes'] },
      'viewed_cookie_policy=yes; cookielawinfo-checkbox-analytics=yes; cookielawinfo-checkbox-advertisement=no',
      'gdu',
    ],
    [
      'its JSON',
      { sources: ['cookieyes'] },
      `viewed_cookie_policy=yes; CookieLawInfoConsent=${base64({ analytics: true, advertisement: true, functional: false })}`,
      'ggd',
    ],
    [
      'both, in disagreement',
      { sources: ['cookieyes'] },
      `viewed_cookie_policy=yes; cookielawinfo-checkbox-analytics=no; CookieLawInfoConsent=${base64({ analytics: true })}`,
      'duu',
    ],
    [
      'the refusing button',
      { sources: ['cookieyes'] },
      'viewed_cookie_policy=no; cookielawinfo-checkbox-analytics=yes',
      'duu',
    ],
    [
      'boxes nobody confirmed',
      { sources: ['cookieyes'], requireExplicit: true },
      'cookielawinfo-checkbox-analytics=yes',
      'uuu',
    ],
    [
      'no way around a new cookie without an act',
      { sources: ['cookieyes'] },
      'cookieyes-consent=action:,analytics:no; viewed_cookie_policy=yes; cookielawinfo-checkbox-analytics=yes',
      'uuu',
    ],
    [
      'Complianz at the root of a multisite',
      { sources: ['complianz'] },
      'cmplz_rt_marketing=allow; cmplz_rt_statistics=deny',
      'dgu',
    ],
    [
      'Complianz in two scopes',
      { sources: ['complianz'] },
      'cmplz_rt_marketing=allow; cmplz_marketing=deny',
      'udu',
    ],
    [
      'Complianz, a banner still open',
      { sources: ['complianz'], requireExplicit: true },
      'cmplz_marketing=allow; cmplz_banner-status=show',
      'uuu',
    ],
    [
      'Complianz, a banner dismissed',
      { sources: ['complianz'], requireExplicit: true },
      'cmplz_marketing=allow; cmplz_banner-status=dismissed',
      'ugu',
    ],
    [
      'iubenda, cookies beside its own',
      { sources: ['iubenda'] },
      `_iub_cs-1-granular=${json({ consent: true })}; _iub_cs-x=${json({ consent: true })}; _iub_previous_preference_id=${json({ consent: true })}`,
      'uuu',
    ],
    [
      'iubenda of two sites',
      { sources: ['iubenda'] },
      `_iub_cs-1=${json({ consent: true })}; _iub_cs-2=${json({ purposes: { 5: false, 4: true } })}`,
      'gdu',
    ],
    [
      'iubenda against itself',
      { sources: ['iubenda'] },
      `_iub_cs-1=${json({ consent: false, purposes: { 4: true, 5: true } })}`,
      'ddd',
    ],
    [
      'Shopify, the default in its companion',
      { sources: ['shopify'] },
      `_tracking_consent=${json({ con: { CMP: { a: '', m: '', p: '0' } } })}; _cmp_a=${json({ purposes: { a: true, m: false, p: true } })}`,
      'gdd',
    ],
    [
      'Shopify, a default where a choice is wanted',
      { sources: ['shopify'], requireExplicit: true },
      `_tracking_consent=${json({ con: { CMP: { a: '', m: '', p: '' } }, purposes: { a: true, m: true, p: true } })}`,
      'uuu',
    ],
    [
      'Shopify, a choice',
      { sources: ['shopify'], requireExplicit: true },
      `_tracking_consent=${json({ con: { CMP: { a: '1', m: '0', p: '1' } } })}`,
      'gdg',
    ],
    [
      'Shopify, the companion alone',
      { sources: ['shopify'] },
      `_cmp_a=${json({ purposes: { a: true, m: true, p: true } })}`,
      'uuu',
    ],
    ['TrustArc, the highest category', { sources: ['trustarc'] }, 'notice_preferences=2:', 'ggg'],
    ['TrustArc, only the necessary one', { sources: ['trustarc'] }, 'notice_preferences=0%3A', 'ddd'],
    ['TrustArc, the list', { sources: ['trustarc'] }, 'notice_gdpr_prefs=0,2:', 'dgd'],
    [
      'TrustArc, in disagreement',
      { sources: ['trustarc'] },
      'cmapi_cookie_privacy=permit 1,2,3; notice_preferences=1:',
      'gdg',
    ],
    [
      'Axeptio, lists',
      {
        sources: ['axeptio'],
        axeptio: { vendors: { analytics: ['ga'], marketing: ['meta'], personalization: ['x'] } },
      },
      'axeptio_authorized_vendors=%2Cga%2C; axeptio_all_vendors=%2Cga%2Cmeta%2C',
      'gdu',
    ],
    [
      'Axeptio, lists against the map',
      { sources: ['axeptio'], axeptio: { vendors: { analytics: ['ga'], marketing: ['meta'] } } },
      `axeptio_cookies=${json({ $$completed: true, ga: true, meta: false })}; axeptio_authorized_vendors=%2Cga%2Cmeta%2C`,
      'gdu',
    ],
    [
      'Axeptio, lists before a choice',
      { sources: ['axeptio'], axeptio: { vendors: { analytics: ['ga'] } } },
      `axeptio_cookies=${json({ $$completed: false })}; axeptio_authorized_vendors=%2Cga%2C`,
      'uuu',
    ],
    [
      'Google Consent Mode by default alone',
      { sources: ['google_consent_mode'], requireExplicit: true, google_consent_mode: { cookie: 'g' } },
      'g=13t3t3t2t5l1',
      'uuu',
    ],
    [
      'Google Consent Mode after an update',
      { sources: ['google_consent_mode'], requireExplicit: true, google_consent_mode: { cookie: 'g' } },
      'g=13r3r3r2r5l1',
      'ggg',
    ],
  ])('%s', (_, settings, cookie, expected) => {
    expect(letters(read(cookie, settings))).toBe(expected)
  })
})

describe('several tools', () => {
  test('the order of precedence is the same whatever order the site names them in', () => {
    const header = `CookieConsent=-1; cmplz_marketing=allow; _sw_consent=all; OptanonConsent=groups=C0004:1`
    const sources = ['complianz', 'cookiebot', 'onetrust', '_sw_consent'] as const
    expect(read(header, { sources: [...sources] }).source).toBe('_sw_consent')
    expect(read(header, { sources: sources.slice(0, 3) }).source).toBe('onetrust')
    expect(read(header, { sources: sources.slice(0, 1) }).source).toBe('complianz')
  })

  test('that disagree give the stricter answer, and the journal shows what each said', () => {
    const state = read(
      `wp_consent_marketing=allow; wp_consent_statistics=allow; cmplz_marketing=deny; cmplz_statistics=allow`,
      {
        sources: ['complianz', 'wp_consent_api'],
      },
    )
    expect([letters(state), state.conflict, state.source]).toEqual(['gdu', true, 'complianz'])
    expect(state.raw).toBe(
      'complianz: statistics:1,marketing:0,preferences:? | wp_consent_api: statistics:1,marketing:1,preferences:?',
    )
  })

  test('of which only one may speak of a category do not contradict each other', () => {
    const settings: ConsentSettings = { sources: ['onetrust', 'usprivacy', 'gpp'] }
    const onetrust = 'OptanonConsent=interactionCount=1&groups=C0002:1,C0003:0,C0004:1'
    const agreed = read(`${onetrust}; usprivacy=1YNN; OTGPPConsent=DBABLA~BVQqAAAAAgA.QA`, settings)
    expect([letters(agreed), agreed.conflict]).toEqual(['ggd', false])
    const refused = read(`${onetrust}; usprivacy=1YYN; OTGPPConsent=DBABLA~BVQqAAAAAgA.QA`, settings)
    expect([letters(refused), refused.conflict]).toEqual(['gdd', true])
    const alone = read('usprivacy=1YNN', settings)
    expect(letters(alone)).toBe('ugu')
  })
})
