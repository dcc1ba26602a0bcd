import { expect, test } from 'vitest'
import { decodeDelivery, encodeFacts, encodePayload } from '../../src/delivery/records.ts'
import { nobody } from '../../src/destinations/destination.ts'
import { captured, someEvent } from '../support/events.ts'

test('what is written of an event comes back whole, the country of its visitor with it', () => {
  const event = someEvent({
    visitor: { ip: '8.8.8.8', country: 'US', clickIds: { gclid: { value: 'a' } }, browserIds: {} },
  })
  const deliverable = { event, name: 'Purchase', identity: nobody, acceptedAt: 5 }
  const facts = encodeFacts(captured(event), {})
  expect(facts, 'the journal keeps nothing of a visitor').not.toContain('"US"')
  const decoded = decodeDelivery(
    {
      deliveryId: 1,
      site: event.site,
      eventId: event.id,
      occurredAt: event.occurredAt,
      acceptedAt: 5,
      attempts: 0,
      facts,
      payload: encodePayload(deliverable, 'ads', null),
    },
    'ads',
    null,
  )
  expect(decoded).toEqual(deliverable)
})

test('what names a person in custom data does not get as far as the disk, and the event says that it was left out', () => {
  const custom = {
    value: 5,
    contentName: 'Lamp',
    searchString: 'orders of ann@example.com',
    properties: { plan: 'yearly', customerEmail: 'x', note: 'call ann@example.com', email_opt_in: true },
  }
  const facts = JSON.parse(encodeFacts(captured({ custom }), {})) as Record<string, unknown>
  expect(facts).toMatchObject({
    custom: { value: 5, contentName: 'Lamp', properties: { plan: 'yearly', email_opt_in: true } },
    warnings: ['personal_data_left_out'],
  })
  expect(JSON.stringify(facts)).not.toMatch(/ann@example|customerEmail|searchString/)
})

test('custom data that names nobody is kept as it is, without a word', () => {
  const custom = { value: 5, searchString: 'lamp @ home', properties: { plan: 'yearly' } }
  expect(JSON.parse(encodeFacts(captured({ custom }), {}))).toMatchObject({ custom, warnings: [] })
})
