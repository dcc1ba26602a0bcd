import type { BuildContext, Credential, DeliverableEvent, HttpRequest } from '../destinations/destination.ts'
import type { Outcome } from '../destinations/outcome.ts'
import type { Integration } from '../sites/configure.ts'
import type { Credentials } from './credentials.ts'
import type { Sent, Transport } from './http.ts'
import { presentableOutcomes } from './journal.ts'

/** One call to the outside: credential, build, send, read. It does not know the outbox. */
export interface Attempt {
  /** `null` when nothing reached the wire. */
  readonly request: HttpRequest | null
  readonly httpStatus: number | null
  readonly durationMs: number | null
  /** What the request was opened with besides the settings; not to be shown. */
  readonly credential: Credential | null
  /** One per event, in their order. */
  readonly outcomes: readonly Outcome[]
}

const all = (events: readonly DeliverableEvent[], outcome: Outcome): readonly Outcome[] =>
  events.map(() => outcome)

const unsent = (events: readonly DeliverableEvent[], outcome: Outcome): Attempt => ({
  request: null,
  httpStatus: null,
  durationMs: null,
  credential: null,
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

interface AttemptOptions {
  readonly transport: Transport
  readonly credentials: Credentials
  readonly context: BuildContext
  readonly signal: AbortSignal
}

const call = async (
  integration: Integration,
  events: readonly DeliverableEvent[],
  { transport, context, signal }: AttemptOptions,
): Promise<Attempt> => {
  const { destination, settings, limits } = integration
  const credential = context.credential ?? null
  const secrets = credential === null ? integration.secrets : [...integration.secrets, credential.accessToken]
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
      credential,
      httpStatus: null,
      durationMs: sent.durationMs,
      // What was given up after it had been written may have arrived: that is for the destination to judge, not for us.
      outcomes: all(
        events,
        signal.aborted && !sent.ambiguous
          ? { kind: 'not_attempted', reason: 'the gateway was stopping' }
          : failed(sent),
      ),
    }
  let outcomes: readonly Outcome[] = []
  try {
    outcomes = presentableOutcomes(destination.read(sent.response, events, settings), events, secrets)
  } catch {
    // A reader that cannot read is one that miscounts, see below.
  }
  return {
    request,
    credential,
    httpStatus: sent.response.status,
    durationMs: sent.durationMs,
    // A reader that miscounts must not settle the wrong delivery.
    outcomes:
      outcomes.length === events.length
        ? outcomes
        : all(events, { kind: 'unavailable', reason: 'the answer could not be read', code: 'internal' }),
  }
}

/** RFC 6750 section 3.1: of a token that has ended or was revoked the answer is 401, and nothing of the request was taken. */
const refusedToken = ({ httpStatus, outcomes }: Attempt): boolean =>
  httpStatus === 401 && outcomes.every(({ kind }) => kind === 'unauthorized')

export const attempt = async (
  integration: Integration,
  events: readonly DeliverableEvent[],
  options: AttemptOptions,
): Promise<Attempt> => {
  const { credentials, context, signal } = options
  if (integration.destination.credential === 'settings') return call(integration, events, options)
  const granted = await credentials.get(integration, signal)
  if ('outcome' in granted) return unsent(events, granted.outcome)
  const { credential } = granted
  const made = await call(integration, events, { ...options, context: { ...context, credential } })
  if (!refusedToken(made)) return made
  const renewed = await credentials.renew(integration, credential, signal)
  return 'outcome' in renewed
    ? { ...made, outcomes: all(events, renewed.outcome) }
    : call(integration, events, { ...options, context: { ...context, credential: renewed.credential } })
}
