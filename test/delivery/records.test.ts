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
