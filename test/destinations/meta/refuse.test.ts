import { describe, expect, test } from 'vitest'
import { meta } from '../../../src/destinations/meta/index.ts'
import { canMatch } from '../../../src/destinations/meta/user-data.ts'
import { context, deliver, maximalEvent, minimalEvent, now, routed, someone } from '../events.ts'

const settings = meta.settings.parse({ pixelId: '1234567890', accessToken: 'EAAB' })
const day = 86_400_000

/** https://developers.facebook.com/documentation/ads-commerce/conversions-api/best-practices */
describe('what Meta can recognise somebody by', () => {
  test.each([
    [[], false],
    [['client_user_agent'], false],
    [['ct', 'country', 'st', 'zp', 'client_user_agent'], false],
    [['zp'], false],
    [['fn'], false],
    [['ln'], false],
    [['fn', 'ln'], true],
    [['client_ip_address', 'client_user_agent'], true],
    [['em'], true],
    [['external_id', 'client_user_agent'], true],
    [['fbp', 'client_user_agent'], true],
    [['ct', 'country', 'fbc'], true],
  ])('%s: %s', (keys, enough) => {
    expect(canMatch(Object.fromEntries(keys.map((key) => [key, 'x'])))).toBe(enough)
  })
})

test.each([
  [6 * day, null],
  [7 * day - 2 * 60_000, null],
  [7 * day, 'expired'],
  [30 * day, 'expired'],
])('an event %i ms old is refused: %s', (age, status) => {
  const event = { ...maximalEvent, occurredAt: now - age }
  expect(meta.refuse(routed(meta, settings, event, someone), settings, now)?.status ?? null).toBe(status)
})

test('only what Meta calls a purchase needs a value', () => {
  const event = { ...maximalEvent, custom: { orderId: '1' } }
  expect(meta.refuse(deliver(event, { name: 'Purchase' }), settings, now)?.status).toBe('unmatchable')
  expect(meta.refuse(deliver(event, { name: 'Lead' }), settings, now)).toBeNull()
})

test('an event of the ingest API without a browser goes as what it is', () => {
  const deliverable = routed(meta, settings, minimalEvent, someone)
  expect(meta.refuse(deliverable, settings, now)).toBeNull()
  const body = JSON.parse(meta.build([deliverable], settings, context).body) as {
    data: readonly Readonly<Record<string, unknown>>[]
  }
  expect(body.data[0]?.['action_source']).toBe('system_generated')
})

test('geolocated limited data use needs an address', () => {
  const limited = meta.settings.parse({
    pixelId: '1234567890',
    accessToken: 'EAAB',
    limitedDataUse: { country: 0, state: 0 },
  })
  expect(meta.refuse(routed(meta, limited, minimalEvent, someone), limited, now)?.status).toBe('unmatchable')
  expect(meta.refuse(routed(meta, limited, maximalEvent, someone), limited, now)).toBeNull()
})

test.each([
  [{ pixelId: 123, accessToken: 'EAAB' }],
  [{ pixelId: 'G-123', accessToken: 'EAAB' }],
  [{ pixelId: '1234567890', accessToken: 'two words' }],
  [{ pixelId: '1234567890', accessToken: 'EAAB\r\nhost: x' }],
  [{ pixelId: '1234567890', accessToken: 'EAAB', limitedDataUse: { country: 0, state: 1000 } }],
  [{ pixelId: '1234567890', accessToken: 'EAAB', partnerAgent: '1234567890123456789012a' }],
  [{ pixelId: '1234567890', accessToken: 'EAAB', apiVersion: '26' }],
])('settings %j are refused', (written) => {
  expect(meta.settings.safeParse(written).success).toBe(false)
})

test.each([
  ['submit_application', 'SubmitApplication'],
  ['SubmitApplication', 'SubmitApplication'],
  ['find location', 'FindLocation'],
  ['Quiz finished!', 'Quiz finished!'],
  ['x'.repeat(60), 'x'.repeat(50)],
])('the custom event %s is %s', (written, name) => {
  expect(meta.customName(written)).toBe(name)
})
