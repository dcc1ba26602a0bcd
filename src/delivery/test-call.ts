import type { Clock } from '../clock.ts'
import type { Validation } from '../destinations/check.ts'
import type { DeliverableEvent, HttpRequest, Identity } from '../destinations/destination.ts'
import type { Outcome, Refusal } from '../destinations/outcome.ts'
import type { CapturedEvent } from '../event/event.ts'
import type { Integration } from '../sites/configure.ts'
import { StoreError, type JournalLine, type Store } from '../store/store.ts'
import type { Credentials } from './credentials.ts'
import type { Transport } from './http.ts'
import { journalLine, presentableRequest } from './journal.ts'
import { attemptOnce, contextOf } from './one-attempt.ts'
import { decodeDelivery, encodeFacts, encodePayload, type PlainSealer } from './records.ts'
import { route } from './route.ts'

/**
 * One event through one integration, now, for somebody who wants to see what happens: the way of every event (mapping,
 * filter, consent, identify, build, send, read) without queue and retry. It leaves a line in the journal, marked `test`.
 */

export type TestMode = 'build' | 'validate' | 'send'

export interface TestCall {
  readonly integration: Integration
  /** Its id must be its own: under the id of a real event it would stand in that one's way. */
  readonly captured: CapturedEvent
  /**
   * `build`: nothing goes out. `validate`: the platform examines the event and counts nothing. `send`: for real; where the
   * platform can examine, only what it found good.
   */
  readonly mode: TestMode
}

export interface TestReport {
  /** Why it would not even be tried, if so. */
  readonly refusal: Refusal | null
  /** What the attempt meant; `null` where nothing was sent. */
  readonly outcome: Outcome | null
  /** What `outcome`, `request` and `response` are of. */
  readonly made: TestMode
  /** What the platform's examination said before the event was sent; `null` where that was not asked for, or is no more. */
  readonly validated: Outcome | null
  /** The platform's name for the event. */
  readonly name: string
  /** Secrets and identifiers masked; `null` where none was made. */
  readonly request: HttpRequest | null
  /** What the platform answered, masked in the same way. */
  readonly response: { readonly status: number; readonly body: string } | null
  readonly durationMs: number | null
  readonly leftOut: Identity['leftOut']
  /** Is it in the event log? Not when the store could not take it; the platform has answered all the same. */
  readonly journaled: boolean
}

export interface TestCallOptions {
  readonly store: Pick<Store, 'append'>
  readonly transport: Transport
  readonly credentials: Credentials
  readonly sealer: PlainSealer | null
  readonly clock: Clock
}

type Made = Omit<TestReport, 'journaled' | 'leftOut' | 'name'> & { readonly httpStatus: number | null }

const nothingMade: Made = {
  refusal: null,
  made: 'build',
  validated: null,
  outcome: null,
  request: null,
  response: null,
  durationMs: null,
  httpStatus: null,
}

/** Written and read once as the store would keep it, so that the test sends what a lane would, and not a word more. */
const asStored = (
  { captured, integration }: TestCall,
  deliverable: DeliverableEvent,
  { sealer, clock }: TestCallOptions,
): DeliverableEvent => {
  const { event } = captured
  return decodeDelivery(
    {
      deliveryId: 0,
      eventId: event.id,
      site: event.site,
      attempts: 0,
      acceptedAt: clock.now(),
      occurredAt: event.occurredAt,
      facts: encodeFacts(captured, {}),
      payload: encodePayload(deliverable, integration.id, sealer),
    },
    integration.id,
    sealer,
  )
}

const internal = (error: unknown): Outcome => ({
  kind: 'rejected',
  reason: `internal: ${error instanceof Error ? error.message : 'the request could not be built'}`,
  code: 'internal',
})

const build = (integration: Integration, one: DeliverableEvent, now: number): Made => {
  try {
    const request = integration.destination.build([one], integration.settings, contextOf(integration, now))
    return { ...nothingMade, request: presentableRequest(request, [one], integration.secrets) }
  } catch (error) {
    return { ...nothingMade, outcome: internal(error) }
  }
}

const send = async (
  integration: Integration,
  one: DeliverableEvent,
  options: TestCallOptions,
): Promise<Made> => {
  const { hide: _, ...made } = await attemptOnce(integration, one, options)
  return { ...nothingMade, ...made }
}

/** The same way, but for the last step: the platform examines the event and counts nothing. */
const validate = (
  integration: Integration,
  validation: Validation<unknown>,
  one: DeliverableEvent,
  options: TestCallOptions,
): Promise<Made> => {
  const { build: examined, read } = validation
  return send(
    { ...integration, destination: { ...integration.destination, build: examined, read } },
    one,
    options,
  )
}

const sendOrValidate = async (
  mode: 'validate' | 'send',
  integration: Integration,
  one: DeliverableEvent,
  options: TestCallOptions,
): Promise<Made> => {
  const { validation, title } = integration.destination
  if (validation === undefined)
    return mode === 'send'
      ? { ...(await send(integration, one, options)), made: 'send' }
      : {
          ...nothingMade,
          made: 'validate',
          outcome: { kind: 'not_attempted', reason: `${title} cannot examine an event without counting it` },
        }
  const examined = await validate(integration, validation, one, options)
  if (mode === 'validate' || examined.outcome?.kind !== 'delivered') return { ...examined, made: 'validate' }
  return { ...(await send(integration, one, options)), made: 'send', validated: examined.outcome }
}

const notSent: Outcome = { kind: 'not_attempted', reason: 'built, not sent' }

const lineOf = (
  { refusal, outcome, made, request, durationMs, httpStatus }: Made,
  at: number,
): JournalLine => {
  const line = journalLine({ at, outcome: outcome ?? notSent, httpStatus, durationMs, request, batchSize: 1 })
  if (refusal !== null) return { ...line, outcome: refusal.status, reason: refusal.reason }
  return made === 'validate' && outcome?.kind === 'delivered' ? { ...line, outcome: 'valid' } : line
}

export const createTestCall =
  (options: TestCallOptions): ((call: TestCall) => Promise<TestReport>) =>
  async (call) => {
    const { store, clock } = options
    const { captured } = call
    const { event } = captured
    const acceptedAt = clock.now()
    // Paused is not refused: an integration is tested before it is switched on. Test mode is, but only from sending.
    const integration: Integration = { ...call.integration, paused: false, testMode: false }
    const mode = call.integration.testMode ? 'build' : call.mode
    const [decision] = route({ ...captured, targets: [integration.id] }, [integration], acceptedAt)
    if (decision === undefined) throw new Error('an integration is always its own target')

    const { deliverable, refusal } = decision
    const one = refusal === null ? asStored(call, deliverable, options) : null
    const made: Made =
      one === null
        ? { ...nothingMade, refusal }
        : mode === 'build'
          ? build(integration, one, acceptedAt)
          : await sendOrValidate(mode, integration, one, options)

    const line = lineOf(made, clock.now())
    const { leftOut } = deliverable.identity
    const journaled = await store
      .append([
        {
          site: event.site,
          eventId: event.id,
          type: event.type,
          orderId: event.custom.orderId ?? null,
          ruleId: null,
          occurredAt: event.occurredAt,
          acceptedAt,
          facts: encodeFacts(
            captured,
            leftOut.length === 0 ? {} : { leftOut: { [integration.id]: leftOut } },
          ),
          deliveries: [
            {
              integration: integration.key,
              lane: decision.lane,
              status: 'test',
              reason: `test call: ${line.outcome}: ${line.reason}`,
              dueAt: acceptedAt,
              payload: null,
              line,
            },
          ],
        },
      ])
      .then(
        () => true,
        (error: unknown) => {
          if (error instanceof StoreError) return false
          throw error
        },
      )
    const { httpStatus: _, ...report } = made
    return { ...report, name: deliverable.name, leftOut, journaled }
  }
