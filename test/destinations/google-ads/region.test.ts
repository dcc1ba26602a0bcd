import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { googleAds } from '../../../src/destinations/google-ads/index.ts'
import { isGuarded } from '../../../src/destinations/google-ads/region.ts'
import { googleAdsSettings } from '../../../src/destinations/google-ads/settings.ts'
import type { Visitor } from '../../../src/event/event.ts'
import { context, deliver, maximalEvent, plainSettings } from '../events.ts'

/** Google takes no address of a visitor in the European Economic Area, the United Kingdom or Switzerland. */

const settings = googleAdsSettings.parse(plainSettings['google_ads'])
const ip = '203.0.113.7'

const bodyFor = (country: string | undefined, transport: typeof settings.transport): string => {
  const { ip: _ip, country: _country, ...rest } = maximalEvent.visitor
  const visitor: Visitor = { ...rest, ip, ...(country === undefined ? {} : { country }) }
  return googleAds.build([deliver({ ...maximalEvent, visitor })], { ...settings, transport }, context).body
}

const eea = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(
  ' ',
)

test.each([...eea, 'GB', 'CH', 'RE', 'GI'])('none from %s', (country) => {
  expect(isGuarded(country)).toBe(true)
  expect(bodyFor(country, 'data_manager')).not.toContain(ip)
})

test.each(['US', 'BR', 'JP', 'TR', 'RS'])('one from %s', (country) => {
  expect(JSON.parse(bodyFor(country, 'data_manager'))).toMatchObject({
    events: [{ eventDeviceInfo: { ipAddress: ip } }],
  })
})

test('none of whom nobody knows the country, and none on the older upload', () => {
  expect(eea).toHaveLength(30)
  expect(bodyFor(undefined, 'data_manager')).not.toContain(ip)
  fc.assert(
    fc.property(fc.constantFrom(undefined, 'US', 'DE', 'JP'), (country) => {
      expect(bodyFor(country, 'google_ads_api')).not.toContain(ip)
    }),
  )
})
