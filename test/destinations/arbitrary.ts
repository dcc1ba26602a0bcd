import * as fc from 'fast-check'
import type { ConversionEvent, UserData } from '../../src/event/event.ts'
import { minimalEvent, now } from './events.ts'

/** Events and persons of every kind. */

const text = fc.string({ unit: 'binary', maxLength: 300 })
const amount = fc.oneof(fc.double(), fc.constantFrom(0, -1, Number.NaN, Number.POSITIVE_INFINITY))

/** Hostile pages and senders: any text anywhere, amounts that are none, lists without end. */
export const anyEvent: fc.Arbitrary<ConversionEvent> = fc
  .record({
    occurredAt: fc.integer({ min: 0, max: 2 * now }),
    page: fc.record({ url: fc.webUrl(), title: text }, { requiredKeys: [] }),
    custom: fc.record(
      {
        value: amount,
        currency: fc.constantFrom('EUR', 'JPY', 'KWD'),
        orderId: text,
        contentIds: fc.array(text, { maxLength: 300 }),
        contents: fc.array(fc.record({ id: text, name: text, quantity: amount, price: amount }), {
          maxLength: 300,
        }),
        searchString: text,
        properties: fc.dictionary(text, fc.oneof(text, fc.double(), fc.boolean())),
      },
      { requiredKeys: [] },
    ),
    visitor: fc.record({
      clickIds: fc.record({ fbclid: fc.record({ value: text }) }, { requiredKeys: [] }),
      browserIds: fc.record(
        { fbc: text, gaClientId: text, gaSessions: fc.record({ ABC1234567: fc.record({ id: text }) }) },
        { requiredKeys: [] },
      ),
    }),
  })
  .map((parts) => Object.assign({}, minimalEvent, parts))

/** Values long and odd enough that finding them in a request is no accident. */
const word = fc.stringMatching(/^[A-Z][a-z]{8,14}q[a-z]{3,6}$/)

export const anyone: fc.Arbitrary<UserData> = fc.record({
  email: fc.tuple(word, word).map(([local, domain]) => ` ${local}.Zz@${domain}.Example `),
  phone: fc.integer({ min: 2_000_000, max: 9_999_999 }).map((digits) => `+1 415 ${digits}`),
  firstName: word,
  lastName: fc.tuple(word, word).map((parts) => parts.join("-O'")),
  city: word,
  state: word,
  externalId: fc.oneof(word, fc.uuid()),
  zip: fc.integer({ min: 10_000_000, max: 99_999_999 }).map((digits) => `Z${digits}`),
})

/** One way of writing the same person down. */
export const spelling: fc.Arbitrary<(userData: UserData) => UserData> = fc
  .record({
    upper: fc.boolean(),
    before: fc.constantFrom('', ' ', '\t', '\n  '),
    after: fc.constantFrom('', ' ', '\u00a0'),
    phone: fc.constantFrom(
      '+1 (415) 555-0134',
      '+14155550134',
      '001 415 555 0134',
      '+1-415-555-0134',
      '1.415.555.0134',
    ),
    country: fc.constantFrom('US', 'us', 'USA', 'United States'),
  })
  .map(({ upper, before, after, phone, country }) => (userData) => ({
    ...Object.fromEntries(
      Object.entries(userData).map(([field, value]) => [
        field,
        `${before}${upper ? value.toUpperCase() : value.toLowerCase()}${after}`,
      ]),
    ),
    phone: `${before}${phone}${after}`,
    country,
    // Case is part of an id on some platforms.
    externalId: `${before}User-42${after}`,
  }))
