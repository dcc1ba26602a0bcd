import type { BuildContext, DeliverableEvent, HttpRequest } from '../destinations/destination.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { Integration } from '../sites/configure.ts'
import type { Sent, Transport } from './http.ts'

/** One call to the outside: build, send, read. It does not know the outbox. */
export interface Attempt {
  /** `null` when nothing reached the wire. */
  readonly request: HttpRequest | null
  readonly httpStatus: number | null
  readonly durationMs: number | null
  /** One per event, in their order. */
  readonly outcomes: readonly Outcome[]
}

const all = (events: readonly DeliverableEvent[], outcome: Outcome): readonly Outcome[] =>
  events.map(() => outcome)

const unsent = (events: readonly DeliverableEvent[], outcome: Outcome): Attempt => ({
  request: null,
  httpStatus: null,
  durationMs: null,
  outcomes: all(events, outcome),
})

const failed = (sent: Extract<Sent, { kind: 'failed' }>): Outcome =>
  sent.permanent
    ? { kind: 'unauthorized', reason: sent.reason, code: 'configuration' }
    : { kind: 'unavailable', reason: sent.reason, ambiguous: sent.ambiguous }

/** A bug in a destination costs the event that wakes it, never the lane: alone it is rejected, in company it is sought. */
const internalFault = (events: readonly DeliverableEvent[], error: unknown): Attempt =>
  unsent(events, {
    kind: events.length === 1 ? 'rejected' : 'batch_rejected',
    reason: `internal: ${error instanceof Error ? error.message : 'the request could not be built'}`,
    code: 'internal',
  })

export const attempt = async (
  integration: Integration,
  events: readonly DeliverableEvent[],
  {
    transport,
    context,
    signal,
  }: { readonly transport: Transport; readonly context: BuildContext; readonly signal: AbortSignal },
): Promise<Attempt> => {
  const { destination, settings, limits } = integration
  let request: HttpRequest
  try {
    request = destination.build(events, settings, context)
  } catch (error) {
    return internalFault(events, error)
  }
  const bytes = Buffer.byteLength(request.body)
  if (bytes > limits.maxBodyBytes)
    return unsent(events, {
      kind: events.length === 1 ? 'rejected' : 'batch_rejected',
      reason: `the request would have ${bytes} bytes; ${destination.title} takes ${limits.maxBodyBytes}`,
      code: 'too_large',
    })

  const sent = await transport.send(request, {
    timeoutMs: limits.timeoutMs,
    hosts: integration.endpoint === undefined ? destination.hosts : null,
    signal,
  })
  if (sent.kind === 'failed')
    return {
      request,
      httpStatus: null,
      durationMs: sent.durationMs,
      outcomes: all(
        events,
        signal.aborted ? { kind: 'not_attempted', reason: 'the gateway was stopping' } : failed(sent),
      ),
    }
  const outcomes = destination.read(sent.response, events, settings)
  return {
    request,
    httpStatus: sent.response.status,
    durationMs: sent.durationMs,
    // A reader that miscounts must not settle the wrong delivery.
    outcomes:
      outcomes.length === events.length
        ? outcomes
        : all(events, { kind: 'unavailable', reason: 'the answer could not be read', code: 'internal' }),
  }
}
