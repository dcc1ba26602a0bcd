import { describe, expect, test } from 'vitest'
import { tiktok } from '../../../src/destinations/tiktok/index.ts'
import { canMatch } from '../../../src/destinations/tiktok/user.ts'
import { platformName } from '../../../src/destinations/destination.ts'
import { matchQuality } from '../../../src/destinations/match-quality.ts'
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

const plain = plainSettings['tiktok'] ?? {}
const settings = tiktok.settings.parse(plain)
const day = 86_400_000

describe('what TikTok can recognise somebody by', () => {
  test.each([
    [[], false],
    [['ip'], false],
    [['user_agent'], false],
    [['ip', 'user_agent'], true],
    [['first_name', 'last_name', 'zip_code', 'city', 'state', 'country', 'user_agent'], false],
    [['email'], true],
    [['phone'], true],
    [['external_id'], true],
    [['ttclid'], true],
    [['ttp'], true],
  ])('%s: %s', (keys, enough) => {
    expect(canMatch(Object.fromEntries(keys.map((key) => [key, 'x'])))).toBe(enough)
  })
})

const withIds = (ttclid: string, ttp: string): ConversionEvent => ({
  ...minimalEvent,
  visitor: { clickIds: { ttclid: { value: ttclid } }, browserIds: { ttp } },
})

test.each([
  [
    'E.C.P.CExampleClickId',
    '2F7hExampleCookieIdExample1',
    { ttclid: 'E.C.P.CExampleClickId', ttp: '2F7hExampleCookieIdExample1' },
  ],
  [
    'E.C.P.x',
    '01KAAAAAAAAAAAAAAAAAAAAAAA_.tt.1',
    { ttclid: 'E.C.P.x', ttp: '01KAAAAAAAAAAAAAAAAAAAAAAA_.tt.1' },
  ],
  ['two words', 'a\r\nb', {}],
  ['', 'x'.repeat(1001), {}],
])('the click id %j and the cookie %j go as they are, or not at all', (ttclid, ttp, user) => {
  const deliverable = routed(tiktok, settings, withIds(ttclid, ttp))
  const body = JSON.parse(tiktok.build([deliverable], settings, context).body) as {
    readonly data: readonly [{ readonly user: object }]
  }
  expect(body.data[0].user).toEqual(user)
  expect(tiktok.refuse(deliverable, settings, now)?.status ?? null).toBe(
    Object.keys(user).length === 0 ? 'unmatchable' : null,
  )
})

test.each([
  [6 * day, null],
  [7 * day, null],
  [7 * day + 1000, 'expired'],
])('an event %i ms old is refused: %s', (age, status) => {
  const event = { ...maximalEvent, occurredAt: now - age }
  expect(tiktok.refuse(routed(tiktok, settings, event, someone), settings, now)?.status ?? null).toBe(status)
})

test.each([
  ['Purchase', { orderId: '1' }, 'unmatchable'],
  ['CompletePayment', { orderId: '1' }, 'unmatchable'],
  ['Purchase', { value: Number.NaN, currency: 'EUR' }, 'unmatchable'],
  ['Purchase', { value: 0, currency: 'EUR' }, null],
  ['SubmitForm', {}, null],
])('%s with %j is refused: %s', (name, custom, status) => {
  expect(tiktok.refuse(deliver({ ...maximalEvent, custom }, { name }), settings, now)?.status ?? null).toBe(
    status,
  )
})

test('a currency that is refused is named, with the way out', () => {
  const event = { ...maximalEvent, custom: { value: 1, currency: 'RSD' } }
  expect(tiktok.refuse(deliver(event, { name: 'Purchase' }), settings, now)?.reason).toBe(
    "TikTok's list of currencies has no RSD; if it does by now, name it in furtherCurrencies",
  )
})

test.each([
  ['always', false, true],
  ['always', true, true],
  ['gpc', false, undefined],
  ['gpc', true, true],
  [undefined, true, undefined],
])('limited data use %s, with GPC %s: %s', (limitedDataUse, gpc, expected) => {
  const limited = tiktok.settings.parse({
    ...plain,
    ...(limitedDataUse === undefined ? {} : { limitedDataUse }),
  })
  const event = { ...maximalEvent, consent: { ...maximalEvent.consent, gpc } }
  const { body } = tiktok.build([deliver(event)], limited, context)
  const { data } = JSON.parse(body) as { readonly data: readonly [{ readonly limited_data_use?: boolean }] }
  expect(data[0].limited_data_use).toBe(expected)
})

test('the token stands in its header and nowhere else', () => {
  const { url, headers, body } = tiktok.build(
    [routed(tiktok, settings, maximalEvent, someone)],
    settings,
    context,
  )
  expect(headers['access-token']).toBe('tiktokTokenForTests')
  expect(`${url} ${body} ${JSON.stringify({ ...headers, 'access-token': '' })}`).not.toContain(
    'tiktokTokenForTests',
  )
})

test.each([
  [{ ...plain, pixelCode: '' }],
  [{ ...plain, pixelCode: 'two words' }],
  [{ ...plain, pixelCode: 42 }],
  [{ ...plain, accessToken: 'two words' }],
  [{ ...plain, accessToken: 'x\r\nhost: y' }],
  [{ ...plain, limitedDataUse: 'sometimes' }],
  [{ ...plain, furtherCurrencies: ['euro'] }],
  [{ ...plain, testEventCode: '' }],
])('settings %j are refused', (written) => {
  expect(tiktok.settings.safeParse(written).success).toBe(false)
})

describe('names', () => {
  const standard: readonly (readonly [string, string])[] = [
    ['purchase', 'Purchase'],
    ['add_to_cart', 'AddToCart'],
    ['lead', 'SubmitForm'],
    ['page_view', 'PageView'],
    ['initiate_checkout', 'InitiateCheckout'],
    ['add_payment_info', 'AddPaymentInfo'],
    ['search', 'Search'],
    ['view_content', 'ViewContent'],
    ['complete_registration', 'CompleteRegistration'],
    ['contact', 'Contact'],
    ['subscribe', 'Subscribe'],
    ['add_to_wishlist', 'AddToWishlist'],
    ['start_trial', 'StartTrial'],
    ['schedule', 'Schedule'],
  ]

  test('all standard events have one', () => {
    expect(standard.map(([type]) => type)).toEqual([...standardNames])
  })

  test.each<readonly [string, string]>([
    ...standard,
    ['generate_lead', 'SubmitForm'],
    ['view_item', 'ViewContent'],
    ['begin_checkout', 'InitiateCheckout'],
    ['sign_up', 'CompleteRegistration'],
    ['submit_application', 'SubmitApplication'],
    ['customize_product', 'CustomizeProduct'],
    ['find location', 'FindLocation'],
    ['application_approval', 'ApplicationApproval'],
    ['Download', 'Download'],
    ['Quiz finished!', 'Quiz finished!'],
    // what TikTok counts under another name is called by that name
    ['Browse', 'PageView'],
    ['Consult', 'Contact'],
    ['ViewForm', 'ViewContent'],
    // an owner's own name is not TikTok's for looking like it
    ['view_form', 'view_form'],
    ['x'.repeat(150), 'x'.repeat(100)],
  ])('%s is %s', (written, name) => {
    expect(platformName(tiktok, canonicalName(written))).toBe(name)
  })

  test("the integration's own mapping comes first", () => {
    expect(platformName(tiktok, 'lead', { lead: 'Lead' })).toBe('Lead')
  })
})

test('the click and the e-mail weigh most, and everything is a 10', () => {
  expect(matchQuality(tiktok, deliver(minimalEvent))?.missing.slice(0, 3)).toEqual([
    { key: 'ttclid', gain: 2.5 },
    { key: 'email', gain: 2.5 },
    { key: 'phone', gain: 2 },
  ])
  const { ip, userAgent } = maximalEvent.visitor
  const { visitor } = withIds('E.C.P.x', 'y')
  const everything = { ...maximalEvent, visitor: { ...visitor, ip: ip ?? '', userAgent: userAgent ?? '' } }
  expect(matchQuality(tiktok, routed(tiktok, settings, everything, someone))).toMatchObject({
    grade: 10,
    missing: [],
  })
})
