import { describe, expect, test } from 'vitest'
import { decodeDelivery, encodeFacts, encodePayload } from '../../src/delivery/records.ts'
import { route } from '../../src/delivery/route.ts'
import { findDestination } from '../../src/destinations/index.ts'
import { limitedUse, type FlaggedForm } from '../../src/destinations/flagged.ts'
import { noConsentSignal, type ConsentState } from '../../src/event/consent.ts'
import type { UserData } from '../../src/event/event.ts'
import type { Integration } from '../../src/sites/configure.ts'
import type { IntegrationDeclaration } from '../../src/sites/integration.ts'
import { simplePlatform } from '../support/destination.ts'
import { captured, everythingGranted, someEvent, someIntegration } from '../support/events.ts'

const now = someEvent().occurredAt + 1_000
const someForm: FlaggedForm = { title: 'Marked', keep: limitedUse.keep }
const person: UserData = { email: 'ann@example.com' }
const visitor = {
  ip: '8.8.8.8',
  userAgent: 'Mozilla/5.0 (X11)',
  clickIds: { gclid: { value: 'the-click' } },
  browserIds: { fbp: 'fb.1.1.1' },
}

const flagging = (
  over: Partial<IntegrationDeclaration> = {},
  form: FlaggedForm | null = someForm,
): Integration =>
  someIntegration(
    { consent: { whenDenied: 'flag' }, ...over },
    simplePlatform(form === null ? {} : { flagged: form }),
  )

const decide = (
  consent: Partial<ConsentState>,
  integration = flagging(),
  userData: UserData = person,
  properties: Readonly<Record<string, string>> = { customer: 'C-1' },
) => {
  const state = { ...everythingGranted, source: 'onetrust', ...consent }
  const event = captured(
    { consent: state, visitor, custom: { value: 1, currency: 'EUR', orderId: 'A-1', properties } },
    userData,
  )
  return route(event, [integration], now)[0]!
}

describe('an event of a visitor who refused, at an integration that flags', () => {
  test('goes in the platform’s form, and of the person nothing goes but what the form keeps', () => {
    const { refusal, flagged, deliverable } = decide({ marketing: 'denied' })
    expect(refusal).toBeNull()
    expect(flagged).toBe('marketing was refused (onetrust); sent as Marked')
    expect(deliverable.flagged).toBe(true)
    expect(deliverable.identity).toEqual({ keys: {}, plain: {}, leftOut: [] })
    expect(deliverable.event.visitor).toEqual({
      ip: '8.8.8.8',
      userAgent: 'Mozilla/5.0 (X11)',
      clickIds: {},
      browserIds: {},
    })
    expect(deliverable.event.custom).toEqual({ value: 1, currency: 'EUR', orderId: 'A-1' })
    expect(deliverable.event.page.url).toBe('https://shop.example.com/thanks')
  })

  test('is known for what it is after it was stored', () => {
    const { deliverable } = decide({ marketing: 'denied' })
    const claimed = {
      deliveryId: 1,
      eventId: deliverable.event.id,
      site: 'shop',
      attempts: 0,
      acceptedAt: now,
      occurredAt: deliverable.event.occurredAt,
      facts: encodeFacts(captured(), {}),
      payload: encodePayload(deliverable, 'simple', null),
    }
    expect(decodeDelivery(claimed, 'simple', null).flagged).toBe(true)
    const whole = { ...claimed, payload: encodePayload(decide({}).deliverable, 'simple', null) }
    expect(decodeDelivery(whole, 'simple', null)).not.toHaveProperty('flagged')
  })

  test.each<{ name: string; consent: Partial<ConsentState>; reason: string }>([
    {
      name: 'no signal at all',
      consent: noConsentSignal,
      reason: 'no consent signal was found for marketing',
    },
    {
      name: 'a signal that leaves it open',
      consent: { marketing: 'unknown' },
      reason: 'marketing was neither granted nor refused (onetrust)',
    },
  ])('is withheld after $name: nobody refused', ({ consent, reason }) => {
    const { refusal, flagged, deliverable } = decide(consent)
    expect(refusal).toEqual({ status: 'consent_denied', reason })
    expect(flagged).toBeNull()
    expect(deliverable.identity.keys).toEqual({})
  })

  test('goes so after the browser’s own objection, too', () => {
    const objecting = { marketing: 'denied', gpc: true } as const
    expect(decide(objecting).flagged).toBe('the browser objects to marketing (Sec-GPC); sent as Marked')
    const personal = flagging({ consent: { category: 'personalization', whenDenied: 'flag' } })
    expect(decide({ gpc: true }, personal).flagged).toBe(
      'the browser objects to personalization (Sec-GPC); sent as Marked',
    )
  })

  test('goes whole after a grant', () => {
    const { flagged, deliverable } = decide({})
    expect(flagged).toBeNull()
    expect(deliverable).not.toHaveProperty('flagged')
    expect(deliverable.identity.keys['email']).toMatch(/^[0-9a-f]{64}$/)
  })

  test('is withheld where the platform has no such form, whatever the integration says', () => {
    expect(decide({ marketing: 'denied' }, flagging({}, null)).refusal?.status).toBe('consent_denied')
  })

  test('is withheld where the integration drops, which it does unless it says otherwise', () => {
    const dropping = someIntegration({}, simplePlatform({ flagged: someForm }))
    expect(dropping.consent.whenDenied).toBe('drop')
    expect(decide({ marketing: 'denied' }, dropping).refusal?.status).toBe('consent_denied')
  })

  test('is withheld without the grant that the form itself needs', () => {
    const form = { ...someForm, needs: 'analytics' } as const
    const { refusal } = decide({ marketing: 'denied', analytics: 'denied' }, flagging({}, form))
    expect(refusal).toEqual({
      status: 'consent_denied',
      reason: 'marketing was refused (onetrust); Simple takes nothing flagged without a grant of analytics',
    })
    expect(decide({ marketing: 'denied' }, flagging({}, form)).refusal).toBeNull()
  })

  test.each([
    { country: 'Germany', siteCountry: undefined, goes: false },
    { country: undefined, siteCountry: 'DE', goes: false },
    { country: 'US', siteCountry: 'DE', goes: true },
    { country: 'DE', siteCountry: 'US', goes: false },
    { country: undefined, siteCountry: 'US', goes: true },
    { country: undefined, siteCountry: undefined, goes: true },
  ])(
    'whose law is that of one country: person in $country, site in $siteCountry, goes: $goes',
    ({ country, siteCountry, goes }) => {
      const integration = {
        ...flagging({}, limitedUse),
        ...(siteCountry === undefined ? {} : { defaultCountry: siteCountry }),
      }
      const userData = country === undefined ? {} : { country }
      const { refusal } = decide({ marketing: 'denied' }, integration, userData)
      expect(refusal?.status ?? null).toBe(goes ? null : 'consent_denied')
      if (!goes) expect(refusal?.reason).toContain('Limited Data Use is for people in US, not in DE')
    },
  )

  test('that the platform could do nothing with is withheld, so that a later grant can still send it', () => {
    const picky = someIntegration(
      { consent: { whenDenied: 'flag' } },
      simplePlatform({
        flagged: someForm,
        refuse: ({ identity }) =>
          identity.keys['email'] === undefined
            ? { status: 'unmatchable', reason: 'it needs an e-mail' }
            : null,
      }),
    )
    expect(decide({ marketing: 'denied' }, picky).refusal).toEqual({
      status: 'consent_denied',
      reason: 'marketing was refused (onetrust); without the person: it needs an e-mail',
    })
  })

  test('stays where it is in test mode, and when it is paused', () => {
    expect(decide({ marketing: 'denied' }, flagging({ testMode: true })).refusal?.status).toBe('test')
    expect(decide({ marketing: 'denied' }, flagging({ status: 'paused' })).refusal?.status).toBe('paused')
  })
})

describe('what an integration asks for unless it says otherwise', () => {
  test.each([
    ['meta', {}, 'marketing'],
    ['tiktok', {}, 'marketing'],
    ['google_ads', {}, 'marketing'],
    ['snapchat', {}, 'marketing'],
    ['pinterest', {}, 'marketing'],
    ['x', {}, 'marketing'],
    ['ga4', {}, 'analytics'],
    ['webhook', { allowPlainPii: false }, 'marketing'],
    ['webhook', { allowPlainPii: true }, 'personalization'],
  ])('%s with %j: %s', (name, settings, category) => {
    const destination = findDestination(name)!
    expect(destination.consentFor?.(settings) ?? destination.consent).toBe(category)
  })
})
