import { describe, expect, test } from 'vitest'
import { platformName } from '../../../src/destinations/destination.ts'
import { googleAds } from '../../../src/destinations/google-ads/index.ts'
import { googleClick } from '../../../src/destinations/google-ads/click.ts'
import { transactionOf } from '../../../src/destinations/google-ads/conversion.ts'
import { googleAdsSettings } from '../../../src/destinations/google-ads/settings.ts'
import type { EventId } from '../../../src/event/brand.ts'
import type { ClickIds } from '../../../src/event/click-ids.ts'
import {
  allGranted,
  context,
  deliver,
  maximalEvent,
  minimalEvent,
  now,
  plainSettings,
  routed,
} from '../events.ts'

const data = googleAdsSettings.parse(plainSettings['google_ads'])
const legacy = { ...data, transport: 'google_ads_api' as const }
const enhancing = { ...legacy, enhance: true }
const day = 86_400_000
const clicked = (clickIds: ClickIds) => ({ ...minimalEvent, visitor: { ...minimalEvent.visitor, clickIds } })
const known = clicked({ gclid: { value: 'CjwTEST' } })

describe('which of several click ids goes', () => {
  test.each<readonly [string, ClickIds, string | null]>([
    ['all three', { wbraid: { value: 'w' }, gbraid: { value: 'b' }, gclid: { value: 'g' } }, 'gclid g'],
    ['both of Apple’s', { wbraid: { value: 'w' }, gbraid: { value: 'b' } }, 'gbraid b'],
    ['one', { wbraid: { value: 'w' } }, 'wbraid w'],
    ['none', {}, null],
    ['another platform’s', { fbclid: { value: 'x' }, dclid: { value: 'd' } }, null],
    ['a malformed one beside a good one', { gclid: { value: 'a b' }, wbraid: { value: 'w' } }, 'wbraid w'],
    ['one too long', { gclid: { value: 'x'.repeat(501) } }, null],
    ['an old one', { gclid: { value: 'g', seenAt: now - 91 * day } }, null],
    [
      'an old one beside a new one',
      { gclid: { value: 'g', seenAt: now - 91 * day }, gbraid: { value: 'b', seenAt: now - day } },
      'gbraid b',
    ],
    ['one of 89 days', { gclid: { value: 'g', seenAt: now - 89 * day } }, 'gclid g'],
    ['one after the conversion', { gclid: { value: 'g', seenAt: now + day } }, null],
    ['one of this very request', { gclid: { value: 'g', seenAt: now + 900 } }, 'gclid g'],
  ])('%s', (_what, clickIds, expected) => {
    const click = googleClick({ ...clicked(clickIds), occurredAt: now })
    expect(click === null ? null : `${click.name} ${click.value}`).toBe(expected)
  })
})

describe('what Google deduplicates on', () => {
  test.each([
    ['the order id', ' ord-1 ', 'evt-1', 'ord-1'],
    ['the event id where there is none', undefined, 'evt-1', 'evt-1'],
    ['the event id where the order id is an address', 'jane@example.com', 'evt-1', 'evt-1'],
    ['the event id where the order id is too long', 'x'.repeat(65), 'evt-1', 'evt-1'],
    ['an order id of the greatest length', 'x'.repeat(64), 'evt-1', 'x'.repeat(64)],
  ])('%s', (_what, orderId, id, expected) => {
    const custom = orderId === undefined ? {} : { orderId }
    expect(transactionOf({ ...minimalEvent, id: id as EventId, custom })).toBe(expected)
  })

  test('a digest of an event id that Google would not take', () => {
    const made = transactionOf({ ...minimalEvent, id: 'order of jane@example.com' as EventId })
    expect(made).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('where an event goes', () => {
  const bodyOf = (name: string, type = 'purchase') =>
    JSON.parse(googleAds.build([deliver({ ...known, type }, { name })], data, context).body) as {
      readonly destinations: readonly [{ readonly productDestinationId: string }]
    }

  test.each([
    ['PURCHASE', '987654321'],
    ['Purchase', '987654321'],
    ['555000111', '555000111'],
    [' 555000111 ', '555000111'],
    ['customers/1/conversionActions/555000111', '555000111'],
  ])('by the name %s to the action %s', (name, action) => {
    expect(bodyOf(name).destinations[0].productDestinationId).toBe(action)
  })

  test.each(['page_view', 'view_content', 'search', 'add_to_cart', 'initiate_checkout', 'add_payment_info'])(
    '%s goes nowhere, for it is no conversion, unless a mapping gives it an action',
    (type) => {
      expect(platformName(googleAds, type)).toBeNull()
      expect(platformName(googleAds, type, { [type]: '555000111' })).toBe('555000111')
      expect(googleAds.refuse(deliver({ ...known, type }, { name: '555000111' }), data, now)).toBeNull()
    },
  )

  test('events of different actions never share a request', () => {
    const keys = ['PURCHASE', '555000111', '555000112'].map((name) =>
      googleAds.batchKey(deliver(known, { name }), data),
    )
    expect(new Set(keys).size).toBe(3)
    expect(googleAds.batchKey(deliver(known, { name: 'SIGNUP' }), data)).toBe(keys[0])
  })

  test('on the older upload every conversion travels alone', () => {
    const other = { ...known, id: 'evt-2' as EventId }
    expect(googleAds.batchKey(deliver(known), legacy)).not.toBe(googleAds.batchKey(deliver(other), legacy))
  })
})

describe('what is refused', () => {
  const statusOf = (event: typeof minimalEvent, settings: typeof data, userData = {}) =>
    googleAds.refuse(routed(googleAds, settings, event, userData), settings, now)?.status ?? null

  test.each([
    [89, data, null],
    [90, data, 'expired'],
    [53, enhancing, null],
    [54, enhancing, 'expired'],
  ] as const)('an event %i days old', (days, settings, status) => {
    const event = { ...known, occurredAt: now - days * day, custom: { orderId: '1' } }
    expect(statusOf(event, settings, { email: 'jane@example.com' })).toBe(status)
  })

  test.each([
    ['a click', known, {}, null],
    ['an e-mail', minimalEvent, { email: 'jane@example.com' }, null],
    ['a phone', minimalEvent, { phone: '+1 415 555 0134' }, null],
    ['a name', minimalEvent, { firstName: 'Jane', lastName: 'Doe' }, 'unmatchable'],
    ['an e-mail that is none', minimalEvent, { email: 'jane' }, 'unmatchable'],
    ['nothing', minimalEvent, {}, 'unmatchable'],
  ] as const)('an event with %s', (_what, event, userData, status) => {
    expect(statusOf(event, data, userData)).toBe(status)
    expect(statusOf(event, legacy, userData)).toBe(status)
  })

  test('an address is enough for the Data Manager API and not for the older upload', () => {
    const person = { firstName: 'Jane', lastName: 'Doe', zip: '98001', country: 'US' }
    expect(statusOf(minimalEvent, { ...data, sendAddress: true }, person)).toBeNull()
    expect(statusOf(minimalEvent, { ...legacy, sendAddress: true }, person)).toBe('unmatchable')
  })

  test('an enhancement needs an order id and a person; a click alone is no help', () => {
    const ordered = { ...known, custom: { orderId: 'A-1' } }
    expect(statusOf(ordered, enhancing, { email: 'jane@example.com' })).toBeNull()
    expect(statusOf(ordered, enhancing)).toBe('unmatchable')
    expect(statusOf(known, enhancing, { email: 'jane@example.com' })).toBe('unmatchable')
  })

  test('a visitor who refused is never sent, and one who was not asked is sent without a claim', () => {
    const denied = { ...known, consent: { ...allGranted, marketing: 'denied' as const } }
    expect(statusOf(denied, data)).toBe('consent_denied')
    expect(statusOf(denied, enhancing)).toBe('consent_denied')
    const unasked = { ...known, consent: { ...allGranted, marketing: 'unknown' as const } }
    expect(statusOf(unasked, data)).toBeNull()
    for (const settings of [data, legacy])
      expect(googleAds.build([deliver(unasked)], settings, context).body).not.toContain('consent')
  })

  test.each([
    ['DE', 'consent_denied'],
    ['GB', 'consent_denied'],
    ['CH', 'consent_denied'],
    ['US', null],
    [undefined, null],
  ])('who was not asked and is in %s: %s', (country, status) => {
    const visitor = { ...known.visitor, ...(country === undefined ? {} : { country }) }
    const unasked = { ...known, visitor, consent: { ...allGranted, marketing: 'unknown' as const } }
    expect(statusOf(unasked, data)).toBe(status)
    expect(statusOf({ ...unasked, consent: allGranted }, data)).toBeNull()
  })
})

describe('settings', () => {
  test.each([
    [{ customerId: '1234567890' }, true],
    [{ customerId: '123-456-7890' }, true],
    [{ customerId: '123456789' }, false],
    [{ customerId: 'customers/1234567890' }, false],
    [{ conversionActionId: 987 }, false],
    [{ conversionActionId: 'AW-987' }, false],
    [{ refreshToken: 'two words' }, false],
    [{ clientSecret: 'a\r\nb' }, false],
    [{ transport: 'grpc' }, false],
    [{ googleAdsApiVersion: '26' }, false],
    [{ enhance: true }, false],
    [{ enhance: true, transport: 'google_ads_api' }, true],
    [{ developerToken: 'x' }, false],
  ])('%j', (change, taken) => {
    expect(googleAdsSettings.safeParse({ ...plainSettings['google_ads'], ...change }).success).toBe(taken)
  })
})

test('the token travels in its header and no secret of the settings anywhere', () => {
  for (const settings of [data, legacy]) {
    const { headers, url, body } = googleAds.build([deliver(maximalEvent)], settings, {
      ...context,
      credential: { accessToken: 'ya29.token' },
    })
    expect(headers['authorization']).toBe('Bearer ya29.token')
    for (const secret of [data.refreshToken, data.clientSecret, 'ya29.token'])
      expect(`${url} ${body}`).not.toContain(secret)
    expect(JSON.stringify(headers)).not.toMatch(/refreshToken|GOCSPX/)
  }
})

test('the scope and the pace are those of the transport', () => {
  expect(googleAds.oauth?.(data).scopes).toEqual(['https://www.googleapis.com/auth/datamanager'])
  expect(googleAds.oauth?.(legacy).scopes).toEqual(['https://www.googleapis.com/auth/adwords'])
  expect(googleAds.hosts).toContain(new URL(googleAds.oauth?.(data).tokenUrl ?? '').hostname)
  expect(googleAds.pace?.(data)).toMatchObject({ requestsPerSecond: 4 })
  expect(googleAds.pace?.(data).account).not.toBe(googleAds.pace?.(legacy).account)
})
