import { defineDestination, type DeliverableEvent, type Destination, type MatchKey } from '../destination.ts'
import { limitedUse } from '../flagged.ts'
import type { Refusal } from '../outcome.ts'
import { build, origin } from './build.ts'
import { check } from './check.ts'
import { identify } from './identify.ts'
import { customName, eventNames, isPurchase } from './names.ts'
import { takesCurrency } from './properties.ts'
import { read } from './read.ts'
import { tiktokSettings, type TiktokSettings } from './settings.ts'
import { canMatch, clickIdOf, cookieOf, userOf } from './user.ts'

/** TikTok Events API 2.0: https://business-api.tiktok.com/portal/docs?id=1771101303285761 */

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute
/** TikTok publishes no age for events of the web; this is what its partners keep to. */
const maxAgeMs = 7 * day

const refuse = (deliverable: DeliverableEvent, settings: TiktokSettings, now: number): Refusal | null => {
  const { event, name } = deliverable
  const { value, currency } = event.custom
  if (now - event.occurredAt > maxAgeMs)
    return { status: 'expired', reason: 'TikTok gets events of the last 7 days' }
  if (isPurchase(name)) {
    if (value === undefined || !Number.isFinite(value) || currency === undefined)
      return { status: 'unmatchable', reason: 'TikTok takes no purchase without a value and a currency' }
    if (!takesCurrency(currency, settings))
      return {
        status: 'unmatchable',
        reason: `TikTok's list of currencies has no ${currency}; if it does by now, name it in furtherCurrencies`,
      }
  }
  return canMatch(userOf(deliverable))
    ? null
    : {
        status: 'unmatchable',
        reason:
          'TikTok could recognise nobody: it needs an e-mail, a phone, an external id, a TikTok click or cookie id, or an address with its user agent',
      }
}

const hashed = (key: string, weight: number): MatchKey => ({
  key,
  weight,
  present: ({ identity }) => Object.hasOwn(identity.keys, key),
})

/** The click first: TikTok attributes by it where it is there. The weights are ours and make 10. */
const matchKeys: readonly MatchKey[] = [
  { key: 'ttclid', weight: 2.5, present: (deliverable) => clickIdOf(deliverable) !== undefined },
  hashed('email', 2.5),
  hashed('phone', 2),
  { key: 'ttp', weight: 1, present: (deliverable) => cookieOf(deliverable) !== undefined },
  hashed('external_id', 1),
  { key: 'ip', weight: 0.5, present: ({ event }) => event.visitor.ip !== undefined },
  { key: 'user_agent', weight: 0.2, present: ({ event }) => event.visitor.userAgent !== undefined },
  hashed('first_name', 0.1),
  hashed('last_name', 0.1),
  hashed('zip_code', 0.1),
]

export const tiktok = defineDestination({
  name: 'tiktok',
  title: 'TikTok',
  aliases: ['tiktok_ads', 'tik_tok'],
  apiVersion: {
    value: 'v1.3',
    page: 'https://business-api.tiktok.com/portal/docs?id=1771101303285761',
    checkedOn: '2026-11-20',
  },
  settings: tiktokSettings,
  consent: 'marketing',
  flagged: limitedUse,
  eventNames,
  customName,
  matchKeys,
  clickIds: ['ttclid'],
  limits: {
    eventsPerSecond: 50,
    batchSize: 50,
    maxBodyBytes: 1_000_000,
    maxAgeMs,
    timeoutMs: 10 * second,
  },
  credential: 'settings',
  hosts: [new URL(origin).host],
  identify,
  refuse,
  // The test event code is the integration's, so test and live never share a lane.
  batchKey: () => '',
  build,
  read,
  check,
  /** TikTok drops what it has seen within 48 hours, so everything may be tried again for that long, and not longer. */
  retry: () => ({
    maxAttempts: 190,
    delaysMs: [second, 5 * second, 30 * second, 2 * minute, 5 * minute, 15 * minute],
  }),
} satisfies Destination<TiktokSettings>)
