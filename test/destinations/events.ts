import type { EventId, SiteId } from '../../src/event/brand.ts'
import type { ConsentState } from '../../src/event/consent.ts'
import type { ConversionEvent, UserData } from '../../src/event/event.ts'
import {
  nobody,
  type AnyDestination,
  type BuildContext,
  type DeliverableEvent,
  type SiteContext,
} from '../../src/destinations/destination.ts'

/** Events to try destinations with. */

export const now = Date.parse('2026-11-20T15:00:05.000Z')
export const site: SiteContext = { site: 'shop', integration: 'it' }
export const context: BuildContext = { ...site, now, attempt: 1 }

export const allGranted: ConsentState = {
  analytics: 'granted',
  marketing: 'granted',
  personalization: 'granted',
  source: '_sw_consent',
  explicit: true,
  gpc: false,
  conflict: false,
}

export const minimalEvent: ConversionEvent = {
  id: 'evt-1' as EventId,
  site: 'shop' as SiteId,
  type: 'lead',
  name: 'lead',
  occurredAt: now - 5000,
  source: 'ingest',
  page: {},
  custom: {},
  visitor: { clickIds: {}, browserIds: {} },
  consent: allGranted,
}

export const maximalEvent: ConversionEvent = {
  ...minimalEvent,
  type: 'purchase',
  name: 'Purchase',
  source: 'page',
  ruleId: 'order-placed',
  page: {
    url: 'https://shop.example/thanks?order=10042',
    referrer: 'https://shop.example/checkout',
    title: 'Thank you',
  },
  custom: {
    value: 129.9,
    currency: 'EUR',
    orderId: '10042',
    contentIds: ['sku-1', 'sku-2'],
    contentName: 'Lamp',
    contentType: 'product',
    contentCategory: 'Lighting',
    contents: [
      { id: 'sku-1', name: 'Lamp', category: 'Lighting', brand: 'Lux', quantity: 2, price: 39.95 },
      { id: 'sku-2', quantity: 1, price: 50 },
    ],
    numItems: 3,
    searchString: 'lamp',
    properties: { tax: 20.74, coupon: 'WINTER', first: true },
  },
  visitor: {
    ip: '203.0.113.7',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
    clickIds: { fbclid: { value: 'IwAR0click', seenAt: now - 60_000 }, gclid: { value: 'CjwTEST' } },
    browserIds: {
      fbp: 'fb.1.1795132700123.1234567890',
      fbc: 'fb.1.1795000000123.IwAR0older',
      gaClientId: '1234567890.1795180000',
      gaSessions: { ABC1234567: { id: '1795186500', number: 7, lastHitAt: 1_795_186_560 } },
    },
  },
}

export const someone: UserData = {
  email: 'Jane.Doe@Example.COM',
  phone: '+1 (415) 555-0134',
  firstName: 'Jane',
  lastName: 'Doe',
  city: 'Seattle',
  state: 'Washington',
  zip: '98001',
  country: 'US',
  externalId: 'User-42',
}

export const deliver = (
  event: ConversionEvent,
  {
    name = event.name,
    identity = nobody,
  }: { readonly name?: string; readonly identity?: DeliverableEvent['identity'] } = {},
): DeliverableEvent => ({ event, name, identity, acceptedAt: now })

/** An event as the destination would get it from the route. */
export const routed = (
  destination: AnyDestination,
  settings: unknown,
  event: ConversionEvent,
  userData: UserData = {},
): DeliverableEvent =>
  deliver(event, {
    name:
      destination.eventNames[event.type as keyof typeof destination.eventNames] ??
      destination.customName(event.type),
    identity: destination.identify(userData, settings, site),
  })

/** The least that each destination can be set up with. */
export const plainSettings: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  meta: { pixelId: '1234567890', accessToken: 'EAABtokenForTests' },
  ga4: { measurementId: 'G-ABC1234567', apiSecret: 's3cr3t-Value_1' },
  google_ads: {
    customerId: '123-456-7890',
    conversionActionId: '987654321',
    clientId: '1234567890-abc.apps.googleusercontent.com',
    clientSecret: 'GOCSPX-secretForTests',
    refreshToken: '1//0g-refreshTokenForTests',
  },
  tiktok: { pixelCode: 'C0EXAMPLE77U8PIXEL0', accessToken: 'tiktokTokenForTests' },
  snapchat: { snapPixelId: '01234567-89ab-cdef-0123-456789abcdef', accessToken: 'snapTokenForTests' },
  pinterest: { accessToken: 'pinaTokenForTests', adAccountId: '549755885175' },
  x: { pixelId: 'o8z6j', accessToken: 'pixelTokenForTests', defaultEventId: 'tw-o8z6j-o87ne' },
  webhook: { url: 'https://crm.example.com/hook' },
}
