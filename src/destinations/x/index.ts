import { defineDestination, type DeliverableEvent, type Destination } from '../destination.ts'
import type { Refusal } from '../outcome.ts'
import { apiVersion, build } from './build.ts'
import { check } from './check.ts'
import { ipv4Of, canMatch, clickIdOf, userAgentOf } from './identifiers.ts'
import { identify } from './identify.ts'
import { customType, eventTypes } from './names.ts'
import { read } from './read.ts'
import { xSettings, type XSettings } from './settings.ts'
import { tagOf } from './tag.ts'

/** X Conversion API for web: https://docs.x.com/x-ads-api/measurement/web-conversions */

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute
/** X names no limit; its longest attribution window is 90 days, and older events count for no ad. */
const maxAgeMs = 90 * day

const refuse = (deliverable: DeliverableEvent, settings: XSettings, now: number): Refusal | null => {
  if (now - deliverable.event.occurredAt > maxAgeMs)
    return { status: 'expired', reason: 'X attributes events of the last 90 days' }
  const tag = tagOf(deliverable, settings)
  if (typeof tag === 'string') return { status: 'filtered', reason: tag }
  if (!canMatch(deliverable, settings))
    return {
      status: 'unmatchable',
      reason: 'X could recognise nobody: it needs an e-mail, a phone or the click id of an ad (twclid)',
    }
  return null
}

export const x = defineDestination({
  name: 'x',
  title: 'X',
  aliases: ['twitter'],
  apiVersion: {
    value: apiVersion,
    page: 'https://docs.x.com/x-ads-api/measurement/web-conversions',
    checkedOn: '2026-11-20',
  },
  settings: xSettings,
  consent: 'marketing',
  eventNames: eventTypes,
  customName: customType,
  /** A click names the person and the ad; the weights are ours and make 10. */
  matchKeys: [
    { key: 'twclid', weight: 4, present: (deliverable) => clickIdOf(deliverable) !== null },
    {
      key: 'hashed_email',
      weight: 3.5,
      present: ({ identity }) => Object.hasOwn(identity.keys, 'hashed_email'),
    },
    {
      key: 'hashed_phone_number',
      weight: 1.5,
      present: ({ identity }) => Object.hasOwn(identity.keys, 'hashed_phone_number'),
    },
    { key: 'ip_address', weight: 0.5, present: (deliverable) => ipv4Of(deliverable) !== null },
    { key: 'user_agent', weight: 0.5, present: (deliverable) => userAgentOf(deliverable) !== null },
  ],
  clickIds: ['twclid'],
  // 60 000 events in 15 minutes and account, by the stricter of X's three figures.
  limits: {
    eventsPerSecond: 60,
    batchSize: 500,
    maxBodyBytes: 1_000_000,
    maxAgeMs,
    timeoutMs: 10 * second,
  },
  credential: 'settings',
  // X counts by ad account, of which settings know no more than a pixel.
  pace: ({ pixelId }) => ({ account: pixelId, requestsPerSecond: 60 }),
  hosts: ['ads-api.x.com'],
  identify: (userData, _settings, context) => identify(userData, context),
  refuse,
  // One wrong id has its whole request refused and is nothing that splitting could cure, so ids do not travel together.
  batchKey: (deliverable, settings) => {
    const tag = tagOf(deliverable, settings)
    return typeof tag === 'string' ? '' : JSON.stringify(tag)
  },
  build,
  read,
  check,
  /** X drops what comes again under its conversion id within 48 hours, so everything may be tried for that long. */
  retry: () => ({
    maxAttempts: 190,
    delaysMs: [second, 5 * second, 30 * second, 2 * minute, 5 * minute, 15 * minute],
  }),
} satisfies Destination<XSettings>)
