import { z } from 'zod'
import { createTestCall, type TestCallOptions, type TestReport } from '../delivery/test-call.ts'
import type { EventId } from '../event/brand.ts'
import type { CapturedEvent } from '../event/event.ts'
import { randomEventId } from '../event/id.ts'
import type { OutcomeKind } from '../destinations/outcome.ts'
import { configuredNamed, type ConfiguredOptions } from './configured.ts'
import { refuseDeep } from './depth.ts'
import { capturedFromIngest, ingestEventSchema } from './ingest-event.ts'
import { parse } from './parse.ts'
import { Problem } from './problem.ts'
import { ok, type Call, type Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'
import type { Integration } from '../sites/configure.ts'

/** `POST …/:provider/test`: one event to one platform, now, and what came of it in words. */

/** The fields of an ingest event; which integration and which site are in the address, and the id is the test's own. */
const {
  platform: _platform,
  site: _site,
  eventId: _eventId,
  eventType,
  ...eventFields
} = ingestEventSchema.shape

const testBody = z.strictObject({
  dryRun: z.boolean().optional().meta({ description: 'Build the request and show it; send nothing.' }),
  eventType: eventType.optional().meta({ description: 'Of the sample; purchase when absent.' }),
  event: z
    .strictObject({ eventType, ...eventFields })
    .optional()
    .meta({
      description:
        'As for ingest, in place of the sample. Its consent counts: without a grant it is withheld.',
    }),
})

/** Somebody who does not exist: names reserved for examples (RFC 2606, RFC 5737) and a number of fiction. */
const sample = (type: string, mark: string) => ({
  eventType: type,
  userData: {
    email: 'test@example.com',
    phone: '+12025550123',
    firstName: 'Test',
    lastName: 'Test',
    externalId: 'sluice-test',
    ipAddress: '203.0.113.7',
    userAgent:
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  },
  customData: {
    value: 1,
    orderId: mark,
    contentIds: ['test-product'],
    contentName: 'Test product',
    contentType: 'product',
  },
  consent: { granted: ['analytics', 'marketing', 'personalization'], raw: 'a test call' },
})

const meanings: Readonly<Record<OutcomeKind, string>> = {
  delivered: 'The platform took the event.',
  rejected: 'The platform refused the event; a real one like it would be refused, too.',
  batch_rejected: 'The platform refused the request; a real event like it would be refused, too.',
  unauthorized: 'The platform did not accept the credentials; real events wait until they are mended.',
  throttled: 'The platform asks to slow down; a real event would be sent again later.',
  unavailable: 'There was no usable answer; a real event would be sent again.',
  not_attempted: 'Nothing was sent.',
}

const misconfigured =
  'Not sent: as the integration is configured it cannot be. Real events wait until that is mended.'

const refusals: Readonly<Record<NonNullable<TestReport['refusal']>['status'], string>> = {
  consent_denied: 'Not sent: the event does not carry the consent that the integration asks for.',
  filtered: 'Not sent: the mapping or a filter of the integration leaves the event out.',
  unmatchable: 'Not sent: the platform could do nothing with the event.',
  expired: 'Not sent: the platform takes no events that old.',
  paused: 'Not sent: the integration is paused.',
  test: 'Not sent: the integration is in test mode.',
}

/** What to know beside the outcome; nothing may look better than it is. */
const notesOf = (integration: Integration, { outcome, journaled }: TestReport): readonly string[] => [
  ...(outcome?.kind === 'delivered'
    ? ['It was sent for real: the platform may count it, unless its settings mark it as a test.']
    : []),
  ...(integration.paused ? ['The integration is paused: real events do not go out.'] : []),
  ...(integration.testMode ? ['The integration is in test mode: nothing is sent, not even a test.'] : []),
  ...(journaled ? [] : ['The store could not take it: it is not in the event log.']),
]

const shown = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

const reportShown = (integration: Integration, eventId: string, report: TestReport): object => {
  const { refusal, outcome, request, response, durationMs, name, leftOut } = report
  return {
    /** True only where the platform said that it took the event. */
    delivered: outcome?.kind === 'delivered',
    outcome: refusal?.status ?? outcome?.kind ?? 'built',
    meaning:
      refusal !== null
        ? refusals[refusal.status]
        : outcome === null
          ? 'Built, and not sent.'
          : outcome.code === 'configuration'
            ? misconfigured
            : meanings[outcome.kind],
    reason: refusal?.reason ?? outcome?.reason ?? null,
    ...(outcome?.code === undefined ? {} : { code: outcome.code }),
    ...(outcome?.trace === undefined ? {} : { trace: outcome.trace }),
    integration: integration.id,
    platform: integration.destination.name,
    eventId,
    eventName: name,
    request: request === null ? null : { ...request, body: shown(request.body) },
    response: response === null ? null : { ...response, body: shown(response.body) },
    durationMs,
    leftOut,
    notes: notesOf(integration, report),
  }
}

export const testCallRoutes = (
  options: ConfiguredOptions & TestCallOptions & { readonly sites: () => readonly AdminSite[] },
): readonly Route[] => {
  const { clock, sites } = options
  const run = createTestCall(options)
  /** One at a time for each: a test is not subject to the lane's limit, and must not be a way around it. */
  const underWay = new Set<string>()

  const usable = (site: string, provider: string | undefined): Integration => {
    const one = configuredNamed(options, site, provider)
    if (one.kind === 'declared') return one.integration
    if (one.integration !== null) return one.integration
    throw new Problem('conflict', `The integration "${one.id}" cannot be used. ${one.problem ?? ''}`.trim())
  }

  const capturedOf = (
    wish: z.infer<typeof testBody>,
    integration: Integration,
    site: AdminSite,
    { grant }: Call,
  ): CapturedEvent => {
    const now = clock.now()
    const id = `test-${randomEventId(now)}` as EventId
    const given =
      wish.event ?? parse(testBody.shape.event.unwrap(), sample(wish.eventType ?? 'purchase', id), 'sample')
    const captured = capturedFromIngest(
      { ...given, platform: integration.id },
      {
        site: site.id,
        currency: site.currency,
        targets: [integration.id],
        seed: { idempotencyKey: null, index: 0 },
        now,
      },
    )
    return {
      ...captured,
      event: { ...captured.event, id },
      sources: [...captured.sources, { field: 'event', from: `a test call with the key ${grant?.id ?? ''}` }],
    }
  }

  return [
    {
      method: 'POST',
      path: '/api/v1/sites/:siteId/integrations/:provider/test',
      summary: 'Send one event now, a sample or your own, and see what comes of it',
      scope: 'write',
      body: testBody.optional(),
      answers: { 200: 'What was sent and what was answered; `delivered` says whether the platform took it.' },
      handle: async (call) => {
        const site = siteNamed(sites(), call.params['siteId'])
        const integration = usable(site.id, call.params['provider'])
        refuseDeep(call.body)
        const wish = parse(testBody, call.body ?? {}, 'body')
        if (wish.event !== undefined && wish.eventType !== undefined)
          throw new Problem('bad_request', 'body: eventType: is for the sample; an event has its own')
        if (underWay.has(integration.key))
          throw new Problem('too_many_requests', 'A test of this integration is under way already.', {
            retryAfterSeconds: 1,
          })
        underWay.add(integration.key)
        try {
          const captured = capturedOf(wish, integration, site, call)
          const report = await run({ integration, captured, dryRun: wish.dryRun ?? false })
          return ok(reportShown(integration, captured.event.id, report))
        } finally {
          underWay.delete(integration.key)
        }
      },
    },
  ]
}
