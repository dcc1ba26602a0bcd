import { describe, expect, test } from 'vitest'
import { conversionOf } from '../../../src/destinations/x/conversion.ts'
import { x } from '../../../src/destinations/x/index.ts'
import { xSettings } from '../../../src/destinations/x/settings.ts'
import type { CustomData, UserData, Visitor } from '../../../src/event/event.ts'
import { deliver, minimalEvent, now, routed } from '../events.ts'

const settings = xSettings.parse({ pixelId: 'o8z6j', accessToken: 'pixelToken', defaultEventId: 'o87ne' })
const bare = {
  conversion_time: '2026-11-20T15:00:00.000Z',
  event_id: 'o87ne',
  conversion_id: 'evt-1',
}
const of = (custom: CustomData, type = 'lead') =>
  conversionOf(deliver({ ...minimalEvent, type, custom }, { name: x.eventNames.lead ?? '' }), settings, now)

test.each<readonly [CustomData, object]>([
  [
    { value: 99.999, currency: 'EUR' },
    { value: 100, price_currency: 'EUR' },
  ],
  [
    { value: 0, currency: 'EUR' },
    { value: 0, price_currency: 'EUR' },
  ],
  [
    { value: 1200.4, currency: 'JPY' },
    { value: 1200, price_currency: 'JPY' },
  ],
  [{ value: 5 }, {}],
  [{ currency: 'EUR' }, {}],
  [{ value: Number.NaN, currency: 'EUR' }, {}],
  [{ numItems: 2.6 }, { number_items: 3 }],
  [{ numItems: 0 }, {}],
  [{ numItems: -1 }, {}],
  [{ contents: [{ id: '', name: 'Lamp' }] }, {}],
  [{ contents: [{ id: 'a', quantity: 0 }] }, { contents: [{ content_id: 'a' }] }],
  [{ contentIds: ['a', 'b'], contentName: 'Two' }, { contents: [{ content_id: 'a' }, { content_id: 'b' }] }],
  [
    { contentIds: ['a'], contentName: 'Lamp', contentCategory: 'Light' },
    { contents: [{ content_id: 'a', content_name: 'Lamp', content_type: 'Light' }] },
  ],
  [{ properties: { description: 'spring', coupon: 'X' } }, { description: 'spring' }],
  [{ properties: { description: 'for jane@example.com' } }, {}],
  [{ properties: { description: 5 } }, {}],
  [{ searchString: ' lamp ' }, { search_string: 'lamp' }],
])('%j is told as %j', (custom, told) => {
  expect(of(custom)).toEqual({ ...bare, ...told })
})

describe('the conversion id', () => {
  const idOf = (type: string, orderId: string | undefined, orderIdAsConversionId: boolean) =>
    conversionOf(
      deliver({ ...minimalEvent, type, custom: orderId === undefined ? {} : { orderId } }),
      { ...settings, orderIdAsConversionId },
      now,
    )['conversion_id']
  test.each([
    ['purchase', 'ORD-1', true, 'ORD-1'],
    ['purchase', 'ORD-1', false, 'evt-1'],
    ['purchase', undefined, true, 'evt-1'],
    ['purchase', ' ', true, 'evt-1'],
    ['lead', 'ORD-1', true, 'evt-1'],
  ] as const)('of a %s with order %s, asked for: %s', (type, orderId, asked, id) => {
    expect(idOf(type, orderId, asked)).toBe(id)
  })
})

describe('what X can recognise somebody by', () => {
  const visitor = (more: Partial<Visitor>): Visitor => ({ clickIds: {}, browserIds: {}, ...more })
  const [ip, userAgent] = ['203.0.113.7', 'Mozilla/5.0']
  test.each<readonly [string, UserData, Visitor, boolean, boolean]>([
    ['nothing', {}, visitor({}), false, false],
    ['an e-mail', { email: 'jane@example.com' }, visitor({}), true, true],
    ['a phone', { phone: '+1 415 555 0132' }, visitor({}), true, true],
    ['a click', {}, visitor({ clickIds: { twclid: { value: '2demo0click0id' } } }), true, true],
    ['a broken click', {}, visitor({ clickIds: { twclid: { value: 'a b' } } }), false, false],
    ['a click on another platform', {}, visitor({ clickIds: { gclid: { value: 'Cjw' } } }), false, false],
    ['names and an id', { firstName: 'Jane', externalId: 'User-1' }, visitor({}), false, false],
    ['an address and a browser', {}, visitor({ ip, userAgent }), false, true],
    ['a newer address and a browser', {}, visitor({ ip: '2001:db8::7', userAgent }), false, false],
    ['an address', {}, visitor({ ip }), false, false],
  ])('%s', (_what, userData, who, enough, enoughByAddress) => {
    const event = { ...minimalEvent, visitor: who }
    const statusOf = (matchByAddress: boolean) =>
      x.refuse(routed(x, settings, event, userData), { ...settings, matchByAddress }, now)?.status
    expect(statusOf(false)).toBe(enough ? undefined : 'unmatchable')
    expect(statusOf(true)).toBe(enoughByAddress ? undefined : 'unmatchable')
  })
})

const day = 86_400_000
test.each([
  [90 * day, undefined],
  [90 * day + 1, 'expired'],
  [-day, undefined],
])('an event %i ms old is refused: %s', (age, status) => {
  const event = { ...minimalEvent, occurredAt: now - age }
  const deliverable = routed(x, settings, event, { email: 'jane@example.com' })
  expect(x.refuse(deliverable, settings, now)?.status).toBe(status)
})

test('no 15 minutes bring an account more than 60 000 events or requests', () => {
  const pace = x.pace?.(settings)
  expect(pace?.account).toBe('o8z6j')
  for (const perSecond of [pace?.requestsPerSecond ?? Infinity, x.limits.eventsPerSecond])
    expect(perSecond * 901).toBeLessThanOrEqual(60_000)
})
