import { describe, expect, test } from 'vitest'
import { consentSettingsSchema } from '../../src/capture/consent-settings.ts'

const problems = (settings: object): readonly string[] =>
  (consentSettingsSchema.safeParse(settings).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  )

describe('consent settings', () => {
  test.each([
    [{}],
    [{ sources: [] }],
    [{ sources: ['tcf', 'gpp', 'shopify'] }],
    [
      {
        sources: ['tcf'],
        tcf: { cookies: ['my-tc'], purposes: { marketing: [1, 7] }, vendors: { marketing: [755] } },
      },
    ],
    [{ sources: ['klaro'], klaro: { services: { marketing: ['meta'] } } }],
    [{ sources: ['borlabs'], borlabs: { groups: { personalization: ['external-media'] } } }],
    [{ onetrust: { groups: { marketing: ['4'] } } }],
    // The European section of a GPP string is read by the settings of TCF.
    [{ sources: ['gpp'], tcf: { vendors: { marketing: [755] } } }],
  ])('%j is fine', (settings) => {
    expect(problems(settings)).toEqual([])
  })

  test.each([
    ['didomi', /^sources\.0: "didomi" cannot be read before .* add "didomi": \{ "purposes": /],
    ['klaro', /^sources\.0: "klaro" cannot be read before .* add "klaro": \{ "services": /],
    ['axeptio', /^sources\.0: "axeptio" cannot be read before .* add "axeptio": \{ "vendors": /],
    ['google_consent_mode', /^sources\.0: .* add "google_consent_mode": \{ "cookie": /],
  ])('%s without the names that only the site knows is refused, with what to add', (source, expected) => {
    expect(problems({ sources: [source] })).toEqual([expect.stringMatching(expected)])
  })

  test('settings of a tool that is not read are refused, for nothing is ignored in silence', () => {
    expect(problems({ sources: ['onetrust'], klaro: { services: { marketing: ['meta'] } } })).toEqual([
      'klaro: has no effect: "klaro" is not among the "sources"',
    ])
    expect(problems({ gpp: { cookies: ['x'] } })).toEqual([
      'gpp: has no effect: "gpp" is not among the "sources"',
    ])
    expect(problems({ sources: ['tcf'], onetrust: { groups: {} } })).toEqual([
      'onetrust: has no effect: "onetrust" is not among the "sources"',
    ])
  })

  test.each([
    [{ sources: ['usercentrics'] }, 'sources.0'],
    [{ sources: ['tcf'], tcf: { purposes: { marketing: [25] } } }, 'tcf.purposes.marketing.0'],
    [{ sources: ['tcf'], tcf: { vendors: { marketing: [0] } } }, 'tcf.vendors.marketing.0'],
    [{ sources: ['tcf'], tcf: { purposes: { marketing: [] } } }, 'tcf.purposes.marketing'],
    [{ sources: ['tcf'], tcf: { purposes: { ads: [1] } } }, 'tcf.purposes'],
    [{ sources: ['klaro'], klaro: {} }, 'klaro.services'],
    [{ sources: ['klaro'], klaro: { services: {}, cookie: 'a b' } }, 'klaro.cookie'],
    [
      { sources: ['trustarc'], trustarc: { categories: { marketing: ['3'] } } },
      'trustarc.categories.marketing.0',
    ],
    [{ sources: ['gpp'], gpp: { names: [] } }, 'gpp'],
  ])('%j is refused at %s', (settings, path) => {
    expect(problems(settings).map((problem) => problem.split(':')[0])).toEqual([path])
  })
})
