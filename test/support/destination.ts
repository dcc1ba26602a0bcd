import { z } from 'zod'
import { retryAfterMs } from '../../src/destinations/answer.ts'
import {
  defineDestination,
  type AnyDestination,
  type DeliverableEvent,
} from '../../src/destinations/destination.ts'
import type { Outcome } from '../../src/destinations/outcome.ts'
import { alreadyHashed, hash, type Normalised } from '../../src/event/hashed.ts'
import { standardNames, type StandardName } from '../../src/event/names.ts'

/**
 * A small platform of our own, for tests of the engine: it takes `{ events: [{ id, name }] }`, answers 200, or
 * `{ results: [{ ok, reason }] }` with a verdict for each, or 400 for the whole.
 */
export const simplePlatform = (
  overrides: Partial<Parameters<typeof defineDestination<{ token: string }>>[0]> = {},
): AnyDestination =>
  defineDestination<{ token: string }>({
    name: 'simple',
    title: 'Simple',
    aliases: ['plain'],
    apiVersion: { value: '1', page: 'https://example.com', checkedOn: '2026-11-20' },
    settings: z.strictObject({
      token: z.string().meta({ title: 'Token', description: 'Key.', secret: true }),
    }),
    consent: 'marketing',
    eventNames: Object.fromEntries(
      standardNames.map((name) => [name, name === 'page_view' ? null : name]),
    ) as Record<StandardName, string | null>,
    customName: (type) => type,
    matchKeys: [{ key: 'email', weight: 10, present: ({ identity }) => 'email' in identity.keys }],
    clickIds: [],
    limits: {
      eventsPerSecond: 10_000,
      batchSize: 10,
      maxBodyBytes: 1_000_000,
      maxAgeMs: 7 * 86_400_000,
      timeoutMs: 5_000,
    },
    credential: 'settings',
    hosts: null,
    identify: ({ email }) => ({
      keys:
        email === undefined
          ? {}
          : { email: alreadyHashed(email) ?? hash(email.trim().toLowerCase() as Normalised) },
      plain: {},
      leftOut: [],
    }),
    refuse: ({ event }, _settings, now) =>
      now - event.occurredAt > 7 * 86_400_000 ? { status: 'expired', reason: 'older than 7 days' } : null,
    batchKey: () => '',
    build: (events, { token }, { endpoint }) => ({
      method: 'POST',
      url: `${endpoint ?? 'https://simple.example'}/events`,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        events: events.map(({ event, name, identity }) => ({
          id: event.id,
          name,
          email: identity.keys['email'],
        })),
      }),
    }),
    read: ({ status, headers, body }, events) => {
      const all = (outcome: Outcome): readonly Outcome[] => events.map(() => outcome)
      if (status === 429) {
        const wait = retryAfterMs({ status, headers, body })
        return all({
          kind: 'throttled',
          reason: 'slow down',
          ...(wait === null ? {} : { retryAfterMs: wait }),
        })
      }
      if (status === 401) return all({ kind: 'unauthorized', reason: 'bad token' })
      if (status === 400) return all({ kind: 'batch_rejected', reason: 'something in it is wrong' })
      if (status !== 200) return all({ kind: 'unavailable', reason: `status ${status}` })
      const { results } = JSON.parse(body === '' ? '{}' : body) as {
        results?: { ok: boolean; reason: string }[]
      }
      return events.map((_: DeliverableEvent, index) =>
        results?.[index]?.ok === false
          ? { kind: 'rejected', reason: results[index].reason }
          : { kind: 'delivered', reason: 'taken' },
      )
    },
    retry: () => ({ maxAttempts: 4, delaysMs: [200, 400] }),
    ...overrides,
  })
