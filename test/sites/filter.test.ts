import { describe, expect, test } from 'vitest'
import { filteredBy } from '../../src/sites/filter.ts'
import type { Condition } from '../../src/sites/integration.ts'
import { someEvent } from '../support/events.ts'

const event = someEvent({
  custom: { value: 99.5, currency: 'EUR', contentIds: ['A1', 'B2'], properties: { plan: 'gold' } },
})

describe('event filters', () => {
  test.each<[Condition, boolean]>([
    [{ field: 'value', operator: 'eq', value: 99.5 }, true],
    [{ field: 'value', operator: 'eq', value: '99.5' }, true],
    [{ field: 'value', operator: 'neq', value: 99.5 }, false],
    [{ field: 'value', operator: 'gt', value: 99 }, true],
    [{ field: 'value', operator: 'gte', value: 99.5 }, true],
    [{ field: 'value', operator: 'lt', value: 99.5 }, false],
    [{ field: 'value', operator: 'lte', value: 99.5 }, true],
    [{ field: 'currency', operator: 'gt', value: 1 }, false],
    [{ field: 'currency', operator: 'in', value: ['EUR', 'USD'] }, true],
    [{ field: 'currency', operator: 'nin', value: ['EUR'] }, false],
    [{ field: 'orderId', operator: 'nin', value: ['A'] }, true],
    [{ field: 'contentIds', operator: 'contains', value: 'B2' }, true],
    [{ field: 'contentIds', operator: 'contains', value: 'B' }, false],
    [{ field: 'page.url', operator: 'contains', value: '/thanks' }, true],
    [{ field: 'orderId', operator: 'exists' }, false],
    [{ field: 'orderId', operator: 'exists', value: false }, true],
    [{ field: 'value', operator: 'exists' }, true],
    [{ field: 'page.url', operator: 'matches', value: 'https://shop.*/thanks*' }, true],
    [{ field: 'page.url', operator: 'matches', value: 'https://other*' }, false],
    [{ field: 'properties.plan', operator: 'eq', value: 'gold' }, true],
    [{ field: 'plan', operator: 'eq', value: 'gold' }, true],
    [{ field: '__proto__', operator: 'exists' }, false],
    [{ field: 'type', operator: 'eq', value: 'purchase' }, true],
  ])('%j lets the event pass: %s', (condition, passes) => {
    expect(filteredBy({ purchase: { conditions: [condition] } }, event) === null).toBe(passes)
  })

  test('all conditions must hold, and the one that failed is named', () => {
    const conditions: Condition[] = [
      { field: 'value', operator: 'gt', value: 1 },
      { field: 'currency', operator: 'eq', value: 'USD' },
    ]
    expect(filteredBy({ purchase: { conditions } }, event)).toBe('filter: currency eq "USD" does not hold')
  })

  test('a filter speaks only for its own type', () => {
    expect(filteredBy({ lead: { enabled: false } }, event)).toBeNull()
  })
})
