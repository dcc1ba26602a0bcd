import { z } from 'zod'
import { createCheckCall, nobodyReal, nobodysBrowser, type CheckReport } from '../delivery/check-call.ts'
import {
  createTestCall,
  type TestCallOptions,
  type TestMode,
  type TestReport,
} from '../delivery/test-call.ts'
import type { CheckVerdict } from '../destinations/check.ts'
import type { HttpRequest } from '../destinations/destination.ts'
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

/** `POST …/:provider/test`: is the platform reached, and what would become of an event: asked now, answered in words. */

/** The fields of an ingest event; which integration and which site are in the address, and the id is the test's own. */
const {
  platform: _platform,
  site: _site,
  eventId: _eventId,
  eventType,
  ...eventFields
} = ingestEventSchema.shape

const modes = ['check', 'validate', 'send'] as const

const testBody = z.strictObject({
  mode: z.enum(modes).optional().meta({
    description:
      'check: asks whether the platform knows the integration; no event. validate: the platform examines the event and counts nothing. send: for real; what the platform can examine it must find valid first. When absent: validate where the platform can, else send.',
  }),
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

const sample = (type: string, mark: string) => ({
  eventType: type,
  userData: {
    ...nobodyReal,
    ipAddress: nobodysBrowser.ip,
    userAgent: nobodysBrowser.userAgent,
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

const validMeanings: Partial<Readonly<Record<OutcomeKind, string>>> = {
  delivered: 'The platform examined the event and found nothing wrong. Nothing was counted.',
  rejected: 'The platform examined the event and would refuse it. Nothing was sent.',
  batch_rejected: 'The platform examined the event and would refuse it. Nothing was sent.',
  not_attempted: 'Not examined.',
}

const verdicts: Readonly<Record<CheckVerdict, string>> = {
  ok: 'The platform knows the credentials and what they are for.',
  credentials_refused: 'The platform does not accept the credentials.',
  not_found: 'The platform knows no such pixel, account or action, or does not show it to these credentials.',
  cannot_tell: 'Nothing was proved; the reason says why.',
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
const notesOf = (
  integration: Integration,
  { outcome, made, validated, journaled }: TestReport,
): readonly string[] => {
  const { validation } = integration.destination
  const isGood = outcome?.kind === 'delivered'
  return [
    ...(isGood && made === 'send'
      ? ['It was sent for real: the platform may count it, unless its settings mark it as a test.']
      : []),
    ...(validated === null ? [] : [`Examined before: ${validated.reason}.`]),
    ...(isGood && validation?.caveat !== undefined ? [validation.caveat] : []),
    ...(integration.paused ? ['The integration is paused: real events do not go out.'] : []),
    ...(integration.testMode ? ['The integration is in test mode: nothing is sent, not even a test.'] : []),
    ...(journaled ? [] : ['The store could not take it: it is not in the event log.']),
  ]
}

const meaningOf = ({ refusal, outcome, made }: TestReport): string => {
  if (refusal !== null) return refusals[refusal.status]
  if (outcome === null) return 'Built, and not sent.'
  if (outcome.code === 'configuration') return misconfigured
  return (made === 'validate' ? validMeanings[outcome.kind] : undefined) ?? meanings[outcome.kind]
}

const shown = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

const requestShown = (request: HttpRequest | null): object | null =>
  request === null ? null : { ...request, body: shown(request.body) }
const responseShown = (response: TestReport['response']): object | null =>
  response === null ? null : { ...response, body: shown(response.body) }

const reportShown = (integration: Integration, eventId: string, report: TestReport): object => {
  const { refusal, outcome, made, durationMs, name, leftOut } = report
  const isGood = outcome?.kind === 'delivered'
  return {
    mode: made,
    /** True only where the platform said that it took the event. */
    delivered: isGood && made === 'send',
    outcome: refusal?.status ?? (isGood && made === 'validate' ? 'valid' : outcome?.kind) ?? 'built',
    meaning: meaningOf(report),
    reason: refusal?.reason ?? outcome?.reason ?? null,
    ...(outcome?.code === undefined ? {} : { code: outcome.code }),
    ...(outcome?.trace === undefined ? {} : { trace: outcome.trace }),
    integration: integration.id,
    platform: integration.destination.name,
    eventId,
    eventName: name,
    request: requestShown(report.request),
    response: responseShown(report.response),
    durationMs,
    leftOut,
    notes: notesOf(integration, report),
  }
}

const checkShown = (integration: Integration, { verdict, steps, ...report }: CheckReport): object => ({
  mode: 'check',
  delivered: false,
  outcome: verdict,
  meaning: verdicts[verdict],
  ...report,
  integration: integration.id,
  platform: integration.destination.name,
  steps: steps.map(({ verdict: outcome, request, response, ...step }) => ({
    ...step,
    outcome,
    request: requestShown(request),
    response: responseShown(response),
  })),
  notes: integration.paused ? ['The integration is paused: real events do not go out.'] : [],
})

/** What a wish leaves open: nothing is counted where that can be had. */
const modeOf = (
  { mode, dryRun }: z.infer<typeof testBody>,
  { destination }: Integration,
): TestMode | 'check' => {
  if (mode !== undefined && dryRun !== undefined)
    throw new Problem('bad_request', 'body: dryRun: stands in the place of a mode; give one of the two')
  if (dryRun === true) return 'build'
  return mode ?? (destination.validation === undefined ? 'send' : 'validate')
}

export const testCallRoutes = (
  options: ConfiguredOptions & TestCallOptions & { readonly sites: () => readonly AdminSite[] },
): readonly Route[] => {
  const { clock, sites } = options
  const run = createTestCall(options)
  const check = createCheckCall(options)
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
      summary: 'Check the connection, or try one event, a sample or your own, and see what comes of it',
      scope: 'write',
      body: testBody.optional(),
      answers: {
        200: 'What was asked and what was answered; `delivered` says whether the platform took an event, `outcome` the rest.',
      },
      handle: async (call) => {
        const site = siteNamed(sites(), call.params['siteId'])
        const integration = usable(site.id, call.params['provider'])
        refuseDeep(call.body)
        const wish = parse(testBody, call.body ?? {}, 'body')
        if (wish.event !== undefined && wish.eventType !== undefined)
          throw new Problem('bad_request', 'body: eventType: is for the sample; an event has its own')
        const mode = modeOf(wish, integration)
        if (mode === 'check' && (wish.event !== undefined || wish.eventType !== undefined))
          throw new Problem('bad_request', 'body: mode: a check sends no event; validate or send does')
        if (underWay.has(integration.key))
          throw new Problem('too_many_requests', 'A test of this integration is under way already.', {
            retryAfterSeconds: 1,
          })
        underWay.add(integration.key)
        try {
          if (mode === 'check') return ok(checkShown(integration, await check(integration)))
          const captured = capturedOf(wish, integration, site, call)
          const report = await run({ integration, captured, mode })
          return ok(reportShown(integration, captured.event.id, report))
        } finally {
          underWay.delete(integration.key)
        }
      },
    },
  ]
}
