import { describe, expect, test } from 'vitest'
import { platformName } from '../../../src/destinations/destination.ts'
import { matchQuality } from '../../../src/destinations/match-quality.ts'
import { snapchat } from '../../../src/destinations/snapchat/index.ts'
import { canMatch } from '../../../src/destinations/snapchat/user-data.ts'
import type { ConversionEvent } from '../../../src/event/event.ts'
import { canonicalName, standardNames } from '../../../src/event/names.ts'
import {
  context,
  deliver,
  maximalEvent,
  minimalEvent,
  now,
  plainSettings,
  routed,
  someone,
} from '../events.ts'

const plain = plainSettings['snapchat'] ?? {}
const settings = snapchat.settings.parse(plain)
const day = 86_400_000

describe('what Snapchat can recognise somebody by', () => {
  test.each([
    [[], false],
    [['client_ip_address'], false],
    [['client_user_agent'], false],
    [['client_ip_address', 'client_user_agent'], true],
    [['em'], true],
    [['ph'], true],
    [['sc_click_id', 'sc_cookie1', 'external_id', 'fn', 'ln', 'zp', 'client_user_agent'], false],
  ])('%s: %s', (keys, enough) => {
    expect(canMatch(Object.fromEntries(keys.map((key) => [key, 'x'])))).toBe(enough)
  })
})

const firstOf = (event: ConversionEvent, given = settings): Readonly<Record<string, unknown>> => {
  const { body } = snapchat.build([routed(snapchat, given, event, someone)], given, context)
  const { data } = JSON.parse(body) as { readonly data: readonly [Readonly<Record<string, unknown>>] }
  return data[0]
}

const withIds = (sccid: string, scid: string): ConversionEvent['visitor'] => ({
  clickIds: { sccid: { value: sccid } },
  browserIds: { scid },
})

test.each([
  ['0f0e1d2c-example', '11111111-2222-4333-8444-555555555555', true],
  ['two words', 'a\r\nb', false],
  ['', 'x'.repeat(1001), false],
])('the click id %j and the cookie %j go as they are: %s', (sccid, scid, sent) => {
  const userData = firstOf({ ...minimalEvent, visitor: withIds(sccid, scid) })['user_data'] as object
  if (sent) expect(userData).toMatchObject({ sc_click_id: sccid, sc_cookie1: scid })
  else expect(Object.keys(userData)).not.toEqual(expect.arrayContaining([expect.stringMatching(/^sc_/)]))
})

test.each([
  [6 * day, null],
  [7 * day - 2 * 60_000, null],
  [7 * day, 'expired'],
  [30 * day, 'expired'],
])('an event %i ms old is refused: %s', (age, status) => {
  const event = { ...maximalEvent, occurredAt: now - age }
  expect(snapchat.refuse(routed(snapchat, settings, event, someone), settings, now)?.status ?? null).toBe(
    status,
  )
})

test.each([
  ['PURCHASE', { orderId: '1' }, 'unmatchable'],
  ['purchase', { orderId: '1' }, 'unmatchable'],
  ['PURCHASE', { value: 1 }, 'unmatchable'],
  ['PURCHASE', { value: 0, currency: 'EUR' }, null],
  ['SIGN_UP', {}, null],
  ['CUSTOM_EVENT_5', {}, null],
  ['CUSTOM_EVENT_6', {}, 'filtered'],
  // names that only third parties' tables have
  ['ADD_TO_CART', {}, 'filtered'],
  ['SPEND_CREDITS', {}, 'filtered'],
])('%s with %j is refused: %s', (name, custom, status) => {
  expect(snapchat.refuse(deliver({ ...maximalEvent, custom }, { name }), settings, now)?.status ?? null).toBe(
    status,
  )
})

test('an event without a slot is told where the slots are', () => {
  expect(snapchat.refuse(deliver(maximalEvent, { name: 'quiz' }), settings, now)?.reason).toBe(
    'Snapchat has no event of this name; eventMapping can give it one of the slots CUSTOM_EVENT_1 to CUSTOM_EVENT_5',
  )
})

describe('where an event happened', () => {
  test('a page without an address is refused, and a back end needs none', () => {
    const pageless = { ...minimalEvent, source: 'page' as const }
    expect(snapchat.refuse(routed(snapchat, settings, pageless, someone), settings, now)?.status).toBe(
      'unmatchable',
    )
    expect(snapchat.refuse(routed(snapchat, settings, minimalEvent, someone), settings, now)).toBeNull()
    expect(firstOf(minimalEvent)).toMatchObject({ action_source: 'OFFLINE' })
  })

  test('an ingested event with a page is one of the web', () => {
    const { page } = maximalEvent
    expect(firstOf({ ...minimalEvent, page })).toMatchObject({
      action_source: 'WEB',
      event_source_url: page.url,
    })
  })
})

test.each([
  [{ country: 1, state: 1000 }, false, [['LDU'], 1, 1000]],
  [{ country: 0, state: 0 }, false, [['LDU'], 0, 0]],
  [{ country: 0, state: 0, when: 'gpc' }, true, [['LDU'], 0, 0]],
  [{ country: 0, state: 0, when: 'gpc' }, false, [undefined, undefined, undefined]],
  [undefined, true, [undefined, undefined, undefined]],
])('limited data use %j, with GPC %s', (limitedDataUse, gpc, expected) => {
  const limited = snapchat.settings.parse({
    ...plain,
    ...(limitedDataUse === undefined ? {} : { limitedDataUse }),
  })
  const event = firstOf({ ...maximalEvent, consent: { ...maximalEvent.consent, gpc } }, limited)
  expect(
    ['data_processing_options', 'data_processing_options_country', 'data_processing_options_state'].map(
      (key) => event[key],
    ),
  ).toEqual(expected)
})

describe('lines of an order', () => {
  const contents = (custom: ConversionEvent['custom']): unknown =>
    (firstOf({ ...maximalEvent, custom })['custom_data'] as { readonly contents?: unknown }).contents

  test.each([
    ['EUR', 39.95, '39.95'],
    ['EUR', 50, '50.00'],
    ['JPY', 3000, '3000'],
    ['KWD', 1.5, '1.500'],
  ])('have a price in %s as a text: %d', (currency, price, text) => {
    expect(contents({ value: 1, currency, contents: [{ id: 'a', price, quantity: 2 }] })).toEqual([
      { id: 'a', quantity: '2', item_price: text },
    ])
  })

  test('leave out what is no number, and lines of nothing', () => {
    const broken = [
      { id: 'a', price: Number.NaN, quantity: Number.POSITIVE_INFINITY },
      { id: ' ', price: 1 },
      { id: 'b', price: 1e300, quantity: 0 },
    ]
    expect(contents({ contents: broken })).toEqual([{ id: 'a' }, { id: 'b', quantity: '1' }])
  })
})

test('Snapchat counts requests by token, whose name is its digest', () => {
  const pace = snapchat.pace?.(settings)
  expect(pace?.requestsPerSecond).toBe(10)
  expect(pace?.account).toMatch(/^[0-9a-f]{16}$/)
  const generous = snapchat.settings.parse({ ...plain, snapPixelId: 'other', requestsPerSecond: 500 })
  expect(snapchat.pace?.(generous)).toEqual({ account: pace?.account, requestsPerSecond: 500 })
  const other = snapchat.settings.parse({ ...plain, accessToken: 'another' })
  expect(snapchat.pace?.(other).account).not.toBe(pace?.account)
})

test('the token stands in the address, encoded, and nowhere else', () => {
  const odd = snapchat.settings.parse({ ...plain, accessToken: 'a+b/c==&x' })
  const { url, headers, body } = snapchat.build([routed(snapchat, odd, maximalEvent, someone)], odd, context)
  expect(new URL(url).searchParams.get('access_token')).toBe('a+b/c==&x')
  expect(new URL(url).searchParams.size).toBe(1)
  expect(`${JSON.stringify(headers)} ${body}`).not.toContain('a+b/c')
})

test.each([
  [{ ...plain, snapPixelId: 'a/b' }],
  [{ ...plain, snapPixelId: '' }],
  [{ ...plain, accessToken: 'two words' }],
  [{ ...plain, limitedDataUse: { country: 0, state: 1000 } }],
  [{ ...plain, limitedDataUse: { country: 1, state: 1001 } }],
  [{ ...plain, requestsPerSecond: 0 }],
  [{ ...plain, testEventCode: '' }],
])('settings %j are refused', (written) => {
  expect(snapchat.settings.safeParse(written).success).toBe(false)
})

describe('names', () => {
  const standard: readonly (readonly [string, string | null])[] = [
    ['purchase', 'PURCHASE'],
    ['add_to_cart', 'ADD_CART'],
    ['lead', 'SIGN_UP'],
    ['page_view', 'PAGE_VIEW'],
    ['initiate_checkout', 'START_CHECKOUT'],
    ['add_payment_info', 'ADD_BILLING'],
    ['search', 'SEARCH'],
    ['view_content', 'VIEW_CONTENT'],
    ['complete_registration', 'SIGN_UP'],
    ['contact', null],
    ['subscribe', 'SUBSCRIBE'],
    ['add_to_wishlist', 'ADD_TO_WISHLIST'],
    ['start_trial', 'START_TRIAL'],
    ['schedule', 'RESERVE'],
  ]

  test('all standard events have one, or none on purpose', () => {
    expect(standard.map(([type]) => type)).toEqual([...standardNames])
  })

  test.each<readonly [string, string | null]>([
    ...standard,
    ['view_item', 'VIEW_CONTENT'],
    ['sign_up', 'SIGN_UP'],
    ['view_item_list', 'LIST_VIEW'],
    ['login', 'LOGIN'],
    ['Share', 'SHARE'],
    ['custom_event_3', 'CUSTOM_EVENT_3'],
    ['level complete', 'LEVEL_COMPLETE'],
    ['Quiz finished!', 'Quiz finished!'],
  ])('%s is %s', (written, name) => {
    expect(platformName(snapchat, canonicalName(written))).toBe(name)
  })

  test("the integration's own mapping comes first, in any case", () => {
    const mapped = platformName(snapchat, 'contact', { contact: 'custom_event_2' }) ?? ''
    const deliverable = deliver(maximalEvent, { name: mapped })
    expect(snapchat.refuse(deliverable, settings, now)).toBeNull()
    expect(snapchat.build([deliverable], settings, context).body).toContain('"event_name":"CUSTOM_EVENT_2"')
  })
})

test('the e-mail weighs most, and everything is a 10', () => {
  expect(matchQuality(snapchat, deliver(minimalEvent))?.missing[0]).toEqual({ key: 'em', gain: 3 })
  const { ip, userAgent } = maximalEvent.visitor
  const visitor = { ...withIds('x', 'y'), ip: ip ?? '', userAgent: userAgent ?? '' }
  expect(
    matchQuality(snapchat, routed(snapchat, settings, { ...maximalEvent, visitor }, someone)),
  ).toMatchObject({ grade: 10, missing: [] })
})
