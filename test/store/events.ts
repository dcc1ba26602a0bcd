/** Events, deliveries and settlements as the tests of the store need them: whole, plain, and changed where it matters. */
import type { JournalLine, NewDelivery, NewEvent, Settlement } from '../../src/store/store.ts'

export const meta = 'shop/meta'
export const ga4 = 'shop/ga4'

export const queued = (changes: Partial<NewDelivery> = {}): NewDelivery => ({
  integration: meta,
  lane: 'realtime',
  status: 'queued',
  reason: null,
  dueAt: 1_000,
  payload: '{"em":"5f3c"}',
  ...changes,
})

export const refused = (
  status: Exclude<NewDelivery['status'], 'queued'>,
  changes: Partial<NewDelivery> = {},
): NewDelivery => queued({ status, reason: `because ${status}`, payload: null, ...changes })

export const newEvent = (eventId: string, changes: Partial<NewEvent> = {}): NewEvent => ({
  site: 'shop',
  eventId,
  type: 'purchase',
  orderId: null,
  ruleId: null,
  occurredAt: 900,
  acceptedAt: 1_000,
  facts: '{"custom":{"value":10}}',
  deliveries: [queued()],
  ...changes,
})

export const journalLine = (changes: Partial<JournalLine> = {}): JournalLine => ({
  at: 5_000,
  outcome: 'delivered',
  reason: 'accepted',
  code: null,
  trace: 'AbC',
  httpStatus: 200,
  durationMs: 12.5,
  request: '{"method":"POST"}',
  batchSize: 2,
  ...changes,
})

export const settlement = (
  deliveryId: number,
  status: Settlement['status'],
  changes: Partial<Settlement> = {},
): Settlement => ({
  deliveryId,
  status,
  reason: null,
  dueAt: status === 'retrying' ? 9_000 : null,
  counted: true,
  line: journalLine(),
  ...changes,
})
