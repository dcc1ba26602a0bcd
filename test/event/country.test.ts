import { describe, expect, test } from 'vitest'
import { countryCode } from '../../src/event/country.ts'
import { regionCode } from '../../src/event/region.ts'

describe('a country as people write it', () => {
  test.each([
    ['us', 'US'],
    [' US ', 'US'],
    ['USA', 'US'],
    ['U.S.A.', 'US'],
    ['United States', 'US'],
    ['united states of america', 'US'],
    ['United Kingdom', 'GB'],
    ['uk', 'GB'],
    ['England', 'GB'],
    ['DEU', 'DE'],
    ['Deutschland', 'DE'],
    ['España', 'ES'],
    ['Espana', 'ES'],
    ['Österreich', 'AT'],
    ['Côte d’Ivoire', 'CI'],
    ["Cote d'Ivoire", 'CI'],
    ['Bosnia and Herzegovina', 'BA'],
    ['Saint Lucia', 'LC'],
    ['St. Lucia', 'LC'],
    ['Ελλάδα', 'GR'],
    ['Kosovo', 'XK'],
    ['Türkiye', 'TR'],
    ['Turkey', 'TR'],
  ])('%s is %s', (written, code) => {
    expect(countryCode(written)).toBe(code)
  })

  test.each(['', ' ', 'Atlantis', 'XX', 'ZZ', 'EU', 'European Union', 'Unknown Region', '__proto__', '12'])(
    '%s is none',
    (written) => {
      expect(countryCode(written)).toBeNull()
    },
  )
})

describe('a region as people write it', () => {
  test.each([
    ['California', 'ca'],
    ['    California.   ', 'ca'],
    ['New York', 'ny'],
    ['Washington, D.C.', 'dc'],
    ['Québec', 'qc'],
  ])('%s is %s', (written, code) => {
    expect(regionCode(written)).toBe(code)
  })

  test('a region without a code has none', () => {
    expect(regionCode('Bavaria')).toBeNull()
  })
})
