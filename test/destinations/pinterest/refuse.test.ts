import { describe, expect, test } from 'vitest'
import { pinterest } from '../../../src/destinations/pinterest/index.ts'
import type { UserData, Visitor } from '../../../src/event/event.ts'
import { platformName } from '../../../src/destinations/destination.ts'
import { allGranted, maximalEvent, minimalEvent, now, routed, someone } from '../events.ts'

const written = { accessToken: 'pinaToken', adAccountId: '549755885175' }
const settings = pinterest.settings.parse(written)
const day = 86_400_000

describe('what Pinterest can recognise somebody by', () => {
  const nothing: Visitor = { clickIds: {}, browserIds: {} }
  const address = { ip: '203.0.113.7' }
  const browser = { userAgent: 'Mozilla/5.0' }
  test.each<readonly [string, UserData, Visitor, boolean]>([
    ['nothing', {}, nothing, false],
    ['an e-mail', { email: 'jane@example.com' }, nothing, true],
    ['a broken e-mail', { email: 'jane' }, nothing, false],
    ['a phone', { phone: '+1 415 555 0132' }, nothing, false],
    ['an id of the owner', { externalId: 'User-789' }, nothing, false],
    ['a click', {}, { ...nothing, clickIds: { epik: { value: 'dj0y' } } }, false],
    ['an address', {}, { ...nothing, ...address }, false],
    ['a browser', {}, { ...nothing, ...browser }, false],
    ['an address and a browser', {}, { ...nothing, ...address, ...browser }, true],
  ])('%s', (_what, userData, visitor, enough) => {
    const deliverable = routed(pinterest, settings, { ...minimalEvent, visitor }, userData)
    expect(pinterest.refuse(deliverable, settings, now)?.status).toBe(enough ? undefined : 'unmatchable')
  })
})

test.each([
  [7 * day, undefined],
  [7 * day + 1, 'expired'],
  [-day, undefined],
])('an event %i ms old is refused: %s', (age, status) => {
  const event = { ...maximalEvent, occurredAt: now - age }
  expect(pinterest.refuse(routed(pinterest, settings, event, someone), settings, now)?.status).toBe(status)
})

describe('where processing is to be limited', () => {
  const limited = pinterest.settings.parse({ ...written, limitedDataProcessing: {} })
  test.each<readonly [string, UserData, string | undefined]>([
    ['a known state', { state: 'CA', country: 'US' }, undefined],
    ['another country', { country: 'FR' }, undefined],
    ['no state', { country: 'US' }, 'unmatchable'],
    ['a state without a country', { state: 'CA' }, 'unmatchable'],
    ['nothing', {}, 'unmatchable'],
  ])('%s', (_what, userData, status) => {
    expect(pinterest.refuse(routed(pinterest, limited, maximalEvent, userData), limited, now)?.status).toBe(
      status,
    )
  })

  test('who refused needs no state: the event says so itself', () => {
    const event = { ...maximalEvent, consent: { ...allGranted, marketing: 'denied' as const } }
    expect(pinterest.refuse(routed(pinterest, limited, event), limited, now)).toBeNull()
  })
})

test.each([
  ['add_to_cart', 'add_to_cart'],
  ['purchase', 'checkout'],
  ['complete_registration', 'signup'],
  ['page_view', 'page_visit'],
  ['submit_application', 'submit_application'],
  ['Submit Application', 'submit_application'],
  ['view_item_list', 'view_category'],
  ['ViewCategory', 'view_category'],
  ['watch-video', 'watch_video'],
  ['app_install', 'app_install'],
  ['app_open', 'app_open'],
  ['customize_product', 'customize_product'],
  ['find_location', 'find_location'],
  ['quiz_done', 'custom'],
  ['constructor', 'custom'],
  ['__proto__', 'custom'],
])('%s is %s', (type, name) => {
  expect(platformName(pinterest, type)).toBe(name)
})

test.each([
  [{ ...written, adAccountId: 549_755_885_175 }],
  [{ ...written, adAccountId: 'act_1' }],
  [{ ...written, adAccountId: '' }],
  [{ ...written, accessToken: 'two words' }],
  [{ ...written, accessToken: 'Bearer ' }],
  [{ ...written, accessToken: 'pina\r\nhost: x' }],
  [{ ...written, partnerName: 'Example' }],
  [{ ...written, ingestActionSource: 'app_ios' }],
  [{ ...written, limitedDataProcessing: true }],
])('settings %j are refused', (wrong) => {
  expect(pinterest.settings.safeParse(wrong).success).toBe(false)
})

test('a token pasted with its header word is the token', () => {
  expect(pinterest.settings.parse({ ...written, accessToken: 'Bearer  pinaToken' })).toMatchObject({
    accessToken: 'pinaToken',
  })
})

describe('how long an event is tried', () => {
  const web = routed(pinterest, settings, maximalEvent)
  const offlineSettings = pinterest.settings.parse({ ...written, ingestActionSource: 'offline' })
  const offline = routed(pinterest, offlineSettings, minimalEvent, someone)
  const order = routed(pinterest, offlineSettings, { ...minimalEvent, custom: { orderId: '1' } }, someone)
  test.each([
    ['what never left, until it is too old', web, 'unsent', 1400],
    ['what came back, for a day', web, 'unavailable', 96],
    ['what may have arrived, for a day', web, 'ambiguous', 96],
    ['offline what never left', offline, 'unsent', 1400],
    ['offline what came back, once more', offline, 'unavailable', 2],
    ['offline what may have arrived, not again', offline, 'ambiguous', 1],
    ['offline an order, for a day', order, 'ambiguous', 96],
  ] as const)('%s', (_what, deliverable, failure, attempts) => {
    expect(pinterest.retry(deliverable, failure, offlineSettings).maxAttempts).toBe(attempts)
  })
})

test('integrations of one ad account share its 5 000 requests a minute', () => {
  const pace = pinterest.pace?.(settings)
  expect(pace?.account).toBe('549755885175')
  // A full bucket on top of a minute's worth.
  expect((pace?.requestsPerSecond ?? Infinity) * 61).toBeLessThanOrEqual(5000)
})
