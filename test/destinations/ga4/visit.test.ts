import { describe, expect, test } from 'vitest'
import type { EventId } from '../../../src/event/brand.ts'
import type { BrowserIds } from '../../../src/event/click-ids.ts'
import { ga4Settings } from '../../../src/destinations/ga4/settings.ts'
import { clientIdOf, cookieClientId, sessionIdOf } from '../../../src/destinations/ga4/visit.ts'
import { minimalEvent, now } from '../events.ts'

const settings = ga4Settings.parse({ measurementId: 'G-ABC1234567', apiSecret: 's' })
const nowSeconds = Math.floor(now / 1000)
const withIds = (browserIds: BrowserIds) => ({ ...minimalEvent, visitor: { clickIds: {}, browserIds } })

describe('the client id', () => {
  test.each(['1234567890.1763600000', '1.1'])('%s comes from the cookie', (gaClientId) => {
    expect(clientIdOf(withIds({ gaClientId }))).toBe(gaClientId)
  })

  test.each(['', 'foo', '1234567890', '0.0', '1.2.3', '1.2\n', '-1.5'])('%j is none', (gaClientId) => {
    expect(cookieClientId(withIds({ gaClientId }))).toBeNull()
  })

  test('without a cookie it is the same for a retry and another for another event', () => {
    const made = clientIdOf(minimalEvent)
    expect(made).toMatch(/^[1-9]\d{0,9}\.1795186800$/)
    expect(clientIdOf({ ...minimalEvent })).toBe(made)
    expect(clientIdOf({ ...minimalEvent, id: 'evt-2' as EventId })).not.toBe(made)
    expect(Number(made.split('.')[0])).toBeLessThan(2 ** 31)
  })
})

describe('the visit', () => {
  test.each([
    ['just begun', nowSeconds - 10, true],
    ['over, but within a day', nowSeconds - 23 * 3600, true],
    ['of yesterday', nowSeconds - 25 * 3600, false],
    ['of a clock a little ahead', nowSeconds + 200, true],
    ['of the future', nowSeconds + 400, false],
    ['of before GA4', 1_499_999_999, false],
    ['in milliseconds', nowSeconds * 1000, false],
  ])('%s', (_what, startedAt, joined) => {
    const id = `${startedAt}`
    expect(sessionIdOf(withIds({ gaSessions: { ABC1234567: { id } } }), settings, now)).toBe(
      joined ? id : null,
    )
  })

  test('of another property is not ours', () => {
    expect(sessionIdOf(withIds({ gaSessions: { XYZ: { id: `${nowSeconds}` } } }), settings, now)).toBeNull()
  })

  test('a whole cookie is no id', () => {
    const id = `s${nowSeconds}$o7$g1`
    expect(sessionIdOf(withIds({ gaSessions: { ABC1234567: { id } } }), settings, now)).toBeNull()
  })
})
