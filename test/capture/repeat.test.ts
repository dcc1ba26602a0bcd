import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SiteId } from '../../src/event/brand.ts'
import type { CustomData } from '../../src/event/event.ts'
import { compileTrust } from '../../src/capture/client-address.ts'
import { repeatIdOf } from '../../src/capture/repeat.ts'
import type { Rule } from '../../src/capture/rules.ts'
import { readVisit } from '../../src/capture/visit.ts'

const halfHour = 30 * 60_000
/** A whole number of half hours after the epoch. */
const start = Date.parse('2026-11-20T10:00:00Z')
const ga = '_ga=GA1.1.1234567890.1763632800'

interface Look {
  readonly at?: number
  readonly target?: string
  readonly cookie?: string
  readonly type?: string
  readonly rule?: Partial<Rule>
  readonly site?: string
  readonly custom?: CustomData
}

const idOf = ({
  at = start,
  target = '/thanks',
  cookie = ga,
  type = 'lead',
  rule = {},
  site = 'shop',
  custom = {},
}: Look) => {
  const visit = readVisit(
    {
      method: 'GET',
      target,
      rawHeaders: ['Host', 'shop.example.com', 'Cookie', cookie, 'User-Agent', 'Mozilla/5.0'],
      remoteAddress: '8.8.8.8',
      secure: true,
      receivedAt: at,
    },
    {},
    compileTrust([]),
  )
  const whole: Rule = {
    id: 'r',
    match: {},
    actions: [{ type: 'fire_conversion_event', eventType: type }],
    ...rule,
  }
  return repeatIdOf({ site: site as SiteId, rule: whole, type, visit }, custom)
}

describe('a page that is seen again', () => {
  test('by the same browser within half an hour of the clock is the same lead', () => {
    const first = idOf({})
    expect(first).toMatch(/^[0-9a-f]{32}$/)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: halfHour - 1 }), (later) => {
        expect(idOf({ at: start + later })).toBe(first)
      }),
    )
    expect(idOf({ at: start + halfHour })).not.toBe(first)
  })

  test.each<[string, Look]>([
    ['by another browser', { cookie: '_ga=GA1.1.1234567891.1763632800' }],
    ['at another address', { target: '/thanks?lead=2' }],
    ['for another event', { type: 'contact' }],
    ['by another rule', { rule: { id: 'other' } }],
    ['on another site', { site: 'other' }],
    ['worth something else', { custom: { value: 12.5, currency: 'EUR' } }],
    ['of other products', { custom: { contentIds: ['lamp'] } }],
    ['counted in other windows', { rule: { repeatMinutes: 15 } }],
  ])('%s is another', (_name, look) => {
    const other = idOf(look)
    expect(other).toMatch(/^[0-9a-f]{32}$/)
    expect(other).not.toBe(idOf({}))
  })

  test.each(['lead', 'contact', 'complete_registration', 'subscribe', 'purchase', 'Brochure ordered'])(
    'fires no second %s',
    (type) => {
      expect(idOf({ type })).not.toBeNull()
    },
  )

  test.each(['page_view', 'view_content', 'search', 'add_to_cart', 'add_to_wishlist'])(
    'is a second %s',
    (type) => {
      expect(idOf({ type })).toBeNull()
    },
  )

  test('counts as the rule wants', () => {
    expect(idOf({ rule: { repeatMinutes: 0 } })).toBeNull()
    const view: Look = { type: 'view_content', rule: { repeatMinutes: 5 } }
    expect(idOf({ ...view, at: start + 299_999 })).toBe(idOf(view))
    expect(idOf({ ...view, at: start + 300_000 })).not.toBe(idOf(view))
  })

  test('counts each time where a script asks for it, unless the rule says otherwise', () => {
    expect(idOf({ rule: { navigation: false } })).toBeNull()
    expect(idOf({ rule: { navigation: false, repeatMinutes: 1 } })).not.toBeNull()
  })
})

describe('whose look it was', () => {
  test.each([
    ['_fbp=fb.1.1763632800000.1234567890'],
    ['_ttp=01KAAAAAAAAAAAAAAAAAAAAAAA_.tt.1'],
    ['_scid=00000000-0000-4000-8000-000000000000'],
    ['_rdt_uuid=1763632800000.00000000-0000-4000-8000-000000000000'],
  ])('is told by %s as well', (cookie) => {
    expect(idOf({ cookie })).not.toBeNull()
    expect(idOf({ cookie })).toBe(idOf({ cookie, at: start + 60_000 }))
  })

  test('is not guessed from the address: many share one', () => {
    expect(idOf({ cookie: 'session=1' })).toBeNull()
  })

  test('is read of no cookie that the visitor refused', () => {
    const fbp = '_fbp=fb.1.1763632800000.1234567890'
    expect(idOf({ cookie: `${ga}; ${fbp}; _sw_consent=none` })).toBeNull()
    expect(idOf({ cookie: `${ga}; _sw_consent=marketing` })).toBeNull()
    expect(idOf({ cookie: `${fbp}; _sw_consent=analytics` })).toBeNull()
    expect(idOf({ cookie: `${ga}; ${fbp}; _sw_consent=marketing` })).toBe(
      idOf({ cookie: `${fbp}; _sw_consent=marketing` }),
    )
  })
})
