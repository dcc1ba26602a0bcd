import type { Clock } from '../clock.ts'
import { findingOf, type Finding, type Question } from '../destinations/check.ts'
import type { DeliverableEvent, HttpRequest } from '../destinations/destination.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { EventId, SiteId } from '../event/brand.ts'
import { randomEventId } from '../event/id.ts'
import type { Integration } from '../sites/configure.ts'
import type { Credentials } from './credentials.ts'
import type { Transport } from './http.ts'
import { attemptOnce } from './one-attempt.ts'

/**
 * Does the platform know this integration? Its destination's own questions, asked now; no event is stored, sent or counted.
 */

export interface CheckReport extends Finding {
  readonly steps: readonly CheckStep[]
  /** Of all requests together; `null` where none was made. */
  readonly durationMs: number | null
}

export interface CheckStep extends Finding {
  readonly asks: string
  /** Secrets masked; `null` where none was made, such as for want of an access token. */
  readonly request: HttpRequest | null
  readonly response: { readonly status: number; readonly body: string } | null
  readonly durationMs: number | null
}

export interface CheckCallOptions {
  readonly transport: Transport
  readonly credentials: Credentials
  readonly clock: Clock
}

/** Somebody who does not exist: names and addresses reserved for examples (RFC 2606, RFC 5737) and a number of fiction. */
export const nobodyReal = {
  email: 'test@example.com',
  phone: '+12025550123',
  firstName: 'Test',
  lastName: 'Test',
  externalId: 'sluice-test',
} as const
export const nobodysBrowser = {
  ip: '203.0.113.7',
  userAgent:
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
} as const

const sampleFor = (
  { site, id, destination, settings, defaultCountry }: Integration,
  { type, name }: { readonly type: string; readonly name: string },
  now: number,
): DeliverableEvent => ({
  name,
  acceptedAt: now,
  identity: destination.identify(nobodyReal, settings, {
    site,
    integration: id,
    ...(defaultCountry === undefined ? {} : { defaultCountry }),
  }),
  event: {
    id: `check-${randomEventId(now)}` as EventId,
    site: site as SiteId,
    type,
    name: type,
    occurredAt: now,
    source: 'page',
    page: { url: 'https://example.com/' },
    custom: {},
    visitor: { clickIds: {}, browserIds: {}, ...nobodysBrowser },
    consent: {
      analytics: 'granted',
      marketing: 'granted',
      personalization: 'granted',
      source: 'a check',
      explicit: true,
      gpc: false,
      conflict: false,
    },
  },
})

/** What an attempt makes of a finding: only a refused credential matters to it, because it may be renewed. */
const outcomeOf = ({ verdict, reason }: Finding): Outcome =>
  verdict === 'credentials_refused' ? { kind: 'unauthorized', reason } : { kind: 'delivered', reason }

const ask = async (
  integration: Integration,
  question: Question<unknown>,
  sample: DeliverableEvent,
  options: CheckCallOptions,
): Promise<CheckStep> => {
  const { destination, settings } = integration
  let found: Finding | null = null
  const asking: Integration = {
    ...integration,
    destination: {
      ...destination,
      build: (_events, _settings, context) => question.build(sample, settings, context),
      read: (response) => {
        found = question.read(response, sample, settings, options.clock.now())
        return [outcomeOf(found)]
      },
    },
  }
  const made = await attemptOnce(asking, sample, options)
  // What was read of a refused token is over once a renewed one could not be had.
  const read = made.response === null ? null : (found as Finding | null)
  const finding = read ?? findingOf(made.outcome ?? undefined, () => false)
  const { request, response, durationMs } = made
  return { asks: question.asks, ...finding, reason: made.hide(finding.reason), request, response, durationMs }
}

export const createCheckCall =
  (options: CheckCallOptions): ((integration: Integration) => Promise<CheckReport>) =>
  async (integration) => {
    const { check, title } = integration.destination
    if (check === undefined)
      return {
        verdict: 'cannot_tell',
        reason: `${title} can be asked nothing without an event that counts`,
        steps: [],
        durationMs: null,
      }
    const sample = sampleFor(integration, check.sample, options.clock.now())
    const steps: CheckStep[] = []
    for (const question of check.questions) {
      const step = await ask(integration, question, sample, options)
      steps.push(step)
      if (step.verdict !== 'ok') break
    }
    const last = steps.at(-1)
    const times = steps.map(({ durationMs }) => durationMs).filter((one) => one !== null)
    return {
      verdict: last?.verdict ?? 'cannot_tell',
      reason: steps
        .filter((step) => step === last || step.verdict === 'ok')
        .map(({ reason }) => reason)
        .join('; '),
      ...(last?.code === undefined ? {} : { code: last.code }),
      ...(last?.trace === undefined ? {} : { trace: last.trace }),
      steps,
      durationMs: times.length === 0 ? null : times.reduce((sum, one) => sum + one, 0),
    }
  }
