import { describe, expect, test } from 'vitest'
import { ga4 } from '../../../src/destinations/ga4/index.ts'
import { maxBodyBytes } from '../../../src/destinations/ga4/build.ts'
import type { CustomData } from '../../../src/event/event.ts'
import { context, deliver, maximalEvent, now, routed } from '../events.ts'

const written = { measurementId: 'G-ABC1234567', apiSecret: 's' }
const settings = ga4.settings.parse(written)

const built = (custom: CustomData, page = maximalEvent.page) => {
  const request = ga4.build([routed(ga4, settings, { ...maximalEvent, custom, page })], settings, context)
  const body = JSON.parse(request.body) as {
    readonly events: readonly [{ readonly params: Readonly<Record<string, unknown>> }]
  }
  return { request, params: body.events[0].params }
}

describe('what GA4 would forget in silence is cut here', () => {
  test('parameters past 25, the own ones staying', () => {
    const properties = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`p${index}`, index]))
    const { params } = built({ value: 1, currency: 'EUR', orderId: '1', properties })
    expect(Object.keys(params)).toHaveLength(25)
    expect(params).toMatchObject({ value: 1, transaction_id: '1', event_id: 'evt-1', p0: 0 })
  })

  test('texts past their length, never in the middle of a character', () => {
    const { params } = built(
      { searchString: `${'x'.repeat(99)}😀`, properties: { note: 'y'.repeat(101) } },
      {
        url: `https://shop.example/?q=${'z'.repeat(1500)}`,
        referrer: `https://shop.example/${'r'.repeat(500)}`,
        title: 't'.repeat(400),
      },
    )
    expect(params['search_term']).toBe('x'.repeat(99))
    expect(params['note']).toBe('y'.repeat(100))
    expect(String(params['page_location'])).toHaveLength(1000)
    expect(String(params['page_referrer'])).toHaveLength(420)
    expect(String(params['page_title'])).toHaveLength(300)
  })

  test('items past 200, and past the size of a request', () => {
    const name = 'n'.repeat(100)
    const contents = Array.from({ length: 500 }, (_, index) => ({ id: `sku-${index}`, quantity: 1 }))
    expect(built({ contents }).params['items']).toHaveLength(200)
    const wide = contents.map(({ id }) => ({
      id: id.padEnd(100, '€'),
      name,
      brand: '€'.repeat(100),
      category: '€'.repeat(100),
    }))
    const { request, params } = built({ contents: wide, value: 1, currency: 'EUR' })
    expect(Buffer.byteLength(request.body)).toBeLessThanOrEqual(maxBodyBytes)
    expect(params['items']).toHaveLength(100)
    expect(params['value']).toBe(1)
  })

  test('a value without its currency', () => {
    expect(built({ value: 5 }).params).not.toHaveProperty('value')
  })
})

test('the time has 16 digits and does not lie ahead', () => {
  const at = (occurredAt: number): unknown =>
    (
      JSON.parse(ga4.build([deliver({ ...maximalEvent, occurredAt })], settings, context).body) as Record<
        string,
        unknown
      >
    )['timestamp_micros']
  expect(at(now - 5000)).toBe((now - 5000) * 1000)
  expect(at(now + 90_000)).toBe(now * 1000)
})

test('a user id that is an e-mail or a phone is not sent', () => {
  const withId = ga4.settings.parse({ ...written, sendUserId: true })
  for (const externalId of ['jane@example.com', '+44 20 7946 0018', ' ', 'x'.repeat(257)]) {
    const { keys, leftOut } = ga4.identify({ externalId }, withId, context)
    expect(keys).toEqual({})
    expect(leftOut.map(({ field }) => field)).toEqual(['externalId'])
  }
  expect(ga4.identify({ externalId: ' C-1042 ' }, withId, context).keys).toEqual({ user_id: 'C-1042' })
})

describe('how often something is tried', () => {
  const purchase = deliver(maximalEvent, { name: 'purchase' })
  const lead = deliver(maximalEvent, { name: 'generate_lead' })
  const nameless = deliver({ ...maximalEvent, custom: { value: 1, currency: 'EUR' } }, { name: 'purchase' })
  const daring = ga4.settings.parse({ ...written, retryAmbiguous: true })

  test.each([
    ['a purchase, whatever happened', purchase, 'ambiguous', settings, 280],
    ['anything that never left', lead, 'unsent', settings, 280],
    ['another event after a failure', lead, 'unavailable', settings, 2],
    ['another event that may have arrived', lead, 'ambiguous', settings, 1],
    ['the same, where the owner wants it', lead, 'ambiguous', daring, 2],
    ['a purchase without an order id', nameless, 'ambiguous', settings, 1],
  ] as const)('%s', (_what, deliverable, failure, given, attempts) => {
    expect(ga4.retry(deliverable, failure, given).maxAttempts).toBe(attempts)
  })
})
