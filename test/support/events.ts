import type { EventId, SiteId } from '../../src/event/brand.ts'
import { noConsentSignal, type ConsentState } from '../../src/event/consent.ts'
import type { CapturedEvent, ConversionEvent, UserData } from '../../src/event/event.ts'
import { configureIntegration, type Integration } from '../../src/sites/configure.ts'
import type { IntegrationDeclaration } from '../../src/sites/integration.ts'
import { simplePlatform } from './destination.ts'

export const everythingGranted: ConsentState = {
  ...noConsentSignal,
  analytics: 'granted',
  marketing: 'granted',
  personalization: 'granted',
  source: '_sw_consent',
  explicit: true,
}

export const someEvent = (over: Partial<ConversionEvent> = {}): ConversionEvent => ({
  id: 'event-1' as EventId,
  site: 'shop' as SiteId,
  type: 'purchase',
  name: 'purchase',
  occurredAt: 1_763_632_800_000,
  source: 'page',
  ruleId: 'order-placed',
  page: { url: 'https://shop.example.com/thanks?gclid=abc', referrer: 'https://shop.example.com/cart' },
  custom: { value: 129.9, currency: 'EUR', orderId: 'A-1' },
  visitor: { ip: '8.8.8.8', userAgent: 'Mozilla/5.0 (X11)', clickIds: {}, browserIds: {} },
  consent: everythingGranted,
  ...over,
})

export const captured = (
  over: Partial<ConversionEvent> = {},
  userData: UserData = {},
  targets: readonly string[] | null = null,
): CapturedEvent => ({ event: someEvent(over), userData, targets, sources: [], warnings: [] })

export const someIntegration = (
  over: Partial<IntegrationDeclaration> = {},
  destination = simplePlatform(),
): Integration =>
  configureIntegration(
    { id: 'shop' },
    { id: 'simple', platform: 'simple', config: {}, ...over },
    destination,
    { token: 'top-secret-token' },
    ['top-secret-token'],
  )
