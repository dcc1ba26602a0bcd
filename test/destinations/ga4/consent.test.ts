import { describe, expect, test } from 'vitest'
import type { Grant } from '../../../src/event/consent.ts'
import { ga4 } from '../../../src/destinations/ga4/index.ts'
import { allGranted, context, maximalEvent, now, routed, someone } from '../events.ts'

const settings = ga4.settings.parse({ measurementId: 'G-ABC1234567', apiSecret: 's' })

/** https://developers.google.com/tag-platform/security/concepts/consent-mode */
describe('consent travels with the request', () => {
  const cases: readonly (readonly [Grant, Grant, string, readonly [string, string] | null])[] = [
    ['granted', 'granted', 'cmp', ['GRANTED', 'GRANTED']],
    ['granted', 'denied', 'cmp', ['GRANTED', 'DENIED']],
    ['granted', 'unknown', 'cmp', ['GRANTED', 'DENIED']],
    ['denied', 'granted', 'cmp', ['DENIED', 'DENIED']],
    ['denied', 'denied', 'cmp', ['DENIED', 'DENIED']],
    ['unknown', 'granted', 'cmp', ['DENIED', 'DENIED']],
    ['unknown', 'unknown', 'cmp', ['DENIED', 'DENIED']],
    // nobody was asked: Google knows what its own tag was told
    ['unknown', 'unknown', 'none', null],
  ]
  test.each(cases)(
    'marketing %s, personalization %s (%s): %s',
    (marketing, personalization, source, said) => {
      const event = {
        ...maximalEvent,
        page: { url: 'https://shop.example/?gclid=X&gbraid=X&wbraid=X&dclid=X&gad_source=1&_gl=X&color=red' },
        consent: { ...allGranted, marketing, personalization, source },
      }
      const deliverable = routed(ga4, settings, event, someone)
      const body = JSON.parse(ga4.build([deliverable], settings, context).body) as {
        readonly consent?: unknown
        readonly user_data?: unknown
        readonly events: readonly { readonly params: { readonly page_location: string } }[]
      }
      expect(body.consent).toEqual(
        said === null ? undefined : { ad_user_data: said[0], ad_personalization: said[1] },
      )
      expect(body.user_data !== undefined).toBe(marketing === 'granted')
      expect(body.events[0]?.params.page_location).toBe(
        marketing === 'granted' ? event.page.url : 'https://shop.example/?color=red',
      )
    },
  )
})

test('unlike visitors, and unlike consents, never share a request', () => {
  const key = (event: typeof maximalEvent, person = someone): string =>
    ga4.batchKey(routed(ga4, settings, event, person), settings)
  const own = key(maximalEvent)
  expect(key({ ...maximalEvent, occurredAt: now, custom: {}, page: {} })).toBe(own)
  const { visitor } = maximalEvent
  const others = [
    key({ ...maximalEvent, visitor: { ...visitor, ip: '203.0.113.8' } }),
    key({ ...maximalEvent, visitor: { ...visitor, userAgent: 'other' } }),
    key({ ...maximalEvent, visitor: { ...visitor, browserIds: { gaClientId: '1.2' } } }),
    key({ ...maximalEvent, consent: { ...allGranted, personalization: 'denied' } }),
    key(maximalEvent, { ...someone, email: 'john@example.com' }),
  ]
  expect(new Set([own, ...others]).size).toBe(6)
  expect(own).toMatch(/^[0-9a-f]{32}$/)
})
