import { describe, expect, test } from 'vitest'
import { parseRules } from '../../src/rules-file/parse.ts'
import { rulesDeps } from '../../src/gateway/rules-deps.ts'
import { depsWith, fileWith } from './deps.ts'

const where = 'sites[0].integrations[0].consent.whenDenied'
const configs: Readonly<Record<string, object>> = {
  alpha: { pixel: '1', token: { $env: 'TOKEN' } },
  hook: { url: 'x' },
}
const read = (platform: string, consent: object, site: object = {}) => {
  const integrations = [{ id: 'main', platform, config: configs[platform] ?? {}, consent }]
  const result = parseRules(fileWith({ integrations, site }), depsWith())
  return (result.ok ? result.warnings : result.problems).map(
    ({ path, message, severity, line }) => `${severity} ${path}: ${message} (${line > 1})`,
  )
}

describe('"whenDenied": "flag"', () => {
  test('is taken where the platform has a form for visitors who refused', () => {
    expect(read('alpha', { category: 'marketing', whenDenied: 'flag' })).toEqual([])
    expect(read('alpha', { whenDenied: 'flag' })).toEqual([])
  })

  test('is refused elsewhere, at its place, with the platforms that have one', () => {
    expect(read('hook', { whenDenied: 'flag' })).toEqual([
      `error ${where}: hook has no form for visitors who refused, as there is for alpha; here only "drop" is possible (true)`,
    ])
    expect(read('hook', { whenDenied: 'drop' })).toEqual([])
  })

  test('is refused where a refusal does nothing', () => {
    expect(read('alpha', { required: false, whenDenied: 'flag' })).toEqual([
      `error ${where}: "flag" says what a refusal does, and with "required": false a refusal does nothing (true)`,
    ])
  })

  test('is refused in any other word, with the words that there are', () => {
    expect(read('alpha', { whenDenied: 'flagged' })).toEqual([
      `error ${where}: expected "drop" or "flag", found "flagged"; did you mean "flag"? (true)`,
    ])
  })

  test('is doubted where it can never have an effect', () => {
    expect(read('alpha', { category: 'analytics', whenDenied: 'flag' })).toEqual([
      expect.stringContaining(
        `warning ${where}: never has an effect: alpha takes nothing without analytics, which is what is asked for here`,
      ),
    ])
  })

  test('is doubted where the site is in another country than the form', () => {
    expect(read('alpha', { whenDenied: 'flag' }, { defaultCountry: 'DE' })).toEqual([
      expect.stringContaining(
        `warning ${where}: Limited Data Use is for people in US, and the defaultCountry of this site is DE`,
      ),
    ])
    expect(read('alpha', { whenDenied: 'flag' }, { defaultCountry: 'US' })).toEqual([])
  })

  test('is taken at these platforms of ours, and at no other', () => {
    const { platforms } = rulesDeps({})
    const takers = Object.entries(platforms).filter(([, { flagged }]) => flagged !== undefined)
    expect(takers.map(([name]) => name).sort()).toEqual(['ga4', 'google_ads', 'meta', 'snapchat', 'tiktok'])
  })
})
