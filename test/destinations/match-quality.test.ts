import { expect, test } from 'vitest'
import { ga4 } from '../../src/destinations/ga4/index.ts'
import { meta } from '../../src/destinations/meta/index.ts'
import { matchQuality } from '../../src/destinations/match-quality.ts'
import { maximalEvent, minimalEvent, routed, someone } from './events.ts'

const settings = meta.settings.parse({ pixelId: '1234567890', accessToken: 'EAAB' })

test('an event with everything is a 10, and nothing is missing', () => {
  expect(matchQuality(meta, routed(meta, settings, maximalEvent, someone))).toMatchObject({
    grade: 10,
    missing: [],
  })
})

test('an event with nothing is a 0, and the greatest gain is named first', () => {
  const quality = matchQuality(meta, routed(meta, settings, minimalEvent))
  expect(quality).toMatchObject({ grade: 0, present: [] })
  expect(quality?.missing[0]).toEqual({ key: 'em', gain: 3 })
})

test('what is there counts', () => {
  const event = { ...minimalEvent, visitor: { ...minimalEvent.visitor, ip: '203.0.113.7', userAgent: 'x' } }
  const quality = matchQuality(meta, routed(meta, settings, event, { email: 'jane@example.com' }))
  expect(quality).toMatchObject({ grade: 3.8, present: ['em', 'client_ip_address', 'client_user_agent'] })
})

test('for GA4 the cookie and the visit matter most', () => {
  const ga4Settings = ga4.settings.parse({ measurementId: 'G-ABC1234567', apiSecret: 's' })
  expect(matchQuality(ga4, routed(ga4, ga4Settings, maximalEvent))?.grade).toBe(7.5)
})

test('where nobody is matched there is no grade', () => {
  expect(matchQuality({ ...meta, matchKeys: [] }, routed(meta, settings, minimalEvent))).toBeNull()
})
