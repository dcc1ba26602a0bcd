import type { DeliverableEvent, Identity } from '../../../src/destinations/destination.ts'
import { nobody } from '../../../src/destinations/destination.ts'
import type { EventId, SiteId } from '../../../src/event/brand.ts'
import type { ConversionEvent } from '../../../src/event/event.ts'

export const now = Date.parse('2026-11-20T16:00:00.250Z')

/** An order of a known customer, placed five seconds before {@link now}. */
export const deliverable = (
  event: Partial<ConversionEvent> = {},
  identity: Partial<Identity> = {},
): DeliverableEvent => ({
  name: 'purchase',
  identity: { ...nobody, ...identity },
  acceptedAt: now - 4_000,
  event: {
    id: '0f1e2d3c4b5a69788796a5b4c3d2e1f0' as EventId,
    site: 'shop' as SiteId,
    type: 'purchase',
    name: 'Order completed',
    occurredAt: now - 5_000,
    source: 'page',
    ruleId: 'order-placed',
    page: {
      url: 'https://shop.example.com/thanks?step=3',
      referrer: 'https://shop.example.com/cart',
      title: 'Thanks',
    },
    custom: {
      value: 99.99,
      currency: 'EUR',
      orderId: 'A-1001',
      contentIds: ['sku-1', 'sku-2'],
      contents: [
        { id: 'sku-1', quantity: 2, price: 24.5 },
        { id: 'sku-2', quantity: 1, price: 50.99, name: 'Mug "Zoë"' },
      ],
      numItems: 3,
      properties: { plan: 'pro' },
    },
    visitor: {
      ip: '198.51.100.7',
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64)',
      clickIds: { gclid: { value: 'Cj0-abc', seenAt: now - 60_000 } },
      browserIds: { fbp: 'fb.1.1763632000000.123', gaClientId: '1.2' },
    },
    consent: {
      analytics: 'granted',
      marketing: 'granted',
      personalization: 'denied',
      source: 'onetrust',
      explicit: true,
      gpc: false,
      conflict: false,
      raw: 'C0002:1,C0004:1',
    },
    ...event,
  },
})
