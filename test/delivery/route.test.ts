import { describe, expect, test } from 'vitest'
import { route } from '../../src/delivery/route.ts'
import { findDestination } from '../../src/destinations/index.ts'
import { noConsentSignal } from '../../src/event/consent.ts'
import type { ClickIdName } from '../../src/event/click-ids.ts'
import { simplePlatform } from '../support/destination.ts'
import { captured, everythingGranted, someEvent, someIntegration } from '../support/events.ts'

const now = someEvent().occurredAt + 1_000
const only = (...args: Parameters<typeof route>) => {
  const [decision, ...others] = route(...args)
  expect(others).toEqual([])
  return decision!
}

describe('routing', () => {
  test('an event with consent is delivered in the destination’s own terms', () => {
    const decision = only(captured({}, { email: ' A@B.example ' }), [someIntegration()], now)
    expect(decision.refusal).toBeNull()
    expect(decision.lane).toBe('realtime')
    expect(decision.deliverable.name).toBe('purchase')
    expect(decision.deliverable.identity.keys['email']).toMatch(/^[0-9a-f]{64}$/)
  })

  test.each([
    { grant: 'denied' as const, source: 'onetrust', gpc: false, words: 'marketing was refused (onetrust)' },
    {
      grant: 'unknown' as const,
      source: 'none',
      gpc: false,
      words: 'no consent signal was found for marketing',
    },
    {
      grant: 'unknown' as const,
      source: 'cookiebot',
      gpc: false,
      words: 'marketing was neither granted nor refused (cookiebot)',
    },
    {
      grant: 'denied' as const,
      source: 'none',
      gpc: true,
      words: 'the browser objects to marketing (Sec-GPC)',
    },
  ])(
    'without a grant ($grant, $source) it is withheld, and nobody is identified',
    ({ grant, source, gpc, words }) => {
      const consent = { ...everythingGranted, marketing: grant, source, gpc }
      const decision = only(captured({ consent }, { email: 'a@b.example' }), [someIntegration()], now)
      expect(decision.refusal).toEqual({ status: 'consent_denied', reason: words })
      expect(decision.deliverable.identity.keys).toEqual({})
    },
  )

  test('a browser’s objection also counts where an ad platform asks for personalization', () => {
    const integration = someIntegration({ consent: { category: 'personalization' } })
    const decision = only(captured({ consent: { ...everythingGranted, gpc: true } }), [integration], now)
    expect(decision.refusal?.status).toBe('consent_denied')
  })

  test('an integration that does not ask for consent gets the event without it', () => {
    const integration = someIntegration({ consent: { required: false } })
    expect(only(captured({ consent: noConsentSignal }), [integration], now).refusal).toBeNull()
  })

  test.each([
    { why: 'paused', over: { status: 'paused' as const }, status: 'paused' },
    { why: 'in test mode', over: { testMode: true }, status: 'test' },
    {
      why: 'switched off for the type',
      over: { eventFilters: { purchase: { enabled: false } } },
      status: 'filtered',
    },
    {
      why: 'filtered by a condition',
      over: {
        eventFilters: {
          purchase: { conditions: [{ field: 'value', operator: 'gte' as const, value: 200 }] },
        },
      },
      status: 'filtered',
    },
  ])('an integration that is $why says so', ({ over, status }) => {
    expect(only(captured(), [someIntegration(over)], now).refusal?.status).toBe(status)
  })

  test('a type the platform does not take is filtered, unless a mapping names one', () => {
    const event = captured({ type: 'page_view', name: 'page_view' })
    expect(only(event, [someIntegration()], now).refusal?.status).toBe('filtered')
    const mapped = only(event, [someIntegration({ eventMapping: { page_view: 'Seen' } })], now)
    expect(mapped.refusal).toBeNull()
    expect(mapped.deliverable.name).toBe('Seen')
    expect(mapped.lane).toBe('batch')
  })

  test('a reverse mapping reads a foreign name as a type of ours', () => {
    const integration = someIntegration({ reverseEventMapping: { Bestellung: 'Purchase' } })
    const decision = only(captured({ type: 'Bestellung', name: 'Bestellung' }), [integration], now)
    expect(decision.deliverable.event.type).toBe('purchase')
  })

  test('an event too old for the platform is expired', () => {
    expect(only(captured(), [someIntegration()], now + 8 * 86_400_000).refusal?.status).toBe('expired')
  })

  test.each([
    { targets: null, count: 2 },
    { targets: ['one'], count: 1 },
    { targets: ['simple'], count: 2 },
    { targets: ['plain'], count: 2 },
    { targets: ['other'], count: 0 },
  ])('targets $targets reach $count of two integrations', ({ targets, count }) => {
    const both = [someIntegration({ id: 'one' }), someIntegration({ id: 'two' })]
    expect(route(captured({}, {}, targets), both, now)).toHaveLength(count)
  })

  test('the lane may be chosen by the integration', () => {
    expect(only(captured(), [someIntegration({ lane: 'batch' })], now).lane).toBe('batch')
  })

  describe('by click id', () => {
    const byClick = (clickIds?: readonly ClickIdName[]) =>
      someIntegration({ routeByClickId: true }, simplePlatform(clickIds === undefined ? {} : { clickIds }))
    const clicked = (...names: ClickIdName[]) =>
      captured({
        visitor: {
          clickIds: Object.fromEntries(names.map((name) => [name, { value: `${name}-value` }])),
          browserIds: {},
        },
      })

    test.each<{ name: string; carries: ClickIdName[]; own: ClickIdName[]; goes: boolean }>([
      { name: 'its own', carries: ['fbclid'], own: ['fbclid'], goes: true },
      { name: 'another platform’s', carries: ['gclid'], own: ['fbclid'], goes: false },
      { name: 'its own and another’s', carries: ['gclid', 'fbclid'], own: ['fbclid'], goes: true },
      { name: 'its second kind', carries: ['wbraid'], own: ['gclid', 'wbraid'], goes: true },
      { name: 'none: nobody’s click is everybody’s event', carries: [], own: ['fbclid'], goes: true },
    ])('an event that carries $name', ({ carries, own, goes }) => {
      const { refusal } = only(clicked(...carries), [byClick(own)], now)
      expect(refusal?.status ?? null).toBe(goes ? null : 'filtered')
    })

    test('the refusal says whose click it was', () => {
      const { refusal } = only(clicked('gclid', 'wbraid'), [byClick(['fbclid'])], now)
      expect(refusal?.reason).toBe('routeByClickId: the click came with gclid, wbraid, not with fbclid')
    })

    test('a platform without click ids gets everything, and so does one that is not asked to choose', () => {
      expect(only(clicked('gclid'), [byClick()], now).refusal).toBeNull()
      const indifferent = someIntegration({}, simplePlatform({ clickIds: ['fbclid'] }))
      expect(only(clicked('gclid'), [indifferent], now).refusal).toBeNull()
    })

    test('the click id in Meta’s own cookie counts', () => {
      const visitor = { clickIds: {}, browserIds: { fbc: 'fb.1.1763632800000.abc' } }
      expect(only(captured({ visitor }), [byClick(['fbclid'])], now).refusal).toBeNull()
      expect(only(captured({ visitor }), [byClick(['ttclid'])], now).refusal?.status).toBe('filtered')
    })

    test.each([
      { name: 'meta', own: 'fbclid', foreign: 'gclid' },
      { name: 'google_ads', own: 'gbraid', foreign: 'fbclid' },
      { name: 'tiktok', own: 'ttclid', foreign: 'fbclid' },
      { name: 'snapchat', own: 'sccid', foreign: 'fbclid' },
      { name: 'pinterest', own: 'epik', foreign: 'fbclid' },
      { name: 'x', own: 'twclid', foreign: 'fbclid' },
    ] as const)('$name declares that it is known by $own', ({ name, own, foreign }) => {
      const integration = someIntegration(
        { routeByClickId: true },
        simplePlatform({ clickIds: findDestination(name)?.clickIds ?? [] }),
      )
      expect(only(clicked(own), [integration], now).refusal).toBeNull()
      expect(only(clicked(foreign), [integration], now).refusal?.status).toBe('filtered')
    })
  })
})
