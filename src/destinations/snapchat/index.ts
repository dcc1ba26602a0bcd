import { createHash } from 'node:crypto'
import { defineDestination, type DeliverableEvent, type Destination, type MatchKey } from '../destination.ts'
import { limitedUse } from '../flagged.ts'
import type { Refusal } from '../outcome.ts'
import { actionSource, build, origin } from './build.ts'
import { check, validation } from './check.ts'
import { identify } from './identify.ts'
import { customName, eventNames, snapName } from './names.ts'
import { read } from './read.ts'
import { snapchatSettings, type SnapchatSettings } from './settings.ts'
import { canMatch, clickIdOf, cookieOf, userDataOf } from './user-data.ts'

/** Snapchat Conversions API v3: https://developers.snap.com/api/marketing-api/Conversions-API/UsingTheAPI */

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute
const maxAgeMs = 7 * day
/** One event past the limit may have its whole batch refused, and the way to Snapchat takes time. */
const transitMs = minute

const refuse = (deliverable: DeliverableEvent, _settings: SnapchatSettings, now: number): Refusal | null => {
  const { event, name } = deliverable
  const { value, currency } = event.custom
  if (now - event.occurredAt > maxAgeMs - transitMs)
    return { status: 'expired', reason: 'Snapchat takes events of the last 7 days' }
  const known = snapName(name)
  if (known === null)
    return {
      status: 'filtered',
      reason:
        'Snapchat has no event of this name; eventMapping can give it one of the slots CUSTOM_EVENT_1 to CUSTOM_EVENT_5',
    }
  if (known === 'PURCHASE' && (value === undefined || !Number.isFinite(value) || currency === undefined))
    return { status: 'unmatchable', reason: 'Snapchat takes no purchase without a value and a currency' }
  if (actionSource(deliverable) === 'WEB' && event.page.url === undefined)
    return { status: 'unmatchable', reason: 'Snapchat takes no web event without the address of the page' }
  return canMatch(userDataOf(deliverable))
    ? null
    : {
        status: 'unmatchable',
        reason:
          'Snapchat could recognise nobody: it needs an e-mail, a phone, or an address with its user agent; a click or cookie id alone is not enough',
      }
}

const hashed = (key: string, weight: number): MatchKey => ({
  key,
  weight,
  present: ({ identity }) => Object.hasOwn(identity.keys, key),
})

/** The weights are ours and make 10. */
const matchKeys: readonly MatchKey[] = [
  hashed('em', 3),
  hashed('ph', 2),
  { key: 'sc_click_id', weight: 1.5, present: (deliverable) => clickIdOf(deliverable) !== undefined },
  { key: 'sc_cookie1', weight: 1, present: (deliverable) => cookieOf(deliverable) !== undefined },
  hashed('external_id', 1),
  { key: 'client_ip_address', weight: 0.5, present: ({ event }) => event.visitor.ip !== undefined },
  { key: 'client_user_agent', weight: 0.25, present: ({ event }) => event.visitor.userAgent !== undefined },
  hashed('fn', 0.25),
  hashed('ln', 0.25),
  hashed('zp', 0.25),
]

export const snapchat = defineDestination({
  name: 'snapchat',
  title: 'Snapchat',
  aliases: ['snap'],
  apiVersion: {
    value: 'v3',
    page: 'https://developers.snap.com/api/marketing-api/Conversions-API/UsingTheAPI',
    checkedOn: '2026-11-20',
  },
  settings: snapchatSettings,
  consent: 'marketing',
  flagged: limitedUse,
  eventNames,
  customName,
  matchKeys,
  clickIds: ['sccid'],
  limits: {
    eventsPerSecond: 100,
    // Snapchat takes 2 000, but more than a second's worth would hold up whatever comes after it.
    batchSize: 100,
    maxBodyBytes: 1_000_000,
    maxAgeMs,
    timeoutMs: 10 * second,
  },
  credential: 'settings',
  // Snapchat counts by token. Its digest names it where names are seen.
  pace: ({ accessToken, requestsPerSecond }) => ({
    account: createHash('sha256').update(accessToken).digest('hex').slice(0, 16),
    requestsPerSecond,
  }),
  hosts: [new URL(origin).host],
  identify: (userData, _settings, context) => identify(userData, context),
  refuse,
  // Test event code and validation are the integration's, so test and live never share a lane.
  batchKey: () => '',
  build,
  read,
  check,
  validation,
  /** Snapchat merges what it has seen within 48 hours, so everything may be tried again for that long, and not longer. */
  retry: () => ({
    maxAttempts: 190,
    delaysMs: [second, 5 * second, 30 * second, 2 * minute, 5 * minute, 15 * minute],
  }),
} satisfies Destination<SnapchatSettings>)
