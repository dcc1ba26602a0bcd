import type { Rule } from '../../../src/capture/rules.ts'

/** Sets of rules of any size, and addresses to hold against them. */

export interface RuleSet {
  readonly rules: readonly Rule[]
  /** Addresses that match none of them, however many there are. */
  readonly strangers: readonly string[]
  /** Addresses that match exactly one. */
  readonly guests: readonly string[]
}

const fire = (eventType: string): Rule['actions'] => [{ type: 'fire_conversion_event', eventType }]

const languages = ['de', 'en', 'fr', 'nl', 'pl']

/** As people write them: whole paths, a named segment, a star at the end, an exclusion, a query. */
const usual = (index: number): { readonly rule: Rule; readonly guest: string } => {
  const id = `rule-${index}`
  switch (index % 5) {
    case 0:
      return {
        rule: { id, match: { path: `/landing/summer-${index}` }, actions: fire('page_view') },
        guest: `/landing/summer-${index}`,
      }
    case 1:
      return {
        rule: {
          id,
          match: { path: [`/checkout-${index}/thank-you`, `/checkout-${index}/order-received/:orderId`] },
          actions: fire('purchase'),
        },
        guest: `/checkout-${index}/order-received/A-1002?key=wc_order_x1`,
      }
    case 2:
      return {
        rule: { id, match: { path: `/products/line-${index}/*` }, actions: fire('view_content') },
        guest: `/products/line-${index}/harbour-lamp?utm_source=newsletter`,
      }
    case 3: {
      const language = languages[index % languages.length] ?? 'de'
      return {
        rule: {
          id,
          match: { path: [`/${language}/category-${index}/**`, '!/**/print'] },
          actions: fire('view_content'),
        },
        guest: `/${language}/category-${index}/lamps/brass`,
      }
    }
    default:
      return {
        rule: {
          id,
          match: { path: `/forms/form-${index}/sent`, query: { status: 'ok' } },
          actions: fire('lead'),
        },
        guest: `/forms/form-${index}/sent?status=ok`,
      }
  }
}

/** Patterns that say nothing of how the path begins, so that no index by its first segments helps. */
const floating = (index: number): { readonly rule: Rule; readonly guest: string } => {
  const id = `rule-${index}`
  return index % 2 === 0
    ? {
        rule: { id, match: { path: `/**/thanks-${index}` }, actions: fire('purchase') },
        guest: `/shop/de/thanks-${index}`,
      }
    : {
        rule: { id, match: { path: `/*/*-${index}.html` }, actions: fire('view_content') },
        guest: `/lamps/harbour-lamp-${index}.html`,
      }
}

const strangers = [
  '/',
  '/products/harbour-lamp',
  '/products/line-x/harbour-lamp',
  '/static/app.8f3c1e.js',
  '/img/12345-400.jpg?w=400',
  '/landing/winter',
  '/de/about?utm_source=newsletter&utm_medium=email&gclid=abc',
  '/checkout/address',
  '/checkout-x/order-received/A-1',
  '/blog/2026/07/how-we-make-lamps',
  '/search?q=brass%20lamp',
  '/lamps/harbour-lamp.html',
  '/en/category-x/lamps/brass',
  '/account/orders',
  '/forms/form-x/sent',
  '/cart',
]

const setOf = (size: number, make: typeof usual): RuleSet => {
  const made = Array.from({ length: size }, (_, index) => make(index))
  const guests = Array.from({ length: 256 }, (_, turn) => made[Math.floor((turn / 256) * size)]?.guest ?? '/')
  return { rules: made.map(({ rule }) => rule), strangers, guests: size === 0 ? strangers : guests }
}

export const usualRules = (size: number): RuleSet => setOf(size, usual)
export const floatingRules = (size: number): RuleSet => setOf(size, floating)
